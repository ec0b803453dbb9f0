//! What one request's transaction reads from. It lives longer than the transaction.

use std::cell::{Cell, OnceCell};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{COOKIE, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Uri, Version};
use ringwall_base::{RequestId, Timestamp};
use ringwall_net::{Body, Peer};
use ringwall_openapi::Proof;
use ringwall_waf::{Connection, RequestHead, ResponseHead, Transaction};

use super::Firewall;
use super::commons::Recall;
use super::proved::Proved;
use crate::messages::Argument;

/// Names and values, in their order. Cloning one counts a reference.
type Fields = Vec<(HeaderName, HeaderValue)>;

/// The request as it came, and room for what follows.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) firewall: Arc<Firewall>,
    arena: ringwall_waf::Arena,
    recall: Recall,
    id: OnceCell<String>,
    client: String,
    client_port: u16,
    /// Where the connection came in: the address, empty for a Unix socket, and the port.
    server: (String, u16),
    user: OnceCell<String>,
    /// Bytes of the firewall's room that this request has.
    held: Cell<usize>,
    method: Method,
    target: String,
    version: Version,
    fields: Fields,
    proved_head: OnceCell<Vec<Proved>>,
    proved_body: OnceCell<Vec<Proved>>,
    body: OnceCell<Bytes>,
    arguments: OnceCell<Vec<Argument>>,
    answer_fields: OnceCell<Fields>,
    answer_body: OnceCell<Bytes>,
}

impl Desk {
    /// Keeps what the client sent, before anything is removed from it.
    pub(crate) fn open(firewall: &Arc<Firewall>, peer: &Peer, request: &Request<Body>) -> Self {
        let address: IpAddr = peer.address.ip().to_canonical();
        let mut fields = listed(request.headers());
        // HTTP/2 has the host beside its fields; rules know one place for it.
        if let (true, Some(authority)) =
            (!request.headers().contains_key(HOST), request.uri().authority())
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            fields.insert(0, (HOST, host));
        }
        join_cookies(&mut fields);
        Self {
            firewall: Arc::clone(firewall),
            arena: firewall.arena(),
            recall: Recall::new(&firewall.commons),
            id: OnceCell::new(),
            client: address.to_string(),
            client_port: peer.address.port(),
            server: peer.local.map_or_else(
                || (String::new(), firewall.port),
                |local| (local.ip().to_canonical().to_string(), local.port()),
            ),
            user: OnceCell::new(),
            held: Cell::new(0),
            method: request.method().clone(),
            target: target(request.uri(), request.version()),
            version: request.version(),
            fields,
            proved_head: OnceCell::new(),
            proved_body: OnceCell::new(),
            body: OnceCell::new(),
            arguments: OnceCell::new(),
            answer_fields: OnceCell::new(),
            answer_body: OnceCell::new(),
        }
    }

    /// Gives the request its name. A second one is not taken.
    pub(super) fn name(&self, id: RequestId) -> &str {
        self.id.get_or_init(|| String::from_utf8_lossy(&id.text()).into_owned())
    }

    /// Notes who asks, as soon as that is proved.
    pub(super) fn user(&self, name: &str) {
        self.user.get_or_init(|| name.to_owned());
    }

    /// Whether there is room to hold so much more of a body.
    pub(super) fn take_room(&self, bytes: usize) -> bool {
        let is_taken = self.firewall.room.take(bytes);
        if is_taken {
            self.held.set(self.held.get().saturating_add(bytes));
        }
        is_taken
    }

    /// Begins with what is proved of the head, and runs phase 1. Where nothing is stopped, the rules
    /// after one that denies are asked too.
    pub(super) fn begin<'a>(
        &'a self,
        (id, at): (&'a str, Timestamp),
        proofs: &[Proof],
        goes_on: bool,
    ) -> Transaction<'a> {
        let connection = Connection {
            client_address: &self.client,
            client_port: self.client_port,
            server_address: &self.server.0,
            server_port: self.server.1,
            user: self.user.get().map_or("", String::as_str),
            unique_id: id,
            now_secs: at.secs(),
        };
        let head = RequestHead {
            method: self.method.as_str().as_bytes(),
            target: self.target.as_bytes(),
            protocol: protocol(self.version),
            headers: self.arena.pairs(self.fields.iter().map(bytes)),
        };
        let proved = self.proved_head.get_or_init(|| self.proved(proofs));
        let proved: Vec<_> = proved.iter().map(Proved::shown).collect();
        let rules = &self.firewall.rules;
        let begin = if goes_on { Transaction::begin_watching } else { Transaction::begin_proven };
        begin(rules, &self.arena, &self.recall, connection, (head, &proved))
    }

    /// What rules remember, as this request finds it.
    pub(super) const fn recall(&self) -> &Recall {
        &self.recall
    }

    /// Keeps what is proved of the body. More is not taken.
    pub(super) fn proved_body(&self, proofs: &[Proof]) -> &[Proved] {
        self.proved_body.get_or_init(|| self.proved(proofs))
    }

    fn proved(&self, proofs: &[Proof]) -> Vec<Proved> {
        if self.firewall.skips_proven { Proved::list(proofs) } else { Vec::new() }
    }

    /// All that is proved.
    pub(super) fn all_proved(&self) -> impl Iterator<Item = &Proved> {
        self.proved_head.get().into_iter().chain(self.proved_body.get()).flatten()
    }

    /// Keeps the body. A second one is not taken.
    pub(super) fn body(&self, body: Bytes) -> &[u8] {
        self.body.get_or_init(|| body)
    }

    /// Keeps what a body says that rules cannot read. More is not taken.
    pub(super) fn arguments(&self, arguments: Vec<Argument>) -> &[Argument] {
        self.arguments.get_or_init(|| arguments)
    }

    /// Keeps the head of the answer.
    pub(super) fn answer_head(&self, status: StatusCode, fields: &HeaderMap) -> ResponseHead<'_> {
        let fields = self.answer_fields.get_or_init(|| listed(fields));
        let headers = self.arena.pairs(fields.iter().map(bytes));
        ResponseHead { status: status.as_u16(), protocol: protocol(self.version), headers }
    }

    /// Keeps the body of the answer. A second one is not taken.
    pub(super) fn answer_body(&self, body: Bytes) -> &[u8] {
        self.answer_body.get_or_init(|| body)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.firewall.room.give_back(self.held.get());
        self.firewall.put_back(std::mem::take(&mut self.arena));
    }
}

fn listed(fields: &HeaderMap) -> Fields {
    fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// HTTP/2 sends a cookie a field (RFC 9113 section 8.2.3). The service gets them as one, and so do
/// rules: between two fields nothing is out of their sight.
fn join_cookies(fields: &mut Fields) {
    if fields.iter().filter(|(name, _)| *name == COOKIE).count() < 2 {
        return;
    }
    let crumbs = fields.iter().filter(|(name, _)| *name == COOKIE);
    let crumbs: Vec<&[u8]> = crumbs.map(|(_, value)| value.as_bytes()).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        fields.retain(|(name, _)| *name != COOKIE);
        fields.push((COOKIE, joined));
    }
}

fn bytes(field: &(HeaderName, HeaderValue)) -> (&[u8], &[u8]) {
    (field.0.as_str().as_bytes(), field.1.as_bytes())
}

/// As a first line of HTTP/1 has it, also where the client speaks HTTP/2.
fn target(uri: &Uri, version: Version) -> String {
    if uri.scheme().is_some() && version < Version::HTTP_2 {
        return uri.to_string();
    }
    uri.path_and_query().map_or_else(|| uri.to_string(), ToString::to_string)
}

const fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_09 => b"HTTP/0.9",
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        Version::HTTP_3 => b"HTTP/3.0",
        _ => b"HTTP/1.1",
    }
}
