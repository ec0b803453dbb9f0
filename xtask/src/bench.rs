//! Bench: CPU time per unit of work, Ringwall and its peers side by side in one run.
//!
//! A benchmark is a name and a function that gives samples. Rounds of all contenders are
//! interleaved, so that a noisy neighbour hits them alike; medians are printed.

mod cpu;
mod delegate;
mod gateway;
mod login;
mod token;
mod waf;

use anyhow::{Result, bail};
use serde_json::json;

use crate::shell::{data, say};

/// What one contender needed for one unit of work, over several rounds.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) bench: &'static str,
    pub(crate) contender: String,
    /// `us_cpu`, `us_p99`, `kib_per_connection` or `instructions`.
    pub(crate) unit: &'static str,
    /// One value a round.
    pub(crate) values: Vec<f64>,
}

/// A benchmark by name.
type Bench = (&'static str, fn() -> Result<Vec<Samples>>);

const BENCHES: &[Bench] = &[
    ("gateway-plain", gateway::plain),
    ("gateway-tls", gateway::tls),
    ("gateway-secured", gateway::secured),
    ("gateway-first-sight", gateway::first_sight),
    ("gateway-crowded", gateway::crowded),
    ("gateway-h2", gateway::h2),
    ("gateway-handshake", gateway::handshake),
    ("gateway-large", gateway::large),
    ("gateway-tail", gateway::tail),
    ("gateway-idle", gateway::idle),
    ("token-issue", token::issue),
    ("token-assertion", token::assertion),
    ("token-crowded", token::crowded),
    ("token-introspect", token::introspect),
    ("token-discovery", token::discovery),
    ("login", login::login),
    ("jwt-verify", || delegate::cargo("jwt-verify", "ringwall-jose")),
    ("audit", || delegate::cargo("audit", "ringwall-audit")),
    ("check", || delegate::cargo("check", "ringwall-manifest")),
    ("openapi", || delegate::cargo("openapi", "ringwall-openapi")),
    ("sdk", delegate::sdk),
    ("waf", waf::judge),
];

/// Runs one benchmark, or all.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let is_json = words.contains(&"--json");
    let names: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
    for word in words {
        if *word != "--json" && !BENCHES.iter().any(|(known, _)| known == word) {
            let known: Vec<_> = BENCHES.iter().map(|(known, _)| *known).collect();
            bail!("no benchmark `{word}`; there are {}, and `--json`", known.join(", "));
        }
    }
    for (name, bench) in BENCHES {
        if names.is_empty() || names.contains(name) {
            say(&format!("bench: {name}"));
            let samples = bench()?;
            print(&samples, is_json);
        }
    }
    Ok(())
}

fn print(samples: &[Samples], is_json: bool) {
    if !is_json {
        data(&format!(
            "{:<20} {:<34} {:>10} {:>10} {:>10} {:>3}  unit",
            "bench", "contender", "median", "min", "max", "n"
        ));
    }
    for sample in samples {
        let mut sorted = sample.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (median, min, max) = (at(sorted.len() / 2), at(0), at(sorted.len().saturating_sub(1)));
        if is_json {
            let line = json!({
                "bench": sample.bench, "contender": sample.contender, "unit": sample.unit,
                "median": round(median), "min": round(min), "max": round(max), "n": sorted.len(),
            });
            data(&line.to_string());
        } else {
            data(&format!(
                "{:<20} {:<34} {median:>10.2} {min:>10.2} {max:>10.2} {:>3}  {}",
                sample.bench,
                sample.contender,
                sorted.len(),
                sample.unit
            ));
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
