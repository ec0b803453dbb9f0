//! A real Redis server (Debian package `redis-server`) on a Unix socket or a port of its own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A server that ends with its handle. It keeps nothing on a disk.
#[derive(Debug)]
pub struct RedisServer {
    folder: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
    port: u16,
}

impl RedisServer {
    /// Starts one with its socket in `folder`, and these arguments added.
    ///
    /// # Errors
    /// When there is no `redis-server`, or it does not start.
    pub fn start(folder: &Path, arguments: &[&str]) -> io::Result<Self> {
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        let mut server = Self { folder: folder.to_owned(), arguments, child: None, port: 0 };
        server.revive()?;
        Ok(server)
    }

    /// As [`RedisServer::start`], reached over TCP too.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_on_port(folder: &Path, arguments: &[&str]) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        let mut server = Self { folder: folder.to_owned(), arguments, child: None, port };
        server.revive()?;
        Ok(server)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// Its port, if it has one.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, as a crash would. What it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Starts it again at the same place.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn revive(&mut self) -> io::Result<()> {
        self.kill();
        let mut command = Command::new("redis-server");
        command.args(["--save", "", "--appendonly", "no", "--port", &self.port.to_string()]);
        command.args(["--bind", "127.0.0.1", "--unixsocket"]).arg(self.socket());
        command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.current_dir(&self.folder).spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("`redis-server` (Debian package): {error}"))
        })?;
        self.child = Some(child);
        let (_keep, never) = mpsc::channel::<()>();
        for _ in 0..STARTS_MAX {
            if self.is_up() {
                return Ok(());
            }
            // A wait that no one ends early.
            never.recv_timeout(Duration::from_millis(20)).ok();
        }
        Err(io::Error::other("`redis-server` does not start"))
    }

    fn is_up(&self) -> bool {
        let Ok(mut socket) = UnixStream::connect(self.socket()) else { return false };
        let mut answer = [0; 1];
        let asked = socket.write_all(b"PING\r\n").and_then(|()| socket.read_exact(&mut answer));
        // `+PONG`, or `-NOAUTH` when it has a password: both mean that it listens.
        asked.is_ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ten seconds.
const STARTS_MAX: usize = 500;
