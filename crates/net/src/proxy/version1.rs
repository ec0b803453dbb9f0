//! Version 1: one line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Found, ProxyError, Speaker};

/// The length of a complete header and whom it names; `None` while it can still become one.
pub(super) fn parse(seen: &[u8]) -> Found {
    let common = seen.iter().zip(PREFIX).take_while(|(a, b)| a == b).count();
    if common < seen.len().min(PREFIX.len()) {
        return Err(ProxyError::Missing);
    }
    let window = seen.get(..LINE_BYTES_MAX).unwrap_or(seen);
    let Some(end) = memchr::memchr(b'\n', window) else {
        // A CR may only be the last byte before LF.
        let is_torn =
            memchr::memchr(b'\r', window).is_some_and(|at| at.saturating_add(1) < window.len());
        return match (is_torn, window.len() < LINE_BYTES_MAX) {
            (true, _) => Err(ProxyError::Malformed),
            (false, true) => Ok(None),
            (false, false) => Err(ProxyError::TooLong),
        };
    };
    let line = window.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.and_then(|line| std::str::from_utf8(line).ok()).ok_or(ProxyError::Malformed)?;
    let speaker = speaker(line).ok_or(ProxyError::Malformed)?;
    Ok(Some((end.saturating_add(1), speaker)))
}

fn speaker(line: &str) -> Option<Speaker> {
    if !line.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let rest = line.strip_prefix("PROXY ")?;
    // Section 2.1: what follows UNKNOWN is to be ignored.
    if rest == "UNKNOWN" || rest.starts_with("UNKNOWN ") {
        return Some(Speaker::Itself);
    }
    let mut words = rest.split(' ');
    let family = words.next()?;
    let (source, destination) = (words.next()?, words.next()?);
    let (source_port, destination_port) = (port(words.next()?)?, port(words.next()?)?);
    if words.next().is_some() {
        return None;
    }
    let source = address(family, source)?;
    // Not used, but a header that is wrong in one half is not believed in the other.
    address(family, destination)?;
    let _: u16 = destination_port;
    Some(Speaker::Client(SocketAddr::new(source.to_canonical(), source_port)))
}

/// Rust's parsers take no leading zeros in IPv4 and no zones in IPv6, as the specification asks.
fn address(family: &str, text: &str) -> Option<IpAddr> {
    match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _other => None,
    }
}

/// Digits without leading zeros.
fn port(text: &str) -> Option<u16> {
    let is_plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| is_plain)
}

const PREFIX: &[u8] = b"PROXY ";

/// Section 2.1: "a 108-byte buffer is always enough to store all the line and a trailing zero".
const LINE_BYTES_MAX: usize = 107;
