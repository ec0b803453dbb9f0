//! Python programs that write lines. What they need may be missing: then that is said.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// One that runs. It ends with this.
pub(crate) struct Script {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Script {
    /// Starts it.
    pub(crate) fn start(text: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        let mut child =
            command.args(["-c", text]).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Starts it as a server, and gives its port. `None`, and said so, without its packages.
    pub(crate) fn server(text: &str, packages: &str) -> Option<(Self, u16)> {
        let mut server = Self::start(text, &["server"]);
        let said = server.says();
        if said == "missing" {
            let line = format!("NOT RUN: Python's {packages} not installed\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        }
        let port = said.strip_prefix("port ").unwrap_or_else(|| panic!("no port but `{said}`"));
        let port = port.parse().unwrap();
        Some((server, port))
    }

    /// The next line.
    pub(crate) fn says(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Waits for its end.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
