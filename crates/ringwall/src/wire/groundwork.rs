//! What a process that takes over does while the one before still answers: all that takes time and
//! needs nothing that the other one holds.

use anyhow::{Context, Result};
use ringwall_audit::Ahead;
use ringwall_base::Algorithm;
use ringwall_jose::PrivateKey;

use super::verify::raw_key;
use crate::paths::Place;

/// What was done already. Nothing, in a process that takes over from nobody.
#[derive(Debug, Default)]
pub(crate) struct Groundwork {
    /// The audit log, as far as it was written then.
    pub(super) log: Option<Ahead>,
}

impl Groundwork {
    /// Reads the audit log and warms the crypto backend up. Changes nothing: a log that is damaged
    /// fails here, where the process that runs still has everything.
    pub(crate) fn lay(place: &Place) -> Result<Self> {
        // The first random number costs a tenth of a second of measured jitter.
        drop(PrivateKey::generate(Algorithm::EdDsa)?);
        let Ok(public) = std::fs::read(place.state().join("audit.pub.json")) else {
            return Ok(Self::default());
        };
        let key = raw_key(&public).context("audit.pub.json is not an Ed25519 key")?;
        let log = Ahead::look(&place.audit(), &key).context("the audit log does not open")?;
        Ok(Self { log: Some(log) })
    }
}
