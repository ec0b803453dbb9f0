//! COSE keys (RFC 9052 section 7, RFC 9053), each with exactly the members of its kind.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::cbor::{self, Value};
use crate::ceremony::WebauthnError;

/// What we take, in the order in which we like it: ES256, `EdDSA` (Ed25519), RS256. Every
/// authenticator has one of them; RS256 is that of older Windows machines.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// A credential's key.
#[derive(Debug)]
pub(crate) enum PublicKey {
    /// On P-256, uncompressed.
    Es256(Vec<u8>),
    Ed25519(Vec<u8>),
    /// The modulus; the exponent is 65537.
    Rs256(Vec<u8>),
}

impl PublicKey {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let Value::Map(members) = cbor::read(bytes)? else {
            return Err(WebauthnError::Algorithm);
        };
        // The order is that of CTAP2, which the reader has checked: 1, 3, -1, -2, -3.
        let mut labels = members.iter().map(|(label, _)| label);
        let is_ordered = [KTY, ALG, -1, -2].iter().all(|one| labels.next() == Some(&int(*one)));
        if !is_ordered || labels.next().is_some_and(|label| *label != int(-3)) {
            return Err(WebauthnError::Algorithm);
        }
        let values: Vec<Value<'_>> = members.into_iter().map(|(_, value)| value).collect();
        let key = match values.as_slice() {
            // RFC 9053 section 7.1.1: EC2, P-256, x, y.
            [
                Value::Integer(2),
                Value::Integer(ES256),
                Value::Integer(1),
                Value::Bytes(x),
                Value::Bytes(y),
            ] if x.len() == 32 && y.len() == 32 => Self::Es256([&[UNCOMPRESSED], *x, *y].concat()),
            // RFC 9053 section 7.2: OKP, Ed25519, x.
            [Value::Integer(1), Value::Integer(EDDSA), Value::Integer(6), Value::Bytes(x)]
                if x.len() == 32 =>
            {
                Self::Ed25519(x.to_vec())
            }
            // RFC 8230 section 4: RSA, n, e.
            [Value::Integer(3), Value::Integer(RS256), Value::Bytes(n), Value::Bytes(EXPONENT)]
                if MODULUS_BYTES.contains(&n.len()) && n.first().is_some_and(|byte| *byte != 0) =>
            {
                Self::Rs256(n.to_vec())
            }
            _ => return Err(WebauthnError::Algorithm),
        };
        if key.is_a_point() { Ok(key) } else { Err(WebauthnError::Algorithm) }
    }

    /// The COSE number of its one algorithm.
    pub(crate) const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => ES256,
            Self::Ed25519(_) => EDDSA,
            Self::Rs256(_) => RS256,
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            // Section 6.5.5: ASN.1, not the fixed form of JOSE.
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Self::Rs256(n) => RsaPublicKeyComponents { n: n.as_slice(), e: EXPONENT }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.is_ok()
    }

    fn is_a_point(&self) -> bool {
        match self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok(),
            Self::Ed25519(point) => ParsedPublicKey::new(&ED25519, point).is_ok(),
            Self::Rs256(n) => n.last().is_some_and(|byte| byte & 1 == 1),
        }
    }
}

const fn int(value: i64) -> Value<'static> {
    Value::Integer(value)
}

const KTY: i64 = 1;
const ALG: i64 = 3;
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;
/// SEC 1 section 2.3.3.
const UNCOMPRESSED: u8 = 4;
const EXPONENT: &[u8] = &[1, 0, 1];
/// 2048 to 8192 bits, as aws-lc-rs verifies.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
