//! Every broken manifest in `tests/data/broken` against its golden text beside it.
//!
//! `RINGWALL_BLESS=1 cargo test` writes them anew; the difference is then read in the diff.

use std::fmt::Write;
use std::path::Path;

use ringwall_manifest::{Finding, Report};

use crate::fleet::examine;

/// The findings as a person would see them without colours.
fn render(report: &Report, text: &str) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let Finding { code, severity, message, place, span, label, help, related } = finding;
        writeln!(out, "{} {code} {place}: {message}", severity.as_str()).unwrap();
        let marked = text.get(span.clone()).unwrap_or("?").lines().next().unwrap_or("");
        if !marked.is_empty() {
            writeln!(out, "  | {marked}").unwrap();
        }
        if !label.is_empty() {
            writeln!(out, "  ^ {label}").unwrap();
        }
        if let Some(help) = help {
            writeln!(out, "  help: {help}").unwrap();
        }
        for other in related {
            writeln!(out, "  see {}: {}", other.place, other.label).unwrap();
        }
    }
    writeln!(out, "{}", if report.model.is_some() { "usable" } else { "not usable" }).unwrap();
    out
}

#[test]
fn every_broken_manifest_gets_its_golden_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/broken");
    let bless = option_env!("RINGWALL_BLESS").is_some();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|one| one.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    names.sort();
    assert!(names.len() >= 30, "only {} broken manifests", names.len());
    let mut wrong = String::new();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let got = render(&examine(&text), &text);
        let golden = path.with_extension("txt");
        if bless {
            std::fs::write(&golden, &got).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != got {
            writeln!(wrong, "{}:\n{got}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
