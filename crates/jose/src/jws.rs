//! The compact serialization of a JSON Web Signature (RFC 7515): the steps that all tokens share.

use serde_json::{Map, Value};

use crate::algorithm::SignatureAlgorithm;
use crate::key_set::Key;
use crate::verify::{TOKEN_BYTES_MAX, VerifyError};
use crate::{Jwk, JwkSet, base64url, json};

/// A token cut into its parts and decoded. Nothing in it is trusted yet.
pub(crate) struct Parts<'a> {
    pub(crate) header: Header,
    pub(crate) signed: &'a str,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// A token's parts, and its header as it came.
type WithHeader<'a> = (Parts<'a>, Map<String, Value>);

/// The header parameters that we read (RFC 7515 section 4.1).
pub(crate) struct Header {
    pub(crate) alg: SignatureAlgorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
}

impl<'a> Parts<'a> {
    /// Steps 1 and 2: size, shape, alphabet, header.
    pub(crate) fn parse(token: &'a str) -> Result<Self, VerifyError> {
        // Keys come from the pinned set, never from the token (J4).
        Self::read(token, |members| !members.contains_key("jwk")).map(|(parts, _)| parts)
    }

    /// The same for a proof of possession, with the header as it came: it has a `jwk`.
    pub(crate) fn parse_with_key(token: &'a str) -> Result<WithHeader<'a>, VerifyError> {
        Self::read(token, |_members| true)
    }

    fn read(
        token: &'a str,
        may_carry_key: impl FnOnce(&Map<String, Value>) -> bool,
    ) -> Result<WithHeader<'a>, VerifyError> {
        let [header, payload, signature] = cut(token)?;
        let signed_bytes = header.len().saturating_add(payload.len()).saturating_add(1);
        let signed = token.get(..signed_bytes).ok_or(VerifyError::Shape)?;
        let header = base64url::decode(header).ok_or(VerifyError::Base64)?;
        let payload = base64url::decode(payload).ok_or(VerifyError::Base64)?;
        let signature = base64url::decode(signature).ok_or(VerifyError::Base64)?;
        let members = json::parse(&header).map_err(VerifyError::Json)?;
        if !may_carry_key(&members) {
            return Err(VerifyError::Header("jwk"));
        }
        let header = Header::read(&members)?;
        Ok((Self { header, signed, payload, signature }, members))
    }

    /// Steps 4 and 5: the algorithm comes from the key, the header must agree, then the signature.
    pub(crate) fn verify(&self, key: &Key) -> Result<(), VerifyError> {
        if key.algorithm() != self.header.alg {
            return Err(VerifyError::Algorithm);
        }
        if key.verifies(self.signed.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err(VerifyError::Signature)
        }
    }
}

/// Splits at exactly two dots: header, payload, signature.
fn cut(token: &str) -> Result<[&str; 3], VerifyError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(VerifyError::TooLong);
    }
    let mut parts = token.split('.');
    // Five parts are an encrypted token, which is not a signed one (attack J14).
    match [parts.next(), parts.next(), parts.next(), parts.next()] {
        [Some(header), Some(payload), Some(signature), None] if !signature.is_empty() => {
            Ok([header, payload, signature])
        }
        _ => Err(VerifyError::Shape),
    }
}

impl Header {
    fn read(members: &Map<String, Value>) -> Result<Self, VerifyError> {
        // No key is fetched from where a token says (J5); an extension that we do not know must be
        // refused (`crit`, J7); and a compressed or unencoded payload is not a token.
        if let Some(refused) = REFUSED.into_iter().find(|name| members.contains_key(*name)) {
            return Err(VerifyError::Header(refused));
        }
        let alg = text(members, "alg")?.ok_or(VerifyError::Header("alg"))?;
        let alg = SignatureAlgorithm::parse(&alg).ok_or(VerifyError::Algorithm)?;
        let kid = text(members, "kid")?;
        let typ = text(members, "typ")?;
        Ok(Self { alg, kid, typ })
    }
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, VerifyError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(VerifyError::Header(name)),
    }
}

/// Verifies any compact JWS with a set of keys and returns its payload. For vectors and tools:
/// tokens go through [`crate::KeySet::verify`], which also knows what they are for.
///
/// # Errors
/// When it is malformed, no key fits, or the signature does not match.
pub fn verify_jws(keys: &JwkSet, token: &str) -> Result<Vec<u8>, VerifyError> {
    let parts = Parts::parse(token)?;
    let jwk = match (&parts.header.kid, keys.keys()) {
        (Some(kid), _) => keys.keys().iter().find(|key| key.kid() == Some(kid)),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let key = jwk.map(Key::from_jwk).and_then(Result::ok).ok_or(VerifyError::Key)?;
    parts.verify(&key)?;
    Ok(parts.payload)
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts(…)")
    }
}

impl From<Jwk> for JwkSet {
    /// One key is always a consistent set.
    fn from(key: Jwk) -> Self {
        Self::new(vec![key]).unwrap_or_default()
    }
}

const REFUSED: [&str; 6] = ["crit", "jku", "x5u", "x5c", "zip", "b64"];
