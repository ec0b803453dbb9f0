//! `WebSocket` over HTTP/2 (RFC 8441), with clients and servers that others wrote.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, DialTcp, Peer, Pool, Settings, Target, Upgrade, Violation,
};

use crate::frames::tls;
use crate::house::serve;

/// Joins each client to one target, if that agrees.
#[derive(Debug)]
struct Joiner(Arc<Target>);

impl Answer for Joiner {
    fn answer(&self, peer: Arc<Peer>, mut request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            let mut failed = Response::new(Body::Empty);
            *failed.status_mut() = StatusCode::BAD_GATEWAY;
            let Some(upgrade) = Upgrade::take(&mut request, peer) else { return failed };
            match Pool::default().send(&self.0, request).await {
                Ok(mut response) => match upgrade.join(&mut response, Duration::from_secs(5)) {
                    Ok(()) => response,
                    Err(_refused) => failed,
                },
                Err(_lost) => failed,
            }
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const SCRIPT: &str = include_str!("websocket.py");

#[test]
fn a_websocket_over_http_2_reaches_a_server_of_http_1() {
    let mut server = Command::new("python3");
    server.args(["-c", SCRIPT, "server"]).stdout(Stdio::piped());
    let mut server = Running(server.spawn().unwrap());
    let mut said = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let Some(port) = said.trim().strip_prefix("port ") else {
        let line = b"NOT RUN: Python's `h2`, `wsproto` and `websockets` are not installed\n";
        return std::io::stderr().write_all(line).unwrap();
    };
    let dial = DialTcp(([127, 0, 0, 1], port.parse().unwrap()).into());
    let joiner = Joiner(Target::new(Arc::new(dial), None));
    let (ca, tls, _) = tls();
    let (_front, address) = serve(&Settings::default(), Some(tls), Arc::new(joiner));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ca.pem");
    std::fs::write(&root, ca.pem).unwrap();
    let port = address.port().to_string();
    let mut client = Command::new("python3");
    client.args(["-c", SCRIPT, "client", &port]).arg(&root);
    let output = client.arg(format!("shop.localhost:{port}")).output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.trim(), "done", "{err}");
}
