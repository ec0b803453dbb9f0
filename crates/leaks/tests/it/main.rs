//! The package from outside, against what others make.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests stop where something is missing")]

mod edges;
mod hostile;
mod real;
mod values;

use std::ops::Range;

use ringwall_leaks::{Detector, Detectors, Scanner};

/// What is found in a text: detector and value, in the order of the text.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let scanner = Scanner::new().unwrap();
    let all: Detectors = Detector::ALL.into_iter().collect();
    let found = scanner.scan(text.as_bytes(), all, 64);
    let value = |range| String::from_utf8_lossy(text.as_bytes().get::<Range<_>>(range).unwrap());
    found
        .findings
        .into_iter()
        .map(|one| (one.detector.name(), value(one.range).into_owned()))
        .collect()
}

/// Which detectors find something in a text.
fn names(text: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = found(text).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
