//! A private signing key in memory.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
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
    Rsa(RsaKeyPair),
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
            // NIST SP 800-57 part 1: 128 bits of security, as the other two.
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa3072).map(Pair::Rsa),
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
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(bytes).map(Pair::Rsa),
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
            Pair::Rsa(pair) => {
                let document: Result<Pkcs8V1Der<'_>, _> = pair.as_der();
                let document = document.map_err(|_unspecific| KeyError::Generate)?;
                return Ok(Secret::new(document.as_ref().to_vec()));
            }
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
            Pair::Rsa(pair) => rsa_public(pair.public_key().as_ref()).ok_or(KeyError::Malformed)?,
        };
        let kid = public.thumbprint();
        Ok(Self { pair, public, kid })
    }
}

/// An RSA public key of two numbers, as an `RSAPublicKey` (RFC 8017 appendix A.1.1) writes it.
fn rsa_public(der: &[u8]) -> Option<Jwk> {
    let mut outer = Der(der);
    let mut numbers = Der(outer.element(0x30)?);
    let (n, e) = (numbers.element(0x02)?, numbers.element(0x02)?);
    // DER begins a number with a zero where it would look negative, JOSE never does.
    let minimal = |number: &[u8]| number.strip_prefix(&[0]).unwrap_or(number).to_vec();
    let is_whole = outer.0.is_empty() && numbers.0.is_empty();
    is_whole.then(|| Jwk::from_rsa(minimal(n), minimal(e)))
}

/// What is left to read of a DER text.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
            0x82 => {
                let bytes = rest.get(..2)?.try_into().ok()?;
                (usize::from(u16::from_be_bytes(bytes)), rest.get(2..)?)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*first == tag).then_some(content)
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> Algorithm {
        match &self.pair {
            Pair::Ed25519(_) => Algorithm::EdDsa,
            Pair::P256(_) => Algorithm::Es256,
            Pair::Rsa(_) => Algorithm::Rs256,
        }
    }

    fn key_id(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.try_sign(message),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed =
                    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
                return signed.map(|()| signature).map_err(|_unspecific| SignError::Failed);
            }
        };
        Ok(signature.map_err(|_unspecific| SignError::Failed)?.as_ref().to_vec())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kid)
    }
}
