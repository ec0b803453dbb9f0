//! Attack: the whole attack list against the binary that is shipped.
//!
//! `cargo xtask test` makes the same attacks on whatever is built: a release build takes longer than all
//! of its other steps together.

use anyhow::Result;

use crate::setup;
use crate::shell::{build_ringwall, command, exists, succeed};

/// Builds a release (or takes the one that `RINGWALL_BINARY` names) and attacks it.
pub(crate) fn run(filter: &[&str]) -> Result<()> {
    let python = setup::Python::ensure()?;
    let binary = build_ringwall(true)?;
    let mut cargo = command(env!("CARGO"));
    cargo.env("PATH", python.path()).env("RINGWALL_BINARY", binary);
    let test: &[&str] = if exists("cargo-nextest") { &["nextest", "run"] } else { &["test"] };
    cargo.args(test).args(["--package", "ringwall", "--test", "attacks", "--locked"]);
    succeed(cargo.args(filter))
}
