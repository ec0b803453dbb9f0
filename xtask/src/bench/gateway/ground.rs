//! What all fronts share: the upstream, a certificate, access tokens, a folder.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::fronts::nginx;
use crate::shell::{build_ringwall, cache, command, succeed};

/// The scene of a benchmark.
pub(crate) struct Ground {
    pub(super) folder: PathBuf,
    pub(super) upstream: u16,
    pub(super) ringwall: PathBuf,
    _server: Running,
}

/// Ends the process when dropped. Only the id that was started here.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    #[expect(clippy::disallowed_methods, reason = "a chore waits for a server by the wall clock")]
    fn drop(&mut self) {
        // Politely first: a master that is killed leaves its workers behind.
        drop(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status());
        for _ in 0..40 {
            if self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Ground {
    /// Starts the upstream: nginx on core 1, with a fixed answer of 144 bytes, and one of 100 KiB.
    pub(crate) fn prepare() -> Result<Self> {
        let folder = cache().join("bench");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let ringwall = build_ringwall(true)?;
        certificate(&folder)?;
        fs::write(folder.join("large"), "x".repeat(100 * 1_024))?;
        let upstream = free_port()?;
        let body = format!("{{\"id\":7,\"items\":\"{}\"}}", "x".repeat(144 - 20));
        let server = format!(
            "server {{ listen 127.0.0.1:{upstream} backlog=4096; \
             location / {{ default_type application/json; return 200 '{body}'; }} \
             location /large {{ default_type application/octet-stream; root {}; }} }}",
            folder.display()
        );
        let config = folder.join("upstream.conf");
        fs::write(&config, nginx::config(&folder, "upstream", &server))?;
        let server = start("1", Command::new("nginx").arg("-c").arg(&config), upstream)?;
        Ok(Self { folder, upstream, ringwall, _server: server })
    }
}

/// A key on P-256 and its certificate: `key.pem`, `cert.pem`, and both in `both.pem`.
fn certificate(folder: &Path) -> Result<()> {
    let (key, chain) = (folder.join("key.pem"), folder.join("cert.pem"));
    let name = ["-subj", "/CN=bench.localhost", "-addext", "subjectAltName=DNS:bench.localhost"];
    succeed(
        command("openssl")
            .stderr(Stdio::null())
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2"])
            .args(name)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&chain),
    )?;
    fs::write(folder.join("both.pem"), fs::read_to_string(chain)? + &fs::read_to_string(key)?)?;
    Ok(())
}

/// A port of loopback that nobody has now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Starts a server on one core and waits until it accepts.
#[expect(clippy::disallowed_methods, reason = "a chore waits for a server by the wall clock")]
pub(crate) fn start(core: &str, program: &mut Command, port: u16) -> Result<Running> {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", core]).arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        pinned.current_dir(folder);
    }
    for (name, value) in program.get_envs() {
        pinned.env(name, value.unwrap_or_default());
    }
    let child = pinned.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.with_context(|| format!("cannot start {program:?}"))?);
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(running);
        }
        if let Some(status) = running.0.try_wait()? {
            bail!("{program:?} ended with {status}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{program:?} did not listen on port {port}")
}
