//! A service that records what reaches it, and answers as it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What one request looked like, byte for byte.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: String,
}

type Script = dyn Fn(&Seen) -> String + Send + Sync;

/// A running service. It answers one request a connection.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    /// Answers every request with an empty JSON object.
    pub(crate) fn plain() -> Self {
        Self::scripted(|_| json("{}"))
    }

    pub(crate) fn scripted(script: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, script) =
            (Arc::clone(&seen), Arc::<Script>::from(Box::new(script) as Box<Script>));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                thread::spawn(move || serve(stream, &log, &*script));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("nothing reached the service")
    }
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// All values of a field, in any spelling.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// A JSON answer.
pub(crate) fn json(body: &str) -> String {
    with("200 OK", &[], body)
}

/// An answer with these fields.
pub(crate) fn with(status: &str, fields: &[&str], body: &str) -> String {
    let fields: String = fields.iter().flat_map(|field| [*field, "\r\n"]).collect();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nserver: test\r\nconnection: close\r\n\
         {fields}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, script: &Script) {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    let seen = loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let seen = Seen { head: head.to_owned(), body: body.to_owned() };
        let length = seen.values("content-length").first().map_or(0, |text| text.parse().unwrap());
        let is_chunked = !seen.values("transfer-encoding").is_empty();
        if body.len() >= length && (!is_chunked || body.ends_with("0\r\n\r\n")) {
            break seen;
        }
    };
    log.lock().unwrap().push(seen.clone());
    let answer = script(&seen);
    stream.write_all(answer.as_bytes()).ok();
}
