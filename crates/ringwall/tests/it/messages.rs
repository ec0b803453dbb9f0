//! Messages of gRPC, held to descriptors: Google's client, `ringwall serve`, Google's server.

use std::process::Command;

use serde_json::Value;

use crate::house::House;
use crate::program::{Program, run, server_of};

const SCRIPT: &str = include_str!("messages.py");

const MANIFEST: &str = r#"
ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT
mode = "MODE"
waf = "block"

[services.orders]
upstream = "127.0.0.1:UPSTREAM"
protocol = "h2"
grpc = { file = "api.binpb", message = "2 KiB", messages = 5 }
grpc_web = true
people.anyone = ["Place", "Fill", "Talk", "Seen"]

[limits]
default = "100000 per minute per ip"
"#;

/// What the client says of each call, and the house.
fn said(mode: &str) -> Option<(String, House)> {
    let (_server, port) = server_of(SCRIPT, "`grpcio` is")?;
    let house = House::new(&MANIFEST.replace("MODE", mode).replace("UPSTREAM", &port));
    let mut script = Command::new("python3");
    script.args(["-c", SCRIPT, "descriptors"]).arg(house.path().join("api.binpb"));
    run(&mut script, "").good();
    let serving: Program = house.serve();
    let mut client = Command::new("python3");
    client.args(["-c", SCRIPT, "client", &house.port.to_string()]);
    client.arg(house.state().join("ca.pem")).arg(house.authority());
    let outcome = run(&mut client, "");
    assert!(outcome.code == 0, "{} {}", outcome.err, serving.said());
    Some((outcome.out, house))
}

/// What the audit log says of messages.
fn refused(house: &House, outcome: &str) -> Vec<Value> {
    let mut found = house.events(&["--action", "request-rejected", "--outcome", outcome]);
    found.retain(|one| one.to_string().contains("RW3021"));
    found
}

#[test]
fn messages_are_held_to_their_descriptors() {
    let Some((said, house)) = said("block") else { return };
    let want = "\
good: OK two lamps
trailers: yes
packed: OK two lamps
packed large: RESOURCE_EXHAUSTED RW3021
unknown: INVALID_ARGUMENT RW3021
nested unknown: INVALID_ARGUMENT RW3021
twice: INVALID_ARGUMENT RW3021
not utf8: INVALID_ARGUMENT RW3021
broken: INVALID_ARGUMENT RW3021
empty: OK
large: RESOURCE_EXHAUSTED RW3021
attack: PERMISSION_DENIED RW3019
seen: (4, '')
stream: OK 5
stream of many: RESOURCE_EXHAUSTED RW3021
stream with a bad one: INVALID_ARGUMENT RW3021
talk: 2 INVALID_ARGUMENT RW3021
still there: OK s
what came of streams: ('at most 5', '')
web: 200 3 RW3021
web text: 200 3 RW3021
web text good: 200 None None
web two: 200 3 RW3021
web bomb: 200 3 RW3021
JSON: 415 None None
";
    assert_eq!(said, want);
    let found = refused(&house, "failure");
    let says = |text: &str| found.iter().any(|one| one.to_string().contains(text));
    // The second one is of a stream that had its answer already.
    assert!(says("items.0.4: a field") && says("\"operation\":\"Talk\""), "{found:?}");
}

#[test]
fn where_nothing_is_enforced_messages_pass_and_are_written_down() {
    let Some((said, house)) = said("observe") else { return };
    for line in ["unknown: OK", "large: OK", "stream of many: OK 6", "talk: OK 4", "attack: OK"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!refused(&house, "would-deny").is_empty());
}

#[test]
fn a_descriptor_set_that_cannot_be_read_is_an_error_with_its_place() {
    let house = House::new(&MANIFEST.replace("MODE", "block").replace("UPSTREAM", "5001"));
    let missing = house.run(&["check"]);
    assert!(missing.code == 3 && missing.err.contains("RW1064"), "{missing:?}");
    house.write("api.binpb", "syntax = \"proto3\";");
    let broken = house.run(&["check"]);
    assert!(broken.code == 3 && broken.err.contains("not a descriptor set"), "{broken:?}");
    assert!(broken.err.contains("ringwall.toml:14"), "{broken:?}");
}
