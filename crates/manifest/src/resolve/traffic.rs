//! What else belongs to the traffic of one service: rewrites, WebSocket, gRPC-Web, compression.

use std::collections::BTreeMap;
use std::time::Duration;

use super::quantity::is_path;
use super::{Checker, is_true};
use crate::catalogue::code;
use crate::model::{Protocol, Service};
use crate::node::{Entry, Node};
use crate::source::At;

impl Checker<'_> {
    /// Fills in everything of this topic but lists of operations.
    pub(super) fn traffic(&mut self, entry: &Entry, service: &mut Service) {
        let node = &entry.node;
        service.protocol = match node.text("protocol") {
            Some("h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        service.rewrite = self.rewrite(node);
        service.cors = self.cors(node);
        service.has_grpc_web = is_true(node, "grpc_web");
        service.grpc = self.grpc(node, service);
        service.learns = is_true(node, "learn");
        if let Some(websocket) = node.get("websocket")
            && service.protocol == Protocol::Http2
            && !websocket.texts().is_empty()
        {
            self.contradiction(websocket.at, "a WebSocket over `protocol = \"h2\"`")
                .help("an app behind h2 gets no upgrade: leave `protocol` out for this service");
        }
        if let Some(grpc_web) = node.get("grpc_web")
            && service.has_grpc_web
            && service.protocol != Protocol::Http2
        {
            self.contradiction(grpc_web.at, "gRPC-Web becomes gRPC, and that needs HTTP/2")
                .help("write `protocol = \"h2\"`");
        }
    }

    /// Operations of the service itself, by name. All services are known by now.
    pub(super) fn own_operations(&mut self, entry: &Entry, key: &str) -> Option<Vec<String>> {
        let texts = entry.node.get(key)?.texts();
        let known =
            texts.into_iter().filter(|(name, at)| self.known_operation(&entry.key, name, *at));
        Some(known.map(|(name, _)| name.to_owned()).collect())
    }

    /// How old a sign-in may be, by operation.
    pub(super) fn max_age(&mut self, entry: &Entry) -> BTreeMap<String, Duration> {
        let mut ages = BTreeMap::new();
        for age in entry.node.table("max_age") {
            let is_known = self.known_operation(&entry.key, &age.key, age.at);
            let Some(found) = self.duration(&age.node, "max_age") else { continue };
            if found < AGE_MIN || found.subsec_nanos() != 0 {
                let text = "a sign-in of this age is too old as soon as it is there";
                self.findings
                    .add(code::BAD_DURATION, age.node.at, text)
                    .help("whole seconds, and a minute at least: who signed in has to get back");
                continue;
            }
            if is_known {
                ages.insert(age.key.clone(), found);
            }
        }
        ages
    }

    /// The longest prefix comes first, so that the first that fits is the right one.
    fn rewrite(&mut self, node: &Node) -> Vec<(String, String)> {
        let mut rules = Vec::new();
        for entry in node.table("rewrite") {
            let Some(to) = entry.node.as_text() else { continue };
            self.prefix(&entry.key, entry.at);
            self.prefix(to, entry.node.at);
            let trimmed = |text: &str| text.trim_end_matches('/').to_owned();
            rules.push((trimmed(&entry.key), trimmed(to)));
        }
        rules.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        for pair in rules.windows(2) {
            if let [(one, _), (other, _)] = pair
                && one == other
            {
                let at = node.get("rewrite").map_or(node.at, |rewrite| rewrite.at);
                self.contradiction(at, "two rewrites of one prefix").help("keep one of the two");
            }
        }
        rules
    }

    fn prefix(&mut self, text: &str, at: At) {
        if !is_path(text) || text.contains(['{', '}', '*']) {
            self.findings
                .add(code::BAD_PATH, at, format!("`{text}` cannot be a path prefix"))
                .label("begins with `/`, without parameters, query or `..`")
                .help("write `rewrite = { \"/v1\" = \"/api\" }`");
        }
    }
}

/// Who is sent to sign in has to get back before that is too old again.
const AGE_MIN: Duration = Duration::from_mins(1);
