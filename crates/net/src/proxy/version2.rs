//! Version 2: a signature, a length, addresses and typed values (TLVs).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Found, HEADER_BYTES_MAX, ProxyError, Speaker};

/// Chosen by the specification so that no HTTP, TLS or SSH server takes it for its own.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of a complete header and whom it names; `None` while it can still become one.
pub(super) fn parse(seen: &[u8]) -> Found {
    let Some((fixed, rest)) = seen.split_first_chunk::<FIXED_BYTES>() else {
        // What is there already may be wrong already.
        check(seen.get(SIGNATURE.len()..).unwrap_or_default())?;
        return Ok(None);
    };
    let [.., command, family, high, low] = *fixed;
    check(&[command, family])?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let whole = FIXED_BYTES.saturating_add(length);
    if whole > HEADER_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    let (Some(header), Some(body)) = (seen.get(..whole), rest.get(..length)) else {
        return Ok(None);
    };
    // Section 2.2: with LOCAL the receiver discards the whole block, whatever its family.
    if command == LOCAL {
        return Ok(Some((whole, Speaker::Itself)));
    }
    let (speaker, values) = addresses(family, body).ok_or(ProxyError::Malformed)?;
    let offset = header.len().saturating_sub(values.len());
    follow(header, offset, values)?;
    Ok(Some((whole, speaker)))
}

/// Version and command, family and transport, as far as they are there.
fn check(bytes: &[u8]) -> Result<(), ProxyError> {
    let command = bytes.first().is_none_or(|byte| matches!(*byte, LOCAL | PROXY));
    // Datagrams (low nibble 2) do not come over a stream.
    let family = bytes.get(1).is_none_or(|byte| matches!(*byte, UNSPEC | TCP4 | TCP6 | UNIX));
    let is_local = bytes.first() == Some(&LOCAL);
    if command && (family || is_local) { Ok(()) } else { Err(ProxyError::Malformed) }
}

/// A speaker, and what stands behind its addresses.
type Named<'h> = (Speaker, &'h [u8]);

/// Whom the address block names, and what is left behind it.
fn addresses(family: u8, body: &[u8]) -> Option<Named<'_>> {
    match family {
        TCP4 => {
            let (block, values) = body.split_first_chunk::<12>()?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *block;
            let port = u16::from_be_bytes([high, low]);
            let source = SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), port);
            Some((Speaker::Client(source), values))
        }
        TCP6 => {
            let (block, values) = body.split_first_chunk::<36>()?;
            let (source, rest) = block.split_first_chunk::<16>()?;
            let [high, low, ..] = *rest.get(16..)? else { return None };
            let source = IpAddr::V6(Ipv6Addr::from(*source)).to_canonical();
            let port = u16::from_be_bytes([high, low]);
            Some((Speaker::Client(SocketAddr::new(source, port)), values))
        }
        UNIX => Some((Speaker::Unix, body.get(UNIX_BYTES..)?)),
        _unspec => Some((Speaker::Itself, body)),
    }
}

/// Follows the values to the last byte, and checks the checksum where there is one.
fn follow(header: &[u8], offset: usize, mut values: &[u8]) -> Result<(), ProxyError> {
    let (mut at, mut has_checksum) = (offset, false);
    for _ in 0..VALUES_MAX {
        let Some((&[kind, high, low], rest)) = values.split_first_chunk::<3>() else {
            return if values.is_empty() { Ok(()) } else { Err(ProxyError::Malformed) };
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, after) = rest.split_at_checked(length).ok_or(ProxyError::Malformed)?;
        at = at.saturating_add(3);
        if kind == CRC32C {
            let stated: [u8; 4] = value.try_into().map_err(|_length| ProxyError::Malformed)?;
            if has_checksum {
                return Err(ProxyError::Malformed);
            }
            has_checksum = true;
            if u32::from_be_bytes(stated) != checksum(header, at) {
                return Err(ProxyError::Checksum);
            }
        }
        at = at.saturating_add(length);
        values = after;
    }
    if values.is_empty() { Ok(()) } else { Err(ProxyError::TooLong) }
}

/// CRC-32C (RFC 9260 appendix A) over the header, with zeros where the checksum itself is.
fn checksum(header: &[u8], at: usize) -> u32 {
    let place = at..at.saturating_add(4);
    let bytes = header.iter().enumerate();
    let bytes = bytes.map(|(index, byte)| if place.contains(&index) { 0 } else { *byte });
    !bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            if sum & 1 == 1 { (sum >> 1) ^ CASTAGNOLI } else { sum >> 1 }
        })
    })
}

/// Signature, command, family, length.
const FIXED_BYTES: usize = 16;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

const UNSPEC: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX: u8 = 0x31;

/// Two paths of 108 bytes.
const UNIX_BYTES: usize = 216;

/// `PP2_TYPE_CRC32C`.
const CRC32C: u8 = 0x03;

/// The reflected polynomial of CRC-32C.
const CASTAGNOLI: u32 = 0x82f6_3b78;

/// The specification knows eight kinds; clouds add a few.
const VALUES_MAX: usize = 64;
