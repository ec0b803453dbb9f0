//! The proxy benches: Ringwall and its peers in front of the same upstream.
//!
//! Method (docs/performance.md): the front is pinned to core 0 with one worker; the load generator
//! (`wrk`, one thread, 64 connections) and the upstream share core 1. CPU µs per request is the
//! growth of user and system time of the front's process tree divided by the requests completed.

pub(super) mod fronts;
pub(super) mod ground;
mod idle;
pub(super) mod load;
mod tail;
pub(super) mod tokens;
pub(super) mod work;

use anyhow::{Result, bail};

use self::fronts::Front;
use self::ground::Ground;
use self::tokens::Tokens;
use self::work::{Server, Work};
use super::Samples;
use crate::setup;
use crate::shell::say;

/// Plain HTTP/1.1, keep-alive.
pub(crate) fn plain() -> Result<Vec<Samples>> {
    side_by_side("gateway-plain", Work::Plain, &ALL)
}

/// TLS 1.3, keep-alive.
pub(crate) fn tls() -> Result<Vec<Samples>> {
    side_by_side("gateway-tls", Work::Tls, &ALL)
}

/// HTTP/2 over TLS.
pub(crate) fn h2() -> Result<Vec<Samples>> {
    side_by_side("gateway-h2", Work::H2, &ALL)
}

/// Full TLS handshakes on P-256.
pub(crate) fn handshake() -> Result<Vec<Samples>> {
    side_by_side("gateway-handshake", Work::Handshake, &ALL)
}

/// Answers of 100 KiB.
pub(crate) fn large() -> Result<Vec<Samples>> {
    side_by_side("gateway-large", Work::Large, &ALL)
}

/// A thousand ES256 tokens. Ringwall adds TLS, decision, rate limit and access record.
pub(crate) fn secured() -> Result<Vec<Samples>> {
    side_by_side(
        "gateway-secured",
        Work::Secured,
        &[Server::Ringwall, Server::Haproxy, Server::Envoy],
    )
}

/// The same, and no token comes twice.
pub(crate) fn first_sight() -> Result<Vec<Samples>> {
    let servers = [Server::Ringwall, Server::Haproxy, Server::Envoy];
    side_by_side("gateway-first-sight", Work::FirstSight, &servers)
}

/// A hundred thousand live tokens and ten thousand operations, beside the small case.
pub(crate) fn crowded() -> Result<Vec<Samples>> {
    ringwall_in_sizes(
        "gateway-crowded",
        &[
            (Work::Secured, "1 operation, 1,000 tokens"),
            (Work::Crowded, "10,000 operations, 100,000 tokens"),
        ],
    )
}

/// Ringwall beside itself, with more to do.
pub(super) fn ringwall_in_sizes(
    bench: &'static str,
    sizes: &[(Work, &str)],
) -> Result<Vec<Samples>> {
    let works: Vec<_> = sizes.iter().map(|(work, _)| (Server::Ringwall, *work)).collect();
    let (_ground, fronts) = scene(&works)?;
    let mut samples = rounds(bench, &fronts, load::round)?;
    for (sample, (_, name)) in samples.iter_mut().zip(sizes) {
        (*name).clone_into(&mut sample.contender);
    }
    Ok(samples)
}

/// The 99th percentile at 70 % of saturation, each front at 70 % of its own.
pub(crate) fn tail() -> Result<Vec<Samples>> {
    let works = [Server::Ringwall, Server::Haproxy, Server::Envoy];
    let (_ground, fronts) = scene(&works.map(|server| (server, Work::Secured)))?;
    let token = fronts.iter().find_map(Front::tokens).map(Tokens::header);
    let rates: Result<Vec<f64>> = fronts.iter().map(tail::saturation).collect();
    let rates = rates?;
    let mut samples = rounds("gateway-tail", &fronts, |front| {
        let at = fronts.iter().position(|other| other.pid() == front.pid());
        let rate = at.and_then(|at| rates.get(at)).copied().unwrap_or_default();
        tail::round(front, rate, token.as_deref())
    })?;
    for sample in &mut samples {
        sample.unit = "us_p99";
    }
    Ok(samples)
}

/// Memory of one idle TLS connection out of nine thousand.
pub(crate) fn idle() -> Result<Vec<Samples>> {
    // HAProxy wants two descriptors for each, which many machines do not grant.
    let works = [Server::Ringwall, Server::Nginx, Server::Envoy];
    let mut samples = Vec::new();
    let ground = ready()?;
    for server in works {
        let front = Front::start((server, Work::Tls), &ground, None)?;
        load::warm_up(&front)?;
        let values = match idle::round(&front) {
            Ok(value) => vec![value],
            Err(error) if server == Server::Ringwall => return Err(error),
            Err(error) => {
                say(&format!("bench: NOT RUN: {error:#}"));
                continue;
            }
        };
        samples.push(Samples {
            bench: "gateway-idle",
            contender: front.name(),
            unit: "kib_per_connection",
            values,
        });
    }
    Ok(samples)
}

fn side_by_side(bench: &'static str, work: Work, servers: &[Server]) -> Result<Vec<Samples>> {
    let contenders: Vec<_> = servers.iter().map(|server| (*server, work)).collect();
    let (_ground, fronts) = scene(&contenders)?;
    rounds(bench, &fronts, load::round)
}

/// Rounds of all fronts in turn.
pub(super) fn rounds(
    bench: &'static str,
    fronts: &[Front],
    round: impl Fn(&Front) -> Result<f64>,
) -> Result<Vec<Samples>> {
    let sample = |front: &Front| Samples {
        bench,
        contender: front.name(),
        unit: "us_cpu",
        values: Vec::new(),
    };
    let mut samples: Vec<Samples> = fronts.iter().map(sample).collect();
    for _ in 0..load::ROUNDS {
        for (front, sample) in fronts.iter().zip(&mut samples) {
            match round(front) {
                Ok(value) => sample.values.push(value),
                Err(error) if front.server == Server::Ringwall => return Err(error),
                Err(error) => say(&format!("bench: a round less: {}: {error:#}", front.name())),
            }
        }
    }
    Ok(samples)
}

/// The upstream, which must outlive the fronts, and the fronts.
type Scene = (Ground, Vec<Front>);

/// Starts the fronts and warms them up. A peer that cannot be had is left out, and said so.
pub(super) fn scene(contenders: &[(Server, Work)]) -> Result<Scene> {
    let ground = ready()?;
    let mut fronts: Vec<Front> = Vec::new();
    for contender in contenders {
        // Ringwall comes first where there are tokens: the peers check what it issued.
        let tokens = fronts.iter().find_map(Front::tokens);
        let front = Front::start(*contender, &ground, tokens);
        let warm = |front: Front| load::warm_up(&front).map(|()| front);
        match front.and_then(warm) {
            Ok(front) => fronts.push(front),
            Err(error) if contender.0 == Server::Ringwall => return Err(error),
            Err(error) => say(&format!("bench: NOT RUN: {}: {error:#}", contender.0.name())),
        }
    }
    Ok((ground, fronts))
}

fn ready() -> Result<Ground> {
    let missing = setup::debian(&NEEDED);
    if !missing.is_empty() {
        bail!("not available: {}", missing.join(", "));
    }
    Ground::prepare()
}

const ALL: [Server; 5] =
    [Server::Ringwall, Server::Nginx, Server::Haproxy, Server::Envoy, Server::Caddy];

const NEEDED: [(&str, &str); 6] = [
    ("nginx", "nginx-light"),
    ("haproxy", "haproxy"),
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("openssl", "openssl"),
    ("curl", "curl"),
];
