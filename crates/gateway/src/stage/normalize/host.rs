//! The one host that a request is for.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request, Version};

use crate::Refusal;

/// Host and port as the client named them, in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Host(HeaderValue);

impl Host {
    /// Reads it.
    pub(super) fn of<B>(request: &Request<B>) -> Result<Self, Refusal> {
        let field = request.headers().get(HOST);
        match (field, request.uri().authority()) {
            (Some(value), None) if is_plain(value.as_bytes()) => Ok(Self(value.clone())),
            (field, target) => Self::read(field, target, request.version()),
        }
    }

    fn read(
        field: Option<&HeaderValue>,
        target: Option<&Authority>,
        version: Version,
    ) -> Result<Self, Refusal> {
        let named = match field {
            None => None,
            Some(value) => {
                let text = value.to_str();
                let text = text.map_err(|_other| Refusal::malformed("host is not text"))?;
                let parsed = text.parse::<Authority>();
                Some(parsed.map_err(|_other| Refusal::malformed("host is not a name"))?)
            }
        };
        // In absolute form and in HTTP/2 the target has an authority too: they must agree.
        let host = match (named, target) {
            (Some(host), Some(target)) if host != *target => {
                return Err(Refusal::malformed("host and target name different hosts"));
            }
            (Some(host), _) => host,
            (None, Some(target)) if version == Version::HTTP_2 => target.clone(),
            (None, _) => return Err(Refusal::malformed("no host")),
        };
        if host.as_str().contains('@') || host.host().is_empty() {
            return Err(Refusal::malformed("host is not a name"));
        }
        let text = host.as_str().to_ascii_lowercase();
        let value = HeaderValue::try_from(text);
        value.map(Self).map_err(|_other| Refusal::malformed("host is not a name"))
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        // Only text becomes a host.
        self.0.to_str().unwrap_or_default()
    }

    /// As a field value.
    pub(crate) const fn value(&self) -> &HeaderValue {
        &self.0
    }
}

/// Whether it is a name in lower case, with a port or without: what nearly all clients send, and
/// what would be read as it stands.
fn is_plain(host: &[u8]) -> bool {
    let mut halves = host.splitn(2, |byte| *byte == b':');
    let name = halves.next().unwrap_or_default();
    let is_name = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    let is_port = |port: &[u8]| {
        !port.is_empty() && port.len() <= PORT_DIGITS_MAX && port.iter().all(u8::is_ascii_digit)
    };
    !name.is_empty() && name.iter().all(is_name) && halves.next().is_none_or(is_port)
}

const PORT_DIGITS_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_host_is_what_a_whole_reading_gives() {
        let signs = ['a', '0', '-', '.', ':'];
        let mut hosts = vec![String::new()];
        for _ in 0..6 {
            let longer = hosts.iter().flat_map(|host| signs.map(|sign| format!("{host}{sign}")));
            hosts = longer.collect();
            for host in hosts.iter().filter(|host| is_plain(host.as_bytes())) {
                let field = HeaderValue::try_from(host).unwrap();
                let read = Host::read(Some(&field), None, Version::HTTP_11).unwrap();
                assert_eq!(read.as_str(), host);
            }
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_not_plain() {
        for host in ["", ":1", "a:", "a:1:2", "a:123456", "A", "a@b", "[::1]", "a b", "a/b", "a_b"]
        {
            assert!(!is_plain(host.as_bytes()), "{host}");
        }
        for host in ["a", "a.b-c.example", "127.0.0.1:8443", "a:65536"] {
            assert!(is_plain(host.as_bytes()), "{host}");
        }
    }
}
