//! A server with a handler that records what it sees, and plain sockets to talk to it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, Curb, Door, Listen, Opening, Peer, Server, ServerTls, Settings,
    Violation,
};

use crate::frames::{curbed, eventually};

/// Answers 200 after reading the whole body, and remembers everything.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) seen: Mutex<Vec<String>>,
    pub(crate) whole: Mutex<usize>,
    pub(crate) broken: Mutex<usize>,
    pub(crate) peers: Mutex<Vec<Peer>>,
    pub(crate) refused: Mutex<Vec<Violation>>,
    /// Whether the connection of each request covers `a`, `b` and `c.localhost`.
    pub(crate) covered: Mutex<Vec<[bool; 3]>>,
}

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn refused(&self) -> Vec<Violation> {
        self.refused.lock().unwrap().clone()
    }
}

impl Answer for Recorder {
    fn answer(&self, peer: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        self.seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        let covered = ["a", "b", "c"].map(|name| peer.covers(&format!("{name}.localhost")));
        self.covered.lock().unwrap().push(covered);
        // A copy: to hold the peer is to be present, which would hold up a drain.
        let copy = Peer::new(peer.address, peer.door.clone(), peer.tls.clone());
        self.peers.lock().unwrap().push(copy);
        Box::pin(async move {
            if request.uri().path() == "/slow" {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            let Ok(whole) = request.into_body().collect(1 << 20).await else {
                *self.broken.lock().unwrap() += 1;
                let mut response = Response::new(Body::Empty);
                *response.status_mut() = StatusCode::IM_A_TEAPOT;
                return response;
            };
            *self.whole.lock().unwrap() += 1;
            Response::new(Body::full(format!("ok {}", whole.bytes.len())))
        })
    }

    fn refused(&self, _: &Peer, violation: Violation) -> RequestId {
        self.refused.lock().unwrap().push(violation);
        RequestId::from_bits(7)
    }
}

/// A running server with one door.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) recorder: Arc<Recorder>,
}

impl House {
    pub(crate) fn plain(settings: &Settings) -> Self {
        Self::open(settings, None)
    }

    pub(crate) fn open(settings: &Settings, tls: Option<ServerTls>) -> Self {
        let recorder = Arc::new(Recorder::default());
        let answer: Arc<dyn Answer> = Arc::<Recorder>::clone(&recorder);
        let (server, address) = serve(settings, tls, answer);
        Self { server, address, recorder }
    }

    /// How often a limit was passed.
    pub(crate) fn curbed(&self, curb: Curb) -> u64 {
        curbed(&self.server, curb)
    }

    /// Waits until a limit was counted that often: a client may hear of it first.
    pub(crate) fn has_curbed(&self, curb: Curb, count: u64) -> bool {
        eventually(|| self.curbed(curb) == count)
    }
}

pub(crate) fn serve(
    settings: &Settings,
    tls: Option<ServerTls>,
    answer: Arc<dyn Answer>,
) -> (Server, SocketAddr) {
    let workers = if settings.workers == 0 { 2 } else { settings.workers };
    let server = Server::start(Settings { workers, ..settings.clone() }).unwrap();
    let listen = Listen::Address("127.0.0.1:0".parse().unwrap());
    let address = server.open(Opening { door: Door::Edge, listen, tls, answer }).unwrap();
    (server, address)
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// Sends and reads until the other side closes.
pub(crate) fn raw(address: SocketAddr, pieces: &[&str]) -> String {
    let mut stream = connect(address);
    for piece in pieces {
        stream.write_all(piece.as_bytes()).unwrap();
        pause(if pieces.len() > 1 { 60 } else { 0 });
    }
    rest(&mut stream)
}

pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let ended = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    if let Err(error) = ended {
        assert!(error.kind() != std::io::ErrorKind::WouldBlock, "still open after {text:?}");
    }
    stream.shutdown(Shutdown::Both).ok();
    text
}

/// Reads exactly one answer of a known end.
pub(crate) fn until(stream: &mut TcpStream, end: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0_u8; 1]);
    while !text.ends_with(end) && stream.read(&mut buffer).unwrap() == 1 {
        text.push(char::from(buffer[0]));
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "lets a socket deliver one piece before the next")]
pub(crate) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Looks until it holds, and fails after some seconds.
#[track_caller]
pub(crate) fn wait_for(mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        pause(10);
    }
    panic!("waited in vain");
}
