//! Tokens by client credentials: Ringwall beside node's `oidc-provider`.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::Samples;
use super::gateway::work::{Server, Work};
use super::gateway::{load, ringwall_in_sizes, rounds, scene};
use crate::setup::{self, Python};
use crate::shell::{cache, root};

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

/// Token issue at an empty store, and at one with 100,000 people of 1,000 organisations and 10
/// million rows that have expired.
pub(crate) fn crowded() -> Result<Vec<Samples>> {
    ringwall_in_sizes(
        "token-crowded",
        &[(Work::Token, "an empty store"), (Work::TokenCrowded, "100,000 people, 10 million rows")],
    )
}

fn beside_node(bench: &'static str, work: Work) -> Result<Vec<Samples>> {
    let (_ground, fronts) = scene(&[(Server::Ringwall, work), (Server::OidcProvider, work)])?;
    rounds(bench, &fronts, load::round)
}

/// Node 22, with `oidc-provider` in `.cache/node`.
pub(super) fn node() -> Result<PathBuf> {
    let python = Python::ensure()?;
    setup::npm(&python, "node", &["oidc-provider@9.13.3"])?;
    fs::copy(root().join("benches/oidc-provider.mjs"), cache().join("node/oidc-provider.mjs"))?;
    Ok(python.program("node"))
}
