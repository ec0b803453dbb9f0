//! The service behind: it answers, echoes, dawdles, and dies now and then.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;

use super::pause;

/// A running service. It ends with the process.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) port: u16,
    /// Whether it hangs up on everybody.
    pub(super) is_dead: Arc<AtomicBool>,
}

impl Upstream {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let is_dead = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_dead);
        std::thread::Builder::new().name("upstream".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let is_dead = Arc::clone(&shared);
                let serve = move || serve(stream, &is_dead);
                // Without a thread the connection is closed: a service that is full.
                drop(std::thread::Builder::new().stack_size(128 * 1_024).spawn(serve));
            }
        })?;
        Ok(Self { port, is_dead })
    }
}

/// Answers until the client goes or the service dies. Errors end the connection, as they should.
fn serve(stream: TcpStream, is_dead: &AtomicBool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let Some(asked) = Asked::read(&mut reader)? else { return Ok(()) };
        if is_dead.load(Ordering::Relaxed) {
            // In the middle of an answer.
            return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nthe rest nev");
        }
        match asked.path.as_str() {
            "/chat" => return chat(&mut reader, &mut stream),
            "/slow" => pause(Duration::from_millis(300)),
            _other => {}
        }
        let body = if asked.path == "/large" { LARGE } else { SMALL };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
    }
}

/// What matters of a request.
struct Asked {
    path: String,
}

impl Asked {
    fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Self>> {
        let (mut path, mut length) = (String::new(), 0_u64);
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let text = line.trim_end();
            if text.is_empty() && !path.is_empty() {
                break;
            }
            if path.is_empty() {
                text.split(' ').nth(1).unwrap_or_default().clone_into(&mut path);
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or_default();
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        Ok(Some(Self { path }))
    }
}

/// A `WebSocket` that sends back what comes, byte for byte: a masked frame is one too for the test.
fn chat(reader: &mut BufReader<TcpStream>, stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )?;
    let mut bytes = [0; 1_024];
    loop {
        let count = reader.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(bytes.get(..count).unwrap_or_default())?;
    }
}

const SMALL: &[u8] = b"a small answer";
const LARGE: &[u8] = &[b'x'; 100 * 1_024];
