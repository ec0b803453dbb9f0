//! `[waf]`, and what services say about the firewall.

use super::{Checker, chosen};
use crate::catalogue::code;
use crate::model::{RuleSet, Waf, WafModes, WafRules};
use crate::node::{Entry, Node};

impl Checker<'_> {
    pub(super) fn waf(&mut self) {
        let Some(entry) = self.root.entry("waf") else { return };
        let node = &entry.node;
        let or = WafRules::default();
        let number = |key: &str| node.get(key).and_then(Node::as_integer);
        let score = |key: &str| number(key).and_then(|score| u32::try_from(score).ok());
        let paranoia = number("paranoia").and_then(|level| u8::try_from(level).ok());
        self.model.waf = WafRules {
            set: chosen(node, "rules", &[("crs", RuleSet::Crs)], RuleSet::Own),
            paranoia: paranoia.unwrap_or(or.paranoia),
            inbound_threshold: score("inbound_threshold").unwrap_or(or.inbound_threshold),
            outbound_threshold: score("outbound_threshold").unwrap_or(or.outbound_threshold),
            skips_proven: chosen(node, "proven", &[("look", false)], true),
            before: self.patterns(node, "before"),
            files: self.patterns(node, "files"),
            shares_collections: self.shares_collections(node),
            place: self.place(entry.at),
        };
    }

    /// All of `[limits]` is known by now.
    fn shares_collections(&mut self, node: &Node) -> bool {
        let is_shared = chosen(node, "collections", &[("shared", true)], false);
        let has_store = self.root.get("limits").is_some_and(|limits| {
            limits.get("redis").is_some_and(|redis| redis.as_text().is_some())
        });
        if let (true, false, Some(inner)) = (is_shared, has_store, node.get("collections")) {
            self.findings
                .add(code::NO_SHARED_STORE, inner.at, "collections are shared, and nowhere")
                .label("needs `redis` in `[limits]`")
                .help("write `[limits]` and `redis = \"redis://127.0.0.1:6379\"`");
        }
        is_shared
    }

    /// The whole service, or operations of it. All services are known by now.
    pub(super) fn waf_modes(&mut self, entry: &Entry, key: &str) -> WafModes {
        let Some(node) = entry.node.get(key) else { return WafModes::default() };
        let mut modes = WafModes { service: node.as_text().map(waf_mode), ..WafModes::default() };
        for one in entry.node.table(key) {
            if let Some(word) = one.node.as_text()
                && self.known_operation(&entry.key, &one.key, one.at)
            {
                modes.operations.insert(one.key.clone(), waf_mode(word));
            }
        }
        modes
    }

    fn patterns(&self, node: &Node, key: &str) -> Vec<String> {
        let texts = node.get(key).map(Node::texts).unwrap_or_default();
        texts.into_iter().map(|(text, at)| self.path(at, text)).collect()
    }
}

/// A word that is none of the three has been reported; until it is mended, nothing is let through.
pub(super) fn waf_mode(word: &str) -> Waf {
    match word {
        "off" => Waf::Off,
        "log" => Waf::Log,
        _ => Waf::Block,
    }
}
