//! The name of a workload: `spiffe://<trust domain>/<path>` (SPIFFE-ID standard, section 2).
//!
//! The syntax is taken literally and nothing is normalized: two spellings of one name would be two
//! identities for one check and one identity for another.

use std::fmt;

/// A workload's identity. To hold one is to know that its syntax was checked.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SpiffeId {
    text: String,
    domain_bytes: usize,
}

/// Why a text is no SPIFFE ID of a workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Longer than every implementation must accept (section 2.3).
    #[error("a SPIFFE ID has at most 2048 bytes")]
    Long,
    /// No path, an empty segment, a dot segment, or a character outside `A-Z a-z 0-9 . - _`.
    #[error("the path of a SPIFFE ID is one or more segments of letters, digits, `.`, `-`, `_`")]
    Path,
    /// Not `spiffe://`, in lower case.
    #[error("a SPIFFE ID begins with `spiffe://`")]
    Scheme,
    /// Empty, too long, or a character outside `a-z 0-9 . - _`: no port, no user, no upper case.
    #[error("a trust domain has up to 255 lower-case letters, digits, `.`, `-`, `_`")]
    TrustDomain,
}

impl SpiffeId {
    /// Reads the id of a workload. The bare id of a trust domain, without a path, is refused.
    ///
    /// # Errors
    /// With the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > ID_BYTES_MAX {
            return Err(SpiffeIdError::Long);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        check_trust_domain(domain)?;
        if !path.split('/').all(is_segment) {
            return Err(SpiffeIdError::Path);
        }
        Ok(Self { text: text.to_owned(), domain_bytes: domain.len() })
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The trust domain, without scheme and path.
    pub fn trust_domain(&self) -> &str {
        let rest = self.text.strip_prefix(SCHEME).unwrap_or_default();
        rest.get(..self.domain_bytes).unwrap_or_default()
    }
}

/// Refuses what no SPIFFE ID could begin with.
pub(crate) fn check_trust_domain(domain: &str) -> Result<(), SpiffeIdError> {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    if (1..=DOMAIN_BYTES_MAX).contains(&domain.len()) && domain.bytes().all(is_allowed) {
        Ok(())
    } else {
        Err(SpiffeIdError::TrustDomain)
    }
}

fn is_segment(segment: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_allowed)
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const SCHEME: &str = "spiffe://";

/// SPIFFE-ID standard, section 2.3.
const ID_BYTES_MAX: usize = 2_048;

/// SPIFFE-ID standard, section 2.3: the host component of a URI.
const DOMAIN_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests;
