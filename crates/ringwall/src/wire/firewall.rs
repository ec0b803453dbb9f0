//! The rules that the firewall judges by.

use std::sync::Arc;

use anyhow::Result;
use ringwall_manifest::Model;
use ringwall_waf::{OwnRules, Ruleset, Strictness};

/// Reads the rules of a manifest; nothing when its firewall is off.
pub(super) fn rules(model: &Model) -> Result<Option<Arc<Ruleset>>> {
    if !model.has_waf() {
        return Ok(None);
    }
    let strictness = Strictness {
        paranoia: model.waf.paranoia,
        inbound_threshold: model.waf.inbound_threshold,
        outbound_threshold: model.waf.outbound_threshold,
    };
    let mut sources = vec![OwnRules::engine(), strictness.source()];
    sources.extend(OwnRules::sources());
    Ok(Some(Arc::new(Ruleset::load(&sources, &OwnRules)?)))
}
