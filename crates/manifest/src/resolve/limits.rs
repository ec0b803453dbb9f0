//! `[limits]`.

use super::Checker;
use super::quantity::{bytes, rate};
use super::survive::number;
use crate::catalogue::code;
use crate::model::Limit;
use crate::node::{Entry, Node};
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn limits(&mut self) {
        let root = self.root;
        for entry in root.table("limits") {
            match entry.key.as_str() {
                "default" => self.model.limits.default = Some(self.limit(entry)),
                "login" => self.model.limits.login = Some(self.limit(entry)),
                // Addresses of shared counts, unless a service has that name.
                "redis" | "redis_secret" if entry.node.as_text().is_some() => {}
                service => self.service_limits(service, entry),
            }
        }
    }

    fn service_limits(&mut self, service: &str, entry: &Entry) {
        if !self.names.services.contains_key(service) {
            let known = self.names.services.keys().map(String::as_str);
            let help = did_you_mean(service, known.chain(["default", "login"]))
                .unwrap_or_else(|| "write `service.operation = \"10 per minute\"`".to_owned());
            let message = format!("a limit for `{service}`, but no service has that name");
            self.findings
                .add(code::UNKNOWN_SERVICE, entry.at, message)
                .label("`default`, `login` or a service")
                .help(help);
            return;
        }
        for inner in entry.node.entries() {
            if self.known_operation(service, &inner.key, inner.at) {
                let limit = self.limit(inner);
                let key = (service.to_owned(), inner.key.clone());
                self.model.limits.operations.insert(key, limit);
            }
        }
    }

    fn limit(&mut self, entry: &Entry) -> Limit {
        let node = &entry.node;
        let mut limit = Limit { place: self.place(entry.at), ..Limit::default() };
        if let Some(text) = node.as_text() {
            limit.rate = rate(text);
            if limit.rate.is_none() {
                self.bad_rate(text, node.at);
            }
        }
        if let Some((text, at)) = written(node, "rate") {
            limit.rate = rate(text);
            if limit.rate.is_none() {
                self.bad_rate(text, at);
            }
        }
        if let Some((text, at)) = written(node, "body") {
            limit.body_bytes_max = bytes(text);
            if limit.body_bytes_max.is_none() {
                self.findings
                    .add(code::BAD_LIMIT, at, format!("`{text}` is not a size"))
                    .label("a number with B, KiB, MiB or GiB")
                    .help("write `body = \"16 KiB\"`");
            }
        }
        limit.cost = node.get("cost").map(|_| number(node, "cost", 1));
        limit.burst = node.get("burst").map(|_| number(node, "burst", 1));
        for key in ["cost", "burst"] {
            if let (Some(inner), None) = (node.get(key), limit.rate) {
                self.contradiction(inner.at, &format!("`{key}` without `rate`"))
                    .help("write `{ rate = \"100 per minute\", cost = 5, burst = 20 }`");
            }
        }
        if let Some(node) = node.get("timeout") {
            limit.timeout = self.duration(node, "timeout");
        }
        limit
    }

    pub(super) fn bad_rate(&mut self, text: &str, at: At) {
        self.findings
            .add(code::BAD_LIMIT, at, format!("`{text}` is not a rate"))
            .label("COUNT per second|minute|hour|day per user|ip|account")
            .help("write `\"100 per minute per user\"`");
    }
}

fn written<'a>(node: &'a Node, key: &str) -> Option<(&'a str, At)> {
    let inner = node.get(key)?;
    Some((inner.as_text()?, inner.at))
}
