//! Clients of the manifest, on the binary: made at the start, changed by a reload.

use crate::house::House;
use crate::program::Outcome;

const MANIFEST: &str = r#"ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[roles]
support = {}

[services.books]
upstream = "127.0.0.1:9"
routes = { listBooks = "GET /books" }
people.support = ["listBooks"]

[secrets]
billing = {}

[clients.billing]
secret = "billing"
bearer = true
roles = ["support"]

[clients.web]
public = true
redirect_uris = ["https://harbour.localhost/done"]
"#;

fn list(house: &House) -> String {
    house.run(&["client", "list", "--format", "plain"]).good().out
}

#[track_caller]
fn refused(outcome: &Outcome, why: &str) {
    assert_ne!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.err.contains(why), "{}", outcome.err);
}

#[test]
fn clients_of_the_manifest_come_change_and_go_with_it() {
    let house = House::new(MANIFEST);
    let own = house.robot("own");
    let mut server = house.serve();
    // Its secret was made, as nobody had set one.
    let secret = house.run(&["secret", "get", "billing"]).good().out.trim().to_owned();
    assert!(secret.starts_with("rws_"), "{secret}");
    house.token("billing", &secret);
    refused(&house.run(&["client", "remove", "web"]), "declared in the manifest");
    refused(&house.run(&["client", "change", "billing", "--role", "support"]), "manifest");
    refused(&house.run(&["client", "secret", "billing"]), "manifest");

    // Another secret, by the vault; the client has it after a reload.
    house.pipe("a secret that I chose, and that is long", &["secret", "set", "billing"]).good();
    server.signal("HUP");
    server.hears("version 2 is in force");
    house.token("billing", "a secret that I chose, and that is long");
    house.edit("\n[clients.web]\npublic = true", "\n[clients.site]\npublic = true");
    server.signal("HUP");
    server.hears("version 3 is in force");
    let shown = list(&house);
    let state = |id: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(id));
        line.and_then(|line| line.split_whitespace().last()).unwrap_or_default()
    };
    assert_eq!((state("web"), state("site"), state("own")), ("disabled", "active", "active"));
    let events = house.events(&["--action", "client-disabled"]);
    assert_eq!(events.len(), 1, "{events:?}");

    // A name that a command took is not taken over, and the last good manifest stays.
    house.edit("[clients.site]", "[clients.own]");
    server.signal("HUP");
    let said = server.hears("stays in force");
    assert!(said.contains("made by a command"), "{said}");
    house.token("own", &own);
    drop(server);
    refused(&house.run(&["serve", "--workers", "1"]), "made by a command");
}
