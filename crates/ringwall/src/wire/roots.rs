//! The authorities that this machine trusts.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Ground;

/// Their certificates (PEM): of a file that the manifest names, else of this machine.
pub(super) fn roots(ground: &Ground, ca: Option<&str>) -> Result<Vec<u8>> {
    match ca {
        Some(path) => std::fs::read(ground.folder.join(path))
            .with_context(|| format!("cannot read {path}, the root of a server")),
        None => system_roots(),
    }
}

/// Those of this machine.
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
