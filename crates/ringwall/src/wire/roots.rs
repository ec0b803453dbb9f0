//! The authorities that this machine trusts.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Their certificates (PEM).
pub(crate) fn system_roots() -> Result<Vec<u8>> {
    for path in ROOTS {
        if Path::new(path).exists() {
            return std::fs::read(path).with_context(|| format!("cannot read {path}"));
        }
    }
    bail!(
        "this machine has no root certificates (package `ca-certificates`), so no server is trusted"
    )
}

/// Debian, Fedora, Alpine.
const ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
