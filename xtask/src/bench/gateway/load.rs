//! One round of load against one front.

use anyhow::{Context, Result, bail};

use super::super::cpu;
use super::fronts::Front;
use crate::shell::{command, read};

/// Rounds for each contender.
pub(crate) const ROUNDS: usize = 5;
/// Length of a round.
pub(crate) const ROUND_SECS: u32 = 3;
/// Length of the warm-up.
pub(crate) const WARM_UP_SECS: u32 = 1;

/// Loads the front and returns its CPU microseconds per request.
pub(crate) fn round(front: &Front, secs: u32) -> Result<f64> {
    let before = cpu::of_tree(front.pid());
    let mut wrk = command("taskset");
    wrk.args([
        "-c",
        "1",
        "wrk",
        "-t1",
        "-c64",
        &format!("-d{secs}s"),
        "-H",
        "Accept: application/json",
    ]);
    for header in front.headers() {
        wrk.args(["-H", header]);
    }
    if let Some(script) = front.script() {
        wrk.arg("-s").arg(script);
    }
    let report = read(wrk.arg(front.url()))?;
    let spent = cpu::of_tree(front.pid()) - before;
    if let Some(line) = report.lines().find(|line| line.contains("Non-2xx")) {
        bail!("{} refused requests: {}", front.name(), line.trim());
    }
    let requests = report
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ")?.0.parse::<f64>().ok())
        .with_context(|| format!("wrk reported no requests for {}:\n{report}", front.name()))?;
    if requests < 100.0 {
        bail!("{} answered only {requests} requests:\n{report}", front.name());
    }
    Ok(spent / requests)
}
