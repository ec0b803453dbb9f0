//! The server under test: a folder with a manifest and a certificate, and the program in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::pause;
use super::upstream::Upstream;
use crate::shell::{build_ringwall, cache, command, read, succeed};

/// A running server and what stands behind it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) port: u16,
    /// The plain door.
    pub(super) plain: u16,
    pub(super) upstream: Upstream,
    folder: PathBuf,
    binary: PathBuf,
    server: Mutex<Child>,
    pid: u32,
}

impl Site {
    /// Starts everything, and asks once.
    pub(super) fn open() -> Result<Self> {
        let folder = cache().join("soak");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let binary = build_ringwall(true)?;
        certificate(&folder)?;
        let upstream = Upstream::start()?;
        let (port, plain) = (free_port()?, free_port()?);
        fs::write(folder.join("ringwall.toml"), manifest(port, plain, upstream.port, 1))?;
        let said = fs::File::create(folder.join("server.log"))?;
        let server = Command::new(&binary)
            .current_dir(&folder)
            .args(["serve", "--workers", "2", "--certificate", "cert.pem", "--key", "key.pem"])
            .stdout(said.try_clone()?)
            .stderr(said)
            .stdin(Stdio::null())
            .spawn()?;
        let pid = server.id();
        let site = Self { port, plain, upstream, folder, binary, server: Mutex::new(server), pid };
        for _ in 0..200 {
            if site.status().is_ok() {
                return Ok(site);
            }
            pause(Duration::from_millis(100));
        }
        bail!("the server does not start; see {}", site.folder.join("server.log").display())
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// `host:port`, as clients say it.
    pub(super) fn authority(&self) -> String {
        format!("soak.localhost:{}", self.port)
    }

    /// An address of the public door.
    pub(super) fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn open_connections(&self) -> Result<u64> {
        self.connections(0)
    }

    pub(super) fn accepted(&self) -> Result<u64> {
        self.connections(1)
    }

    /// Writes another manifest and puts it in force.
    pub(super) fn reload(&self, number: u64) -> Result<()> {
        let text = manifest(self.port, self.plain, self.upstream.port, number);
        fs::write(self.folder.join("ringwall.toml"), text)?;
        succeed(Command::new("kill").args(["-HUP", &self.pid.to_string()]))
    }

    fn connections(&self, at: usize) -> Result<u64> {
        let status = self.status()?;
        let count = status.get("connections").and_then(|both| both.get(at)).and_then(Value::as_u64);
        count.context("no count of connections")
    }

    fn status(&self) -> Result<Value> {
        let mut status = Command::new(&self.binary);
        status.current_dir(&self.folder).args(["status", "--json"]).stderr(Stdio::null());
        // A warning is an exit code of its own, and no failure here.
        let output = status.output()?;
        serde_json::from_slice(&output.stdout).context("no status")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-TERM", &self.pid.to_string()]).status());
        if let Ok(server) = self.server.get_mut() {
            drop(server.wait());
        }
    }
}

/// The number makes each version another one.
fn manifest(port: u16, plain: u16, upstream: u16, number: u64) -> String {
    format!(
        "ringwall = 1\nname = \"soak\"\n\n[gateway]\nhost = \"soak.localhost\"\nport = {port}\n\
         listen = [\"127.0.0.1:{port}\"]\nhttp = {plain}\n\n[audit]\nrequests = \"denied\"\n\n\
         [roles]\nmember = {{}}\n\n[services.items]\nupstream = \"127.0.0.1:{upstream}\"\n\
         routes = {{ small = \"GET /small\", put = \"POST /small\", large = \"GET /large\", \
         slow = \"GET /slow\", chat = \"GET /chat\", mine = \"GET /mine\", \
         other{number} = \"GET /other/{number}\" }}\nwebsocket = [\"chat\"]\n\
         people.anyone = [\"small\", \"put\", \"large\", \"slow\", \"chat\", \"other{number}\"]\n\
         people.member = [\"mine\"]\n\n[limits]\ndefault = \"100000000 per minute per user\"\n"
    )
}

fn certificate(folder: &std::path::Path) -> Result<()> {
    let mut openssl = command("openssl");
    openssl.current_dir(folder).stderr(Stdio::null());
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-nodes", "-days", "2", "-subj", "/CN=soak.localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:soak.localhost"]);
    read(openssl.args(["-keyout", "key.pem", "-out", "cert.pem"])).map(drop)
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
