//! A gRPC service of Google's, with health and with clients that others wrote.

use std::process::Command;

use crate::checked::{finds, rule};
use crate::house::House;
use crate::program::{Program, not_run, run, server_of};

const SCRIPT: &str = include_str!("greeter.py");

const MANIFEST: &str = r#"
ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[roles]
customer = { default = true }

[services.greeter]
upstream = [UPSTREAMS]
protocol = "h2"
routes = { who = "POST /t.Greeter/Who", shout = "POST /t.Greeter/Shout", count = "POST /t.Greeter/Count", secret = "POST /t.Greeter/Secret" }
people.anyone = ["who", "shout", "count"]
people.customer = ["secret"]
MORE

[limits]
default = "100000 per minute per ip"
"#;

fn greeter() -> Option<(Program, String)> {
    server_of(SCRIPT, "`grpcio` and `grpcio-health-checking` are")
}

fn open(ports: &[&String], more: &str) -> (House, Program) {
    let all: Vec<_> = ports.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    let manifest = MANIFEST.replace("UPSTREAMS", &all.join(", ")).replace("MORE", more);
    let house = House::new(&manifest);
    let server = house.serve();
    (house, server)
}

#[test]
fn a_grpc_service_that_says_that_it_does_not_serve_gets_nothing() {
    let (Some((first, one)), Some((_second, two))) = (greeter(), greeter()) else { return };
    let (house, _server) = open(&[&one, &two], &rule("grpc = \"t.Greeter\""));
    let ask = || {
        let (port, root) = (house.port.to_string(), house.state().join("ca.pem"));
        let mut client = Command::new("python3");
        client.args(["-c", SCRIPT, "client", &port]).arg(root).args([&house.authority(), "20"]);
        let said = run(&mut client, "").good().out;
        said.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let finds = |is_well| finds(&house, &format!("127.0.0.1:{one}"), is_well);
    assert_eq!(ask().len(), 2, "both are well");
    first.signal("USR1");
    finds(false);
    assert_eq!(ask(), [two.as_str()]);
    first.signal("USR2");
    finds(true);
    assert_eq!(ask().len(), 2);
    drop(first);
    finds(false);
    assert_eq!(ask(), [two.as_str()]);
}

/// A gRPC-Web client of Connect under Node, with trailers, a stream, and refusals.
#[test]
fn a_foreign_client_of_grpc_web_calls_a_service_that_speaks_grpc() {
    let Some((_greeter, port)) = greeter() else { return };
    let (house, _server) = open(&[&port], "grpc_web = true");
    for version in ["1.1", "2"] {
        let mut node = Command::new("node");
        node.args(["-e", include_str!("grpc_web.js"), &house.origin(), version]);
        let outcome = run(node.arg(house.state().join("ca.pem")), "");
        if outcome.out.contains("missing") {
            return not_run("npm's `@connectrpc/connect-node` is not installed");
        }
        assert_eq!(outcome.clone().good().out.trim(), "done", "{version}: {}", outcome.err);
    }
}
