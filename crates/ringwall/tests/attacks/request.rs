//! A request as an attacker puts it together: every byte of it is ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::house::House;
use crate::wire::Answer;

/// A text that no answer may repeat.
pub(crate) const MARKER: &str = "zq9marker7";

/// One request, and what a failure calls it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) label: String,
    line: String,
    fields: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    /// Method and target.
    pub(crate) fn new(line: &str) -> Self {
        Self { label: line.to_owned(), line: line.to_owned(), fields: Vec::new(), body: Vec::new() }
    }

    /// A form, sent by `POST`.
    pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let request = Self::new(&format!("POST {path}"));
        request.content("application/x-www-form-urlencoded", form(fields))
    }

    /// Parameters in the target, sent by `GET`.
    pub(crate) fn query(path: &str, fields: &[(&str, &str)]) -> Self {
        Self::new(&format!("GET {path}?{}", form(fields)))
    }

    /// A request to the token endpoint.
    pub(crate) fn token(fields: &[(&str, &str)]) -> Self {
        Self::form("/oauth/token", fields)
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another header line.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.fields.push(field.into());
        self
    }

    /// HTTP Basic, both halves form-encoded as RFC 6749 section 2.3.1 wants it.
    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        let pair = format!("{}:{}", escaped(id), escaped(secret));
        self.field(format!("Authorization: Basic {}", STANDARD.encode(pair)))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.field(format!("Authorization: Bearer {token}"))
    }

    pub(crate) fn content(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = format!("Content-Length: {}", self.body.len());
        self.field(format!("Content-Type: {kind}")).field(length)
    }

    /// More of the form.
    pub(crate) fn and(mut self, more: &str) -> Self {
        let before = format!("Content-Length: {}", self.body.len());
        self.body.extend(more.bytes());
        let after = format!("Content-Length: {}", self.body.len());
        self.fields
            .iter_mut()
            .filter(|field| **field == before)
            .for_each(|field| *field = after.clone());
        self
    }

    /// Sends it on a connection of its own.
    #[track_caller]
    pub(crate) fn to(&self, house: &House) -> Answer {
        house.raw(&self.bytes(house, "close"))
    }

    /// As it goes over the wire, with what is to become of the connection.
    pub(crate) fn bytes(&self, house: &House, connection: &str) -> Vec<u8> {
        let fields: String = self.fields.iter().flat_map(|field| [field, "\r\n"]).collect();
        let host = house.authority();
        let line = &self.line;
        let head =
            format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n{fields}\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Everything but the unreserved characters of RFC 3986 percent-encoded.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The value of a parameter in an address.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| unescaped(value))
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            let digits = String::from_utf8(digits).unwrap();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(bytes).unwrap()
}
