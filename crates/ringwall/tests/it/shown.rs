//! What the manifest says of TLS, seen from outside: staples, ticket keys, ends of certificates,
//! names that one connection does not cover, and what those see who are refused.

use std::process::Command;

use ringwall_base::{Clock as _, SystemClock};

use crate::authority::{build, curl, open, openssl};
use crate::clock::{faketime, serve_by_file};
use crate::house::{House, free_port};
use crate::program::{Program, run};
use crate::wait::until;

/// The door's certificate from these files.
const FILES: &str =
    "[gateway.tls]\ncertificates = [{ certificate = \"chain.pem\", key = \"edge.key\" }]\n";

/// What openssl's client says of a handshake.
fn s_client(house: &House, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    command.current_dir(house.path()).args(["s_client", "-CAfile", "ca.pem"]);
    command.args(["-servername", "harbour.localhost", "-connect"]);
    command.arg(format!("127.0.0.1:{}", house.port)).args(arguments.split_whitespace());
    run(&mut command, "").out
}

/// openssl as the responder of the authority. It knows one certificate, as valid (V) or revoked (R).
fn responder(house: &House, port: u16, state: &str) -> Program {
    let serial = openssl(house, "x509 -in edge.pem -noout -serial");
    let serial = serial.trim().trim_start_matches("serial=");
    let revoked = if state == "R" { "260101000000Z" } else { "" };
    let line = format!("{state}\t400101000000Z\t{revoked}\t{serial}\tunknown\t/CN=edge\n");
    house.write("known.txt", &line);
    let mut command = Command::new("openssl");
    command.current_dir(house.path()).args(["ocsp", "-port", &port.to_string(), "-ignore_err"]);
    command.args(["-index", "known.txt", "-CA", "ca.pem", "-rsigner", "ca.pem"]);
    let mut program = Program::start(command.args(["-rkey", "ca.key", "-nmin", "60"]));
    program.hears("waiting for OCSP");
    program
}

#[test]
fn an_answer_of_the_responder_is_stapled_to_its_end_and_a_revocation_is_said() {
    let Some(faketime) = faketime() else { return };
    let port = free_port();
    let (house, _upstream) = build(&format!("{FILES}ocsp = true\n"), |house, ca| {
        let names = "subjectAltName=DNS:harbour.localhost";
        let asks = format!("{names}\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}\n");
        ca.issue_with("edge", &asks, 90);
        house.write("chain.pem", &(house.read("edge.pem") + &house.read("ca.pem")));
    });
    let good = responder(&house, port, "V");
    let mut server = Program::start(&mut serve_by_file(&house, &faketime));
    server.hears("Ready.");
    let stapled = || s_client(&house, "-status").contains("Cert Status: good");
    until("the answer is stapled", || stapled().then_some(()));
    assert_eq!(house.run(&["status"]).code, 0);
    drop(good);
    let _revoked = responder(&house, port, "R");
    // Half of the answer's hour is over: the responder is asked again.
    house.write("time", "+1900");
    let says = |what: &str| house.run(&[what]).out.contains("OCSP: ");
    until("the revocation is said", || says("status").then_some(()));
    assert!(says("doctor"));
    assert!(stapled(), "the last good answer is shown to its end");
    house.write("time", "+3700");
    let bare = || s_client(&house, "-status").contains("OCSP response: no response sent");
    until("and not after it", || bare().then_some(()));
}

/// Whether a TLS 1.2 session is resumed, and the name of the key that seals new tickets.
fn resume(house: &House, session: &str) -> (bool, String) {
    let said = s_client(house, &format!("-tls1_2 {session}"));
    let line = said.lines().find(|line| line.contains("0000 - ")).unwrap_or_default();
    (said.contains("Reused, TLSv1.2"), line.to_owned())
}

#[test]
fn the_keys_of_tickets_turn_as_the_manifest_says() {
    let Some(faketime) = faketime() else { return };
    let (house, _upstream) = build(&format!("{FILES}tickets = \"1h\"\n"), |house, ca| {
        ca.issue("edge", "DNS:harbour.localhost", 90);
        house.write("chain.pem", &house.read("edge.pem"));
    });
    let mut server = Program::start(&mut serve_by_file(&house, &faketime));
    server.hears("Ready.");
    let (_, mut key) = resume(&house, "-sess_out session");
    assert!(!key.is_empty());
    for (time, is_good) in [("+1800", true), ("+3700", true), ("+7400", false)] {
        house.write("time", time);
        if time != "+1800" {
            key =
                until("the keys turn", || Some(resume(&house, "").1).filter(|other| *other != key));
        }
        assert_eq!(resume(&house, "-sess_in session").0, is_good, "{time}");
    }
}

#[test]
fn metrics_and_doctor_say_when_certificates_end() {
    let names = "aliases = [\"www.localhost\", \"own.localhost\"]\n";
    let both = "[gateway.tls]\ncertificates = [{ certificate = \"edge.pem\", key = \"edge.key\" },\n\
                { certificate = \"both.pem\", key = \"both.key\" }]\n";
    let mut library = open(&format!("{names}{both}"), |_, ca| {
        ca.issue("edge", "DNS:harbour.localhost", 90);
        ca.issue("both", "DNS:harbour.localhost,DNS:www.localhost", 5);
    });
    let house = &library.house;
    let mut curl = Command::new("curl");
    curl.args(["--silent", "http://control/metrics", "--unix-socket"]);
    let metrics = run(curl.arg(house.state().join("run/control.sock")), "").good().out;
    let ends = |name: &str| {
        let start = format!("ringwall_tls_certificate_expiry_seconds{{name=\"{name}\"}} ");
        let lines: Vec<_> = metrics.lines().filter_map(|line| line.strip_prefix(&start)).collect();
        assert_eq!(lines.len(), 1, "{name} once: {metrics}");
        lines[0].parse::<u64>().unwrap()
    };
    let now = SystemClock::start().now().secs();
    for (name, file) in [("harbour.localhost", "edge.pem"), ("www.localhost", "both.pem")] {
        // What openssl thinks, within a few seconds.
        let left = ends(name) - now;
        for (seconds, want) in [(left - 9, 0), (left + 9, 1)] {
            let mut command = Command::new("openssl");
            command.current_dir(house.path()).args(["x509", "-noout", "-in", file, "-checkend"]);
            assert_eq!(run(command.arg(seconds.to_string()), "").code, want, "{name} {seconds}");
        }
    }
    assert!(ends("own.localhost") > now, "of the local authority");
    let doctor = house.run(&["doctor"]).out;
    for part in
        ["harbour.localhost (./edge.pem): 89 days left", "www.localhost (./both.pem): 4 days left"]
    {
        assert!(doctor.contains(part), "{part} is not in {doctor}");
    }
    assert!(library.server.stop().success());
    let house = &library.house;
    house.write("both.key", &house.read("edge.key"));
    let doctor = house.run(&["doctor"]);
    let about: Vec<_> = doctor.out.lines().filter(|line| line.contains(".pem")).collect();
    assert!(doctor.code != 0 && about.len() == 2, "{}", doctor.out);
    assert!(about[0].contains("89 days left") && about[1].contains("key"), "{about:?}");
}

#[test]
fn a_connection_is_no_way_to_a_name_with_other_rules() {
    let lines = "aliases = [\"www.localhost\", \"partners.localhost\"]\n\
                 [gateway.tls]\ncertificates = [{ certificate = \"edge.pem\", key = \"edge.key\" }]\n\
                 [gateway.tls.hosts.\"partners.localhost\"]\n\
                 client = { ca = \"ca.pem\", require = true }\n";
    let library = open(lines, |_, ca| {
        let names = "DNS:harbour.localhost,DNS:www.localhost,DNS:partners.localhost";
        ca.issue("edge", names, 90);
        ca.issue("partner", "DNS:partner", 9);
    });
    let house = &library.house;
    for version in ["--http1.1", "--http2"] {
        let ask = |host: &str| {
            let host = format!("Host: {host}:{}", house.port);
            let outcome = curl(house, "harbour.localhost", &[version, "-H", &host]);
            (outcome.1, house.read("body"))
        };
        assert_eq!(ask("www.localhost").0, "200", "{version}: the rules are the same");
        let (status, body) = ask("partners.localhost");
        assert!(status == "421" && body.contains("RW3017"), "{version}: {status} {body}");
        let shown = ["--cert", "partner.pem", "--key", "partner.key", version];
        assert_eq!(curl(house, "partners.localhost", &shown), (0, "200".to_owned()));
        assert_ne!(curl(house, "partners.localhost", &[version]).0, 0);
    }
    assert_eq!(library.upstream.seen().len(), 4, "nothing else went on");
}

#[test]
fn a_browser_sees_the_operators_page_and_a_program_a_problem() {
    let (house, _upstream) = build("error_pages = \"errors\"\n", |_, _| ());
    house.write("errors/404.html", "<h1>Not in this harbour</h1><p>{{request_id}}</p>");
    house.write("errors/default.html", "<h1>Out of order</h1>");
    let server = house.serve();
    let told = |line: &str, field: &str| {
        let answer = house.send(line, &[field], "");
        let id = answer.field("ringwall-request").unwrap();
        (answer.status, answer.field("content-type").unwrap(), answer.body.replace(&id, "ID"))
    };
    let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    let page =
        |status, text: &str| (status, "text/html; charset=utf-8".to_owned(), text.to_owned());
    assert_eq!(told("GET /nothing", browser), page(404, "<h1>Not in this harbour</h1><p>ID</p>"));
    assert_eq!(told("PUT /books", browser), page(405, "<h1>Out of order</h1>"));
    for program in ["Accept: */*", "Accept: application/json", "X-A: b"] {
        let (status, kind, body) = told("GET /nothing", program);
        assert_eq!((status, kind.as_str()), (404, "application/problem+json"), "{program}");
        assert!(body.contains("RW3006") && body.contains("ID"), "{program}: {body}");
    }
    let grpc = house.send("POST /t.Echo/Unary", &["Content-Type: application/grpc"], "");
    assert_eq!((grpc.status, grpc.field("grpc-status").as_deref()), (200, Some("12")));
    // Others are taken at a reload, and what has no status' name is refused.
    house.write("errors/404.html", "<h1>Still not here</h1>");
    server.signal("HUP");
    let is_new = || told("GET /nothing", browser) == page(404, "<h1>Still not here</h1>");
    until("the new page", || is_new().then_some(()));
    house.write("errors/oops.html", "");
    server.signal("HUP");
    let broken = || house.status_or_null()["broken_manifest"].to_string();
    until("it is said", || broken().contains("oops.html").then_some(()));
    assert!(is_new());
}
