//! One round of load against one front.

use anyhow::{Context, Result, bail};

use super::super::cpu;
use super::fronts::Front;
use super::work::Work;
use crate::shell::{command, read};

/// Rounds for each contender.
pub(crate) const ROUNDS: usize = 5;

/// Loads the front and returns its CPU microseconds per request.
pub(crate) fn round(front: &Front) -> Result<f64> {
    let secs = if front.work.is_once() { 1 } else { 3 };
    Ok(loaded(front, secs)?.cpu_micros)
}

/// Makes connections, caches and branch predictors ready.
pub(crate) fn warm_up(front: &Front) -> Result<()> {
    // One address that asks for the page so often is refused, rightly.
    if front.work == Work::Login {
        return Ok(());
    }
    // A cache of a hundred thousand tokens is warm when each was seen.
    let secs = if front.work == Work::Crowded { 30 } else { 1 };
    loaded(front, secs).map(drop)
}

/// What a round came to.
pub(crate) struct Loaded {
    pub(crate) cpu_micros: f64,
    pub(crate) per_second: f64,
}

/// Loads the front for some seconds.
pub(crate) fn loaded(front: &Front, secs: u32) -> Result<Loaded> {
    let before = cpu::of_tree(front.pid());
    let requests = if front.work == Work::H2 { h2load(front, secs)? } else { wrk(front, secs)? };
    let spent = cpu::of_tree(front.pid()) - before;
    if requests < 100.0 {
        bail!("{} answered only {requests} requests", front.name());
    }
    Ok(Loaded { cpu_micros: spent / requests, per_second: requests / f64::from(secs) })
}

fn wrk(front: &Front, secs: u32) -> Result<f64> {
    let is_handshake = front.work == Work::Handshake;
    let mut wrk = command("taskset");
    wrk.args(["-c", "1", "wrk", "-t1", if is_handshake { "-c32" } else { "-c64" }]);
    wrk.args([&format!("-d{secs}s"), "-H", "Accept: application/json"]);
    if is_handshake {
        wrk.args(["-H", "Connection: close"]);
    }
    for header in front.headers() {
        wrk.args(["-H", header]);
    }
    if let Some(script) = front.script() {
        wrk.arg("-s").arg(script);
    }
    let report = read(wrk.arg(front.url()))?;
    if let Some(line) = report.lines().find(|line| line.contains("Non-2xx")) {
        bail!("{} refused requests: {}", front.name(), line.trim());
    }
    report
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ")?.0.parse::<f64>().ok())
        .with_context(|| format!("wrk reported no requests for {}:\n{report}", front.name()))
}

/// 32 connections with 10 streams each.
fn h2load(front: &Front, secs: u32) -> Result<f64> {
    let mut load = command("taskset");
    load.args(["-c", "1", "h2load", "-t1", "-c32", "-m10", "-D", &secs.to_string()]);
    load.args(["-H", "Accept: application/json"]);
    for header in front.headers() {
        // HTTP/2 names the host by a pseudo header.
        load.args(["-H", &header.replacen("Host: ", ":authority: ", 1)]);
    }
    let report = read(load.arg(front.url()))?;
    succeeded(&report)
        .with_context(|| format!("h2load reported no success for {}:\n{report}", front.name()))
}

/// The 2xx of a report of h2load. `None` when anything else was answered.
pub(super) fn succeeded(report: &str) -> Option<f64> {
    let line = report.lines().find(|line| line.starts_with("status codes:"))?;
    let mut counts = line.strip_prefix("status codes:")?.split(',').filter_map(|part| {
        let (count, kind) = part.trim().split_once(' ')?;
        Some((count.parse::<f64>().ok()?, kind.trim()))
    });
    let good = counts.next().filter(|(_, kind)| *kind == "2xx")?;
    counts.all(|(count, _)| count == 0.0).then_some(good.0)
}
