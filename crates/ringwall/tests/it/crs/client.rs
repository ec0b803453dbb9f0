//! A client that sends the bytes of a stage as they are.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::house::House;

/// What a stage was answered.
#[derive(Debug)]
pub(super) struct Answered {
    /// Zero when there was no answer.
    pub(super) status: u16,
    /// Whether it was the door that answered, or closed.
    pub(super) is_refused: bool,
    /// The request id.
    pub(super) request: Option<String>,
}

impl Default for Answered {
    fn default() -> Self {
        Self { status: 0, is_refused: true, request: None }
    }
}

/// Connects to one house.
#[derive(Debug)]
pub(super) struct Client {
    config: Arc<ClientConfig>,
    port: u16,
}

impl Client {
    pub(super) fn new(house: &House) -> Self {
        Self { config: Arc::new(house.client_config()), port: house.port }
    }

    /// Sends a stage and reads its answer.
    pub(super) fn send(&self, number: usize, bytes: &[u8]) -> Answered {
        let mut stream = self.connect(number);
        let (bytes, is_short) = addressed(bytes, self.port);
        // A server may refuse, answer and close before everything is written.
        drop(stream.write_all(&bytes));
        drop(stream.flush());
        if is_short {
            // The rest never comes.
            stream.conn.send_close_notify();
            drop(stream.flush());
            drop(stream.sock.shutdown(Shutdown::Write));
        }
        let is_head = bytes.starts_with(b"HEAD ");
        let mut answer = Vec::new();
        let mut part = [0; 16 * 1024];
        while !is_whole(&answer, is_head) {
            match stream.read(&mut part) {
                Ok(count) if count > 0 => answer.extend(&part[..count]),
                _ => break,
            }
        }
        Answered::of(&answer)
    }

    /// From an address of its own: the door counts what strangers send in vain.
    fn connect(&self, number: usize) -> StreamOwned<ClientConnection, TcpStream> {
        let [.., third, fourth] = u32::try_from(number / 8 + 2).unwrap().to_be_bytes();
        let own = SocketAddrV4::new(Ipv4Addr::new(127, 7, third, fourth), 0);
        let door = SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port);
        let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&stream, &own).unwrap();
        connect(&stream, &door).unwrap();
        let stream = TcpStream::from(stream);
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::clone(&self.config), name).unwrap(), stream)
    }
}

/// Names the door's port, as it is not the usual one, and says whether less comes than announced.
fn addressed(bytes: &[u8], port: u16) -> (Vec<u8>, bool) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let (head, rest) = bytes.split_at(end);
    let mut told = None;
    let mut lines = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line).to_ascii_lowercase();
        let is_ours =
            text.trim_end() == "host: localhost" || text.starts_with("referer: http://localhost/");
        if is_ours {
            let text = String::from_utf8_lossy(line);
            lines.push(text.replacen("localhost", &format!("localhost:{port}"), 1).into_bytes());
            continue;
        }
        let length = text.strip_prefix("content-length:").map(str::trim);
        told = told.or(length.and_then(|length| length.parse::<usize>().ok()));
        lines.push(line.to_vec());
    }
    let sent = rest.len().saturating_sub(4);
    let is_cut = end == bytes.len();
    ([lines.join(&b"\n"[..]), rest.to_vec()].concat(), is_cut || told.is_some_and(|one| one > sent))
}

/// Whether the last answer has come to its end.
fn is_whole(bytes: &[u8], is_head: bool) -> bool {
    let Some((head, rest)) = last(bytes) else { return false };
    if is_head || status(head) == 204 || status(head) == 304 {
        return true;
    }
    if field(head, "transfer-encoding").is_some() {
        return rest.ends_with(b"0\r\n\r\n");
    }
    let length = field(head, "content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| rest.len() >= length)
}

/// A head, and what follows it.
type Parts<'a> = (&'a str, &'a [u8]);

/// Head and body of the answer after all interim ones.
fn last(mut bytes: &[u8]) -> Option<Parts<'_>> {
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, rest) = bytes.split_at(end + 4);
        let head = std::str::from_utf8(head).unwrap_or_default();
        if status(head) >= 200 {
            return Some((head, rest));
        }
        bytes = rest;
    }
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.get(..3)?.parse().ok()).unwrap_or(999)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

impl Answered {
    fn of(bytes: &[u8]) -> Self {
        let Some((head, _)) = last(bytes) else { return Self::default() };
        Self {
            status: status(head),
            is_refused: field(head, "x-answered-by") != Some("bench"),
            request: field(head, "ringwall-request").map(str::to_owned),
        }
    }
}
