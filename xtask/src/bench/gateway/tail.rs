//! The slowest one in a hundred, at 70 % of what a front can do.

use std::fs;

use anyhow::{Context, Result};

use super::fronts::Front;
use super::load::{self, succeeded};
use crate::shell::{cache, command, read};

/// Loads the front at 70 % of `per_second` and returns the 99th percentile in microseconds.
///
/// One token for all: h2load has no scripts. The rate is held by each of 64 connections.
pub(super) fn round(front: &Front, per_second: f64, header: Option<&str>) -> Result<f64> {
    let log = cache().join("bench/tail.log");
    if log.exists() {
        fs::remove_file(&log)?;
    }
    let rate = (per_second * 0.7 / f64::from(CONNECTIONS)).max(1.0);
    let mut load = command("taskset");
    load.args(["-c", "1", "h2load", "--h1", "-t1", "-D", "4"]);
    load.args([format!("-c{CONNECTIONS}"), format!("--rps={rate:.0}")]);
    for header in front.headers().iter().map(String::as_str).chain(header) {
        load.args(["-H", &header.replacen("Host: ", ":authority: ", 1)]);
    }
    let report = read(load.arg(format!("--log-file={}", log.display())).arg(front.url()))?;
    succeeded(&report).with_context(|| format!("{} refused requests:\n{report}", front.name()))?;
    let text = fs::read_to_string(&log)?;
    let mut times: Vec<u64> =
        text.lines().filter_map(|line| line.split('\t').nth(2)?.parse().ok()).collect();
    times.sort_unstable();
    let at = times.len().saturating_mul(99) / 100;
    let micros = times.get(at).or(times.last()).context("no times were logged")?;
    Ok(f64::from(u32::try_from(*micros)?))
}

/// What a front can do on its core.
pub(super) fn saturation(front: &Front) -> Result<f64> {
    Ok(load::loaded(front, 2)?.per_second)
}

const CONNECTIONS: u32 = 64;
