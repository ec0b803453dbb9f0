//! Answers before the answer: 100 and 103, end to end.

use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use ringwall_net::{Certificates, DialTcp, PoolSettings, ServerTls, Settings, Target};

use crate::house::{House, connect, raw, rest, until};
use crate::tls::Ca;
use crate::upstream::{LAST, proxy, proxy_behind, upstream};

const ASKS: &str = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\
    Connection: close\r\n\r\n";

#[test]
fn the_upstream_says_whether_the_body_is_wanted() {
    let (address, _) = upstream(|mut stream, _| {
        let head = until(&mut stream, "\r\n\r\n");
        assert!(head.contains("expect: 100-continue\r\n"), "{head:?}");
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        assert_eq!(until(&mut stream, "abc"), "abc");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    stream.write_all(ASKS.as_bytes()).unwrap();
    assert_eq!(until(&mut stream, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok"), "{answer:?}");
}

#[test]
fn a_body_that_is_not_wanted_is_never_asked_for() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";
        stream.write_all(answer).unwrap();
        assert_eq!(until(&mut stream, "\0"), "", "no byte of the body, and the end");
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    stream.write_all(ASKS.replace("Connection: close\r\n", "").as_bytes()).unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
    // Whether the body still comes is not known, so nothing else can.
    assert!(answer.contains("connection: close\r\n") && answer.ends_with("no"), "{answer:?}");
}

#[test]
fn a_stage_that_reads_the_body_asks_for_it() {
    let house = House::plain(&Settings::default());
    let mut stream = connect(house.address);
    stream.write_all(ASKS.as_bytes()).unwrap();
    assert_eq!(until(&mut stream, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").unwrap();
    assert!(rest(&mut stream).ends_with("ok 3"));
}

#[test]
fn a_client_that_does_not_wait_is_not_asked() {
    let house = House::plain(&Settings::default());
    let mut stream = connect(house.address);
    stream.write_all(format!("{ASKS}abc").as_bytes()).unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok 3"), "{answer:?}");
}

#[test]
fn early_hints_pass_whole_and_not_to_those_who_do_not_know_them() {
    let (address, _) = upstream(|mut stream, _| {
        while !until(&mut stream, "\r\n\r\n").is_empty() {
            let hints =
                "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b>\r\n\r\n";
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(format!("{hints}{hints}{answer}").as_bytes()).unwrap();
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    for (body, length) in [("", ""), ("abc", "Content-Length: 3\r\n")] {
        let mut stream = connect(proxy.address);
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{length}\r\n{body}");
        stream.write_all(head.as_bytes()).unwrap();
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nlink: </b>\r\n\r\n";
        let answer = rest(&mut stream);
        let answer = answer.strip_prefix(&format!("{hints}{hints}")).expect(&answer);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok"), "{answer:?}");
    }
    let mut stream = connect(proxy.address);
    stream.write_all(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
}

#[test]
fn early_hints_and_a_date_reach_a_client_of_http_2() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        stream.write_all(format!("{hints}{answer}").as_bytes()).unwrap();
        until(&mut stream, "\0");
    });
    let certificates = Arc::new(Certificates::default());
    certificates.replace(&[Ca::new().issue(&["shop.localhost"], &[]).load()], None);
    let tls = ServerTls::edge(certificates).unwrap();
    let target = Target::new(Arc::new(DialTcp(address)), None);
    let proxy = proxy_behind(Some(tls), target, PoolSettings::default());
    let host = format!("shop.localhost:{}", proxy.address.port());
    let output = Command::new("curl")
        .args(["-sSki", "--max-time", "9", "--noproxy", "*", "--http2"])
        .args(["--resolve", &format!("{host}:127.0.0.1"), &format!("https://{host}/")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let rest = said.strip_prefix("HTTP/2 103 \nlink: </a.css>; rel=preload\n\n").expect(&said);
    assert!(rest.starts_with("HTTP/2 200 \n") && rest.ends_with("ok"), "{said}");
    assert_eq!(rest.matches("date: ").count(), 1, "{said}");
}

#[test]
fn a_flood_of_hints_is_no_answer() {
    let (address, _) = upstream(|mut stream, _| {
        until(&mut stream, "\r\n\r\n");
        let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40);
        stream.write_all(hints.as_bytes()).unwrap();
        until(&mut stream, "\0");
    });
    let proxy = proxy(address, None, PoolSettings::default());
    let mut stream = connect(proxy.address);
    stream.write_all(LAST.as_bytes()).unwrap();
    assert!(rest(&mut stream).contains("HTTP/1.1 502 "));
}

#[test]
fn an_upstream_that_answers_without_the_body_that_it_was_promised_gets_no_other_request() {
    let (address, _) = upstream(|mut stream, _| {
        let mut head = until(&mut stream, "\r\n\r\n");
        while !head.is_empty() {
            let is_owed = head.contains("expect: 100-continue");
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            head = until(&mut stream, "\r\n\r\n");
            if is_owed && !head.is_empty() {
                stream.write_all(b"HTTP/1.1 500 Mixed\r\nContent-Length: 0\r\n\r\n").unwrap();
                return;
            }
        }
    });
    let proxy = proxy(address, None, PoolSettings::default());
    // Often enough that both come to one thread.
    for _ in 0..10 {
        let mut client = connect(proxy.address);
        client.write_all(ASKS.as_bytes()).unwrap();
        let asked = until(&mut client, "\r\n\r\n");
        assert!(asked.starts_with("HTTP/1.1 200 "), "{asked}");
        let next = raw(proxy.address, &[LAST]);
        assert!(next.starts_with("HTTP/1.1 200 "), "{next}");
    }
}
