//! Certificates from a real ACME server (Caddy's), ordered as the manifest says.
//!
//! Each test runs in namespaces of its own, where the ports 80 and 443 are free and names are known.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::apart::is_apart;
use crate::clock::{faketime, serve_by_file};
use crate::house::House;
use crate::library::{MANIFEST, Upstream};
use crate::program::{Program, run};
use crate::wait::{until, within};

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
    ask(house, name, "books") == "200 "
}

/// What such a client gets for these paths, on one connection.
fn ask(house: &House, name: &str, paths: &str) -> String {
    let mut curl = Command::new("curl");
    curl.current_dir(house.path()).args(["-sS", "--max-time", "5", "--noproxy", "*"]);
    curl.args(["--cacert", "root.pem", "-o", "body", "-w", "%{http_code} "]);
    run(curl.arg(format!("https://{name}/{paths}")), "").out
}

fn door(house: &House) -> String {
    let status = house.run(&["status"]).out;
    status.lines().filter(|line| line.contains("(acme)")).collect()
}

/// A house whose certificate is to be ordered from Caddy.
fn house(upstream: &Upstream, challenge: &str, names: &[&str]) -> House {
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
    house
}

fn is_ordered(house: &House) {
    until("the order is done", || {
        assert!(!door(house).contains("problem"), "{}", door(house));
        door(house).contains(": 0 days left").then_some(())
    });
}

fn order(challenge: &str, names: &[&str]) {
    let upstream = Upstream::start();
    let house = house(&upstream, challenge, names);
    let mut caddy = caddy(&house);
    let mut server = house.serve();
    is_ordered(&house);
    assert_eq!(house.run(&["status"]).code, 0, "{}", house.run(&["status"]).out);
    for name in names {
        assert!(is_trusted(&house, name), "{challenge} {name}");
    }
    assert_eq!(orders(&house), 1);
    // A new start takes what is in the vault, whatever became of the authority.
    assert!(server.stop().success());
    caddy.kill();
    let _server = house.serve();
    for name in names {
        assert!(is_trusted(&house, name), "{challenge} {name}");
    }
    assert_eq!(orders(&house), 1);
}

/// How many certificates were ordered.
fn orders(house: &House) -> usize {
    house.events(&["--action", "certificate-ordered", "--outcome", "success"]).len()
}

/// The certificate that a new connection sees.
fn shown() -> String {
    let text = "import ssl; print(ssl.get_server_certificate(('a.test', 443)))";
    run(Command::new("python3").args(["-c", text]), "").good().out
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

/// Two thirds of its ninety minutes are over as soon as the clock says so. The server's own clock
/// stays right, and so does that of the clients.
#[test]
fn a_certificate_is_renewed_in_time_and_no_request_fails() {
    if !is_apart("ordered::a_certificate_is_renewed_in_time_and_no_request_fails") {
        return;
    }
    let Some(faketime) = faketime() else { return };
    let upstream = Upstream::start();
    let house = house(&upstream, "http-01", &["a.test"]);
    let _caddy = caddy(&house);
    let mut serve = serve_by_file(&house, &faketime);
    // Only the wall clock jumps: no connection is older for it.
    let _server = Program::start(serve.env("DONT_FAKE_MONOTONIC", "1"));
    until("it answers", || (house.status_or_null() != Value::Null).then_some(()));
    is_ordered(&house);
    let first = shown();
    let (is_done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failed = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut failed = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                let answers = ask(&house, "a.test", "{books,books,books}");
                asked.fetch_add(1, Ordering::Relaxed);
                failed.extend(Some(answers).filter(|answers| answers != "200 200 200 "));
            }
            failed
        });
        let more = |count| {
            let before = asked.load(Ordering::Relaxed);
            until("requests go on", || {
                (asked.load(Ordering::Relaxed) >= before + count).then_some(())
            });
        };
        more(5);
        house.write("time", "+4200");
        // A clock that jumps is noticed within a minute.
        let renewed = within(4_000, || (orders(&house) > 1).then_some(()));
        house.write("time", "+0");
        renewed.expect("a second order");
        until("the new one is shown", || (shown() != first).then_some(()));
        more(5);
        is_done.store(true, Ordering::Relaxed);
        load.join().unwrap()
    });
    assert_eq!(failed, Vec::<String>::new(), "of {asked:?}");
    assert_eq!(house.run(&["status"]).code, 0, "{}", house.run(&["status"]).out);
}
