//! Who asks, and how: a thread for each kind of client, until it is told to stop.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Scope;
use std::time::Duration;

use anyhow::{Error, Result, bail};

use super::pause;
use super::site::Site;
use crate::shell::say;

/// What the clients came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    wrk: AtomicU64,
    h2load: AtomicU64,
    broken_off: AtomicU64,
    resumed: AtomicU64,
    chats: AtomicU64,
    curls: AtomicU64,
    reloads: AtomicU64,
    deaths: AtomicU64,
}

/// One client's whole visit.
type Visit = fn(&Site, &Tally) -> Result<()>;

/// Starts all clients.
pub(super) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    site: &'scope Site,
    stop: &'scope AtomicBool,
    tally: &'scope Tally,
) {
    let visits: [(&str, Visit); 9] = [
        ("keep-alive", keep_alive),
        ("new connections", new_connections),
        ("HTTP/2", streams),
        ("refused tokens", refused_tokens),
        ("broken off", broken_off),
        ("aborted", aborted),
        ("resumed", resumed),
        ("chats", chats),
        ("operator", operator),
    ];
    for (name, visit) in visits {
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                visit(site, tally).unwrap_or_else(|error| complain(name, &error));
            }
        });
    }
}

fn complain(name: &str, error: &Error) {
    say(&format!("soak: {name}: {error:#}"));
    pause(Duration::from_secs(1));
}

impl Tally {
    /// Every kind has to have happened: a client that cannot run tests nothing.
    pub(super) fn check(&self) -> Result<()> {
        for (name, count) in self.all() {
            if count == 0 {
                bail!("there were no {name}");
            }
        }
        Ok(())
    }

    fn all(&self) -> [(&'static str, u64); 8] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("requests by wrk", of(&self.wrk)),
            ("by h2load", of(&self.h2load)),
            ("connections broken off", of(&self.broken_off)),
            ("sessions resumed", of(&self.resumed)),
            ("WebSockets", of(&self.chats)),
            ("aborted downloads", of(&self.curls)),
            ("reloads", of(&self.reloads)),
            ("deaths of the service", of(&self.deaths)),
        ]
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.all().map(|(name, count)| format!("{name}: {count}"));
        f.write_str(&parts.join(", "))
    }
}

fn keep_alive(site: &Site, tally: &Tally) -> Result<()> {
    wrk(site, tally, &["-t1", "-c32", "-d5s"], "/small")
}

/// A full handshake for each request.
fn new_connections(site: &Site, tally: &Tally) -> Result<()> {
    wrk(site, tally, &["-t1", "-c8", "-d4s", "-H", "Connection: close"], "/small")?;
    wrk(site, tally, &["-t1", "-c4", "-d1s"], "/large")
}

fn refused_tokens(site: &Site, tally: &Tally) -> Result<()> {
    let token = "Authorization: Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl";
    wrk(site, tally, &["-t1", "-c2", "-d1s", "-H", token], "/mine")?;
    pause(Duration::from_secs(2));
    Ok(())
}

fn wrk(site: &Site, tally: &Tally, arguments: &[&str], path: &str) -> Result<()> {
    let host = format!("Host: {}", site.authority());
    let text = output(Command::new("wrk").args(arguments).args(["-H", &host]).arg(site.url(path)))?;
    let count = text.lines().find_map(|line| line.trim().split_once(" requests in "));
    add(&tally.wrk, count.and_then(|(count, _)| count.parse().ok()).unwrap_or_default());
    Ok(())
}

fn streams(site: &Site, tally: &Tally) -> Result<()> {
    let mut h2load = Command::new("h2load");
    h2load.args(["-t1", "-c16", "-m10", "-n4000", "-H"]);
    h2load.arg(format!(":authority: {}", site.authority()));
    let text = output(h2load.arg(site.url("/small")))?;
    let line = text.lines().find_map(|line| line.strip_prefix("status codes: ")).unwrap_or("");
    let count = line.split(' ').next().and_then(|count| count.parse().ok());
    add(&tally.h2load, count.unwrap_or_default());
    pause(Duration::from_secs(1));
    Ok(())
}

/// A port, and what is said there.
type Piece<'a> = (u16, &'a [u8]);

/// Sockets that end where they should not.
fn broken_off(site: &Site, tally: &Tally) -> Result<()> {
    let hello = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let head = format!("GET /small HTTP/1.1\r\nHost: {}\r\nX-Half: ", site.authority());
    let whole = format!("GET / HTTP/1.1\r\nHost: soak.localhost:{}\r\n\r\n", site.plain);
    let pieces: [Piece<'_>; 5] = [
        (site.port, b""),
        (site.port, &hello),
        (site.port, b"GET / HTTP/1.1\r\n\r\n"),
        (site.plain, head.as_bytes()),
        (site.plain, whole.as_bytes()),
    ];
    for (number, (port, bytes)) in pieces.iter().cycle().take(50).enumerate() {
        let mut stream = TcpStream::connect(("127.0.0.1", *port))?;
        stream.write_all(bytes)?;
        // Some go at once, with their answer unread; some close one direction first.
        if number % 3 == 0 {
            stream.shutdown(Shutdown::Write)?;
            stream.set_read_timeout(Some(Duration::from_millis(100)))?;
            // An answer, an end or a reset: all are right here.
            drop(stream.read(&mut [0; 64]));
        }
        add(&tally.broken_off, 1);
    }
    pause(Duration::from_millis(200));
    Ok(())
}

/// Downloads that are given up, and uploads to a service that is slow.
fn aborted(site: &Site, tally: &Tally) -> Result<()> {
    for (version, path, more) in [
        ("--http1.1", "/slow", &[][..]),
        ("--http2", "/slow", &[][..]),
        ("--http2", "/large", &["--limit-rate", "100k"][..]),
        ("--http1.1", "/large", &["--limit-rate", "100k"][..]),
        ("--http2", "/small", &["--data", "@Cargo.lock", "--limit-rate", "20k"][..]),
    ] {
        let mut curl = Command::new("curl");
        curl.current_dir(crate::shell::root());
        curl.args(["-sk", "--noproxy", "*", "--max-time", "0.2", version, "-o", "/dev/null"]);
        curl.args(more).args(["-H", &format!("Host: {}", site.authority())]).arg(site.url(path));
        // It is meant to give up; one that is done before was lucky.
        let ended = curl.stdin(Stdio::null()).stderr(Stdio::null()).status()?;
        add(&tally.curls, u64::from(!ended.success()));
    }
    Ok(())
}

/// One session, and five connections that go on with it.
fn resumed(site: &Site, tally: &Tally) -> Result<()> {
    for version in ["-tls1_2", "-tls1_3"] {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-reconnect", version, "-connect"]);
        openssl.arg(format!("127.0.0.1:{}", site.port)).stdin(Stdio::null());
        let text = output(openssl.args(["-servername", "soak.localhost"]).stderr(Stdio::null()))?;
        let count = text.lines().filter(|line| line.starts_with("Reused, ")).count();
        add(&tally.resumed, u64::try_from(count)?);
    }
    pause(Duration::from_millis(300));
    Ok(())
}

/// A `WebSocket` that says something and is left without a farewell.
fn chats(site: &Site, tally: &Tally) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-quiet", "-ign_eof", "-servername", "soak.localhost", "-connect"]);
    openssl.arg(format!("127.0.0.1:{}", site.port));
    openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = openssl.spawn()?;
    let said = match (child.stdin.take(), child.stdout.take()) {
        (Some(mut input), Some(mut answers)) => {
            let head = format!(
                "GET /chat HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                site.authority()
            );
            input.write_all(head.as_bytes())?;
            let mut bytes = [0; 2_048];
            let count = answers.read(&mut bytes)?;
            let is_open = bytes.get(..count).unwrap_or_default().starts_with(b"HTTP/1.1 101 ");
            if is_open {
                // Text, two bytes, masked with zeros (RFC 6455 section 5.2).
                input.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'])?;
                let echoed = answers.read(&mut bytes)?;
                add(&tally.chats, u64::from(echoed > 0));
            }
            is_open
        }
        _none => false,
    };
    drop(child.kill());
    drop(child.wait());
    pause(Duration::from_millis(if said { 50 } else { 500 }));
    Ok(())
}

/// Reloads, and a service that dies and comes back.
fn operator(site: &Site, tally: &Tally) -> Result<()> {
    pause(Duration::from_secs(3));
    let number = tally.reloads.fetch_add(1, Ordering::Relaxed);
    site.reload(number % 5)?;
    if number % 4 == 3 {
        site.upstream.is_dead.store(true, Ordering::Relaxed);
        pause(Duration::from_secs(1));
        site.upstream.is_dead.store(false, Ordering::Relaxed);
        add(&tally.deaths, 1);
    }
    Ok(())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}
