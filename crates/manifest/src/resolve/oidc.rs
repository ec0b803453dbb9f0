//! `[gateway.oidc]`: what Ringwall is at the issuer of `login`, and who may come from there.

use std::net::IpAddr;

use super::quantity::is_host_name;
use super::{Checker, is_true, text_map};
use crate::catalogue::code;
use crate::model::{Login, Oidc};
use crate::node::{Entry, Node};
use crate::source::At;

impl Checker<'_> {
    pub(super) fn oidc(&mut self, gateway: &Node, login: &Login) -> Option<Oidc> {
        let entry = gateway.entry("oidc")?;
        let node = &entry.node;
        let Login::Issuer(issuer) = login else {
            self.contradiction(entry.at, "`oidc` without an issuer")
                .help("write `login = \"https://issuer.example\"` in `[gateway]`");
            return None;
        };
        let Some(client_id) = node.text("client").filter(|text| !text.is_empty()) else {
            self.contradiction(entry.at, "`oidc` does not say what Ringwall is called there")
                .help("write `client = \"…\"`, as the issuer registered it");
            return None;
        };
        let secret = node.get("secret").and_then(|name| Some((name.as_text()?, name.at)));
        if let Some((name, at)) = secret {
            self.known_secret(name, at);
        }
        let at = gateway.get("login").map_or(entry.at, |login| login.at);
        self.issuer(issuer, at);
        self.domains(node);
        self.sign_up(entry);
        let scopes = match node.get("scopes") {
            Some(_) => texts(node, "scopes"),
            None => vec!["email".to_owned()],
        };
        Some(Oidc {
            client_id: client_id.to_owned(),
            secret: secret.map(|(name, _)| name.to_owned()),
            title: node.text("title").map(str::to_owned),
            scopes,
            domains: texts(node, "domains"),
            claims: text_map(node.get("claims")),
            signs_up: is_true(node, "sign_up"),
            name_claim: node.text("name_claim").map(str::to_owned),
            roles_claim: node.text("roles_claim").map(str::to_owned),
            roles: text_map(node.get("roles")),
            two_factors: texts(node, "two_factors"),
            ca: node.get("ca").and_then(|ca| Some(self.path(ca.at, ca.as_text()?))),
            // An address of numbers was written by who knows where it is.
            may_be_private: is_true(node, "danger_private_network") || is_number(host(issuer)),
        })
    }

    /// OpenID Connect Discovery section 2: `https`, without query or fragment.
    fn issuer(&mut self, issuer: &str, at: At) {
        if issuer.contains(['?', '#', '@']) {
            self.findings
                .add(code::BAD_URL, at, format!("`{issuer}` is no issuer"))
                .label("an issuer has no query, no fragment and no user")
                .help("write it as the issuer's own metadata does: `https://issuer.example/realm`");
        }
        let host = host(issuer);
        let is_here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if issuer.starts_with("http://") && !is_here {
            self.findings
                .add(code::BAD_URL, at, format!("`{issuer}` does not speak TLS"))
                .label("whoever is on the way could sign in as anybody")
                .help("write `https://…`; only an issuer on this machine may do without");
        }
    }

    fn domains(&mut self, node: &Node) {
        let domains = node.get("domains").map(Node::texts).unwrap_or_default();
        for (domain, at) in domains.into_iter().filter(|(domain, _)| !is_host_name(domain)) {
            self.findings
                .add(code::BAD_URL, at, format!("`{domain}` is no domain"))
                .label("what follows the `@` of an address, whole")
                .help("write `domains = [\"example.org\"]`; domains below it are named one by one");
        }
    }

    /// What is said of accounts that are made has a meaning only where some are.
    fn sign_up(&mut self, entry: &Entry) {
        let node = &entry.node;
        let roles = node.get("roles");
        for role in roles.map_or(&[][..], Node::entries) {
            if let Some(name) = role.node.as_text() {
                self.known_role(name, role.node.at, "a claim of the issuer gives");
            }
        }
        if roles.is_some() != node.get("roles_claim").is_some() {
            self.contradiction(entry.at, "`roles` without `roles_claim`, or the other way round")
                .help("write `roles_claim = \"groups\"` and `roles = { staff = \"editor\" }`");
        }
        let is_said = |key| node.get(key).is_some();
        if is_true(node, "sign_up") && !is_said("domains") && !is_said("claims") {
            self.findings
                .add(code::OPEN_SIGN_UP, entry.at, "everybody of the other issuer gets an account")
                .label("neither `domains` nor `claims` says who may come")
                .help("write `domains = [\"example.org\"]`, or a claim that only yours have");
        }
        let is_named = roles.is_some() || node.get("name_claim").is_some();
        if is_named && !is_true(node, "sign_up") {
            self.contradiction(entry.at, "names or roles for accounts that nobody gets")
                .label("an account that people link keeps its own name and roles")
                .help("write `sign_up = true`, or leave them out");
        }
    }
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let texts = node.get(key).map(Node::texts).unwrap_or_default();
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// The host of an address, without its port.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_number(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}
