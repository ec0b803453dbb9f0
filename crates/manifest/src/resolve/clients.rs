//! `[clients]`: who gets tokens, for what, and how they prove who they are.

use std::collections::BTreeSet;

use ringwall_base::Tenant;

use super::quantity::is_url;
use super::{Checker, is_true};
use crate::catalogue::code;
use crate::draft::WantKind;
use crate::finding::Finding;
use crate::model::{Client, ClientAccess};
use crate::node::{Entry, Node};
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn clients(&mut self) {
        let root = self.root;
        for entry in root.table("clients") {
            let client = self.oauth_client(entry);
            self.model.clients.insert(entry.key.clone(), client);
        }
    }

    fn oauth_client(&mut self, entry: &Entry) -> Client {
        let node = &entry.node;
        self.client_id(entry);
        let access = self.client_access(entry);
        let client = Client {
            demands: demands(node, &access),
            grants: grants(node, &access),
            access,
            redirect_uris: self.uris(node, "redirect_uris"),
            post_logout_uris: self.uris(node, "post_logout_uris"),
            scopes: self.client_scopes(node),
            roles: self.client_roles(entry),
            acts_for: self.acted_for(entry),
            organisation: self.client_organisation(node),
            wants_es256: node.text("tokens") == Some("ES256"),
            place: self.place(entry.at),
        };
        self.fitting(entry, &client);
        client
    }

    fn client_id(&mut self, entry: &Entry) {
        let is_id = (1..=64).contains(&entry.key.len())
            && entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !is_id {
            self.findings
                .add(code::BAD_NAME, entry.at, format!("`{}` is no client id", entry.key))
                .label("1 to 64 letters, digits, `.`, `_` and `-`")
                .help("the id stands in tokens and in the log, so it is plain");
        }
    }

    fn client_access(&mut self, entry: &Entry) -> ClientAccess {
        let node = &entry.node;
        let is_public = is_true(node, "public");
        let ways = [is_public, node.get("secret").is_some(), node.get("jwks").is_some()];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            self.bad_client(
                entry.at,
                &format!("client `{}` proves who it is in one way", entry.key),
            )
            .label("one of `public`, `secret`, `jwks`")
            .help("write `secret = \"NAME\"` for a web application, `public = true` for an app");
        }
        if let Some(secret) = node.get("secret") {
            let name = secret.as_text().unwrap_or("");
            self.known_secret(name, secret.at);
            return ClientAccess::Secret(name.to_owned());
        }
        let Some(jwks) = node.get("jwks") else { return ClientAccess::Public };
        let text = self.inputs.jwks.get(&entry.key).cloned();
        let is_reported = self.failures(WantKind::Jwks, &entry.key, Some(jwks.at));
        if text.is_none() && !is_reported {
            let message = format!("the keys of client `{}` were not read", entry.key);
            self.findings
                .add(code::JWKS_UNREADABLE, jwks.at, message)
                .label("this file is needed")
                .help("its path starts at the manifest's folder");
        }
        ClientAccess::Keys(text.unwrap_or_default())
    }

    fn uris(&mut self, node: &Node, key: &str) -> Vec<String> {
        let mut uris = Vec::new();
        for (uri, at) in node.get(key).map(Node::texts).unwrap_or_default() {
            if is_redirect_uri(uri) {
                uris.push(uri.to_owned());
                continue;
            }
            self.bad_client(at, &format!("`{uri}` is no redirect URI"))
                .label("`https`, or `http` on 127.0.0.1 or [::1]; no pattern, no fragment")
                .help("write each address out: `\"https://shop.example/callback\"`");
        }
        uris
    }

    fn client_organisation(&mut self, node: &Node) -> Option<String> {
        let said = node.get("organisation")?;
        let slug = said.as_text().unwrap_or_default();
        if Tenant::parse(slug).is_none() {
            self.bad_client(said.at, &format!("`{slug}` is no organisation"))
                .label("1 to 40 of a-z, 0-9 and `-`, a letter first")
                .help("`ringwall organisation list` shows those that there are");
        }
        Some(slug.to_owned())
    }

    fn client_scopes(&mut self, node: &Node) -> Vec<String> {
        let mut scopes = Vec::new();
        for (scope, at) in node.get("scopes").map(Node::texts).unwrap_or_default() {
            // RFC 6749 section 3.3.
            let is_scope = !scope.is_empty()
                && scope.len() <= SCOPE_CHARS_MAX
                && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
            if !is_scope {
                self.bad_client(at, &format!("`{scope}` is no scope"))
                    .label("visible characters without quotes, at most 128")
                    .help("write each scope as a text of its own: `[\"books:read\"]`");
            }
            scopes.push(scope.to_owned());
        }
        scopes
    }

    fn client_roles(&mut self, entry: &Entry) -> Vec<String> {
        let who = format!("client `{}` has the role", entry.key);
        let roles = entry.node.get("roles").map(Node::texts).unwrap_or_default();
        let known = roles.into_iter().filter(|(role, at)| self.known_role(role, *at, &who));
        known.map(|(role, _)| role.to_owned()).collect()
    }

    fn acted_for(&mut self, entry: &Entry) -> Vec<String> {
        let known: Vec<&str> =
            self.root.table("clients").iter().map(|client| client.key.as_str()).collect();
        let mut names = Vec::new();
        for (name, at) in entry.node.get("acts_for").map(Node::texts).unwrap_or_default() {
            if !known.contains(&name) {
                let help = did_you_mean(name, known.iter().copied())
                    .unwrap_or_else(|| format!("declare it as `[clients.{name}]`"));
                self.bad_client(at, &format!("no client has the id `{name}`"))
                    .label(format!("`{}` could act for nobody", entry.key))
                    .help(help);
            }
            names.push(name.to_owned());
        }
        names
    }

    /// What does not go together.
    fn fitting(&mut self, entry: &Entry, client: &Client) {
        let has = |grant: &str| client.grants.iter().any(|one| one == grant);
        let is_public = client.access == ClientAccess::Public;
        let has_redirects = entry.node.get("redirect_uris").is_some();
        let faults = [
            (
                is_public && (has("client_credentials") || has("token_exchange")),
                "is public, and asks for tokens of its own",
                "a public client gets tokens for people only: give it `secret` or `jwks`",
            ),
            (
                has("authorization_code") != has_redirects,
                "has redirect URIs without `authorization_code`, or the other way round",
                "people come back from `authorization_code` to one of `redirect_uris`",
            ),
            (
                has("token_exchange") && client.acts_for.is_empty(),
                "exchanges tokens of nobody",
                "write whose tokens it gets: `acts_for = [\"web\"]`",
            ),
            (
                has("refresh_token") && !has("authorization_code") && !has("device_code"),
                "has nothing to refresh",
                "`refresh_token` goes with `authorization_code` or `device_code`",
            ),
            (
                !client.roles.is_empty() && !has("client_credentials"),
                "has roles and no tokens of its own",
                "people bring their own roles: remove `roles`, or add `client_credentials`",
            ),
        ];
        for (_, what, help) in faults.into_iter().filter(|(is_so, ..)| *is_so) {
            self.bad_client(entry.at, &format!("client `{}` {what}", entry.key))
                .label("these do not go together")
                .help(help);
        }
    }

    fn bad_client(&mut self, at: At, message: &str) -> &mut Finding {
        self.findings.add(code::BAD_CLIENT, at, message)
    }
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let texts = node.get(key).map(Node::texts).unwrap_or_default();
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// As written; and what a program gets for itself is bound to a key, if nothing else is said.
fn demands(node: &Node, access: &ClientAccess) -> BTreeSet<String> {
    let mut demands: BTreeSet<String> = texts(node, "require").into_iter().collect();
    let is_free = *access == ClientAccess::Public || is_true(node, "bearer");
    if !is_free && !demands.contains("certificate") {
        demands.insert("bound".to_owned());
    }
    demands
}

/// As written; else what follows from the rest, as the command `client add` does it.
fn grants(node: &Node, access: &ClientAccess) -> Vec<String> {
    let mut grants = texts(node, "grants");
    if node.get("grants").is_none() {
        if node.get("redirect_uris").is_some() {
            grants.push("authorization_code".to_owned());
        } else if *access != ClientAccess::Public {
            grants.push("client_credentials".to_owned());
        }
    }
    let exchange = "token_exchange".to_owned();
    if node.get("acts_for").is_some() && !grants.contains(&exchange) {
        grants.push(exchange);
    }
    grants
}

/// RFC 9700 section 2.1: https, or http on a loopback address (`localhost` can be another host).
fn is_redirect_uri(text: &str) -> bool {
    let is_loopback = text.strip_prefix("http://").is_some_and(|rest| {
        let authority = rest.split(['/', '?']).next().unwrap_or("");
        ["127.0.0.1", "[::1]"].iter().any(|host| {
            authority
                .strip_prefix(host)
                .is_some_and(|port| port.is_empty() || port.starts_with(':'))
        })
    });
    let is_kind = text.starts_with("https://") || is_loopback;
    let has_host = is_url(text) || is_loopback;
    is_kind
        && has_host
        && text.bytes().all(|b| b.is_ascii_graphic())
        && !text.contains(['#', '*', '\\'])
}

const SCOPE_CHARS_MAX: usize = 128;
