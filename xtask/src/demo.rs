//! Demo: the sample fleet behind Ringwall, on the embedded store, then a guided tour.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::setup::{self, Python};
use crate::shell::{build_ringwall, cache, command, read, root, say, succeed};
use crate::tour;

/// Sets the fleet up, starts it, walks the tour, and stays until Ctrl-C on a terminal.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let stays = !words.contains(&"--tour-only") && std::io::stdin().is_terminal();
    let missing = setup::debian(&[("curl", "curl")]);
    if !missing.is_empty() {
        bail!("not available: {}", missing.join(", "));
    }
    let python = Python::ensure()?;
    let ringwall = build_ringwall(false)?;
    let fleet = Fleet::prepare(&ringwall, &python)?;
    let mut running = fleet.start()?;
    let toured = running.wait_until_ready(&fleet).and_then(|()| tour::walk(&fleet));
    if toured.is_ok() && stays {
        say("\nThe fleet keeps running. Edit the manifest and watch; Ctrl-C stops everything.");
        say(&format!("  manifest  {}", fleet.folder.join("ringwall.toml").display()));
        say(&format!(
            "  {SUPPORT}'s authenticator and recovery codes  {}",
            fleet.handout().display()
        ));
        let ended = running.dev.wait()?;
        say(&format!("ringwall dev ended with {ended}"));
    }
    running.stop();
    toured
}

/// A copy of the sample fleet in `.cache/demo`, with secrets and people of its own.
pub(crate) struct Fleet {
    pub(crate) folder: PathBuf,
    pub(crate) ringwall: PathBuf,
    path: String,
}

/// The people of the demo: login name and role.
const PEOPLE: &[(&str, &str)] = &[("ada", "customer"), ("bob", "customer"), ("sue", "support")];

/// Who has a second factor.
pub(crate) const SUPPORT: &str = "sue";

/// One password for all people of the demo, which listens on loopback only.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

impl Fleet {
    fn prepare(ringwall: &Path, python: &Python) -> Result<Self> {
        let folder = cache().join("demo");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .context("cannot clear .cache/demo; does a demo run?")?;
        }
        std::fs::create_dir_all(&folder)?;
        let from = root().join("examples/shop").join(".");
        succeed(command("cp").arg("-r").arg(from).arg(&folder))?;
        let fleet = Self { folder, ringwall: ringwall.to_path_buf(), path: python.path() };
        fleet.feed(&["secret", "set", "orders_db"], b"sqlite:///data/orders.db")?;
        for name in ["stripe_key", "stripe_hook"] {
            let value =
                std::fs::read("/proc/sys/kernel/random/uuid").context("no random source")?;
            fleet.feed(&["secret", "set", name], &value)?;
        }
        for (name, role) in PEOPLE {
            fleet.feed(&["user", "add", name, "--role", role], PASSWORD.as_bytes())?;
        }
        // The manifest wants a second factor of support: an authenticator and recovery codes.
        let handout = read(&mut fleet.ringwall(&["user", "enrol", SUPPORT]))?;
        std::fs::write(fleet.handout(), handout)?;
        Ok(fleet)
    }

    /// The authenticator of [`SUPPORT`], and a recovery code a line.
    pub(crate) fn handout(&self) -> PathBuf {
        self.folder.join(".ringwall").join(SUPPORT)
    }

    /// A `ringwall` command in the fleet's folder.
    pub(crate) fn ringwall(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.ringwall);
        command.current_dir(&self.folder).env("PATH", &self.path).args(arguments);
        command
    }

    fn feed(&self, arguments: &[&str], input: &[u8]) -> Result<()> {
        let mut child =
            self.ringwall(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("no standard input")?.write_all(input)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "ringwall {} failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    fn start(&self) -> Result<Running> {
        let log = File::create(cache().join("demo-partner.log"))?;
        let partner = Command::new("python3")
            .current_dir(&self.folder)
            .env("PATH", &self.path)
            .args(["-m", "partner"])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the partner stub")?;
        let dev = self
            .ringwall(&["dev"])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start ringwall dev")?;
        Ok(Running { dev, partner })
    }
}

struct Running {
    dev: Child,
    partner: Child,
}

impl Running {
    #[expect(clippy::disallowed_methods, reason = "a chore waits for a server by the wall clock")]
    fn wait_until_ready(&mut self, fleet: &Fleet) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < READY_MAX {
            if let Some(status) = self.dev.try_wait()? {
                bail!("ringwall dev ended with {status}");
            }
            let mut ask = fleet.ringwall(&["status", "--json"]);
            if ask.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("the fleet was not ready within {} s", READY_MAX.as_secs())
    }

    /// Ends both processes, politely first. Only the ids that were started here.
    fn stop(&mut self) {
        let id = self.dev.id().to_string();
        drop(Command::new("kill").args(["-TERM", &id]).status());
        drop(self.dev.wait());
        drop(self.partner.kill());
        drop(self.partner.wait());
    }
}

const READY_MAX: Duration = Duration::from_mins(1);
