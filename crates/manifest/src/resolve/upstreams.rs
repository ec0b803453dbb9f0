//! `upstream` and everything else that names an address of an app.

use super::Checker;
use super::quantity::{is_address, is_host_name};
use crate::catalogue::code;
use crate::model::{Address, Upstream};
use crate::node::{Entry, Node, Value};
use crate::source::At;

impl Checker<'_> {
    /// The `upstream` of a service, at least one.
    pub(super) fn service_upstreams(&mut self, entry: &Entry) -> Vec<Upstream> {
        let Some(node) = entry.node.get("upstream") else {
            let message = format!("service `{}` has no `upstream`", entry.key);
            self.findings
                .add(code::NO_UPSTREAM, entry.at, message)
                .label("nowhere to send a request to")
                .help("write `upstream = \"127.0.0.1:5001\"`, where the app listens");
            return Vec::new();
        };
        self.upstreams(node)
    }

    /// One address or a list of them.
    pub(super) fn upstreams(&mut self, node: &Node) -> Vec<Upstream> {
        let one = std::slice::from_ref(node);
        let items = match &node.value {
            Value::List(items) => items,
            _ => one,
        };
        if items.is_empty() {
            self.findings
                .add(code::NO_UPSTREAM, node.at, "the list of upstreams is empty")
                .label("at least one address")
                .help("write `upstream = [\"127.0.0.1:5001\"]`");
        }
        items.iter().filter_map(|item| self.upstream(item)).collect()
    }

    /// `"host:port"` or `{ address = "host:port", weight = 2, zone = "a" }`.
    pub(super) fn upstream(&mut self, node: &Node) -> Option<Upstream> {
        let place = node.get("address").unwrap_or(node);
        let Some(text) = place.as_text() else {
            if matches!(node.value, Value::Table(_)) {
                self.findings
                    .add(code::NO_UPSTREAM, node.at, "an upstream without `address`")
                    .label("nowhere to send a request to")
                    .help("write `{ address = \"127.0.0.1:5001\", weight = 2 }`");
            }
            return None;
        };
        let address = self.address(text, place.at)?;
        let weight = node.get("weight").and_then(Node::as_integer);
        let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
        Some(Upstream { address, weight, zone: node.text("zone").map(str::to_owned) })
    }

    fn address(&mut self, text: &str, at: At) -> Option<Address> {
        // First: a host may be named `dns`, and `dns:5001` is then its address.
        if is_address(text) {
            return Some(Address::Tcp(text.to_owned()));
        }
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let (address, wants) = match kind {
            "unix" => (
                is_plain_path(rest).then(|| Address::Unix(rest.to_owned())),
                "an absolute path: `unix:/run/app.sock`",
            ),
            "dns" => (
                (is_address(rest) && !rest.starts_with('[')).then(|| Address::Dns(rest.to_owned())),
                "a name with a port: `dns:users.internal:5001`",
            ),
            "srv" => (
                is_service_name(rest).then(|| Address::Srv(rest.to_owned())),
                "service, protocol and name: `srv:_http._tcp.users.internal`",
            ),
            "file" => (
                (!rest.is_empty()).then(|| Address::File(self.path(at, rest))),
                "a file with one address a line: `file:upstreams.txt`",
            ),
            _ => {
                self.no_address(text, at);
                return None;
            }
        };
        if address.is_none() {
            self.findings
                .add(code::BAD_ADDRESS, at, format!("`{text}` is not an address"))
                .label(wants)
                .help(format!("`{kind}:` takes {wants}"));
        }
        address
    }

    /// `host:port` and nothing else.
    pub(super) fn plain_addresses(&mut self, entry: &Entry, key: &str) -> Vec<String> {
        let mut addresses = Vec::new();
        for (text, at) in entry.node.get(key).map(Node::texts).unwrap_or_default() {
            if is_address(text) {
                addresses.push(text.to_owned());
            } else {
                self.no_address(text, at);
            }
        }
        addresses
    }

    fn no_address(&mut self, text: &str, at: At) {
        let plain = text.trim_start_matches("http://").trim_start_matches("https://");
        let plain = plain.split('/').next().unwrap_or(plain);
        let help = match plain {
            plain if is_address(plain) => format!("write `\"{plain}\"`"),
            plain if is_address(&format!("{plain}:80")) => format!("write `\"{plain}:5001\"`"),
            _ => "write `\"127.0.0.1:5001\"`".to_owned(),
        };
        self.findings
            .add(code::BAD_ADDRESS, at, format!("`{text}` is not an address"))
            .label("`host:port`, without scheme and path")
            .help(help);
    }
}

/// A socket's path: the kernel takes 107 bytes.
fn is_plain_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() > 1
        && text.len() <= SOCKET_PATH_BYTES_MAX
        && text.chars().all(|c| !c.is_control())
        && text.split('/').all(|part| part != "..")
}

/// `_service._protocol.name` (RFC 2782).
fn is_service_name(text: &str) -> bool {
    let mut labels = text.split('.');
    let named = |label: Option<&str>| {
        label.and_then(|label| label.strip_prefix('_')).is_some_and(is_host_name)
    };
    named(labels.next()) && named(labels.next()) && labels.next().is_some() && is_host_name(text)
}

/// `sun_path` has 108 bytes, one of them the end.
const SOCKET_PATH_BYTES_MAX: usize = 107;
