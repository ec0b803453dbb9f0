//! A folder with a manifest, and the binary run in it.

use std::fs::{File, Permissions, create_dir_all, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Outcome, Program, run};

/// The binary under test: the one that Cargo built with the tests, or the one that
/// `RINGWALL_BINARY` names.
#[expect(clippy::disallowed_methods, reason = "only tests read this variable")]
pub(crate) static BINARY: LazyLock<String> = LazyLock::new(|| {
    std::env::var("RINGWALL_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_ringwall").to_owned())
});
/// A good password.
pub(crate) const PASSWORD: &str = "tide and lantern 7";

/// A folder of its own, a port of its own.
#[derive(Debug)]
pub(crate) struct House {
    folder: TempDir,
    pub(crate) port: u16,
}

impl House {
    /// Writes the manifest, with `PORT` replaced by a free one.
    pub(crate) fn new(manifest: &str) -> Self {
        let house = Self { folder: TempDir::new().unwrap(), port: free_port() };
        house.write("ringwall.toml", &manifest.replace("PORT", &house.port.to_string()));
        house
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join(".ringwall")
    }

    /// Writes a file in the folder, at once as editors do.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let beside = self.path().join(format!("{name}.new"));
        create_dir_all(beside.parent().unwrap()).unwrap();
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, self.path().join(name)).unwrap();
    }

    /// A file in the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Changes the manifest.
    #[track_caller]
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.read("ringwall.toml");
        assert!(text.contains(from), "{from} is not in {text}");
        self.write("ringwall.toml", &text.replace(from, to));
    }

    /// The command, in this folder and without the tester's own settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY.as_str());
        command.current_dir(self.path()).args(arguments);
        for name in ["RINGWALL_ROOT_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs `ringwall` with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        run(&mut self.command(arguments), "")
    }

    /// Runs `ringwall` with this on standard input.
    pub(crate) fn pipe(&self, input: &str, arguments: &[&str]) -> Outcome {
        run(&mut self.command(arguments), input)
    }

    /// Adds a person with the password of all tests.
    #[track_caller]
    pub(crate) fn person(&self, name: &str, role: &str) {
        self.pipe(PASSWORD, &["user", "add", name, "--role", role]).good();
    }

    /// Adds a program; gives its secret.
    #[track_caller]
    pub(crate) fn robot(&self, id: &str) -> String {
        self.run(&["client", "add", id, "--bearer"]).good().out.trim().to_owned()
    }

    /// Starts `ringwall serve` and waits until it is ready.
    #[track_caller]
    pub(crate) fn serve(&self) -> Program {
        let mut program = Program::start(&mut self.command(&["serve", "--workers", "1"]));
        program.hears("Ready.");
        program
    }

    /// A Python program that gets the URL of the public door and the file with its root, then these
    /// arguments. `*.localhost` is loopback for it, as it is for browsers.
    pub(crate) fn script(&self, text: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command.arg("-c").arg(format!("{LOOPBACK}\n{text}"));
        command.arg(self.origin()).arg(self.state().join("ca.pem")).args(arguments);
        command.current_dir(self.path());
        for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            command.env_remove(name);
        }
        command
    }

    /// `ringwall status --json`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"]).good().out).unwrap()
    }

    /// `/metrics` on the control socket.
    #[track_caller]
    pub(crate) fn metrics(&self) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--unix-socket"]).arg(self.state().join("run/control.sock"));
        run(curl.arg("http://control/metrics"), "").good().out
    }

    /// The same when something is not well.
    pub(crate) fn status_or_null(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"]).out).unwrap_or_default()
    }

    /// The audit events that match, oldest first.
    #[track_caller]
    pub(crate) fn events(&self, filter: &[&str]) -> Vec<Value> {
        let arguments = [&["audit", "query"], filter].concat();
        let found = self.run(&arguments).good().out;
        found.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The C library of many systems does not know `*.localhost`.
const LOOPBACK: &str = r#"
import socket as _socket
_resolve = _socket.getaddrinfo
_socket.getaddrinfo = lambda host, *rest, **named: _resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named)
"#;

/// A port that nobody uses, below those that the kernel gives to clients. It is this process's until that
/// ends: tests run side by side, and a port that was only looked at is somebody else's a moment later.
pub(crate) fn free_port() -> u16 {
    static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join("ringwall-test-ports");
    create_dir_all(&folder).unwrap();
    // Other users run tests, too. Theirs, if it is not ours to change.
    drop(set_permissions(&folder, Permissions::from_mode(0o1777)));
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Others begin elsewhere, so that a search is short.
    let start = std::process::id() % 12_000;
    for step in 0..12_000 {
        let port = 20_000 + u16::try_from((start + step) % 12_000).unwrap();
        let Ok(mark) = File::create(folder.join(port.to_string())) else { continue };
        if mark.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.push(mark);
            return port;
        }
    }
    panic!("no free port")
}
