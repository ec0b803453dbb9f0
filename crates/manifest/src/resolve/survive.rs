//! What keeps a service answering: balance, health, ejection, breakers, retries, canary, mirror.

use std::time::Duration;

use super::quantity::is_path;
use super::{Checker, is_true};
use crate::catalogue::code;
use crate::model::{
    Balance, Breaker, Canary, Eject, HashKey, Health, HealthCheck, Mirror, Retry, Service, Upstream,
};
use crate::node::{Entry, Node};
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    /// Fills in everything of this topic.
    pub(super) fn survive(&mut self, entry: &Entry, service: &mut Service) {
        let node = &entry.node;
        service.zones = self.zones(node, &service.upstreams);
        service.balance = self.balance(node);
        service.slow_start = self.time(node, "slow_start");
        service.health = node.get("health").and_then(|health| self.health(health));
        service.eject = node.get("eject").map(|eject| self.eject(eject));
        service.breaker = node.get("breaker").map(breaker);
        service.retry = node.get("retry").map(|retry| self.retry(retry));
        service.canary = node.get("canary").and_then(|canary| self.canary(canary));
        service.mirror = node.get("mirror").and_then(|mirror| self.mirror(mirror));
    }

    /// A key that holds a time.
    pub(super) fn time(&mut self, node: &Node, key: &str) -> Option<Duration> {
        self.duration(node.get(key)?, key)
    }

    /// Zones in their order. One that no upstream stands in is a slip; so is one without a rank.
    fn zones(&mut self, node: &Node, upstreams: &[Upstream]) -> Vec<String> {
        let listed = node.get("zones").map(Node::texts).unwrap_or_default();
        let used: Vec<&str> = upstreams.iter().filter_map(|one| one.zone.as_deref()).collect();
        // Addresses that are found out later may bring zones of their own.
        let is_open = upstreams.iter().any(|one| one.host_port().is_none());
        for (zone, at) in &listed {
            if !used.contains(zone) && !is_open {
                self.findings
                    .add(code::UNKNOWN_ZONE, *at, format!("no upstream is in zone `{zone}`"))
                    .label("an empty zone")
                    .help("write `{ address = \"…\", zone = \"…\" }` in `upstream`")
                    .help_maybe(did_you_mean(zone, used.iter().copied()));
            }
        }
        let known: Vec<&str> = listed.iter().map(|(zone, _)| *zone).collect();
        for item in node.get("upstream").map(Node::items).unwrap_or_default() {
            let Some(zone) = item.get("zone") else { continue };
            let name = zone.as_text().unwrap_or_default();
            if zone.as_text().is_some() && !known.is_empty() && !known.contains(&name) {
                self.findings
                    .add(code::UNKNOWN_ZONE, zone.at, format!("zone `{name}` has no rank"))
                    .label("not in `zones`")
                    .help("add it to `zones`, at the place where it comes into use")
                    .help_maybe(did_you_mean(name, known.iter().copied()));
            }
        }
        known.into_iter().map(str::to_owned).collect()
    }

    fn balance(&mut self, node: &Node) -> Balance {
        let Some(node) = node.get("balance") else { return Balance::Least };
        let Some(text) = node.as_text() else { return Balance::Least };
        let words: Vec<&str> = text.splitn(3, ':').collect();
        match words.as_slice() {
            ["least"] => return Balance::Least,
            ["round-robin"] => return Balance::RoundRobin,
            ["hash", "ip"] => return Balance::Hash(HashKey::Ip),
            ["hash", "person"] => return Balance::Hash(HashKey::Person),
            ["hash", "header", name] if is_token(name) => {
                return Balance::Hash(HashKey::Header(name.to_lowercase()));
            }
            ["hash", "cookie", name] if is_token(name) => {
                return Balance::Hash(HashKey::Cookie((*name).to_owned()));
            }
            _ => {}
        }
        let known = ["least", "round-robin", "hash:ip", "hash:person"];
        self.findings
            .add(code::BAD_BALANCE, node.at, format!("`{text}` is no way to choose"))
            .label("`least`, `round-robin`, `hash:ip|person|header:NAME|cookie:NAME`")
            .help("write `balance = \"hash:header:x-tenant\"`, or leave the line out")
            .help_maybe(did_you_mean(text, known));
        Balance::Least
    }

    fn health(&mut self, node: &Node) -> Option<Health> {
        let every = self.time(node, "every").unwrap_or(Duration::from_secs(5));
        let timeout = self.time(node, "timeout").unwrap_or(Duration::from_secs(1).min(every));
        if timeout > every {
            let at = node.get("timeout").map_or(node.at, |timeout| timeout.at);
            self.contradiction(at, "a health check takes longer than the time between two")
                .help("make `timeout` at most `every`");
        }
        let checks = [
            node.text("path").map(|path| HealthCheck::Http(path.to_owned())),
            node.text("grpc").map(|name| HealthCheck::Grpc(name.to_owned())),
            is_true(node, "tcp").then_some(HealthCheck::Tcp),
        ];
        let mut checks = checks.into_iter().flatten();
        let (Some(check), None) = (checks.next(), checks.next()) else {
            self.findings
                .add(code::BAD_HEALTH, node.at, "a health check asks one thing")
                .label("exactly one of `path`, `grpc`, `tcp`")
                .help("write `health = { path = \"/healthz\" }`");
            return None;
        };
        if let HealthCheck::Http(path) = &check
            && (!is_path(path) || path.contains(['{', '}', '*']))
        {
            let at = node.get("path").map_or(node.at, |path| path.at);
            self.findings
                .add(code::BAD_PATH, at, format!("`{path}` cannot be asked"))
                .label("begins with `/`, without parameters, query or `..`")
                .help("write `path = \"/healthz\"`");
        }
        let (healthy, unhealthy) = (number(node, "healthy", 2), number(node, "unhealthy", 3));
        Some(Health { check, every, timeout, healthy, unhealthy })
    }

    fn eject(&mut self, node: &Node) -> Eject {
        Eject {
            after: number(node, "after", 5),
            duration: self.time(node, "for").unwrap_or(Duration::from_secs(10)),
            percent_max: percent(node, "max", 50),
        }
    }

    fn retry(&mut self, node: &Node) -> Retry {
        let retry = Retry {
            tries_max: number(node, "tries", 2),
            budget_percent: percent(node, "budget", 20),
            per_try: self.time(node, "per_try"),
            hedge: self.time(node, "hedge"),
        };
        let at = node.get("hedge").map_or(node.at, |hedge| hedge.at);
        if retry.hedge.is_some() && retry.tries_max < 2 {
            self.contradiction(at, "`hedge` sends a second try, and `tries` allows one")
                .help("write `tries = 2`, or remove `hedge`");
        }
        if let (Some(hedge), Some(per_try)) = (retry.hedge, retry.per_try)
            && hedge >= per_try
        {
            self.contradiction(at, "`hedge` comes after the first try is over")
                .help("make `hedge` shorter than `per_try`");
        }
        retry
    }

    fn canary(&mut self, node: &Node) -> Option<Canary> {
        let upstreams = node.get("upstream").map(|upstream| self.upstreams(upstream));
        let header = node.get("header").and_then(|header| self.header_line(header));
        if upstreams.is_none() {
            self.findings
                .add(code::NO_UPSTREAM, node.at, "the canary has no `upstream`")
                .label("nowhere to send its share to")
                .help("write `canary = { upstream = \"127.0.0.1:5101\", percent = 5 }`");
        }
        let is_reached = node.get("percent").is_some() || node.get("header").is_some();
        if !is_reached {
            self.contradiction(node.at, "no request reaches the canary")
                .help("give it a `percent`, a `header`, or both");
        }
        let upstreams = upstreams?;
        Some(Canary { upstreams, percent: percent(node, "percent", 0), header })
    }

    fn mirror(&mut self, node: &Node) -> Option<Mirror> {
        let Some(upstream) = node.get("upstream") else {
            self.findings
                .add(code::NO_UPSTREAM, node.at, "the mirror has no `upstream`")
                .label("nowhere to send copies to")
                .help("write `mirror = { upstream = \"127.0.0.1:5201\", percent = 10 }`");
            return None;
        };
        let upstream = self.upstream(upstream)?;
        Some(Mirror { upstream, percent: percent(node, "percent", 100) })
    }

    /// `name: value`.
    fn header_line(&mut self, node: &Node) -> Option<(String, String)> {
        let text = node.as_text()?;
        let parts = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        let is_plain = |value: &str| value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        match parts {
            Some((name, value)) if is_token(name) && !value.is_empty() && is_plain(value) => {
                Some((name.to_lowercase(), value.to_owned()))
            }
            _ => {
                self.bad_header(text, node.at, "write `header = \"x-canary: yes\"`");
                None
            }
        }
    }

    pub(super) fn bad_header(&mut self, text: &str, at: At, help: &str) {
        self.findings
            .add(code::BAD_HEADER, at, format!("`{text}` is not a header"))
            .label("letters, digits and `-`")
            .help(help);
    }

    /// Two settings that cannot both be meant.
    pub(super) fn contradiction(&mut self, at: At, message: &str) -> &mut crate::finding::Finding {
        self.findings.add(code::CONTRADICTION, at, message).label("these exclude each other")
    }
}

fn breaker(node: &Node) -> Breaker {
    Breaker {
        connections_max: number(node, "connections", BREAKER_MAX),
        pending_max: number(node, "pending", BREAKER_MAX),
        requests_max: number(node, "requests", BREAKER_MAX),
    }
}

/// A header or cookie name (RFC 9110 section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= TOKEN_BYTES_MAX
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// A number whose bounds the shape has checked.
pub(super) fn number(node: &Node, key: &str, otherwise: u32) -> u32 {
    let found = node.get(key).and_then(Node::as_integer);
    found.and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise)
}

fn percent(node: &Node, key: &str, otherwise: u8) -> u8 {
    let found = node.get(key).and_then(Node::as_integer);
    found.and_then(|number| u8::try_from(number).ok()).unwrap_or(otherwise)
}

/// Envoy's and most others' number: far above what one app serves well.
const BREAKER_MAX: u32 = 1_024;
/// No header of the registry is half as long.
const TOKEN_BYTES_MAX: usize = 80;
