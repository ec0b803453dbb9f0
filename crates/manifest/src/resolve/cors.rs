//! `cors`, of the door and of services.

use super::quantity::{is_address, is_host_name};
use super::survive::is_token;
use super::{Checker, is_true};
use crate::catalogue::code;
use crate::model::Cors;
use crate::node::{Entry, Node};
use crate::source::At;

impl Checker<'_> {
    pub(super) fn cors(&mut self, parent: &Node) -> Option<Cors> {
        let entry = parent.entry("cors")?;
        let node = &entry.node;
        let cors = Cors {
            origins: self.origins(entry),
            methods: self.cors_methods(node),
            headers: self.cors_headers(node, "headers"),
            expose: self.cors_headers(node, "expose"),
            has_credentials: is_true(node, "credentials"),
            max_age: self.time(node, "max_age"),
            is_for_private_network: is_true(node, "private_network"),
            place: self.place(entry.at),
        };
        let is_any = cors.origins.iter().any(|origin| origin == "*");
        if is_any && cors.has_credentials {
            let at = node.get("credentials").map_or(entry.at, |inner| inner.at);
            self.bad_cors(at, "`*` with `credentials`: every site could act as the visitor")
                .label("never both")
                .help("name the origins that may, or remove `credentials`");
        }
        if is_any && cors.origins.len() > 1 {
            self.bad_cors(entry.at, "`*` beside other origins")
                .label("`*` is all of them")
                .help("write `origins = [\"*\"]`, or name the origins");
        }
        Some(cors)
    }

    fn origins(&mut self, entry: &Entry) -> Vec<String> {
        let mut origins = Vec::new();
        let texts = entry.node.get("origins").map(Node::texts).unwrap_or_default();
        if texts.is_empty() {
            self.bad_cors(entry.at, "no origin may call")
                .label("no `origins`")
                .help("write `origins = [\"https://app.example\"]`, or remove the table");
        }
        for (text, at) in texts {
            if text == "*" || is_origin(text) {
                origins.push(text.to_owned());
                continue;
            }
            let mut help = "write `\"https://app.example\"`, with a port if it is not the usual";
            if text == "null" {
                help = "every sandboxed page and local file is `null`: it cannot be trusted";
            } else if text.contains('*') {
                help = "name each origin: a pattern matches more than was meant";
            }
            self.bad_cors(at, &format!("`{text}` is not an origin"))
                .label("scheme, host in lower case and port, without path")
                .help(help);
        }
        origins
    }

    fn cors_methods(&mut self, node: &Node) -> Vec<String> {
        let mut methods = Vec::new();
        for (text, at) in node.get("methods").map(Node::texts).unwrap_or_default() {
            if METHODS.contains(&text) {
                methods.push(text.to_owned());
                continue;
            }
            let upper = text.to_uppercase();
            let help = if METHODS.contains(&upper.as_str()) {
                format!("write `\"{upper}\"`: methods are compared exactly")
            } else {
                format!("one of {}", METHODS.join(", "))
            };
            self.bad_cors(at, &format!("`{text}` cannot be a method here"))
                .label("no method of an operation")
                .help(help);
        }
        methods
    }

    fn cors_headers(&mut self, node: &Node, key: &str) -> Vec<String> {
        let mut headers = Vec::new();
        for (text, at) in node.get(key).map(Node::texts).unwrap_or_default() {
            if is_token(text) && text != "*" {
                headers.push(text.to_lowercase());
            } else {
                let help = format!("write `{key} = [\"x-request-id\"]`, each by its name");
                self.bad_header(text, at, &help);
            }
        }
        headers
    }

    fn bad_cors(&mut self, at: At, message: &str) -> &mut crate::finding::Finding {
        self.findings.add(code::BAD_CORS, at, message)
    }
}

/// Whether a text is an origin as browsers write it (RFC 6454 section 6.2).
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let usual = if scheme == "https" { ":443" } else { ":80" };
    matches!(scheme, "http" | "https")
        && (is_host_name(host) || is_address(host))
        && !host.chars().any(|c| c.is_ascii_uppercase())
        // A browser leaves the usual port out, so such a line would never match.
        && !host.ends_with(usual)
}

/// What operations can have.
const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
