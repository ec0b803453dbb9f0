//! Reading secrets: from standard input, never from arguments.

use std::io::{self, BufRead, IsTerminal, Read};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use ringwall_api::Hidden;

/// Reads a secret. On a terminal it asks twice without showing; from a pipe it reads everything
/// and drops one final line break.
pub(crate) fn secret(what: &str) -> Result<Hidden> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let first = hidden_line(&format!("{what}: "))?;
        let second = hidden_line(&format!("{what}, again: "))?;
        if first != second {
            bail!("the two inputs differ");
        }
        return Ok(first);
    }
    let mut text = String::new();
    // One byte more than the limit, so that too long is seen instead of cut.
    stdin
        .lock()
        .take(BYTES_MAX + 1)
        .read_to_string(&mut text)
        .context("standard input is not UTF-8")?;
    if u64::try_from(text.len()).is_ok_and(|length| length > BYTES_MAX) {
        bail!("the value is longer than {BYTES_MAX} bytes");
    }
    let kept = text
        .strip_suffix('\n')
        .map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if kept.is_empty() {
        bail!(
            "standard input is empty: pipe the {what} in, as in `printf %s \"$VALUE\" | ringwall …`"
        );
    }
    Ok(Hidden::new(kept.to_owned()))
}

/// Asks yes or no. Without a terminal the answer is no.
pub(crate) fn confirm(question: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    drop(io::Write::write_all(&mut io::stderr(), format!("{question} [y/N] ").as_bytes()));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
}

fn hidden_line(question: &str) -> Result<Hidden> {
    io::Write::write_all(&mut io::stderr(), question.as_bytes())?;
    echo(false);
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    echo(true);
    io::Write::write_all(&mut io::stderr(), b"\n")?;
    read?;
    Ok(Hidden::new(line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Turns the terminal's echo off or on. If `stty` is missing the input is visible, not lost.
fn echo(on: bool) {
    let mode = if on { "echo" } else { "-echo" };
    drop(Command::new("stty").arg(mode).stdin(Stdio::inherit()).status());
}

/// As the vault's own limit for one value.
const BYTES_MAX: u64 = 1024 * 1024;
