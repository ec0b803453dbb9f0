//! Certificates from a real ACME server (Caddy's), ordered as the manifest says.
//!
//! Each test runs in namespaces of its own, where the ports 80 and 443 are free and names are known.

use std::process::Command;

use crate::apart::is_apart;
use crate::house::House;
use crate::library::{MANIFEST, Upstream};
use crate::program::{Program, run};
use crate::wait::until;

const DIRECTORY: &str = "https://acme.test:5443/acme/local/directory";

/// Caddy as an authority; its root is then in `root.pem`.
fn caddy(house: &House) -> Program {
    let text = format!(
        "{{\n skip_install_trust\n http_port 5080\n https_port 5443\n admin off\n \
         storage file_system {}\n auto_https disable_redirects\n}}\n\
         https://acme.test:5443 {{\n tls internal\n acme_server {{\n lifetime 90m\n }}\n}}\n",
        house.path().join("caddy").display()
    );
    house.write("Caddyfile", &text);
    let mut command = Command::new("caddy");
    command.current_dir(house.path()).env("HOME", house.path());
    let caddy =
        Program::start(command.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]));
    let root = house.path().join("caddy/pki/authorities/local/root.crt");
    until("the ACME server answers", || {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "--noproxy", "*", DIRECTORY, "--cacert"]).arg(&root);
        (run(&mut curl, "").code == 0).then_some(())
    });
    house.write("root.pem", &std::fs::read_to_string(root).unwrap());
    caddy
}

/// Whether a client that trusts the authority alone gets an answer.
fn is_trusted(house: &House, name: &str) -> bool {
    let mut curl = Command::new("curl");
    curl.current_dir(house.path()).args(["-sS", "--max-time", "5", "--noproxy", "*"]);
    curl.args(["--cacert", "root.pem", "-o", "body", "-w", "%{http_code}"]);
    run(curl.arg(format!("https://{name}/books")), "").out == "200"
}

fn door(house: &House) -> String {
    let status = house.run(&["status"]).out;
    status.lines().filter(|line| line.contains("(acme)")).collect()
}

fn order(challenge: &str, names: &[&str]) {
    let upstream = Upstream::start();
    let listed: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let gateway = format!(
        "host = \"a.test\"\nport = 443\nhttp = 80\naliases = [\"b.test\"]\n[gateway.acme]\n\
         directory = \"{DIRECTORY}\"\ncontact = \"mailto:ops@a.test\"\nca = \"root.pem\"\n\
         names = [{}]\nchallenge = \"{challenge}\"",
        listed.join(", ")
    );
    let manifest = MANIFEST.replace("UPSTREAM", &upstream.port.to_string());
    let house =
        House::new(&manifest.replace("host = \"harbour.localhost\"\nport = PORT", &gateway));
    house.write("books.yaml", include_str!("books.yaml"));
    let mut caddy = caddy(&house);
    let mut server = house.serve();
    until("the order is done", || {
        assert!(!door(&house).contains("problem"), "{}", door(&house));
        door(&house).contains(": 0 days left").then_some(())
    });
    assert_eq!(house.run(&["status"]).code, 0, "{}", house.run(&["status"]).out);
    for name in names {
        assert!(is_trusted(&house, name), "{challenge} {name}");
    }
    let ordered = || house.events(&["--action", "certificate-ordered", "--outcome", "success"]);
    assert_eq!(ordered().len(), 1);
    // A new start takes what is in the vault, whatever became of the authority.
    assert!(server.stop().success());
    caddy.kill();
    let _server = house.serve();
    for name in names {
        assert!(is_trusted(&house, name), "{challenge} {name}");
    }
    assert_eq!(ordered().len(), 1);
}

#[test]
fn a_certificate_is_ordered_over_the_plain_door_and_kept() {
    if is_apart("ordered::a_certificate_is_ordered_over_the_plain_door_and_kept") {
        order("http-01", &["a.test"]);
    }
}

#[test]
fn a_certificate_is_ordered_over_the_encrypted_door_and_kept() {
    if is_apart("ordered::a_certificate_is_ordered_over_the_encrypted_door_and_kept") {
        order("tls-alpn-01", &["a.test", "b.test"]);
    }
}
