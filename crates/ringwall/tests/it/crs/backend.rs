//! The service behind the gateway: it answers as the tests ask.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use ringwall_testkit::ftw::{Reply, Request};

/// Starts it; it ends with the tests. Gives its port.
pub(super) fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    port
}

/// Answers until the gateway goes away.
fn serve(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let reply = Reply::to(&request);
        let mut answer = format!("HTTP/1.1 {} As-Asked\r\n", reply.status).into_bytes();
        for (name, value) in &reply.headers {
            answer.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        let length = reply.body.len();
        let end = format!("x-answered-by: bench\r\ncontent-length: {length}\r\n\r\n");
        answer.extend(end.into_bytes());
        if request.method != b"HEAD" {
            answer.extend(&reply.body);
        }
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        (reader.read_until(b'\n', &mut head).ok()? > 0).then_some(())?;
    }
    let mut request = Request::parse(&head)?;
    let length = request.header("content-length").map(|length| String::from_utf8_lossy(length));
    let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    if request.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(line(reader)?.trim(), 16).ok()?;
            take(reader, size, &mut request.body)?;
            line(reader)?;
            if size == 0 {
                return Some(request);
            }
        }
    }
    take(reader, length, &mut request.body)?;
    Some(request)
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    Some(line)
}

fn take(reader: &mut impl Read, size: usize, body: &mut Vec<u8>) -> Option<()> {
    let start = body.len();
    body.resize(start + size, 0);
    reader.read_exact(&mut body[start..]).ok()
}
