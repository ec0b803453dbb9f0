//! Test: everything that CI runs, cheap first, stopping at the first failure.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::shell::{cache, capture, command, exists, root, say, succeed};
use crate::{gen_docs, setup, tidy};

/// Programs and modules that tests use as real counterparts, with the Debian package that brings each.
const PEERS: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("faketime", "faketime"),
    ("redis-server", "redis-server"),
    ("dnsmasq", "dnsmasq-base"),
    ("ip", "iproute2"),
    ("sslscan", "sslscan"),
    ("testssl", "testssl.sh"),
    ("haproxy", "haproxy"),
    ("nghttp", "nghttp2-client"),
    ("h2load", "nghttp2-client"),
    ("/usr/sbin/apache2", "apache2-bin"),
    ("/usr/lib/apache2/modules/mod_auth_openidc.so", "libapache2-mod-auth-openidc"),
    ("oidc-agent", "oidc-agent-cli"),
    ("systemd-analyze", "systemd"),
    ("systemd-socket-activate", "systemd"),
    // No program: the rules of CRS 3.3.4, against which its own tests are run.
    ("/usr/share/modsecurity-crs/rules", "modsecurity-crs"),
];

/// Clients of gRPC-Web and of `OAuth`, for Node.
const NPM: [&str; 7] = [
    "@connectrpc/connect@1.7.0",
    "@connectrpc/connect-node@1.7.0",
    "@bufbuild/protobuf@1.10.1",
    "openid-client@6.8.9",
    "oauth4webapi@3.8.8",
    "axe-core@4.14.1",
    "oidc-provider@9.13.3",
];

/// What no package registry has, by the variable that names its folder: tests against it say that
/// they are not run without it.
const ELSEWHERE: [(&str, &str); 8] = [
    ("RINGWALL_CRS_4", "the rules of CRS 4.28.0"),
    ("RINGWALL_CRS_PLUGINS", "plugins of CRS, one folder each"),
    ("RINGWALL_CRS_VERSIONS", "releases of CRS, one folder each"),
    ("RINGWALL_JSON_SCHEMA_TESTS", "a checkout of JSON-Schema-Test-Suite"),
    ("RINGWALL_MODSECURITY_TESTS", "the folder `test` of libmodsecurity"),
    ("RINGWALL_SECLANG_SPEC", "a checkout of seclang-spec"),
    ("RINGWALL_SECRULES_TESTS", "the public secrules-language-tests"),
    ("RINGWALL_LIBINJECTION_TESTS", "the public tests of libinjection"),
];

/// Runs all checks and tests.
pub(crate) fn run() -> Result<()> {
    let missing = setup::debian(PEERS);
    if !missing.is_empty() {
        // Not a skip: the tests that need a peer fail without it, and say which one.
        say(&format!("test: NOT AVAILABLE: {}", missing.join(", ")));
    }
    let python = setup::Python::ensure()?;

    step("format", format)?;
    step("tidy", tidy::run)?;
    step("clippy", clippy)?;
    step("tests", || rust_tests(&python))?;
    step("generated files", || gen_docs::run(gen_docs::Mode::Check))?;
    step("documents", docs)?;
    step("python", || python_tests(&python))?;
    deny()
}

#[expect(clippy::disallowed_methods, reason = "a chore shows how long its steps take")]
fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("── {name}"));
    let started = Instant::now();
    work().with_context(|| format!("step `{name}`"))?;
    say(&format!("── {name}: passed in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

fn format() -> Result<()> {
    succeed(command(env!("CARGO")).args(["fmt", "--all", "--check"]))?;
    let judge = root().join("judges/openidconnect/Cargo.toml");
    succeed(command(env!("CARGO")).args(["fmt", "--check", "--manifest-path"]).arg(judge))
}

fn clippy() -> Result<()> {
    let flags = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    succeed(command(env!("CARGO")).args(flags))
}

fn rust_tests(python: &setup::Python) -> Result<()> {
    let mut cargo = command(env!("CARGO"));
    cargo.env("PATH", python.path());
    match setup::npm(python, "npm", &NPM) {
        Ok(folder) => drop(cargo.env("NODE_PATH", folder)),
        // Not a skip of the run: the tests that need a package say that they were not run.
        Err(error) => say(&format!("npm: NOT AVAILABLE: {error:#}")),
    }
    match openidconnect() {
        Ok(program) => drop(cargo.env("RINGWALL_OPENIDCONNECT", program)),
        Err(error) => say(&format!("openidconnect: NOT AVAILABLE: {error:#}")),
    }
    for (variable, what) in ELSEWHERE {
        if std::env::var_os(variable).is_none() {
            say(&format!("── tests: NOT RUN, {variable} names no folder with {what}"));
        }
    }
    cargo.env("INSTA_UPDATE", "no");
    if exists("cargo-nextest") {
        cargo.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
    } else {
        cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    }
    succeed(&mut cargo)
}

/// Builds the relying party in `judges/openidconnect`: a package of its own, so that nothing of what the crate
/// needs is in the product.
fn openidconnect() -> Result<PathBuf> {
    let target = root().join("target/judges");
    let manifest = root().join("judges/openidconnect/Cargo.toml");
    let mut cargo = command(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest);
    succeed(cargo.arg("--target-dir").arg(&target))?;
    Ok(target.join("debug/judge-openidconnect"))
}

fn docs() -> Result<()> {
    let flags = ["doc", "--no-deps", "--workspace", "--locked", "--quiet"];
    succeed(command(env!("CARGO")).env("RUSTDOCFLAGS", "-D warnings").args(flags))
}

fn python_tests(python: &setup::Python) -> Result<()> {
    let sdk = root().join("sdk/python");
    let tool = |name: &str, arguments: &[&str]| {
        let mut command = command(python.program(name));
        command.current_dir(&sdk).env("PATH", python.path()).args(arguments);
        succeed(&mut command)
    };
    tool("ruff", &["check", "."])?;
    tool("mypy", &["--strict", "src"])?;
    let pytest_cache = format!("cache_dir={}", cache().join("pytest").display());
    tool("python", &["-m", "pytest", "-q", "-o", &pytest_cache])?;
    let mut shop = command(python.program("python"));
    shop.current_dir(root().join("examples/shop")).env("PATH", python.path());
    succeed(shop.args(["-m", "pytest", "-q", "-o", &pytest_cache, "tests"]))
}

/// `cargo deny` runs where it and an advisory database are at hand; where not, that is said.
fn deny() -> Result<()> {
    let found = capture(command(env!("CARGO")).args(["deny", "--version"]));
    if !found.is_ok_and(|output| output.status.success()) {
        say("── deny: NOT RUN, cargo-deny is not installed (bans are checked by `tidy`)");
        return Ok(());
    }
    step("deny", || {
        succeed(command(env!("CARGO")).args(["deny", "check", "bans", "licenses", "sources"]))
    })
}
