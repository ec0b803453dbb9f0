//! The commands about clients, people, roles, tokens and keys, while the server runs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::library::Library;
use crate::program::Outcome;

/// The rows of a list.
#[track_caller]
fn rows(library: &Library, arguments: &[&str]) -> Vec<Value> {
    let list = library.house.run(&[arguments, &["--json"]].concat()).good().out;
    serde_json::from_str::<Value>(&list).unwrap().as_array().unwrap().clone()
}

/// The facts of one thing, by what they are.
#[track_caller]
fn fact(library: &Library, arguments: &[&str], what: &str) -> String {
    let facts = rows(library, arguments);
    let one = facts.iter().find(|one| one["what"] == what).unwrap();
    one["value"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(outcome: &Outcome, why: &str) {
    assert_eq!(outcome.code, 1, "{} {}", outcome.out, outcome.err);
    assert!(outcome.err.contains(why), "{}", outcome.err);
}

#[test]
fn clients_are_listed_changed_disabled_and_deleted() {
    let library = Library::open();
    let house = &library.house;
    let secret = house.robot("robot");
    refused(&house.run(&["client", "add", "second", "--acts-for", "robto"]), "no client `robto`");
    house.run(&["client", "add", "second", "--acts-for", "robot", "--dpop"]).good();
    let web = ["client", "add", "web", "--public", "--par", "--grant", "refresh_token"];
    house.run(&[&web[..], &["--redirect-uri", "https://web.example/back"]].concat()).good();
    let list = rows(&library, &["client", "list"]);
    let one = |id: &str| list.iter().find(|one| one["id"] == id).unwrap().clone();
    assert_eq!(one("second")["grants"], "client_credentials token-exchange");
    assert_eq!(one("second")["demands"], "dpop");
    assert_eq!(one("second")["acts for"], "robot");
    assert_eq!(one("web")["grants"], "authorization_code refresh_token");
    assert_eq!(one("web")["demands"], "par");
    assert_eq!(one("web")["access"], "public");
    assert_eq!(one("robot")["owner"], "command");
    let shown = fact(&library, &["client", "show", "web"], "redirect URIs");
    assert_eq!(shown, "https://web.example/back");

    refused(&house.run(&["client", "change", "web", "--acts-for", "robot"]), "public client");
    refused(&house.run(&["client", "change", "robot", "--public"]), "kind");
    house.run(&["client", "change", "robot", "--bearer", "--scope", "books:read"]).good();
    let scopes = fact(&library, &["client", "show", "robot"], "scopes");
    assert_eq!(scopes, "openid profile books:read");
    house.token("robot", &secret);
    let second = house.run(&["client", "secret", "robot"]).good().out.trim().to_owned();
    house.token("robot", &second);
    refused(&house.run(&["client", "secret", "web"]), "kind");

    let theirs = ["client", "add", "theirs", "--organisation", "acme"];
    refused(&house.run(&theirs), "no organisation");
    house.run(&["organisation", "add", "acme"]).good();
    house.run(&theirs).good();
    assert_eq!(fact(&library, &["client", "show", "theirs"], "organisation"), "acme");
    house.run(&["client", "change", "theirs"]).good();
    assert_eq!(fact(&library, &["client", "show", "theirs"], "organisation"), "", "as it says");
    house.person("uma", "customer");
    let unlinked = house.run(&["user", "unlink", "uma"]).good();
    assert!(unlinked.err.contains("no link"), "{unlinked:?}");

    house.run(&["client", "remove", "robot"]).good();
    assert_eq!(fact(&library, &["client", "show", "robot"], "state"), "disabled");
    house.run(&["client", "enable", "robot"]).good();
    house.token("robot", &secret);
    house.run(&["client", "delete", "robot"]).good();
    refused(&house.run(&["client", "show", "robot"]), "no client");
}

#[test]
fn tokens_of_a_client_and_keys_end_at_once() {
    let library = Library::open();
    let house = &library.house;
    let secret = house.robot("robot");
    let sees = |token: &str| {
        let header = format!("Authorization: Bearer {token}");
        house.send("GET /books", &[&header], "").status
    };
    let (one, two) = (house.token("robot", &secret), house.token("robot", &secret));
    assert_eq!((sees(&one), sees(&two)), (200, 200));
    let claims = one.split('.').nth(1).map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    house.run(&["token", "revoke", "--jti", claims["jti"].as_str().unwrap()]).good();
    assert_eq!((sees(&one), sees(&two)), (401, 200));
    house.run(&["token", "revoke", "--client", "robot"]).good();
    assert_eq!(sees(&two), 401);
    assert_eq!(house.run(&["token", "revoke"]).code, 2);
    refused(&house.run(&["token", "revoke", "--client", "nobody"]), "nothing with this id");

    let keys = rows(&library, &["key", "list"]);
    let signs = keys.iter().find(|key| key["signs"] == "access" && key["state"] == "active");
    let kid = signs.unwrap()["id"].as_str().unwrap().to_owned();
    house.run(&["key", "revoke", &kid]).good();
    assert!(rows(&library, &["key", "list"]).iter().all(|key| key["id"] != kid.as_str()));
    refused(&house.run(&["key", "revoke", &kid]), "no key");
}

#[test]
fn people_and_roles_are_shown() {
    let library = Library::open();
    library.house.person("ada", "customer");
    assert_eq!(fact(&library, &["user", "show", "ada"], "roles"), "customer");
    refused(&library.house.run(&["user", "show", "nobody"]), "no account");
    let roles = rows(&library, &["role", "list"]);
    let customer = roles.iter().find(|role| role["role"] == "customer").unwrap();
    assert_eq!(customer["people"], "1");
    library.house.run(&["token", "revoke", "--sub", "ada"]).good();
}
