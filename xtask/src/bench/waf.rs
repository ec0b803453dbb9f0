//! The rule engine beside libmodsecurity, with the Core Rule Set on the same requests: instructions,
//! which do not depend on the machine, and CPU time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Samples;
use crate::setup;
use crate::shell::{cache, capture, command, exists, read, root, say, succeed, target_folder};

/// A kind of request, or the loading of the rules, at a paranoia level.
#[derive(Clone, Copy)]
struct Case {
    kind: &'static str,
    paranoia: &'static str,
    /// How many of a round are counted by valgrind, which takes fifty times as long as the clock.
    counted: &'static str,
    /// How many of a round are on the clock.
    timed: &'static str,
}

const CASES: [Case; 11] = [
    Case::request("get", "1"),
    Case::request("query", "1"),
    Case::request("form", "1"),
    Case::request("json", "1"),
    Case { counted: "2", timed: "20", ..Case::request("json10", "1") },
    Case::request("get", "2"),
    Case::request("query", "2"),
    Case::request("form", "2"),
    Case::request("json", "2"),
    Case { counted: "2", timed: "20", ..Case::request("json10", "2") },
    Case { counted: "1", timed: "5", ..Case::request("load", "1") },
];

impl Case {
    const fn request(kind: &'static str, paranoia: &'static str) -> Self {
        Self { kind, paranoia, counted: "10", timed: "200" }
    }
}

const ROUNDS: usize = 5;

/// One engine: a program that takes the rules' folder, the kind of request and their number.
struct Contender {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// The function that is counted.
    counted: &'static str,
}

/// Instructions and CPU µs for one request.
pub(crate) fn judge() -> Result<Vec<Samples>> {
    let rules = rules()?;
    let mut contenders = vec![ringwall()?];
    match libmodsecurity() {
        Ok(peer) => contenders.push(peer),
        Err(error) => say(&format!("waf: libmodsecurity cannot be had here: {error:#}")),
    }
    let missing = setup::debian(&[("valgrind", "valgrind")]);
    if !missing.is_empty() {
        say("waf: valgrind cannot be had here: no instructions are counted");
    }
    let mut samples = Vec::new();
    for case in CASES {
        for contender in contenders.iter().filter(|_| missing.is_empty()) {
            let values = vec![contender.instructions(&rules, case)?];
            samples.push(contender.samples(case, "instructions", values));
        }
        let mut times = vec![Vec::new(); contenders.len()];
        for _ in 0..ROUNDS {
            for (times, contender) in times.iter_mut().zip(&contenders) {
                times.push(contender.microseconds(&rules, case)?);
            }
        }
        for (values, contender) in times.into_iter().zip(&contenders) {
            samples.push(contender.samples(case, "us_cpu", values));
        }
    }
    Ok(samples)
}

/// The folder of CRS 4.28.0; no registry ships it.
fn rules() -> Result<PathBuf> {
    let folder = std::env::var_os("RINGWALL_CRS_4").map(PathBuf::from).unwrap_or_default();
    if !folder.join("rules").is_dir() {
        bail!("the rules of CRS 4 are not here: name their folder in RINGWALL_CRS_4");
    }
    Ok(folder)
}

fn ringwall() -> Result<Contender> {
    let mut cargo = command(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--locked", "--package", "ringwall-waf"]);
    succeed(cargo.args(["--example", "instructions"]))?;
    Ok(Contender {
        name: "ringwall",
        program: target_folder()?.join("release/examples/instructions"),
        arguments: Vec::new(),
        environment: Vec::new(),
        counted: "instructions::steady",
    })
}

/// The wheel brings PCRE2 without its compiler; Debian's, loaded first, has it.
fn libmodsecurity() -> Result<Contender> {
    let folder = cache().join("modsecurity");
    if !folder.join("bin/pip").exists() {
        succeed(command("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let mut pip = command(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "libmodsecurity==3.0.15"]);
    succeed(&mut pip).context("its wheel could not be installed")?;
    let libraries = read(command("find").arg(&folder).args(["-name", "libmodsecurity-*.so*"]))?;
    let library = PathBuf::from(libraries.lines().next().context("the wheel has no library")?);
    let known = read(command("/sbin/ldconfig").arg("-p"))?;
    let pcre = known.lines().find(|line| line.contains("libpcre2-8.so.0"));
    let pcre = pcre.and_then(|line| line.rsplit(' ').next()).context("no libpcre2-8 here")?;
    if !exists("cc") {
        bail!("no C compiler here");
    }
    let program = folder.join("driver");
    let mut compiler = command("cc");
    compiler.args(["-O2", "-w", "-o"]).arg(&program);
    succeed(compiler.arg(root().join("benches/modsecurity.c")).arg("-ldl"))?;
    let beside = library.parent().unwrap_or(Path::new(".")).display().to_string();
    Ok(Contender {
        name: "libmodsecurity 3.0.15, JIT",
        program,
        arguments: vec![library.display().to_string()],
        environment: vec![("LD_LIBRARY_PATH", beside), ("LD_PRELOAD", pcre.to_owned())],
        counted: "steady",
    })
}

impl Contender {
    fn instructions(&self, rules: &Path, case: Case) -> Result<f64> {
        let counted = self.counted.to_owned() + if case.kind == "load" { "_loads" } else { "" };
        let mut valgrind = command("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        valgrind.arg(format!("--toggle-collect={counted}")).arg(&self.program);
        valgrind.args(&self.arguments).arg(rules).args([case.kind, case.counted, case.paranoia]);
        let output = capture(valgrind.envs(self.environment.iter().cloned()))?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text.lines().find_map(|line| line.split_once("Collected :"));
        let total: f64 = line.context("valgrind counted nothing")?.1.trim().parse()?;
        Ok(total / case.counted.parse::<f64>()?)
    }

    fn microseconds(&self, rules: &Path, case: Case) -> Result<f64> {
        let mut program = command(&self.program);
        program.args(&self.arguments).arg(rules).args([case.kind, case.timed, case.paranoia]);
        let text = read(program.envs(self.environment.iter().cloned()))?;
        let nanoseconds: f64 = text.trim().parse().context("the driver printed no time")?;
        Ok(nanoseconds / 1_000.0)
    }

    fn samples(&self, case: Case, unit: &'static str, values: Vec<f64>) -> Samples {
        let contender = format!("{}, paranoia {}: {}", case.kind, case.paranoia, self.name);
        Samples { bench: "waf", contender, unit, values }
    }
}
