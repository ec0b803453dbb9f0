//! A name server that says over UDP only that there is more.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ringwall_base::SystemEntropy;
use ringwall_net::{LookupError, MessageError, Resolver, ResolverSettings};

/// An answer to a question, with so many addresses, cut or whole.
fn answer(question: &[u8], count: u8, is_cut: bool) -> Vec<u8> {
    let flags = if is_cut { 0x83 } else { 0x81 };
    let is_v4 = question[question.len() - 15..].windows(4).any(|end| end == [0, 1, 0, 1]);
    let count = if is_v4 && !is_cut { count } else { 0 };
    // Without the additional section of the question.
    let asked = question[12..].iter().position(|byte| *byte == 0).unwrap() + 17;
    let mut message = [&question[..2], &[flags, 0x80, 0, 1, 0, count, 0, 0, 0, 0]].concat();
    message.extend(&question[12..asked]);
    for last in 0..count {
        message.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0");
        message.push(last);
    }
    message
}

/// What is done to a whole answer.
type Change = fn(Vec<u8>) -> Vec<u8>;

/// A name server that answers whole over TCP, by `change`. Counts what it was asked there.
fn server(change: Change) -> (SocketAddr, Arc<AtomicUsize>) {
    let over_tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = over_tcp.local_addr().unwrap();
    let over_udp = UdpSocket::bind(address).unwrap();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = over_udp.recv_from(&mut question) {
            over_udp.send_to(&answer(&question[..length], 0, true), from).unwrap();
        }
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in over_tcp.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            reply(stream, change);
        }
    });
    (address, asked)
}

fn reply(mut stream: TcpStream, change: Change) {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut question).unwrap();
    let message = change(answer(&question, 40, false));
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    // In two pieces: a message over TCP has no packets.
    stream.write_all(&length[..1]).unwrap();
    stream.write_all(&[&length[1..], &message].concat()).unwrap();
}

async fn look(server: SocketAddr) -> Result<Vec<IpAddr>, LookupError> {
    let folder = tempfile::tempdir().unwrap();
    let (conf, hosts) = (folder.path().join("resolv.conf"), folder.path().join("hosts"));
    let text = format!("nameserver [{}]:{}\n", server.ip(), server.port());
    std::fs::write(&conf, text).unwrap();
    let time = Duration::from_secs(10);
    let settings = ResolverSettings { conf, hosts, time, records_max: 64 };
    let resolver = Resolver::new(settings, Arc::new(SystemEntropy::open().unwrap()));
    resolver.addresses("a.test.").await.map(|found| found.all)
}

#[tokio::test]
async fn what_was_cut_over_udp_is_asked_again_over_tcp() {
    let (address, asked) = server(|whole| whole);
    let found = look(address).await.unwrap();
    assert_eq!(found.len(), 40);
    assert!(found.iter().all(|one| one.to_string().starts_with("10.0.0.")), "{found:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "IPv4 and IPv6");
}

#[tokio::test]
async fn an_answer_over_tcp_to_another_question_is_not_taken() {
    let (address, _) = server(|mut whole| {
        whole[0] ^= 1;
        whole
    });
    let error = look(address).await.unwrap_err();
    assert!(matches!(error, LookupError::Malformed(MessageError::Other)), "{error:?}");
}
