//! Upstreams over HTTP/2 that refuse, go away, are full, or break the rules.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringwall_net::{
    DialTcp, Pool, PoolSettings, Protocol, Server, Settings, Target, TargetSettings,
};

use crate::frames::{
    ACK, CANCEL, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, block,
    eventually, frame, parse,
};
use crate::grpc::{Relay, h2c};
use crate::house::{House, connect, raw, serve, until};

/// What an upstream does with a request: its number on the connection, the stream.
type Act = fn(connection: usize, number: usize, stream: u32) -> Vec<u8>;

#[derive(Clone, Debug, Default)]
struct Seen {
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    resets: Arc<Mutex<Vec<u32>>>,
}

/// An upstream by hand: it greets, answers PING, and does with each request what `act` says.
fn upstream(settings: &'static [u8], act: Act) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let shared = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let seen = shared.clone();
            let connection = seen.connections.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || talk(stream.unwrap(), settings, &seen, connection, act));
        }
    });
    (port, seen)
}

fn talk(mut stream: TcpStream, settings: &[u8], seen: &Seen, connection: usize, act: Act) {
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).is_err() {
        return;
    }
    stream.write_all(&frame(SETTINGS, 0, 0, settings)).ok();
    let (mut read, mut buffer, mut number) = (Vec::new(), [0; 4_096], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        read.extend(&buffer[..count]);
        while let Some((came, length)) = parse(&read) {
            read.drain(..length);
            let answer = match came.kind {
                SETTINGS if came.flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
                PING if came.flags & ACK == 0 => frame(PING, ACK, 0, &came.payload),
                HEADERS => {
                    seen.requests.fetch_add(1, Ordering::Relaxed);
                    number += 1;
                    act(connection, number - 1, came.stream)
                }
                RST_STREAM => {
                    seen.resets.lock().unwrap().push(came.code());
                    Vec::new()
                }
                _other => Vec::new(),
            };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

fn ok(stream: u32) -> Vec<u8> {
    let fields = [vec![0x88], block(&[("content-length", "4")])].concat();
    let head = frame(HEADERS, END_HEADERS, stream, &fields);
    [head, frame(DATA, END_STREAM, stream, b"fine")].concat()
}

fn proxy(port: u16, settings: PoolSettings) -> (Server, SocketAddr) {
    let relay = Relay { pool: Pool::new(settings), target: h2c(port) };
    serve(&Settings { workers: 1, ..Settings::default() }, None, Arc::new(relay))
}

/// The same with so many threads, connections and waiting requests.
fn limited(port: u16, workers: usize, most: (usize, usize)) -> (Server, SocketAddr) {
    let (connections_max, pending_max) = most;
    let protocol = Protocol::Http2;
    let settings = TargetSettings { protocol, connections_max, pending_max };
    let target = Target::with(Arc::new(DialTcp(([127, 0, 0, 1], port).into())), None, settings);
    // "Full" is told at once; a stall must not make "late" come first.
    let connect_time = Duration::from_secs(8);
    let pool = Pool::new(PoolSettings { connect_time, ..PoolSettings::default() });
    let relay = Relay { pool, target };
    serve(&Settings { workers, ..Settings::default() }, None, Arc::new(relay))
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn body(answer: &str) -> String {
    answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
}

#[test]
fn requests_of_a_thread_share_a_connection_and_a_full_one_gets_a_second() {
    // SETTINGS_MAX_CONCURRENT_STREAMS is 2; the first two of a connection wait for ever.
    let (port, seen) =
        upstream(
            &[0, 3, 0, 0, 0, 2],
            |connection, _, stream| {
                if connection == 0 { Vec::new() } else { ok(stream) }
            },
        );
    let (_server, address) = proxy(port, PoolSettings::default());
    let mut waiting: Vec<TcpStream> = (0..8).map(|_| connect(address)).collect();
    for stream in &mut waiting {
        stream.write_all(GET.as_bytes()).unwrap();
    }
    assert!(eventually(|| seen.requests.load(Ordering::Relaxed) == 8));
    let connections = seen.connections.load(Ordering::Relaxed);
    assert!((2..=5).contains(&connections), "{connections}");
    for _ in 0..20 {
        assert_eq!(body(&raw(address, &[GET])), "fine");
    }
    let more = seen.connections.load(Ordering::Relaxed);
    assert!(more <= connections + 2, "{more} connections for 28 requests");
}

#[test]
fn what_was_refused_or_not_looked_at_is_sent_again_when_it_may_be() {
    // The second request of each connection is refused, or falls to a GOAWAY that names the first.
    let acts: [Act; 2] = [
        |_, number, stream| match number {
            1 => frame(RST_STREAM, 0, stream, &7_u32.to_be_bytes()),
            _other => ok(stream),
        },
        |_, number, stream| match number {
            1 => frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
            _other => ok(stream),
        },
    ];
    for act in acts {
        let (port, seen) = upstream(&[], act);
        let (_server, address) = proxy(port, PoolSettings::default());
        let answers: Vec<String> = (0..12).map(|_| body(&raw(address, &[GET]))).collect();
        assert!(answers.iter().all(|answer| answer == "fine"), "{answers:?}");
        assert!(seen.requests.load(Ordering::Relaxed) > 12, "some were sent twice");
    }
}

#[test]
fn a_body_is_not_sent_twice_but_its_fate_is_known() {
    let (port, _seen) =
        upstream(&[], |_, _, stream| frame(RST_STREAM, 0, stream, &7_u32.to_be_bytes()));
    let (_server, address) = proxy(port, PoolSettings::default());
    let post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(body(&raw(address, &[post])), "upstream refused the stream true");
}

#[test]
fn a_client_that_goes_away_resets_the_stream_at_once() {
    let (port, seen) = upstream(&[], |_, _, _| Vec::new());
    let (_server, address) = proxy(port, PoolSettings::default());
    let mut client = connect(address);
    client.write_all(GET.as_bytes()).unwrap();
    assert!(eventually(|| seen.requests.load(Ordering::Relaxed) == 1));
    drop(client);
    assert!(eventually(|| *seen.resets.lock().unwrap() == [CANCEL]));
    assert_eq!(seen.connections.load(Ordering::Relaxed), 1);
}

#[test]
fn a_slow_answer_is_given_up_and_its_stream_reset() {
    let (port, seen) = upstream(&[], |_, _, _| Vec::new());
    let settings =
        PoolSettings { head_time: Duration::from_millis(200), ..PoolSettings::default() };
    let (_server, address) = proxy(port, settings);
    assert_eq!(body(&raw(address, &[GET])), "upstream did not answer in time false");
    assert!(eventually(|| *seen.resets.lock().unwrap() == [CANCEL]));
}

#[test]
fn an_answer_that_breaks_off_is_not_given_on_as_whole() {
    let (port, _seen) = upstream(&[], |_, _, stream| {
        let head = frame(HEADERS, END_HEADERS, stream, &[0x88]);
        let half = frame(DATA, 0, stream, b"half");
        [head, half, frame(RST_STREAM, 0, stream, &2_u32.to_be_bytes())].concat()
    });
    let target = h2c(port);
    let relay = Relay { pool: Pool::default(), target: Arc::clone(&target) };
    let settings = Settings { workers: 1, ..Settings::default() };
    let (_server, address) = serve(&settings, None, Arc::new(relay));
    let answer = raw(address, &[GET]);
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer:?}");
    assert!(target.take_broken() && !target.take_broken(), "once");
}

#[test]
fn an_upstream_that_speaks_no_http_2_is_told_apart_before_anything_is_sent() {
    let other = House::plain(&Settings::default());
    let (_server, address) = proxy(other.address.port(), PoolSettings::default());
    assert_eq!(body(&raw(address, &[GET])), "upstream cannot be reached true");
    assert!(other.recorder.seen().is_empty());
}

#[test]
fn idle_and_old_connections_to_upstreams_end() {
    let (port, seen) = upstream(&[], |_, _, stream| ok(stream));
    let settings =
        PoolSettings { idle_time: Duration::from_millis(200), ..PoolSettings::default() };
    let (_server, address) = proxy(port, settings);
    let mut client = connect(address);
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for _ in 0..2 {
        client.write_all(get.as_bytes()).unwrap();
        assert!(until(&mut client, "fine").contains("200 OK"));
        crate::house::pause(700);
    }
    assert_eq!(seen.connections.load(Ordering::Relaxed), 2);
}

/// `SETTINGS_MAX_CONCURRENT_STREAMS` is 2.
const TWO_STREAMS: &[u8] = &[0, 3, 0, 0, 0, 2];

fn asking(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let ask = |_| {
        let mut stream = connect(address);
        stream.write_all(GET.as_bytes()).unwrap();
        stream
    };
    (0..count).map(ask).collect()
}

#[test]
fn no_more_connections_are_opened_than_there_may_be_and_what_waits_gets_the_next_stream() {
    let (port, seen) = upstream(TWO_STREAMS, |_, _, _| Vec::new());
    let (_server, address) = limited(port, 1, (2, 100));
    let mut served = asking(address, 4);
    assert!(eventually(|| seen.requests.load(Ordering::Relaxed) == 4));
    let _waiting = asking(address, 3);
    // Each client that goes away makes room for one.
    for sent in 5..=7 {
        drop(served.pop());
        assert!(eventually(|| seen.requests.load(Ordering::Relaxed) == sent));
    }
    assert_eq!(seen.connections.load(Ordering::Relaxed), 2);
}

#[test]
fn what_waits_for_a_stream_is_limited_in_number() {
    let (port, seen) = upstream(TWO_STREAMS, |_, _, _| Vec::new());
    let (_server, address) = limited(port, 1, (1, 1));
    let _under_way = asking(address, 1);
    assert!(eventually(|| seen.requests.load(Ordering::Relaxed) == 1));
    let _second = asking(address, 1);
    assert!(eventually(|| seen.requests.load(Ordering::Relaxed) == 2));
    // One of these waits; whoever comes behind it is told at once.
    let full = "upstream has as many connections and waiting requests as it may have true";
    let mut more = asking(address, 2);
    let (said, heard) = std::sync::mpsc::channel();
    for mut stream in more.drain(..) {
        let said = said.clone();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        std::thread::spawn(move || said.send(body(&crate::house::rest(&mut stream))));
    }
    assert_eq!(heard.recv_timeout(Duration::from_secs(7)).unwrap(), full);
    // The other waits on, up to its time.
    let late = "upstream did not accept the connection in time true";
    assert_eq!(heard.recv_timeout(Duration::from_secs(20)).unwrap(), late);
    assert_eq!(seen.connections.load(Ordering::Relaxed), 1);
    assert_eq!(seen.requests.load(Ordering::Relaxed), 2);
}

#[test]
fn an_idle_connection_gives_its_place_to_another_thread() {
    let (port, seen) = upstream(&[], |_, _, stream| ok(stream));
    let (_server, address) = limited(port, 2, (1, 100));
    // The system spreads these over both threads.
    for _ in 0..40 {
        assert_eq!(body(&raw(address, &[GET])), "fine");
    }
    assert!(seen.connections.load(Ordering::Relaxed) > 1, "one thread had them all");
}

#[test]
fn early_hints_reach_a_client_of_http_1_also_from_a_second_try() {
    // The second request of each connection is refused, and sent again.
    let (port, seen) = upstream(&[], |_, number, stream| match number {
        1 => frame(RST_STREAM, 0, stream, &7_u32.to_be_bytes()),
        _other => {
            let fields = block(&[(":status", "103"), ("link", "</style.css>; rel=preload")]);
            [frame(HEADERS, END_HEADERS, stream, &fields), ok(stream)].concat()
        }
    });
    let (_server, address) = proxy(port, PoolSettings::default());
    for _ in 0..4 {
        let answer = raw(address, &[GET]);
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";
        assert!(answer.starts_with(hints) && answer.ends_with("fine"), "{answer:?}");
    }
    assert!(seen.requests.load(Ordering::Relaxed) > 4, "some were sent twice");
}
