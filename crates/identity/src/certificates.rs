//! How a client's certificate is known again: by a name in it, or whole.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringwall_base::{AlternativeName, ClientCertificate, RelativeName};
use ringwall_jose::{base64url_decode, base64url_encode, parse_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The one name that a client's certificate must have (RFC 8705 section 2.1.2). Compared exactly.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateName {
    /// `tls_client_auth_san_ip`.
    Address(IpAddr),
    /// `tls_client_auth_san_dns`. A wildcard is another name.
    Dns(String),
    /// `tls_client_auth_san_email`.
    Mail(String),
    /// `tls_client_auth_subject_dn`, as RFC 4514 writes it: the last step first.
    Subject(String),
    /// `tls_client_auth_san_uri`.
    Uri(String),
}

impl CertificateName {
    /// Reads `dns:NAME`, `uri:URI`, `ip:ADDRESS`, `email:ADDRESS` or `subject:DN`. Anything else is a
    /// name that no client can be registered with.
    pub fn parse(text: &str) -> Self {
        let nothing = Self::Subject(String::new());
        let Some((kind, name)) = text.split_once(':') else { return nothing };
        let name = name.to_owned();
        match kind {
            "dns" => Self::Dns(name),
            "email" => Self::Mail(name),
            "ip" => name.parse().map_or(nothing, Self::Address),
            "subject" => Self::Subject(name),
            "uri" => Self::Uri(name),
            _ => nothing,
        }
    }

    /// Whether it can be the name of one certificate.
    pub(crate) fn is_usable(&self) -> bool {
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::Address(_) => true,
            Self::Dns(name) => is_word(name) && !name.contains('*'),
            Self::Mail(name) => is_word(name) && name.contains('@'),
            Self::Subject(name) => steps(name).is_some(),
            Self::Uri(name) => is_word(name) && name.contains(':'),
        }
    }

    /// Whether the certificate has this name.
    pub(crate) fn is_of(&self, shown: &ClientCertificate) -> bool {
        let mut names = shown.names.iter();
        match self {
            Self::Address(ours) => names.any(|name| *name == AlternativeName::Address(*ours)),
            Self::Dns(ours) => names.any(|name| {
                matches!(name, AlternativeName::Dns(name) if name.eq_ignore_ascii_case(ours))
            }),
            Self::Mail(ours) => {
                names.any(|name| matches!(name, AlternativeName::Mail(name) if name == ours))
            }
            Self::Subject(ours) => {
                let known = steps(ours).map(sorted);
                // An empty name is one that could not be read.
                !shown.distinguished_name.is_empty()
                    && known == Some(sorted(shown.distinguished_name.clone()))
            }
            Self::Uri(ours) => {
                names.any(|name| matches!(name, AlternativeName::Uri(name) if name == ours))
            }
        }
    }
}

/// The SHA-256 of each certificate in a text, as `x5t#S256`: PEM, a JWKS with `x5c`, or the hash itself
/// in hexadecimal. `None` when there is none.
pub fn certificate_hashes(text: &str) -> Option<Vec<String>> {
    let hash = |der: &[u8]| base64url_encode(digest(&SHA256, der));
    let text = text.trim();
    let hashes: Vec<String> = if text.contains(PEM) {
        let bodies = text.split(PEM).skip(1).map(|rest| {
            let body = rest.split("-----END").next()?;
            let body: String = body.split_ascii_whitespace().collect();
            Some(hash(&STANDARD.decode(body).ok()?))
        });
        bodies.collect::<Option<_>>()?
    } else if text.starts_with('{') {
        let set = parse_json(text.as_bytes()).ok()?;
        let keys = set.get("keys")?.as_array()?.iter().map(|key| {
            // RFC 7517 section 4.7: the first one has the key; base64, not base64url.
            let first = key.get("x5c").and_then(|chain| chain.get(0)).and_then(Value::as_str)?;
            Some(hash(&STANDARD.decode(first).ok()?))
        });
        keys.collect::<Option<_>>()?
    } else {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        let bytes = (0..digits.len()).step_by(2).map(|at| {
            let two = digits.get(at..at.saturating_add(2))?;
            u8::from_str_radix(two, 16).ok()
        });
        vec![base64url_encode(bytes.collect::<Option<Vec<u8>>>()?)]
    };
    (!hashes.is_empty() && hashes.iter().all(|hash| is_hash(hash))).then_some(hashes)
}

/// Whether a text is a SHA-256 in base64url.
pub(crate) fn is_hash(text: &str) -> bool {
    base64url_decode(text).is_some_and(|hash| hash.len() == 32)
}

/// A distinguished name from the first step to the last.
type Steps = Vec<RelativeName>;

/// The order of the attributes of one step says nothing (RFC 4514 section 2.2).
fn sorted(mut steps: Steps) -> Steps {
    for step in &mut steps {
        step.sort();
    }
    steps
}

/// Reads RFC 4514 section 3. Values in hexadecimal (`#…`) are not read: no such name is usable.
fn steps(text: &str) -> Option<Steps> {
    let step = |step: &str| {
        let attribute = |text: &str| {
            let (name, value) = text.split_once('=')?;
            Some((object_id(name.trim())?, unescaped(value.trim_start())?))
        };
        split(step, '+').iter().map(|one| attribute(one)).collect::<Option<Vec<_>>>()
    };
    let mut steps = split(text, ',').iter().map(|one| step(one)).collect::<Option<Steps>>()?;
    steps.reverse();
    (!text.trim().is_empty()).then_some(steps)
}

/// Cuts at a character that no backslash stands before.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut part, mut is_escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if c == at && !is_escaped {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        is_escaped = c == '\\' && !is_escaped;
        part.push(c);
    }
    parts.push(part);
    parts
}

/// RFC 4514 section 2.4: a backslash before a character, or before two hexadecimal digits of a byte.
fn unescaped(value: &str) -> Option<String> {
    if value.is_empty() || value.starts_with('#') {
        return None;
    }
    let (mut bytes, mut rest) = (Vec::new(), value.chars());
    while let Some(c) = rest.next() {
        if c != '\\' {
            // What must be escaped and is not could be read in two ways.
            if matches!(c, '"' | ';' | '<' | '>' | '\0') {
                return None;
            }
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let next = rest.next()?;
        if let Some(high) = next.to_digit(16) {
            let low = rest.next()?.to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    String::from_utf8(bytes).ok()
}

/// RFC 4514 section 3, and `emailAddress`, which OpenSSL writes.
fn object_id(name: &str) -> Option<String> {
    let is_id = name.contains('.') && name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_id {
        return Some(name.to_owned());
    }
    let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, id)| (*id).to_owned())
}

const PEM: &str = "-----BEGIN CERTIFICATE-----";

const KNOWN: [(&str, &str); 11] = [
    ("C", "2.5.4.6"),
    ("CN", "2.5.4.3"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("serialNumber", "2.5.4.5"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("UID", "0.9.2342.19200300.100.1.1"),
];

#[cfg(test)]
mod tests;
