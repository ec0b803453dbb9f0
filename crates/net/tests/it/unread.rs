//! Refusals that come before the body was read, and streams that are opened only to be reset.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, Certificates, Curb, Peer, Server, ServerTls, Settings, Violation,
};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::frames::{curbed, eventually};
use crate::house::{House, connect, pause, rest, serve};
use crate::tls::Ca;

/// Answers 403 and drops the body unread.
#[derive(Debug)]
struct Refuser;

impl Answer for Refuser {
    fn answer(&self, _: Arc<Peer>, _: Request<Body>) -> Answering<'_> {
        Box::pin(async {
            let mut response = Response::new(Body::full("no"));
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(7)
    }
}

fn refuser(settings: &Settings) -> (Server, u16, Ca) {
    let ca = Ca::new();
    let certificates = Arc::new(Certificates::default());
    certificates.replace(&[ca.issue(&["shop.localhost"], &[]).load()], None);
    let tls = ServerTls::edge(certificates).unwrap();
    let (server, address) = serve(settings, Some(tls), Arc::new(Refuser));
    (server, address.port(), ca)
}

/// Posts bodies of these lengths, each with a connection of its own.
fn post(port: u16, version: &str, lengths: impl IntoIterator<Item = usize>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    let host = format!("shop.localhost:{port}");
    let send = |length: usize| {
        std::fs::write(&file, vec![b'a'; length]).unwrap();
        let output = Command::new("curl")
            .args(["-sSk", "--max-time", "9", "--noproxy", "*", version])
            .args(["--resolve", &format!("{host}:127.0.0.1"), "-w", " %{http_code}"])
            .args(["--data-binary", &format!("@{}", file.display()), &format!("https://{host}/")])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        format!("{text}{}", String::from_utf8_lossy(&output.stderr))
    };
    lengths.into_iter().map(send).collect()
}

#[test]
fn a_refusal_reaches_a_client_that_still_sends_its_body() {
    let (_server, port, _) = refuser(&Settings::default());
    for version in ["--http2", "--http1.1"] {
        let lengths = (0..60).map(|index| 1 + index * index * 57);
        let answers = post(port, version, lengths);
        let lost: Vec<_> = answers.iter().filter(|answer| *answer != "no 403").collect();
        assert!(lost.is_empty(), "{version}, {} of 60: {lost:#?}", lost.len());
    }
}

#[test]
fn a_refusal_reaches_a_client_that_still_sends_its_head() {
    let house = House::plain(&Settings::default());
    let mut stream = connect(house.address);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: ").unwrap();
    for _ in 0..20 {
        stream.write_all(&[b'a'; 16 * 1_024]).expect("it is read on");
        pause(5);
    }
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
}

#[test]
fn a_body_that_nobody_wants_is_not_read_for_long() {
    let settings = Settings {
        unread_bytes_max: 64 * 1_024,
        unread_time: Duration::from_millis(500),
        ..Settings::default()
    };
    let (_server, port, _) = refuser(&settings);
    assert_eq!(post(port, "--http2", [30_000_000, 9]), ["no 403", "no 403"]);
}

/// A client that says it speaks HTTP/2, and then writes frames by hand.
fn by_hand(port: u16, ca: &Ca) -> StreamOwned<ClientConnection, std::net::TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = "shop.localhost".try_into().unwrap();
    let client = ClientConnection::new(config.into(), name).unwrap();
    StreamOwned::new(client, connect(([127, 0, 0, 1], port).into()))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// The code of the first frame that says the connection ends.
fn goaway(mut bytes: &[u8]) -> Option<u32> {
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        if *kind == GOAWAY {
            return Some(u32::from_be_bytes(rest.get(4..8)?.try_into().unwrap()));
        }
        bytes = rest.get(length..)?;
    }
    None
}

#[test]
fn streams_that_are_only_opened_and_reset_end_the_connection() {
    let (server, port, ca) = refuser(&Settings::default());
    let mut client = by_hand(port, &ca);
    let mut frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frames.extend(frame(SETTINGS, 0, 0, &[]));
    // GET, https and / from the static table, and a literal `:authority: a` (RFC 7541).
    let head = [0x82, 0x87, 0x84, 0x01, 0x01, b'a'];
    for stream in (1..2_000).step_by(2) {
        // END_STREAM and END_HEADERS.
        frames.extend(frame(HEADERS, 5, stream, &head));
        frames.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    }
    // The server may have ended it before all were written.
    client.write_all(&frames).ok();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).ok();
    assert_eq!(goaway(&answer), Some(ENHANCE_YOUR_CALM), "{answer:?}");
    assert!(eventually(|| curbed(&server, Curb::Resets) == 1));
    assert_eq!(post(port, "--http2", [9]), ["no 403"]);
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
