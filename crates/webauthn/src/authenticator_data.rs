//! Authenticator data (section 6.1): a fixed head, then what its flags announce, and nothing more.

use crate::cbor::{self, Value};
use crate::ceremony::WebauthnError;

/// What an authenticator did and is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flags(u8);

/// Authenticator data, split.
#[derive(Debug)]
pub(crate) struct AuthenticatorData<'a> {
    pub(crate) rp_id_hash: &'a [u8],
    pub(crate) flags: Flags,
    pub(crate) counter: u32,
    pub(crate) attested: Option<Attested<'a>>,
}

/// A new credential in it.
#[derive(Debug)]
pub(crate) struct Attested<'a> {
    pub(crate) aaguid: [u8; 16],
    pub(crate) id: &'a [u8],
    /// As COSE.
    pub(crate) key: &'a [u8],
}

impl Flags {
    /// Somebody touched it (UP).
    pub const fn is_present(self) -> bool {
        self.0 & 1 != 0
    }

    /// It asked for a PIN or a finger (UV).
    pub const fn is_verified(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// The credential may be copied to other devices (BE).
    pub const fn is_backup_eligible(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    /// It was copied (BS).
    pub const fn is_backed_up(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    const fn has_attested(self) -> bool {
        self.0 & 1 << 6 != 0
    }

    const fn has_extensions(self) -> bool {
        self.0 & 1 << 7 != 0
    }
}

impl<'a> AuthenticatorData<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest, 32)?;
        let [flags] = take_array(&mut rest)?;
        let flags = Flags(flags);
        let counter = u32::from_be_bytes(take_array(&mut rest)?);
        let attested = flags.has_attested().then(|| Attested::take(&mut rest)).transpose()?;
        // We asked for no extensions, but browsers and authenticators add some (section 9): read and
        // left, as they say nothing that is decided by.
        if flags.has_extensions() && !matches!(cbor::take(&mut rest)?, Value::Map(_)) {
            return Err(WebauthnError::AuthenticatorData);
        }
        if !rest.is_empty() {
            return Err(WebauthnError::AuthenticatorData);
        }
        Ok(Self { rp_id_hash, flags, counter, attested })
    }
}

impl<'a> Attested<'a> {
    fn take(rest: &mut &'a [u8]) -> Result<Self, WebauthnError> {
        let aaguid = take_array(rest)?;
        let length = usize::from(u16::from_be_bytes(take_array(rest)?));
        if !(1..=ID_BYTES_MAX).contains(&length) {
            return Err(WebauthnError::AuthenticatorData);
        }
        let id = take(rest, length)?;
        let mut before = *rest;
        cbor::take(rest)?;
        let length = before.len().saturating_sub(rest.len());
        let key = take(&mut before, length)?;
        Ok(Self { aaguid, id, key })
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], WebauthnError> {
    let (taken, after) = rest.split_at_checked(count).ok_or(WebauthnError::AuthenticatorData)?;
    *rest = after;
    Ok(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], WebauthnError> {
    let (taken, after) = rest.split_first_chunk().ok_or(WebauthnError::AuthenticatorData)?;
    *rest = after;
    Ok(*taken)
}

/// Section 4, "credential ID".
const ID_BYTES_MAX: usize = 1_023;
