//! Running other programs, and saying what happens.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Says a line to the person in front of the terminal.
#[expect(clippy::print_stderr, reason = "a chore talks on standard error; standard output is data")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// Prints a line of data.
#[expect(clippy::print_stdout, reason = "benchmarks print their results for other programs")]
pub(crate) fn data(line: &str) {
    println!("{line}");
}

/// The checkout's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Where chores keep what they install or build: ignored by git.
pub(crate) fn cache() -> PathBuf {
    root().join(".cache")
}

/// A command that runs in the checkout's root.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs a command with its output shown, and fails when it fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// Runs a command and returns its standard output as text; its standard error is shown.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = capture(command.stderr(Stdio::inherit()))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// Runs a command and returns everything that it said.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    let shown = format!("{command:?}");
    command.output().with_context(|| format!("cannot start {shown}"))
}

/// Whether a program can be started; of a path, whether it is there.
pub(crate) fn exists(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    Command::new("sh")
        .args(["-c", "command -v \"$0\" >/dev/null 2>&1", program])
        .status()
        .is_ok_and(|status| status.success())
}

/// Builds the binary in a profile and returns its path. `RINGWALL_BINARY` names one that was built
/// elsewhere and is to be used, or measured, instead.
pub(crate) fn build_ringwall(release: bool) -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("RINGWALL_BINARY") {
        return Ok(PathBuf::from(binary));
    }
    let mut cargo = command(env!("CARGO"));
    cargo.args(["build", "--locked", "--package", "ringwall"]);
    if release {
        cargo.arg("--release");
    }
    succeed(&mut cargo)?;
    let profile = if release { "release" } else { "debug" };
    Ok(target_folder()?.join(profile).join("ringwall"))
}

/// Cargo's target folder, wherever the environment puts it.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let text = read(command(env!("CARGO")).args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(PathBuf::from(folder.context("cargo metadata names no target folder")?))
}
