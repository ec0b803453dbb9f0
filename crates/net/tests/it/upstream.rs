//! The other side: pool, retries, hardening, tunnels.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, ClientTls, DialTcp, Peer, Pool, PoolSettings, Server, ServerTls,
    Settings, Target, Upgrade, Violation,
};

use crate::frames::eventually;
use crate::house::{House, connect, pause, raw, rest, serve, until};
use crate::tls::{Ca, client, mutual};

/// Forwards everything to one target.
#[derive(Debug)]
pub(crate) struct Forward {
    pool: Pool,
    pub(crate) target: Arc<Target>,
    pub(crate) errors: Mutex<Vec<String>>,
}

impl Answer for Forward {
    fn answer(&self, peer: Arc<Peer>, mut request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            let upgrade = Upgrade::take(&mut request, peer);
            if upgrade.is_none() {
                request.headers_mut().remove(http::header::CONNECTION);
            }
            let failed = match self.pool.send(&self.target, Box::new(request)).await {
                Ok(mut response) => match upgrade {
                    None => return response,
                    Some(upgrade) => match upgrade.join(
                        &mut response,
                        Duration::from_secs(5),
                        Box::pin(std::future::pending()),
                    ) {
                        Ok(()) => return response,
                        Err(error) => error.to_string(),
                    },
                },
                Err(error) => format!("{error} {}", error.is_not_sent()),
            };
            self.errors.lock().unwrap().push(failed);
            let mut response = Response::new(Body::Empty);
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

pub(crate) struct Proxy {
    _server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) forward: Arc<Forward>,
}

pub(crate) fn proxy(upstream: SocketAddr, tls: Option<ClientTls>, settings: PoolSettings) -> Proxy {
    proxy_to(Target::new(Arc::new(DialTcp(upstream)), tls), settings)
}

pub(crate) fn proxy_to(target: Arc<Target>, settings: PoolSettings) -> Proxy {
    proxy_behind(None, target, settings)
}

pub(crate) fn proxy_behind(
    tls: Option<ServerTls>,
    target: Arc<Target>,
    settings: PoolSettings,
) -> Proxy {
    let forward = Arc::new(Forward { pool: Pool::new(settings), target, errors: Mutex::default() });
    let answer: Arc<dyn Answer> = Arc::<Forward>::clone(&forward);
    let (server, address) = serve(&Settings::default(), tls, answer);
    Proxy { _server: server, address, forward }
}

/// An upstream that gives each connection to `serve`, and counts them.
pub(crate) fn upstream(serve: fn(TcpStream, usize)) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            let stream = stream.unwrap();
            std::thread::spawn(move || serve(stream, number));
        }
    });
    (address, count)
}

pub(crate) const GET: &str = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
pub(crate) const LAST: &str = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[test]
fn a_connection_is_used_again_and_bodies_and_trailers_pass() {
    let (address, count) = upstream(|mut stream, _| {
        while !until(&mut stream, "\r\n\r\n").is_empty() {
            let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
                          3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    for _ in 0..3 {
        stream.write_all(GET.replace("\r\n\r\n", "\r\nTE: trailers\r\n\r\n").as_bytes()).unwrap();
        let answer = until(&mut stream, "x-sum: 1\r\n\r\n");
        assert!(answer.contains("3\r\nabc\r\n0\r\n"), "{answer:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert_eq!(proxy.forward.target.in_flight(), 0);
}

#[test]
fn many_clients_share_few_connections() {
    let (address, count) = upstream(|mut stream, _| {
        while !until(&mut stream, "\r\n\r\n").is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    for _ in 0..20 {
        assert!(raw(proxy.address, &[LAST]).ends_with("ok"));
    }
    // One for each thread, whichever accepted.
    assert!(count.load(Ordering::Relaxed) <= 2);
}

#[test]
fn connections_that_rest_are_closed_when_no_request_comes_any_more() {
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    let (address, _) = upstream(|mut stream, _| {
        OPEN.fetch_add(1, Ordering::Relaxed);
        while !until(&mut stream, "\r\n\r\n").is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
        OPEN.fetch_sub(1, Ordering::Relaxed);
    });
    let idle_time = Duration::from_millis(200);
    let proxy = proxy(address, None, PoolSettings { idle_time, ..PoolSettings::default() });
    assert!(raw(proxy.address, &[LAST]).ends_with("ok"));
    assert!(eventually(|| OPEN.load(Ordering::Relaxed) == 0));
}

#[test]
fn a_kept_connection_that_died_is_replaced_once() {
    let (address, count) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        // Closed although it was to be kept.
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    for _ in 0..5 {
        stream.write_all(GET.as_bytes()).unwrap();
        let answer = until(&mut stream, "\r\n\r\nok");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
        pause(20);
    }
    assert_eq!(count.load(Ordering::Relaxed), 5);
}

#[test]
fn an_answer_with_two_readings_is_a_502_and_never_reused() {
    let (address, count) = upstream(|mut stream, number| {
        until(&mut stream, "\r\n\r\n");
        let head = [
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
            "Content-Length: 2\r\nContent-Length: 2",
            "Content-Length: 2\r\nX: a\nY: b",
            "Content-Length: 2\r\nX: a\r\n b",
        ];
        let answer = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\nok", head[number % head.len()]);
        stream.write_all(answer.as_bytes()).unwrap();
        stream.read_exact(&mut [0]).ok();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    for _ in 0..4 {
        let answer = raw(proxy.address, &[LAST]);
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 4);
    let errors = proxy.forward.errors.lock().unwrap().join("\n");
    assert_eq!(errors.matches("malformed HTTP").count(), 4, "{errors}");
}

#[test]
fn bytes_that_nobody_asked_for_close_the_connection() {
    let (address, count) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let both = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
        stream.write_all(both.as_bytes()).unwrap();
        stream.read_exact(&mut [0]).ok();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    for _ in 0..3 {
        let answer = raw(proxy.address, &[LAST]);
        assert!(!answer.contains("evil"), "{answer:?}");
        pause(20);
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[test]
fn no_listener_and_no_answer_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = proxy(closed, None, PoolSettings::default());
    assert!(raw(gone.address, &[LAST]).starts_with("HTTP/1.1 502"));
    assert_eq!(*gone.forward.errors.lock().unwrap(), ["upstream cannot be reached true"]);
    let (address, _) = upstream(|mut stream, _| {
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let settings =
        PoolSettings { head_time: Duration::from_millis(100), ..PoolSettings::default() };
    let slow = proxy(address, None, settings);
    assert!(raw(slow.address, &[LAST]).starts_with("HTTP/1.1 502"));
    assert_eq!(*slow.forward.errors.lock().unwrap(), ["upstream did not answer in time false"]);
}

#[test]
fn a_body_that_dies_midway_is_cut_for_the_client_too() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .unwrap();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let answer = raw(proxy.address, &[LAST]);
    assert!(!answer.contains("\r\n0\r\n"), "it must not look complete: {answer:?}");
}

#[test]
fn a_request_that_breaks_midway_is_never_completed_upstream() {
    static GOT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    let (address, _) = upstream(|mut stream, _| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).ok();
        *GOT.lock().unwrap() = all;
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let answer = raw(proxy.address, &[head, "3;x\nabc\r\n0\r\n\r\n"]);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer:?}");
    pause(50);
    let got = String::from_utf8(GOT.lock().unwrap().clone()).unwrap();
    assert!(got.ends_with("\r\n\r\n3\r\nabc\r\n"), "{got:?}");
}

#[test]
fn an_upload_may_last_longer_than_an_answer_may_take() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n0\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    let settings =
        PoolSettings { head_time: Duration::from_millis(150), ..PoolSettings::default() };
    let proxy = proxy(address, None, settings);
    let head =
        "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut pieces = vec![head];
    pieces.extend(["3\r\nabc\r\n"; 6]);
    pieces.push("0\r\n\r\n");
    assert!(raw(proxy.address, &pieces).ends_with("ok"));
}

#[test]
fn services_meet_over_mutual_tls_and_only_the_expected_one_is_accepted() {
    let ca = Ca::new();
    let (tls, identity) = mutual(&ca, "spiffe://shop/service/orders");
    let house = House::open(&Settings::default(), Some(tls));
    let call = |expected: &str| {
        let tls = client(&ca, "spiffe://shop/service/payments", expected);
        let proxy = proxy(house.address, Some(tls), PoolSettings::default());
        let answer = raw(proxy.address, &[LAST]);
        (answer, proxy.forward.errors.lock().unwrap().join("\n"))
    };
    assert!(call("spiffe://shop/service/orders").0.ends_with("ok 0"));
    let seen = house.recorder.peers.lock().unwrap()[0].identity().map(str::to_owned);
    assert_eq!(seen.as_deref(), Some("spiffe://shop/service/payments"));
    assert_eq!(call("spiffe://shop/service/users").1, "upstream is not who it should be true");
    // Rotated while running: the next handshake shows the new one.
    identity.replace(&ca.issue(&[], &["spiffe://shop/service/users"]).load());
    assert!(call("spiffe://shop/service/users").0.ends_with("ok 0"));
}

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn a_tunnel_opens_after_the_right_101_and_carries_bytes_both_ways() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello";
        stream.write_all(answer.as_bytes()).unwrap();
        let mut bytes = [0; 4];
        while stream.read_exact(&mut bytes).is_ok() {
            stream.write_all(&bytes).unwrap();
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    stream.write_all(HANDSHAKE.as_bytes()).unwrap();
    assert!(until(&mut stream, "hello").starts_with("HTTP/1.1 101"));
    for _ in 0..3 {
        stream.write_all(b"\0\n\r!").unwrap();
        assert_eq!(until(&mut stream, "!"), "\0\n\r!");
    }
}

#[test]
fn no_tunnel_without_the_right_101() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Accept: AAAALMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        stream.read_exact(&mut [0]).ok();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    stream.write_all(HANDSHAKE.as_bytes()).unwrap();
    assert!(until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 502"));
    stream.write_all(LAST.as_bytes()).unwrap();
    assert!(!rest(&mut stream).contains("101"));
}
