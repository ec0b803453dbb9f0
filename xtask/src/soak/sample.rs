//! What the server holds at one moment, and what may be said of many of them.

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use super::site::Site;

/// What was read from `/proc` and from the server's own counters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub(super) resident_kib: u64,
    pub(super) descriptors: u64,
    /// Connections of clients.
    pub(super) open: u64,
}

impl Sample {
    pub(super) fn take(site: &Site) -> Result<Self> {
        let folder = format!("/proc/{}", site.pid());
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|rest| rest.split_whitespace().next());
        Ok(Self {
            resident_kib: resident.context("no VmRSS")?.parse()?,
            descriptors: u64::try_from(fs::read_dir(format!("{folder}/fd"))?.count())?,
            open: site.open_connections()?,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.resident_kib.checked_div(1_024).unwrap_or_default();
        write!(f, "{mib} MiB, {} descriptors, {} connections", self.descriptors, self.open)
    }
}

/// Fails when something stays behind or grows. Says the figures otherwise.
pub(super) fn verdict(before: Sample, samples: &[Sample], after: Sample) -> Result<String> {
    if after.descriptors > before.descriptors.saturating_add(SPARE) {
        bail!("{} descriptors at rest before, and {} after", before.descriptors, after.descriptors);
    }
    for (number, sample) in samples.iter().enumerate() {
        // A client's connection may have one to an upstream, and the pool keeps some.
        let explained = before.descriptors + POOLED + sample.open.saturating_mul(2);
        if sample.descriptors > explained {
            bail!("sample {number}: {sample}, and only {explained} can be explained");
        }
    }
    // The first fifth is warm-up: pools, caches and the allocator's arenas fill.
    let steady = samples.get(samples.len() / 5..).unwrap_or_default();
    let (early, late) = steady.split_at(steady.len() / 2);
    let (early, late) = (median(early), median(late));
    let allowed = early.saturating_add((early / 10).max(GROWTH_KIB));
    if late > allowed {
        bail!("memory went from {early} KiB to {late} KiB, and {allowed} were allowed");
    }
    Ok(format!("memory, medians of the halves after the warm-up: {early} KiB, {late} KiB"))
}

fn median(samples: &[Sample]) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(|sample| sample.resident_kib).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Descriptors that may come and go at rest: a log's new segment, a question on the control socket.
pub(super) const SPARE: u64 = 8;

/// Connections that wait for the next request: at most 64 for each thread and upstream.
const POOLED: u64 = 256;

/// A tenth, and at least so much, is noise: how many connections are open at a sample is luck.
const GROWTH_KIB: u64 = 6 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resident_kib: u64, descriptors: u64, open: u64) -> Sample {
        Sample { resident_kib, descriptors, open }
    }

    #[test]
    fn growth_and_what_stays_behind_fail_and_noise_does_not() {
        let rest = of(30_000, 40, 0);
        let steady: Vec<Sample> = (0..60).map(|at| of(80_000 + at % 7 * 900, 300, 100)).collect();
        assert!(verdict(rest, &steady, of(60_000, 47, 0)).is_ok());
        assert!(verdict(rest, &steady, of(60_000, 49, 0)).is_err(), "nine stay");
        let growing: Vec<Sample> = (0..60).map(|at| of(80_000 + at * 500, 300, 100)).collect();
        assert!(verdict(rest, &growing, rest).is_err());
        let mut leaking = steady;
        leaking.push(of(80_000, 600, 100));
        assert!(verdict(rest, &leaking, rest).is_err(), "more than connections explain");
    }
}
