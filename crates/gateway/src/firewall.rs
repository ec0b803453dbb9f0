//! Firewall: judges requests and answers by rules that are written in `SecLang`.
//!
//! The engine is `ringwall_waf`; here is what of a request it sees, and when.

use std::sync::Arc;

use ringwall_manifest::Model;
use ringwall_waf::{InMemory, Ruleset};

use crate::snapshot::BuildError;

/// Rules, and what they remember of earlier requests.
#[derive(Debug)]
pub(crate) struct Firewall {
    rules: Arc<Ruleset>,
    memory: Arc<InMemory>,
}

impl Firewall {
    /// The firewall of a manifest, if it has one. What was remembered outlives the rules.
    pub(crate) fn build(
        model: &Model,
        rules: Option<&Arc<Ruleset>>,
        memory: &Arc<InMemory>,
    ) -> Result<Option<Arc<Self>>, BuildError> {
        if !model.has_waf() {
            return Ok(None);
        }
        let rules = Arc::clone(rules.ok_or(BuildError::NoRules)?);
        Ok(Some(Arc::new(Self { rules, memory: Arc::clone(memory) })))
    }
}
