//! Soak: a day's worth of connections in minutes, to see that nothing stays behind.
//!
//! The real program runs behind real clients (`wrk`, `h2load`, `curl`, `openssl`) and sockets of our
//! own that break off. Every ten seconds memory and descriptors are read from `/proc`. It fails when
//! memory goes on growing after the warm-up, when there are more descriptors than connections can
//! explain, or when some stay after the load.

mod site;
mod upstream;
mod load;
mod sample;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::load::Tally;
use self::sample::{Sample, verdict};
use self::site::Site;
use crate::setup;
use crate::shell::{data, say};

/// Runs the soak: ten minutes, or `--minutes N`, or `--seconds N`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let length = match words {
        [] => Duration::from_mins(10),
        ["--minutes", number] => Duration::from_secs(number.parse::<u64>()?.saturating_mul(60)),
        ["--seconds", number] => Duration::from_secs(number.parse()?),
        other => bail!("`soak` takes `--minutes N` or `--seconds N`, and not {other:?}"),
    };
    let missing = setup::debian(&NEEDED);
    if !missing.is_empty() {
        bail!("not available: {}", missing.join(", "));
    }
    let site = Site::open()?;
    let (stop, tally) = (AtomicBool::new(false), Tally::default());
    let before = Sample::take(&site)?;
    say(&format!("soak: at rest {before}"));
    let samples = std::thread::scope(|scope| {
        load::start(scope, &site, &stop, &tally);
        let watched = watch(&site, length);
        stop.store(true, Ordering::Relaxed);
        watched
    })?;
    let after = rest(&site, before)?;
    say(&format!("soak: at rest again {after}"));
    let accepted = site.accepted()?;
    data(&format!("connections accepted: {accepted}; {tally}"));
    data(&format!("before: {before}; after: {after}"));
    for (at, sample) in samples.iter().enumerate() {
        data(&format!("{:>5} s  {sample}", at.saturating_add(1).saturating_mul(10)));
    }
    tally.check()?;
    let report = verdict(before, &samples, after)?;
    data(&report);
    Ok(())
}

/// Samples until the time is over.
fn watch(site: &Site, length: Duration) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for _ in 0..length.as_secs().checked_div(EVERY.as_secs()).unwrap_or_default() {
        pause(EVERY);
        let sample = Sample::take(site).context("the server ended")?;
        say(&format!("soak: {sample}"));
        samples.push(sample);
    }
    Ok(samples)
}

/// Waits until the connections of the load are gone. Those that it left half-open have their own
/// time limits, the longest of which is a minute and a quarter.
fn rest(site: &Site, before: Sample) -> Result<Sample> {
    let mut now = Sample::take(site)?;
    for _ in 0..20 {
        if now.open == 0 && now.descriptors <= before.descriptors.saturating_add(sample::SPARE) {
            break;
        }
        pause(Duration::from_secs(5));
        now = Sample::take(site)?;
    }
    Ok(now)
}

/// Waits by the wall clock: here it is what is meant.
#[expect(clippy::disallowed_methods, reason = "a soak lasts for a time")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Between two samples.
const EVERY: Duration = Duration::from_secs(10);

const NEEDED: [(&str, &str); 4] =
    [("wrk", "wrk"), ("h2load", "nghttp2-client"), ("openssl", "openssl"), ("curl", "curl")];
