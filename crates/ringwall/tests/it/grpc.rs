//! gRPC through the real gateway: Google's client, `ringwall serve`, Google's server.

use std::process::Command;

use crate::house::House;
use crate::program::{Program, not_run, run, server_of};

const SCRIPT: &str = include_str!("../../../net/tests/it/grpc.py");

const MANIFEST: &str = r#"
ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[roles]
customer = { default = true }

[services.echo]
upstream = "127.0.0.1:UPSTREAM"
protocol = "h2"
routes = { unary = "POST /t.Echo/Unary", server = "POST /t.Echo/Server", client = "POST /t.Echo/Client", both = "POST /t.Echo/Both" }
people.anyone = ["unary", "server", "client", "both"]

[limits]
default = "100000 per minute per ip"
echo.unary = { body = "4 MiB" }
"#;

#[test]
fn grpc_passes_the_gateway_in_all_four_kinds() {
    let Some((_server, port)) = server_of(SCRIPT, "`grpcio` is") else { return };
    let house = House::new(&MANIFEST.replace("UPSTREAM", &port));
    let serving = house.serve();
    let (port, authority) = (house.port.to_string(), house.authority());
    let root = house.state().join("ca.pem");
    let mut client = Command::new("python3");
    client.args(["-c", SCRIPT, "client", &port]).arg(root).arg(authority);
    let outcome = run(&mut client, "");
    assert_eq!(outcome.out.trim(), "done", "{} {}", outcome.err, serving.said());
}

const DOORS: &str = r#"ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[services.caller]
run = "python3 -u calls.py client 80 plain echo.ringwall:80"
upstream = "127.0.0.1:5001"
routes = { nothing = "GET /nothing" }

[services.echo]
run = "python3 -u calls.py server 127.0.0.1:5002"
upstream = "127.0.0.1:5002"
protocol = "h2"
routes = { unary = "POST /t.Echo/Unary", server = "POST /t.Echo/Server", client = "POST /t.Echo/Client", both = "POST /t.Echo/Both" }
callers.caller = ["unary", "server", "client", "both"]

[limits]
echo.unary = { body = "4 MiB" }
"#;

#[test]
fn grpc_passes_from_service_to_service_in_all_four_kinds() {
    if run(Command::new("python3").args(["-c", "import grpc"]), "").code != 0 {
        return not_run("Python's `grpcio` is not installed");
    }
    let house = House::new(DOORS);
    house.write("calls.py", SCRIPT);
    let mut dev = Program::start(&mut house.command(&["dev"]));
    dev.hears("Watching ringwall.toml");
    if dev.said().contains("could go around their doors") {
        return not_run("no namespaces here");
    }
    let log = house.state().join("logs").join("caller.log");
    let said = crate::wait::until("the caller has said how it went", || {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        (said.contains("done") || said.contains("Traceback")).then_some(said)
    });
    assert!(said.contains("done"), "{said}");
}
