//! A name that a server certificate may carry.

use std::net::IpAddr;

/// A DNS name (lower case, possibly with one leading `*.`), or an IP address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Host {
    /// RFC 5280 section 4.2.1.6 `iPAddress`.
    Address(IpAddr),
    /// RFC 5280 section 4.2.1.6 `dNSName`.
    Name(String),
}

/// Why a text is no name of a server.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is no host name that a certificate can carry")]
pub struct HostError {
    /// What was asked for.
    pub name: String,
}

impl Host {
    /// Reads a name. Upper case, underscores, a final dot and non-ASCII letters are refused rather
    /// than changed: the certificate must carry what the manifest says.
    ///
    /// # Errors
    /// When a TLS client would not accept such a name, or would read it in two ways.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let (rest, labels_min) = text.strip_prefix("*.").map_or((text, 1), |rest| (rest, 2));
        // A wildcard right below a top-level name would be a certificate for everybody.
        let is_name = text.len() <= NAME_BYTES_MAX
            && rest.split('.').count() >= labels_min
            && rest.split('.').all(is_label)
            // RFC 1123 section 2.1: the last label is not a number, or `1.2.3.4.5` is an address
            // for one reader and a name for another.
            && !rest.rsplit('.').next().is_some_and(is_number);
        if is_name {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err(HostError { name: text.to_owned() })
        }
    }
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=63).contains(&label.len())
        && label.bytes().all(is_allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
        || label.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// RFC 1035 section 2.3.4, as text.
const NAME_BYTES_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        for name in
            ["localhost", "shop.localhost", "*.shop.localhost", "a-1.example", "xn--4ca.example"]
        {
            assert_eq!(Host::parse(name), Ok(Host::Name(name.to_owned())), "{name}");
        }
        for address in ["127.0.0.1", "::1"] {
            assert_eq!(Host::parse(address), Ok(Host::Address(address.parse().unwrap())));
        }
    }

    #[test]
    fn what_two_clients_read_differently_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "A.example",
            "a_b.example",
            "ä.example",
            "-a.example",
            "a-.example",
            "*",
            "*.",
            "*.localhost",
            "a.*.example",
            "**.a.example",
            "*a.b.example",
            "1.2.3",
            "1.2.3.4.5",
            "127.1",
            "a.0x7f",
            "a b",
            "a/b",
            "a:80",
            "[::1]",
            "a\0b",
            &long,
        ] {
            assert!(Host::parse(name).is_err(), "{name}");
        }
    }
}
