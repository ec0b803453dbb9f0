//! What nine thousand idle TLS connections cost in memory.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};

use super::fronts::Front;
use crate::bench::cpu;
use crate::shell::{command, root};

/// Connections held; each asked once before it rests. With a second descriptor for the upstream of
/// each, ten thousand do not fit into the 20,000 that a machine may allow.
const CONNECTIONS: u32 = 9_000;

/// KiB of resident memory that one idle connection adds.
pub(super) fn round(front: &Front) -> Result<f64> {
    let before = cpu::resident_kib(front.pid());
    let mut client = command("python3");
    client.arg(root().join("benches/idle_connections.py"));
    client.args([front.port().to_string(), CONNECTIONS.to_string()]);
    let mut client = Ended(client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    let out = client.0.stdout.take().context("no output")?;
    BufReader::new(out).read_line(&mut line)?;
    if line.trim() != "ready" {
        bail!("{}: the client said {line:?}", front.name());
    }
    Ok((cpu::resident_kib(front.pid()) - before) / f64::from(CONNECTIONS))
}

/// A client that ends with its round.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
