//! Roles that count only after two factors: `mfa = true` in the manifest.
//!
//! INVARIANT (two factors, then the role): whoever says which roles a person has asks here, with the
//! proofs of the session. A role that was given during a session counts by the same rule.

use std::collections::BTreeSet;

use arc_swap::ArcSwap;
use ringwall_base::Proofs;

/// The roles of the manifest that is in force.
#[derive(Debug)]
pub(crate) struct Elevated(ArcSwap<BTreeSet<String>>);

impl Elevated {
    pub(crate) fn new(roles: BTreeSet<String>) -> Self {
        Self(ArcSwap::from_pointee(roles))
    }

    pub(crate) fn replace(&self, roles: BTreeSet<String>) {
        self.0.store(roles.into());
    }

    /// What of the granted roles would count after a second factor only.
    pub(crate) fn withheld(&self, granted: &[String], proofs: Proofs) -> Vec<String> {
        let elevated = self.0.load();
        let waits = |role: &&String| !proofs.are_two() && elevated.contains(*role);
        granted.iter().filter(waits).cloned().collect()
    }

    /// What of the granted roles counts in a session with these proofs.
    pub(crate) fn counted(&self, granted: &[String], proofs: Proofs) -> Vec<String> {
        let elevated = self.0.load();
        let counts = |role: &&String| proofs.are_two() || !elevated.contains(*role);
        granted.iter().filter(counts).cloned().collect()
    }
}
