//! gRPC from end to end: Google's own client and server, and HTTP/2 on both sides of us.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, DialTcp, Peer, Pool, Protocol, Settings, Target, TargetSettings,
    Violation,
};

use crate::frames::tls;
use crate::house::serve;

/// Sends everything on to one target.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) pool: Pool,
    pub(crate) target: Arc<Target>,
}

impl Answer for Relay {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            self.pool.send(&self.target, request).await.unwrap_or_else(|error| {
                let text = format!("{error} {}", error.is_not_sent());
                let mut response = Response::new(Body::full(text));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            })
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

/// An upstream that speaks HTTP/2 in the clear.
pub(crate) fn h2c(port: u16) -> Arc<Target> {
    let dial = DialTcp(([127, 0, 0, 1], port).into());
    let settings = TargetSettings { protocol: Protocol::Http2, ..TargetSettings::default() };
    Target::with(Arc::new(dial), None, settings)
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const SCRIPT: &str = include_str!("grpc.py");

#[test]
fn grpc_passes_in_all_four_kinds() {
    let mut server = Command::new("python3");
    server.args(["-c", SCRIPT, "server"]).stdout(Stdio::piped());
    let mut server = Running(server.spawn().unwrap());
    let mut said = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let Some(port) = said.trim().strip_prefix("port ") else {
        let line = b"NOT RUN: Python's `grpcio` is not installed, so no gRPC went through\n";
        return std::io::stderr().write_all(line).unwrap();
    };
    let relay = Relay { pool: Pool::default(), target: h2c(port.parse().unwrap()) };
    let (ca, tls, _) = tls();
    let (_front, address) = serve(&Settings::default(), Some(tls), Arc::new(relay));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ca.pem");
    std::fs::write(&root, ca.pem).unwrap();
    let port = address.port().to_string();
    let authority = format!("shop.localhost:{port}");
    let mut client = Command::new("python3");
    client.args(["-c", SCRIPT, "client", &port]).arg(&root).arg(&authority);
    let output = client.output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.trim(), "done", "{err}");
}
