//! The two ceremonies: a new credential, and a sign-in with a known one.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::attestation;
use crate::authenticator_data::{AuthenticatorData, Flags};
use crate::client_data::{self, Ceremony};
use crate::public_key::PublicKey;

/// What we asked for, and where.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The challenge as we gave it out, in base64url.
    pub challenge: &'a str,
    /// Our origin: `https://shop.example`, with a port that is not 443.
    pub origin: &'a str,
    /// Our host: `shop.example`.
    pub rp_id: &'a str,
    /// Whether the authenticator must have asked for a PIN or a finger.
    pub must_verify_user: bool,
}

/// What a browser gives for a new credential.
#[derive(Clone, Copy, Debug)]
pub struct Attestation<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `attestationObject`.
    pub object: &'a [u8],
}

/// What a browser gives for a sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `signature`.
    pub signature: &'a [u8],
}

/// A new credential, to be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// Its id, 1 to 1,023 bytes.
    pub id: Vec<u8>,
    /// Its public key, as COSE.
    pub key: Vec<u8>,
    /// How often it has signed, if it counts.
    pub counter: u32,
    /// What the authenticator did and is.
    pub flags: Flags,
    /// The authenticator's model, as far as it says. Nobody vouches for it.
    pub aaguid: [u8; 16],
}

/// What was kept of a credential.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its public key, as COSE.
    pub key: &'a [u8],
    /// The last counter.
    pub counter: u32,
    /// Whether it may be copied to other devices, as it was said when it was made.
    pub is_backup_eligible: bool,
}

/// A sign-in that is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Asserted {
    /// The new counter, to be kept.
    pub counter: u32,
    /// What the authenticator did and is.
    pub flags: Flags,
}

/// Why a response is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebauthnError {
    /// Neither ES256 nor `EdDSA` nor RS256, or a key that is none.
    Algorithm,
    /// Neither `none` nor signed by the credential itself.
    Attestation,
    /// The authenticator data cannot be read.
    AuthenticatorData,
    /// A credential that cannot be copied was copied, or is another kind than it was.
    Backup,
    /// Not CBOR as CTAP2 writes it.
    Cbor,
    /// Another challenge than ours.
    Challenge,
    /// The client data cannot be read.
    ClientData,
    /// The counter did not grow: the credential may have been copied.
    Counter,
    /// In a frame of another site.
    CrossOrigin,
    /// Another site than ours.
    Origin,
    /// Nobody touched it.
    Presence,
    /// Another relying party than ours.
    RpId,
    /// The signature is not one of this key over this.
    Signature,
    /// A sign-in in place of a new credential, or the other way round.
    Type,
    /// The authenticator asked for neither PIN nor finger.
    Verification,
}

impl WebauthnError {
    /// For the operator.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Algorithm => "the key is of no kind that is taken",
            Self::Attestation => "the attestation is of no kind that is taken",
            Self::AuthenticatorData => "the authenticator data is malformed",
            Self::Backup => "the backup flags contradict each other",
            Self::Cbor => "the CBOR is malformed",
            Self::Challenge => "another challenge was signed",
            Self::ClientData => "the client data is malformed",
            Self::Counter => "the signature counter went back",
            Self::CrossOrigin => "it was made in a frame of another site",
            Self::Origin => "it was made for another origin",
            Self::Presence => "nobody was present",
            Self::RpId => "it was made for another host",
            Self::Signature => "the signature does not match",
            Self::Type => "it was made for another purpose",
            Self::Verification => "the person was not verified",
        }
    }
}

/// Checks a new credential (section 7.1). The caller has the challenge consumed, and refuses an id
/// that it knows already.
///
/// # Errors
/// When anything differs from what was asked for.
pub fn register(
    response: &Attestation<'_>,
    expected: &Expected<'_>,
) -> Result<Credential, WebauthnError> {
    client_data::check(response.client_data, Ceremony::Create, expected)?;
    let object = attestation::parse(response.object)?;
    let data = AuthenticatorData::parse(object.authenticator_data)?;
    check(&data, expected)?;
    let attested = data.attested.as_ref().ok_or(WebauthnError::AuthenticatorData)?;
    let key = PublicKey::parse(attested.key)?;
    let signed = signed(object.authenticator_data, response.client_data);
    attestation::check(&object, &key, &signed)?;
    Ok(Credential {
        id: attested.id.to_vec(),
        key: attested.key.to_vec(),
        counter: data.counter,
        flags: data.flags,
        aaguid: attested.aaguid,
    })
}

/// Checks a sign-in (section 7.2). The caller found the credential by its id and its person, has the
/// challenge consumed, and keeps the new counter.
///
/// # Errors
/// When anything differs from what was asked for.
pub fn assert(
    response: &Assertion<'_>,
    known: &Known<'_>,
    expected: &Expected<'_>,
) -> Result<Asserted, WebauthnError> {
    client_data::check(response.client_data, Ceremony::Get, expected)?;
    let data = AuthenticatorData::parse(response.authenticator_data)?;
    if data.attested.is_some() {
        return Err(WebauthnError::AuthenticatorData);
    }
    check(&data, expected)?;
    if data.flags.is_backup_eligible() != known.is_backup_eligible {
        return Err(WebauthnError::Backup);
    }
    let signed = signed(response.authenticator_data, response.client_data);
    if !PublicKey::parse(known.key)?.verifies(&signed, response.signature) {
        return Err(WebauthnError::Signature);
    }
    // Last: only who has the key may say that it was copied.
    let counts = data.counter != 0 || known.counter != 0;
    if counts && data.counter <= known.counter {
        return Err(WebauthnError::Counter);
    }
    Ok(Asserted { counter: data.counter, flags: data.flags })
}

/// What both ceremonies ask of the authenticator.
fn check(data: &AuthenticatorData<'_>, expected: &Expected<'_>) -> Result<(), WebauthnError> {
    if data.rp_id_hash != digest(&SHA256, expected.rp_id.as_bytes()).as_ref() {
        return Err(WebauthnError::RpId);
    }
    if !data.flags.is_present() {
        return Err(WebauthnError::Presence);
    }
    if expected.must_verify_user && !data.flags.is_verified() {
        return Err(WebauthnError::Verification);
    }
    if data.flags.is_backed_up() && !data.flags.is_backup_eligible() {
        return Err(WebauthnError::Backup);
    }
    Ok(())
}

fn signed(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, digest(&SHA256, client_data).as_ref()].concat()
}

impl fmt::Display for WebauthnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for WebauthnError {}
