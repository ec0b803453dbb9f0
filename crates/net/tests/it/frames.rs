//! HTTP/2 by hand: a client that writes whatever frames it likes.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, Certificates, Curb, Peer, Server, ServerTls, Settings, Violation,
};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::house::{connect, pause, serve};
use crate::tls::Ca;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// Answers by path, and remembers what it was asked and what was refused.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) seen: Mutex<Vec<String>>,
    pub(crate) refused: Mutex<Vec<Violation>>,
    /// Answers that were dropped before they were given.
    pub(crate) dropped: Arc<Mutex<usize>>,
}

struct Begun(Arc<Mutex<usize>>);

impl Drop for Begun {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

impl Answer for Desk {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        let path = request.uri().path().to_owned();
        self.seen.lock().unwrap().push(format!("{} {path}", request.method()));
        let begun = Begun(Arc::clone(&self.dropped));
        Box::pin(async move {
            match path.as_str() {
                "/never" => std::future::pending().await,
                "/big" => Response::new(Body::full(Bytes::from(vec![b'a'; 1 << 20]))),
                _other => {
                    let whole = request.into_body().collect(1 << 20).await;
                    std::mem::forget(begun);
                    Response::new(match whole {
                        Ok(whole) => Body::full(format!("ok {}", whole.bytes.len())),
                        Err(_broken) => Body::full("broken"),
                    })
                }
            }
        })
    }

    fn refused(&self, _: &Peer, violation: Violation) -> RequestId {
        self.refused.lock().unwrap().push(violation);
        RequestId::from_bits(7)
    }
}

/// A server over TLS, with a desk behind it.
pub(crate) struct Front {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) desk: Arc<Desk>,
    config: Arc<ClientConfig>,
}

impl Front {
    pub(crate) fn open(settings: &Settings) -> Self {
        let desk = Arc::new(Desk::default());
        let answer: Arc<dyn Answer> = Arc::<Desk>::clone(&desk);
        let (_, tls, config) = tls();
        let (server, address) = serve(settings, Some(tls), answer);
        Self { server, address, desk, config }
    }

    /// A connection on which nothing was said.
    pub(crate) fn silent(&self) -> Hand {
        let name = "shop.localhost".try_into().unwrap();
        let client = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        Hand { stream: StreamOwned::new(client, connect(self.address)), read: Vec::new() }
    }

    /// A connection with preface and settings, both sides.
    pub(crate) fn hand(&self) -> Hand {
        let mut hand = self.silent();
        hand.write(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
        hand.write(&frame(SETTINGS, ACK, 0, &[]));
        hand
    }

    pub(crate) fn refused(&self) -> Vec<Violation> {
        self.desk.refused.lock().unwrap().clone()
    }

    /// Waits until a limit was counted that often.
    pub(crate) fn has_curbed(&self, curb: Curb, count: u64) -> bool {
        eventually(|| curbed(&self.server, curb) == count)
    }

    /// Waits until something was counted: a client may hear of it first.
    pub(crate) fn has_refused(&self, violation: Violation) -> bool {
        eventually(|| self.refused().contains(&violation))
    }
}

/// How often a limit was passed.
pub(crate) fn curbed(server: &Server, curb: Curb) -> u64 {
    let counts = server.census().look();
    let all = counts.iter().flat_map(|worker| &worker.curbed);
    all.filter(|(label, _)| *label == curb.label()).map(|(_, count)| count).sum()
}

/// Whether it becomes true within a few seconds.
pub(crate) fn eventually(mut is_true: impl FnMut() -> bool) -> bool {
    (0..250).any(|_| {
        let now = is_true();
        pause(if now { 0 } else { 20 });
        now
    })
}

/// TLS with HTTP/2, both sides.
pub(crate) fn tls() -> (Ca, ServerTls, Arc<ClientConfig>) {
    let ca = Ca::new();
    let certificates = Arc::new(Certificates::default());
    certificates.replace(&[ca.issue(&["shop.localhost"], &[]).load()], None);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (ca, ServerTls::edge(certificates).unwrap(), Arc::new(config))
}

/// A client that writes frames by hand.
pub(crate) struct Hand {
    stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
}

/// A frame that came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Hand {
    /// Writes. The server may have closed already.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok() && self.stream.flush().is_ok()
    }

    /// The next frame, or `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = parse(&self.read) {
                self.read.drain(..length);
                return Some(frame);
            }
            let mut buffer = [0; 16_384];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.read.extend(&buffer[..count]),
                Err(error) => {
                    let is_slow =
                        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                    assert!(!is_slow, "nothing came in time");
                    return None;
                }
            }
        }
    }

    /// The first frame for which `wanted` says so; `None` if the connection ends before.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| wanted(frame))
    }

    /// The code of the GOAWAY that ends the connection.
    pub(crate) fn goaway(&mut self) -> Option<u32> {
        self.until(|frame| frame.kind == GOAWAY).map(|frame| frame.code())
    }

    /// Whether the other side still answers.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.write(&frame(PING, 0, 0, b"is alive"));
        self.until(|frame| frame.kind == PING && frame.payload == b"is alive").is_some()
    }
}

impl Frame {
    /// The code of a GOAWAY or of a reset.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (head, rest) = bytes.split_at_checked(9)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let payload = rest.get(..length)?.to_vec();
    let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
    Some((Frame { kind: head[3], flags: head[4], stream, payload }, 9 + length))
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// Fields as literals without an index (RFC 7541 section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(text.len(), &mut block);
            block.extend(text.as_bytes());
        }
    }
    block
}

/// RFC 7541 section 5.1, with a prefix of seven bits.
fn integer(value: usize, block: &mut Vec<u8>) {
    let Some(mut rest) = value.checked_sub(127) else {
        return block.push(u8::try_from(value).unwrap());
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The fields of a good request, then others.
pub(crate) fn request(path: &str, others: &[(&str, &str)]) -> Vec<u8> {
    let own = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "shop.localhost"),
        (":path", path),
    ];
    block(&[&own, others].concat())
}

/// A whole request without a body.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &request(path, &[]))
}

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
