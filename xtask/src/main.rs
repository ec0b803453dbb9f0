//! The project's chores, as a plain program.
//!
//! `cargo xtask demo` runs the sample fleet behind Ringwall with a guided tour, `cargo xtask test`
//! passes all tests. Both install or build what they need and say what they could not get.

mod shell;
mod setup;
mod demo;
mod tour;
mod test;
mod attack;
mod tidy;
mod gen_docs;
mod bench;
mod soak;
mod passwords;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["demo", rest @ ..] => demo::run(rest),
        ["test"] => test::run(),
        ["attack", rest @ ..] => attack::run(rest),
        ["tidy"] => tidy::run(),
        ["gen"] => gen_docs::run(gen_docs::Mode::Write),
        ["gen", "--check"] => gen_docs::run(gen_docs::Mode::Check),
        ["bench", rest @ ..] => bench::run(rest),
        ["passwords"] => passwords::run(),
        ["soak", rest @ ..] => soak::run(rest),
        [] | ["help" | "--help" | "-h", ..] => {
            shell::say(HELP);
            Ok(())
        }
        [other, ..] => bail!("unknown chore `{other}`\n\n{HELP}"),
    }
}

const HELP: &str = "\
cargo xtask demo [--tour-only]    the sample fleet behind Ringwall, then a guided tour
cargo xtask test                  everything CI runs, in CI's order
cargo xtask attack [FILTER]       the attack list against a release build
cargo xtask tidy                  layers, files and documents
cargo xtask gen [--check]         writes docs/reference from the code
cargo xtask passwords             makes the filter of common passwords from a list that others keep
cargo xtask bench [NAME] [--json] side-by-side benchmarks; without NAME, all of them
cargo xtask soak [--minutes N]    a day's connections in ten minutes: nothing may stay behind";
