//! Keys of the attacker's, and tokens that no honest library makes.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringwall_base::{Clock as _, SystemClock};
use serde_json::{Value, json};

/// A private key.
#[derive(Debug)]
pub(crate) enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Key {
    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// The name of its algorithm.
    pub(crate) fn alg(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
            Self::Rsa(_) => "PS256",
        }
    }

    /// The public half, without further members.
    pub(crate) fn public(&self) -> Value {
        match self {
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "crv": "P-256", "kty": "EC", "x": encoded(x), "y": encoded(y) })
            }
            Self::Ed(pair) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": encoded(pair.public_key().as_ref()) })
            }
            Self::Rsa(pair) => {
                let n = pair.public_key().modulus().big_endian_without_leading_zero();
                json!({ "e": "AQAB", "kty": "RSA", "n": encoded(n) })
            }
        }
    }

    /// RFC 7638: members in lexical order, no white space, as `serde_json` writes them.
    pub(crate) fn thumbprint(&self) -> String {
        encoded(digest(&SHA256, self.public().to_string().as_bytes()))
    }

    /// The public half as a client registers it.
    pub(crate) fn registered(&self) -> Value {
        let mut key = self.public();
        key["kid"] = self.thumbprint().into();
        key["alg"] = self.alg().into();
        key["use"] = "sig".into();
        key
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(pair) => pair.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(bytes).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, bytes, &mut signature).unwrap();
                signature
            }
        }
    }

    /// Version 1.5 padding, which no client may use unless it is registered for it.
    pub(crate) fn sign_as_rs256(&self, bytes: &[u8]) -> Vec<u8> {
        let Self::Rsa(pair) = self else { panic!("{self:?}") };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature).unwrap();
        signature
    }

    /// A token under this header, signed by this key.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        compact(&header.to_string(), &claims.to_string(), |bytes| self.sign(bytes))
    }
}

/// Both texts as they are, and a signature over them.
pub(crate) fn compact(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let start = format!("{}.{}", encoded(header), encoded(claims));
    let signature = sign(start.as_bytes());
    format!("{start}.{}", encoded(signature))
}

/// HMAC with this secret.
pub(crate) fn mac(algorithm: hmac::Algorithm, secret: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), bytes).as_ref().to_vec()
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[track_caller]
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The claims of a token, unverified.
#[track_caller]
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

/// A part of a token as JSON.
#[track_caller]
pub(crate) fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&decoded(token.split('.').nth(at).unwrap())).unwrap()
}

/// `ath` of RFC 9449, `S256` of RFC 7636: the digest of a text.
pub(crate) fn hashed(text: &str) -> String {
    encoded(digest(&SHA256, text.as_bytes()))
}

/// Something that nobody has seen before.
pub(crate) fn fresh() -> String {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).unwrap();
    encoded(bytes)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemClock::start().now().micros() / 1_000_000
}

/// HMAC by SHA-256.
pub(crate) fn mac_of(secret: &[u8], bytes: &[u8]) -> Vec<u8> {
    mac(hmac::HMAC_SHA256, secret, bytes)
}
