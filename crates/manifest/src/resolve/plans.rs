//! `[plans]`, shared counts and `[audit]`.

use std::collections::BTreeMap;

use super::Checker;
use super::quantity::{is_address, is_host_name, rate};
use crate::catalogue::code;
use crate::model::{AuditRequests, Plan, Rate, Redis};
use crate::node::{Entry, Node};
use crate::source::At;

impl Checker<'_> {
    pub(super) fn plans(&mut self) {
        let root = self.root;
        let mut taken: BTreeMap<String, At> = BTreeMap::new();
        for entry in root.table("plans") {
            let plan = self.plan(entry, &mut taken);
            self.model.plans.insert(entry.key.clone(), plan);
        }
        let requests = root.get("audit").and_then(|audit| audit.text("requests"));
        if requests == Some("denied") {
            self.model.audit_requests = AuditRequests::Denied;
        }
    }

    fn plan(&mut self, entry: &Entry, taken: &mut BTreeMap<String, At>) -> Plan {
        let node = &entry.node;
        let mut plan = Plan { place: self.place(entry.at), ..Plan::default() };
        for (role, at) in node.get("roles").map(Node::texts).unwrap_or_default() {
            if !self.known_role(role, at, "a plan for") {
                continue;
            }
            if let Some(first) = taken.insert(role.to_owned(), at) {
                let related = self.findings.related(first, "already here");
                self.bad_plan(at, &format!("role `{role}` is on two plans"))
                    .label("a second time")
                    .help("give each role one plan: which of two counts would be a guess")
                    .related(related);
            }
            plan.roles.push(role.to_owned());
        }
        plan.quota = self.plan_rate(node, "quota");
        plan.rate = self.plan_rate(node, "rate");
        if plan.roles.is_empty() || (node.get("quota").is_none() && node.get("rate").is_none()) {
            self.bad_plan(entry.at, &format!("plan `{}` does nothing", entry.key))
                .label("needs `roles`, and `quota` or `rate`")
                .help("write `roles = [\"gold\"]` and `quota = \"100000 per day\"`");
        }
        plan
    }

    fn plan_rate(&mut self, node: &Node, key: &str) -> Option<Rate> {
        let inner = node.get(key)?;
        let text = inner.as_text()?;
        let found = rate(text);
        if found.is_none() {
            self.bad_rate(text, inner.at);
        }
        found
    }

    fn bad_plan(&mut self, at: At, message: &str) -> &mut crate::finding::Finding {
        self.findings.add(code::BAD_PLAN, at, message)
    }

    /// `redis` and `redis_secret` of `[limits]`; none where a service has that name.
    pub(super) fn redis(&mut self) {
        let limits = self.root.table("limits");
        let text = |key: &str| {
            let entry = limits.iter().find(|entry| entry.key == key)?;
            Some((entry.node.as_text()?, entry))
        };
        let secret = text("redis_secret");
        if let Some((name, entry)) = secret {
            self.known_secret(name, entry.node.at);
        }
        let Some((url, entry)) = text("redis") else {
            if let Some((_, entry)) = secret {
                self.contradiction(entry.at, "`redis_secret` without `redis`")
                    .help("write `redis = \"redis://127.0.0.1:6379\"`");
            }
            return;
        };
        if !self.is_redis(url, entry.node.at) {
            return;
        }
        let secret = secret.map(|(name, _)| name.to_owned());
        let place = self.place(entry.at);
        self.model.limits.redis = Some(Redis { url: url.to_owned(), secret, place });
    }

    fn is_redis(&mut self, url: &str, at: At) -> bool {
        let rest = url.strip_prefix("redis://").or_else(|| url.strip_prefix("rediss://"));
        let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
        if authority.is_some_and(|authority| authority.contains('@')) {
            // The text is not repeated: a finding may end in a log.
            self.findings
                .add(code::SECRET_IN_MANIFEST, at, "the address of Redis holds a password")
                .label("everybody who reads the repository has it")
                .help("`ringwall secret set redis`, then `redis_secret = \"redis\"`");
            return false;
        }
        let is_good = rest.zip(authority).is_some_and(|(rest, authority)| {
            rest == authority && (is_address(authority) || is_host_name(authority))
        });
        if !is_good {
            self.findings
                .add(code::BAD_URL, at, format!("`{url}` is no address of Redis"))
                .label("`redis://host:port`, or `rediss://` for TLS")
                .help("write `redis = \"redis://127.0.0.1:6379\"`");
        }
        is_good
    }
}
