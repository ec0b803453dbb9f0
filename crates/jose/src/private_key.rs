//! A private signing key in memory.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use ringwall_base::{Algorithm, Secret, SignError, Signer};

use crate::algorithm::Curve;
use crate::jwk::Jwk;

/// Why there is no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The library could not make or write one.
    #[error("the key could not be made")]
    Generate,
    /// Not a PKCS#8 key of this algorithm.
    #[error("not a private key of this algorithm")]
    Malformed,
}

/// Signs, and gives its public half. The bytes leave only through [`PrivateKey::to_pkcs8`].
pub struct PrivateKey {
    pair: Pair,
    public: Jwk,
    kid: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl PrivateKey {
    /// Makes a new key with the crypto library's own generator.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256)
            }
        };
        Self::new(pair.map_err(|_unspecific| KeyError::Generate)?)
    }

    /// Reads a PKCS#8 document (RFC 5958).
    ///
    /// # Errors
    /// When it is not a key of this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, document: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let bytes = document.expose();
        let pair = match algorithm {
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).map(Pair::Ed25519)
            }
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes).map(Pair::P256)
            }
        };
        Self::new(pair.map_err(|_unspecific| KeyError::Malformed)?)
    }

    /// Writes a PKCS#8 document, to be sealed at once.
    ///
    /// # Errors
    /// When the library cannot write it.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        let document = match &self.pair {
            Pair::Ed25519(pair) => pair.to_pkcs8(),
            Pair::P256(pair) => pair.to_pkcs8v1(),
        };
        let document = document.map_err(|_unspecific| KeyError::Generate)?;
        Ok(Secret::new(document.as_ref().to_vec()))
    }

    /// The public half, under its thumbprint.
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    fn new(pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Ed25519(pair) => {
                let x = pair.public_key().as_ref().to_vec();
                Jwk::from_public(Curve::Ed25519, x, Vec::new())
            }
            Pair::P256(pair) => {
                // SEC 1 section 2.3.3: 04, x, y.
                let point = pair.public_key().as_ref();
                let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
                    return Err(KeyError::Malformed);
                };
                Jwk::from_public(Curve::P256, x.to_vec(), y.to_vec())
            }
        };
        let kid = public.thumbprint();
        Ok(Self { pair, public, kid })
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> Algorithm {
        match &self.pair {
            Pair::Ed25519(_) => Algorithm::EdDsa,
            Pair::P256(_) => Algorithm::Es256,
        }
    }

    fn key_id(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.try_sign(message),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message),
        };
        Ok(signature.map_err(|_unspecific| SignError::Failed)?.as_ref().to_vec())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kid)
    }
}
