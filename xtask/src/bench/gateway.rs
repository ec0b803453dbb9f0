//! The proxy benches: nginx, `HAProxy` and Ringwall in front of the same upstream.
//!
//! Method (docs/performance.md): the front is pinned to core 0 with one worker; the load generator
//! (`wrk`, one thread, 64 connections) and the upstream share core 1. CPU µs per request is the
//! growth of user and system time of the front's process tree divided by the requests completed.

pub(super) mod fronts;
pub(super) mod load;

use anyhow::{Result, bail};

use self::fronts::{Front, Kind};
use super::Samples;
use crate::setup;

/// Plain HTTP/1.1, keep-alive.
pub(crate) fn plain() -> Result<Vec<Samples>> {
    side_by_side("gateway-plain", &[Kind::Nginx, Kind::Haproxy, Kind::RingwallPlain])
}

/// TLS 1.3, keep-alive.
pub(crate) fn tls() -> Result<Vec<Samples>> {
    side_by_side("gateway-tls", &[Kind::NginxTls, Kind::HaproxyTls, Kind::RingwallTls])
}

/// TLS, JWT (ES256 or `EdDSA`), decision, rate limit and record. `HAProxy` checks the JWT only.
pub(crate) fn secured() -> Result<Vec<Samples>> {
    side_by_side("gateway-secured", &[Kind::NginxTls, Kind::HaproxyTls, Kind::RingwallSecured])
}

fn side_by_side(bench: &'static str, kinds: &[Kind]) -> Result<Vec<Samples>> {
    let needed = [
        ("nginx", "nginx-light"),
        ("haproxy", "haproxy"),
        ("wrk", "wrk"),
        ("openssl", "openssl"),
        ("curl", "curl"),
    ];
    let missing = setup::debian(&needed);
    if !missing.is_empty() {
        bail!("not available: {}", missing.join(", "));
    }
    let ground = fronts::Ground::prepare()?;
    let fronts: Result<Vec<Front>> =
        kinds.iter().map(|kind| Front::start(*kind, &ground)).collect();
    let fronts = fronts?;
    let mut samples: Vec<Samples> = fronts
        .iter()
        .map(|front| Samples { bench, contender: front.name().to_owned(), values: Vec::new() })
        .collect();
    for front in &fronts {
        load::round(front, load::WARM_UP_SECS)?;
    }
    for _ in 0..load::ROUNDS {
        for (front, sample) in fronts.iter().zip(&mut samples) {
            sample.values.push(load::round(front, load::ROUND_SECS)?);
        }
    }
    Ok(samples)
}
