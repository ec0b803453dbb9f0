//! What a failed login costs when the name is known and when it is not: both must cost the same.

use anyhow::{Context, Result};

use super::gateway::scene;
use super::gateway::work::{Server, Work};
use super::{Samples, cpu};
use crate::shell::{command, read, root};

/// CPU µs and the time that the client sees, of a wrong password at a store with 100,000 people.
pub(crate) fn login() -> Result<Vec<Samples>> {
    let (_ground, fronts) = scene(&[(Server::Ringwall, Work::Login)])?;
    let front = fronts.first().context("no server")?;
    let mut samples = Vec::new();
    for unit in ["us_cpu", "us_wall"] {
        samples.extend(NAMES.map(|name| Samples {
            bench: "login",
            contender: format!("a wrong password, {name} name"),
            unit,
            values: Vec::new(),
        }));
    }
    for round in 0..ROUNDS {
        for (at, name) in NAMES.into_iter().enumerate() {
            let before = cpu::of_tree(front.pid());
            let (port, begin) = (front.port().to_string(), round * TRIES);
            let mut python = command("python3");
            python.arg(root().join("benches/login.py")).args([&port, name]);
            let wall = read(python.args([begin.to_string(), (begin + TRIES).to_string()]))?;
            let spent = cpu::of_tree(front.pid()) - before;
            let found = [spent / f64::from(TRIES), wall.trim().parse()?];
            for (value, sample) in found.into_iter().zip(samples.iter_mut().skip(at).step_by(2)) {
                sample.values.push(value);
            }
        }
    }
    Ok(samples)
}

const NAMES: [&str; 2] = ["known", "unknown"];
const ROUNDS: u32 = 9;
const TRIES: u32 = 40;
