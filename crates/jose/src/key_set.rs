//! Keys made ready for use, found by `kid`.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};

use crate::algorithm::{Curve, SignatureAlgorithm};
use crate::jwk::{Jwk, JwkError, JwkSet, Material};

/// One key with its one algorithm, parsed once.
#[derive(Clone)]
pub struct Key {
    algorithm: SignatureAlgorithm,
    ready: Ready,
}

#[derive(Clone)]
enum Ready {
    Public(ParsedPublicKey),
    /// Boxed: it is large, and only vectors use it.
    Symmetric(Box<hmac::Key>),
}

/// The public keys that tokens may be signed with: immutable, replaced whole.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    by_kid: HashMap<String, Key>,
    fingerprint: [u8; 32],
}

impl Key {
    /// Makes a key ready.
    ///
    /// # Errors
    /// When the point is not on its curve, or the numbers are no key.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JwkError> {
        let ready = match &jwk.material {
            Material::Curve { curve, x, y } => {
                let point = match curve {
                    Curve::Ed25519 => x.clone(),
                    // SEC 1 section 2.3.3: an uncompressed point.
                    Curve::P256 | Curve::P384 | Curve::P521 => {
                        [&[0x04], x.as_slice(), y.as_slice()].concat()
                    }
                };
                ParsedPublicKey::new(curve.verification(), point)
                    .map(Ready::Public)
                    .map_err(|_unspecific| JwkError::Member("x"))?
            }
            Material::Rsa { n, e } => {
                let parameters = jwk.algorithm.rsa().ok_or(JwkError::Algorithm)?;
                RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(parameters)
                    .map(Ready::Public)
                    .map_err(|_unspecific| JwkError::Member("n"))?
            }
            Material::Symmetric { k } => {
                let hmac = jwk.algorithm.hmac().ok_or(JwkError::Algorithm)?;
                Ready::Symmetric(Box::new(hmac::Key::new(hmac, k)))
            }
        };
        Ok(Self { algorithm: jwk.algorithm, ready })
    }

    /// Its one algorithm.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether `signature` was made over `message` with this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.ready {
            Ready::Public(key) => key.verify_sig(message, signature).is_ok(),
            Ready::Symmetric(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm.name())
    }
}

impl KeySet {
    /// Makes a set of public keys ready. A key without `kid` goes by its thumbprint.
    ///
    /// # Errors
    /// When a key is symmetric, unusable, or has the `kid` of another.
    pub fn from_jwks(set: &JwkSet) -> Result<Self, JwkError> {
        let mut by_kid = HashMap::with_capacity(set.keys().len());
        let mut hash = Context::new(&SHA256);
        for jwk in set.keys() {
            // Attack J2: a verifier that knows no symmetric key cannot take a public one as HMAC key.
            if jwk.algorithm.is_symmetric() {
                return Err(JwkError::NotForSignatures);
            }
            let thumbprint = jwk.thumbprint();
            let kid = jwk.kid().unwrap_or(&thumbprint).to_owned();
            // A key id is any text: with its length, it cannot look like the key after it.
            hash.update(&kid.len().to_be_bytes());
            for part in [kid.as_str(), "\n", thumbprint.as_str(), jwk.algorithm.name(), "\n"] {
                hash.update(part.as_bytes());
            }
            if by_kid.insert(kid, Key::from_jwk(jwk)?).is_some() {
                return Err(JwkError::DuplicateKid);
            }
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hash.finish().as_ref());
        Ok(Self { by_kid, fingerprint })
    }

    /// Reads and readies a JWKS document of public keys.
    ///
    /// # Errors
    /// As [`JwkSet::parse`] and [`KeySet::from_jwks`].
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        Self::from_jwks(&JwkSet::parse(text)?)
    }

    /// The key with this id.
    pub fn get(&self, kid: &str) -> Option<&Key> {
        self.by_kid.get(kid)
    }

    /// The key, if there is exactly one of this algorithm.
    pub(crate) fn only(&self, algorithm: SignatureAlgorithm) -> Option<&Key> {
        let mut fitting = self.by_kid.values().filter(|key| key.algorithm == algorithm);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// All key ids, in no order.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.by_kid.keys().map(String::as_str)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.by_kid.len()
    }

    /// Whether no token can be verified.
    pub fn is_empty(&self) -> bool {
        self.by_kid.is_empty()
    }

    /// Changes whenever a key is added, removed or replaced.
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}
