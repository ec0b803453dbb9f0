//! Sign-in at an issuer that others wrote: node's `oidc-provider`.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::house::{BINARY, House, PASSWORD, free_port};
use crate::library::MANIFEST;
use crate::program::{Program, not_run, run};
use crate::wait::until;

/// The manifest that lets people sign in at this issuer.
fn house(issuer: &str) -> House {
    let house = House::new(&MANIFEST.replace("UPSTREAM", "1"));
    house.write("books.yaml", include_str!("books.yaml"));
    let oidc = format!(
        "login = \"{issuer}\"\n\n[gateway.oidc]\nclient = \"harbour\"\nsecret = \"there\"\n\
         title = \"the harbour\"\nsign_up = true\ndomains = [\"harbour.example\"]\n\n\
         [secrets]\nthere = {{}}\n\n[roles]"
    );
    house.edit("\n[roles]", &oidc);
    house.pipe("a secret/with + signs: of 32 and more", &["secret", "set", "there"]).good();
    house
}

/// The issuer, or why there is none.
fn issuer(port: u16, house: &House, folder: &Path) -> Result<Program, String> {
    let mut node = Command::new("node");
    node.arg("-e").arg(include_str!("foreign/issuer.js")).arg(port.to_string());
    node.arg(format!("{}/oauth/callback", house.origin())).current_dir(folder);
    let provider = Program::start(&mut node);
    let said = until("the issuer speaks", || {
        let said = provider.said();
        (said.contains("listening") || said.contains("missing")).then_some(said)
    });
    if said.contains("missing") { Err(said.trim().to_owned()) } else { Ok(provider) }
}

#[test]
fn people_sign_in_at_an_issuer_that_others_wrote() {
    let port = free_port();
    let there = format!("http://127.0.0.1:{port}");
    let house = house(&there);
    let provider = match issuer(port, &house, house.path()) {
        Ok(provider) => provider,
        Err(missing) => {
            not_run(&missing);
            return;
        }
    };
    let _server = house.serve();
    house.person("ada", "customer");
    let script =
        [include_str!("foreign/ground.py"), include_str!("foreign/elsewhere.py")].join("\n");
    let script = |part: &str| {
        let outcome =
            run(&mut house.script(&script, &[BINARY.as_str(), PASSWORD, &there, part]), "");
        let refused = || house.events(&["--action", "login-failed"]);
        assert_eq!(outcome.out.trim(), "done", "{} {:?}", outcome.err, refused());
    };
    script("there");
    assert_eq!(house.events(&["--action", "identity-linked"]).len(), 2);
    assert_eq!(house.events(&["--action", "identity-unlinked"]).len(), 1);
    drop(provider);
    // With other keys, which nobody has seen: it makes new ones at each start.
    let turned = issuer(port, &house, house.path()).unwrap();
    script("turned");
    drop(turned);
    script("away");
}

/// A name that leads to this machine; the manifest names no address.
#[test]
fn an_issuer_in_this_network_is_not_asked_unless_the_manifest_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let house = house(&format!("https://localhost:{port}"));
    let _server = house.serve();
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--cacert"]).arg(house.state().join("ca.pem"));
    curl.args(["--output", "/dev/null", "--write-out", "%{http_code}"]);
    let answer = run(curl.arg(format!("{}/oauth/upstream", house.origin())), "").good();
    assert_eq!(answer.out, "502");
    assert!(listener.accept().is_err(), "somebody came");
}
