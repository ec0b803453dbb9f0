//! Benchmarks that live beside the code they measure and print one JSON object a line.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Samples;
use crate::setup::Python;
use crate::shell::{command, read};

/// Runs `cargo bench` of one package.
pub(crate) fn cargo(bench: &'static str, package: &str) -> Result<Vec<Samples>> {
    let mut cargo = command(env!("CARGO"));
    parse(bench, &read(cargo.args(["bench", "--quiet", "--locked", "--package", package]))?)
}

/// Runs the SDK's benchmark beside Flask-JWT-Extended.
pub(crate) fn sdk() -> Result<Vec<Samples>> {
    let python = Python::ensure()?;
    parse("sdk", &read(command(python.program("python")).arg("sdk/python/bench/sdk.py"))?)
}

fn parse(bench: &'static str, text: &str) -> Result<Vec<Samples>> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let samples: Result<Vec<_>> = lines.map(|line| sample(bench, line)).collect();
    let samples = samples?;
    if samples.is_empty() {
        bail!("the benchmark printed no result");
    }
    Ok(samples)
}

fn sample(bench: &'static str, line: &str) -> Result<Samples> {
    let value: Value = serde_json::from_str(line).context("a benchmark line is not JSON")?;
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    let count = number("n").unwrap_or(1.0);
    let edges = [number("min"), number("median"), number("max")];
    // Only three of the rounds are known: they keep minimum, median and maximum true.
    let values: Vec<f64> = edges.into_iter().flatten().collect();
    let contender = value.get("contender").and_then(Value::as_str).unwrap_or("ringwall");
    let contender = format!("{contender} (n={count})");
    Ok(Samples { bench, contender, unit: "us_cpu", values })
}
