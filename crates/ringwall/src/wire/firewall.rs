//! The rules that the firewall judges by.

use std::sync::Arc;

use anyhow::Result;
use ringwall_manifest::Model;
use ringwall_waf::{NoLibrary, Ruleset};

/// Reads the rules of a manifest; nothing when its firewall is off.
pub(super) fn rules(model: &Model) -> Result<Option<Arc<Ruleset>>> {
    if !model.has_waf() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Ruleset::load(&[], &NoLibrary)?)))
}
