//! Messages in all their lengths and ends, on both sides of the proxy.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, BodyError, Curb, DialTcp, Peer, Pool, PoolSettings, Settings, Target,
    TargetSettings, Violation,
};

use crate::frames::{curbed, eventually};
use crate::house::{House, connect, raw, rest, serve, until};
use crate::upstream::{GET, LAST, proxy, proxy_to, upstream};

/// Answers every request with what its body was, as it comes.
#[derive(Debug)]
struct Echo;

impl Answer for Echo {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(async { Response::new(request.into_body()) })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(7)
    }
}

/// An upstream that sends the body back, chunked if it came so.
fn echo(mut stream: TcpStream, _: usize) {
    loop {
        let head = until(&mut stream, "\r\n\r\n").to_ascii_lowercase();
        let Some((_, length)) = head.split_once("content-length: ") else {
            if !head.contains("chunked") {
                return;
            }
            let mut all = Vec::new();
            let mut byte = [0; 4096];
            while !all.ends_with(b"0\r\nx-sum: 1\r\n\r\n") {
                let count = stream.read(&mut byte).unwrap();
                assert!(count > 0);
                all.extend_from_slice(&byte[..count]);
            }
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(&[head.as_slice(), &all].concat()).unwrap();
            continue;
        };
        let length: usize = length.split_once('\r').unwrap().0.parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index * 31 % 251).unwrap()).collect()
}

#[test]
fn bodies_of_all_sizes_pass_both_ways_over_one_connection() {
    let (address, count) = upstream(echo);
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    for length in [1, 4_095, 4_096, 4_097, 16_384, 65_536, 65_537, 1_000_000] {
        let body = pattern(length);
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        let mut writer = stream.try_clone().unwrap();
        let whole = [head.as_bytes(), &body].concat();
        let writing = std::thread::spawn(move || writer.write_all(&whole).unwrap());
        let head = until(&mut stream, "\r\n\r\n");
        assert!(head.contains(&format!("content-length: {length}\r\n")), "{head:?}");
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer == body, "{length}");
        writing.join().unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn chunks_and_trailers_pass_both_ways() {
    let (address, _) = upstream(echo);
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n";
    for piece in [head, "3\r\nabc\r\n", "2;x=y\r\nde\r\n0\r\nx-sum: 1\r\n\r\n"] {
        stream.write_all(piece.as_bytes()).unwrap();
    }
    let answer = until(&mut stream, "x-sum: 1\r\n\r\n");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let data: String = body.lines().filter(|line| line.len() > 1 && !line.contains(':')).collect();
    assert_eq!(data, "abcde", "{answer:?}");
}

#[test]
fn an_answer_may_be_made_of_the_request_while_it_comes() {
    let (_server, address) = serve(&Settings::default(), None, Arc::new(Echo));
    let mut stream = connect(address);
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .unwrap();
    assert!(until(&mut stream, "3\r\nabc\r\n").contains("transfer-encoding: chunked"));
    stream.write_all(b"2\r\nde\r\n0\r\n\r\n").unwrap();
    assert_eq!(until(&mut stream, "0\r\n\r\n"), "2\r\nde\r\n0\r\n\r\n");
}

#[test]
fn an_answer_that_comes_before_the_request_is_through_is_passed_on() {
    let (address, count) = upstream(|mut stream, _| {
        until(&mut stream, "abc");
        let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";
        stream.write_all(answer).unwrap();
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    for _ in 0..2 {
        let mut stream = connect(proxy.address);
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\nabc";
        stream.write_all(head.as_bytes()).unwrap();
        let answer = until(&mut stream, "\r\n\r\nno");
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
    }
    // In the middle of a request: of no use to another one.
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[test]
fn answers_without_a_body_do_not_wait_for_one() {
    let (address, count) = upstream(|mut stream, _| {
        loop {
            let head = until(&mut stream, "\r\n\r\n");
            let answer = match head.split(' ').next().unwrap() {
                "" => return,
                "HEAD" => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
                "GET" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
                _ => "HTTP/1.1 204 No Content\r\n\r\n",
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    for (method, length) in [("HEAD", true), ("GET", true), ("DELETE", false), ("HEAD", true)] {
        stream.write_all(GET.replace("GET", method).as_bytes()).unwrap();
        let answer = until(&mut stream, "\r\n\r\n");
        assert_eq!(answer.contains("content-length: 9\r\n"), length, "{answer:?}");
        assert!(!answer.contains("transfer-encoding"), "{answer:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn a_client_of_the_old_version_is_served_its_way() {
    let house = House::plain(&Settings::default());
    let answer = raw(house.address, &["GET / HTTP/1.0\r\n\r\n"]);
    assert!(answer.contains("connection: close\r\n") && answer.ends_with("ok 0"), "{answer:?}");
    let mut stream = connect(house.address);
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
        let answer = until(&mut stream, "ok 0");
        assert!(answer.contains("connection: keep-alive\r\n"), "{answer:?}");
    }
    // An answer of unknown length ends with the connection, and is not chunked.
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .unwrap();
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let answer =
        raw(proxy.address, &["GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"]);
    assert!(
        answer.contains("connection: close\r\n") && answer.ends_with("\r\n\r\nabc"),
        "{answer:?}"
    );
}

#[test]
fn an_upstream_of_the_old_version_ends_its_answer_by_closing() {
    let (address, count) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nall of it").unwrap();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    for _ in 0..2 {
        stream.write_all(GET.as_bytes()).unwrap();
        let answer = until(&mut stream, "0\r\n\r\n");
        assert!(answer.contains("all of it"), "{answer:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[test]
fn pipelined_answers_come_in_order_and_a_slow_one_holds_none_before_it() {
    let house = House::plain(&Settings::default());
    let mut stream = connect(house.address);
    let post = |length: usize| {
        format!(
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        )
    };
    let slow = GET.replace("/a", "/slow");
    stream.write_all(format!("{}{}{slow}{LAST}", post(1), post(2)).as_bytes()).unwrap();
    let first = until(&mut stream, "ok 2");
    assert!(first.find("ok 1").is_some_and(|at| at < first.find("ok 2").unwrap()), "{first:?}");
    assert_eq!(rest(&mut stream).matches("ok 0").count(), 2);
    assert_eq!(house.recorder.seen(), ["POST /a", "POST /a", "GET /slow", "GET /a"]);
}

#[test]
fn what_an_upstream_says_that_is_no_http_is_a_502() {
    let (address, count) = upstream(|mut stream, number| {
        until(&mut stream, "\r\n\r\n");
        let answers = [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200\nContent-Length: 0\n\n",
            "HTTP/1.1 99 Low\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        ];
        stream.write_all(answers[number % answers.len()].as_bytes()).unwrap();
        stream.read_exact(&mut [0]).ok();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    for _ in 0..6 {
        let answer = raw(proxy.address, &[LAST]);
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 6);
}

#[test]
fn a_chunk_that_breaks_midway_is_not_completed_for_the_client() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        stream.write_all(format!("{head}3;x\nabc\r\n0\r\n\r\n").as_bytes()).unwrap();
        stream.read_exact(&mut [0]).ok();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let answer = raw(proxy.address, &[LAST]);
    assert!(answer.ends_with("3\r\nabc\r\n"), "it must not look complete: {answer:?}");
}

#[test]
fn a_request_is_said_again_only_if_it_may_be() {
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // Each connection takes two requests and answers the first.
    let (address, _) = upstream(|mut stream, _| {
        for is_first in [true, false] {
            let head = until(&mut stream, "\r\n\r\n");
            SEEN.lock().unwrap().push(head.split(' ').next().unwrap().to_owned());
            if is_first {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    let mut ask = |method: &str| {
        stream.write_all(GET.replace("GET", method).as_bytes()).unwrap();
        until(&mut stream, "\r\n\r\n").split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(ask("GET"), "200");
    assert_eq!(ask("GET"), "200", "said again on a fresh connection");
    assert_eq!(ask("POST"), "502", "it may have been worked on");
    assert_eq!(*SEEN.lock().unwrap(), ["GET", "GET", "GET", "POST"]);
}

#[test]
fn a_client_that_leaves_takes_its_request_with_it() {
    #[derive(Debug)]
    struct Waiter(std::sync::mpsc::Sender<()>);
    struct Gone(std::sync::mpsc::Sender<()>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }
    impl Answer for Waiter {
        fn answer(&self, _: Arc<Peer>, _: Request<Body>) -> Answering<'_> {
            let gone = Gone(self.0.clone());
            Box::pin(async move {
                std::future::pending::<()>().await;
                drop(gone);
                Response::new(Body::Empty)
            })
        }

        fn refused(&self, _: &Peer, _: Violation) -> RequestId {
            RequestId::from_bits(7)
        }
    }
    let (sender, gone) = std::sync::mpsc::channel();
    let (_server, address) = serve(&Settings::default(), None, Arc::new(Waiter(sender)));
    let mut stream = connect(address);
    stream.write_all(GET.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    gone.recv_timeout(Duration::from_secs(5)).unwrap();
}

#[test]
fn a_client_that_takes_or_sends_almost_nothing_is_cut_off() {
    let settings = Settings {
        pace_grace: Duration::from_millis(300),
        head_time: Duration::from_millis(400),
        ..Settings::default()
    };
    let house = House::plain(&settings);
    let mut stream = connect(house.address);
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n").unwrap();
    // It moves all the time, and still gets nowhere.
    let mut is_cut = false;
    for _ in 0..600 {
        crate::house::pause(50);
        is_cut |= stream.write_all(b"x").is_err();
        if is_cut {
            break;
        }
    }
    assert!(
        is_cut
            && *house.recorder.broken.lock().unwrap() + *house.recorder.whole.lock().unwrap() == 0
    );
    assert!(house.has_curbed(Curb::SlowBody, 1));
}

#[test]
fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let settings = Settings { write_idle_time: Duration::from_millis(200), ..Settings::default() };
    let (sender, dropped) = std::sync::mpsc::channel();
    let (server, address) = serve(&settings, None, Arc::new(Endless(sender)));
    let mut stream = connect(address);
    stream.write_all(GET.as_bytes()).unwrap();
    // Without a byte read: the answer is given up by the server alone.
    dropped.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(eventually(|| curbed(&server, Curb::SlowReader) == 1));
}

/// Answers without an end, and says when an answer is given up.
#[derive(Clone, Debug)]
struct Endless(std::sync::mpsc::Sender<()>);

impl Answer for Endless {
    fn answer(&self, _: Arc<Peer>, _: Request<Body>) -> Answering<'_> {
        Box::pin(async { Response::new(Body::boxed(More(self.clone()))) })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(7)
    }
}

struct More(Endless);

impl http_body::Body for More {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; 65_536])))))
    }
}

impl Drop for More {
    fn drop(&mut self) {
        self.0.0.send(()).ok();
    }
}

#[test]
fn connections_of_a_target_are_limited_and_so_is_the_queue() {
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    let (address, count) = upstream(|mut stream, _| {
        while !until(&mut stream, "\r\n\r\n").is_empty() {
            while !IS_OPEN.load(Ordering::Relaxed) {
                crate::house::pause(5);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
    });
    let through = |pending_max| {
        let limits =
            TargetSettings { connections_max: 1, pending_max, ..TargetSettings::default() };
        let target = Target::with(Arc::new(DialTcp(address)), None, limits);
        proxy_to(target, PoolSettings::default())
    };
    let ask = |address| {
        let mut client = connect(address);
        client.write_all(LAST.as_bytes()).unwrap();
        client
    };
    let narrow = through(0);
    let mut first = ask(narrow.address);
    while count.load(Ordering::Relaxed) == 0 {
        crate::house::pause(5);
    }
    // The only connection is in use, and nobody may wait.
    for _ in 0..3 {
        assert!(rest(&mut ask(narrow.address)).starts_with("HTTP/1.1 502 "));
    }
    let errors = narrow.forward.errors.lock().unwrap().join("\n");
    assert_eq!(errors.matches("as many connections").count(), 3, "{errors}");
    IS_OPEN.store(true, Ordering::Relaxed);
    assert!(rest(&mut first).ends_with("ok"));
    let wide = through(8);
    let mut clients: Vec<_> = (0..4).map(|_| ask(wide.address)).collect();
    assert!(clients.iter_mut().all(|client| rest(client).ends_with("ok")));
}

/// Sends a large body for each request.
#[derive(Debug)]
struct Poster(Arc<Target>);

impl Answer for Poster {
    fn answer(&self, _: Arc<Peer>, _: Request<Body>) -> Answering<'_> {
        Box::pin(async {
            let mut request = Box::new(Request::new(Body::full(vec![b'x'; LARGE])));
            *request.method_mut() = http::Method::PUT;
            request.headers_mut().insert("host", http::HeaderValue::from_static("a"));
            Pool::default().send(&self.0, request).await.unwrap_or_else(|_failed| {
                let mut failed = Response::new(Body::Empty);
                *failed.status_mut() = http::StatusCode::BAD_GATEWAY;
                failed
            })
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(7)
    }
}

/// More than the buffers of both sockets hold.
const LARGE: usize = 32 * 1024 * 1024;

#[test]
fn an_answer_before_the_end_of_the_body_does_not_mix_the_body_with_the_next_request() {
    static IS_MIXED: AtomicBool = AtomicBool::new(false);
    let (address, _) = upstream(|mut stream, _| {
        while !until(&mut stream, "\r\n\r\n").is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            // The client has its answer and asks again before the body goes on.
            crate::house::pause(100);
            let mut body = vec![0; LARGE];
            if stream.read_exact(&mut body).is_err() {
                return;
            }
            let is_mixed = body.iter().any(|byte| *byte != b'x');
            IS_MIXED.fetch_or(is_mixed, Ordering::Relaxed);
        }
    });
    let (_server, door) = serve(
        &Settings::default(),
        None,
        Arc::new(Poster(Target::new(Arc::new(DialTcp(address)), None))),
    );
    let mut client = connect(door);
    for _ in 0..3 {
        client.write_all(GET.as_bytes()).unwrap();
        let answer = until(&mut client, "ok");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert!(!IS_MIXED.load(Ordering::Relaxed));
}
