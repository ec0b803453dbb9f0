//! Clients that are known by their certificates, by curl and openssl as they are: attacks C10, D1, D7.

use std::process::Command;

use serde_json::Value;

use crate::authority::{Ca, open, openssl};
use crate::house::House;
use crate::library::Library;
use crate::program::{Outcome, run};

/// Where certificates are asked for. Nobody is asked for one at the door's own name.
const MUTUAL: &str = "mtls.harbour.localhost";

/// A library that asks for certificates at one name, and clients that have some.
pub(crate) fn library() -> Library {
    open(
        "aliases = [\"mtls.harbour.localhost\"]\n[gateway.tls]\n\
         hosts.\"mtls.harbour.localhost\" = { client = { ca = \"ca.pem\", require = false, \
         workloads = true, self_signed = true } }",
        |house, ca| {
            for name in ["kiosk", "other"] {
                ca.issue(name, &format!("DNS:{name}.example"), 9);
            }
            openssl(
                house,
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out \
                 own.pem -days 9 -subj /CN=own",
            );
            let kiosk = ["--certificate-name", "dns:kiosk.example", "--role", "customer"];
            house.run(&[&["client", "add", "kiosk"], &kiosk[..]].concat()).good();
            house
                .run(&["client", "add", "own", "--certificate", "own.pem", "--role", "customer"])
                .good();
        },
    )
}

fn curl(house: &House, host: &str, arguments: &[&str], path: &str) -> Outcome {
    let mut command = Command::new("curl");
    command.current_dir(house.path());
    command.args(["--disable", "-sS", "--max-time", "10", "--noproxy", "*", "--cacert"]);
    command.arg(house.state().join("ca.pem")).args(arguments);
    command.args(["--resolve", &format!("{host}:{}:127.0.0.1", house.port)]);
    run(command.arg(format!("https://{host}:{}{path}", house.port)), "")
}

/// What the token endpoint says to this client over this connection.
fn asked(house: &House, id: &str, arguments: &[&str]) -> Value {
    let form = format!("grant_type=client_credentials&client_id={id}");
    let arguments = [&["--data", &form], arguments].concat();
    serde_json::from_str(&curl(house, MUTUAL, &arguments, "/oauth/token").good().out).unwrap()
}

/// curl's words for a certificate; none without a name.
fn certified(name: &str) -> Vec<String> {
    if name.is_empty() {
        return Vec::new();
    }
    ["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key")].map(str::to_owned).to_vec()
}

fn words(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

#[test]
fn a_certificate_proves_its_client_and_its_token_works_over_no_other_connection() {
    let library = library();
    let house = &library.house;
    let ask = |id: &str, name: &str| asked(house, id, &words(&certified(name)));
    let token = ask("kiosk", "kiosk");
    assert_eq!(token["token_type"], "Bearer", "{token}");
    assert!(ask("own", "own")["access_token"].is_string());
    for (id, name) in
        [("kiosk", ""), ("kiosk", "other"), ("kiosk", "own"), ("own", ""), ("own", "kiosk")]
    {
        assert_eq!(ask(id, name)["error"], "invalid_client", "{id} by {name}");
    }
    let pem = house.read("kiosk.pem").replace('\n', "%0A");
    for name in ["X-Client-Cert", "X-Forwarded-Client-Cert", "Client-Cert", "SSL-Client-Cert"] {
        let spoofed = asked(house, "kiosk", &["-H", &format!("{name}: {pem}")]);
        assert_eq!(spoofed["error"], "invalid_client", "{name}");
    }
    // At a name that asks for none, there is none, whatever is offered.
    let form = "grant_type=client_credentials&client_id=kiosk";
    let kiosk = certified("kiosk");
    let arguments = [&["--data", form], &words(&kiosk)[..]].concat();
    let plain = curl(house, "harbour.localhost", &arguments, "/oauth/token").good().out;
    assert!(plain.contains("invalid_client"), "{plain}");
    // D1: the token, over its own connection, another's, and one without a certificate.
    let bearer = format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap());
    let code = |host: &str, name: &str| {
        let shown = ["-o", "body", "-w", "%{http_code} %header{www-authenticate}", "-H", &bearer];
        let list = certified(name);
        curl(house, host, &[&shown, &words(&list)[..]].concat(), "/books/7").good().out
    };
    assert!(code(MUTUAL, "kiosk").starts_with("200"), "{}", code(MUTUAL, "kiosk"));
    for (host, name) in
        [(MUTUAL, "other"), (MUTUAL, "own"), (MUTUAL, ""), ("harbour.localhost", "kiosk")]
    {
        let said = code(host, name);
        assert!(said.starts_with("401 Bearer error=\"invalid_token\""), "{host} {name}: {said}");
    }
    let refused = house.events(&["--action", "client-authentication-failed"]);
    let reasons: Vec<_> =
        refused.iter().filter_map(|one| one["event"]["reason"].as_str()).collect();
    assert!(reasons.contains(&"the certificate has another name"), "{reasons:?}");
    assert!(reasons.contains(&"nobody vouches for the certificate"), "{reasons:?}");
}

#[test]
fn a_certificate_of_a_foreign_authority_ends_the_handshake() {
    let library = library();
    let house = &library.house;
    // The same name, from an authority that nobody named. It works elsewhere: the server reads its own
    // files again when they change.
    let elsewhere = House::new("");
    Ca::new(&elsewhere).issue("foreign", "DNS:kiosk.example", 9);
    for file in ["foreign.pem", "foreign.key"] {
        house.write(file, &elsewhere.read(file));
    }
    let form = "grant_type=client_credentials&client_id=kiosk";
    let foreign = certified("foreign");
    let arguments = [&["--data", form], &words(&foreign)[..]].concat();
    let outcome = curl(house, MUTUAL, &arguments, "/oauth/token");
    assert_ne!(outcome.code, 0, "{}", outcome.out);
}

#[test]
fn a_service_gets_tokens_by_its_own_certificate_and_for_nobody_else() {
    let library = library();
    let house = &library.house;
    for service in ["books", "lab"] {
        let pem = house.run(&["certificate", service]).good().out;
        assert!(pem.contains("BEGIN PRIVATE KEY") && pem.contains("BEGIN CERTIFICATE"));
        house.write(&format!("{service}.svid"), &pem);
    }
    assert_ne!(house.run(&["certificate", "nobody"]).code, 0);
    let token = asked(house, "books", &["--cert", "books.svid"]);
    assert!(token["access_token"].is_string(), "{token}");
    assert_eq!(asked(house, "books", &["--cert", "lab.svid"])["error"], "invalid_client");
    assert_eq!(asked(house, "books", &[])["error"], "invalid_client");
    assert!(!house.events(&["--action", "spiffe-svid-issued"]).is_empty());
    // Where it is told to go, it finds by metadata.
    let path = "/.well-known/oauth-authorization-server";
    let metadata = curl(house, "harbour.localhost", &[], path).good().out;
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let alias = format!("https://{MUTUAL}:{}/oauth/token", house.port);
    assert_eq!(metadata["mtls_endpoint_aliases"]["token_endpoint"], alias);
}
