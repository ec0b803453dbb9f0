//! JSON Web Keys (RFC 7517): read strictly, printed canonically.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::algorithm::{Curve, SignatureAlgorithm};
use crate::{JsonError, base64url, json, weak};

/// A public verification key, or a symmetric one, with its one algorithm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwk {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) material: Material,
}

#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Material {
    Curve { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Symmetric { k: Vec<u8> },
}

/// Several keys, each `kid` at most once, never symmetric beside asymmetric.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

/// Why a key or a set of keys is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwkError {
    /// `alg` names another algorithm than the key type or its curve allows, or is missing.
    #[error("`alg` does not fit the key")]
    Algorithm,
    /// Two keys have one `kid`.
    #[error("two keys have the same `kid`")]
    DuplicateKid,
    /// A member is missing, has the wrong type, or is not canonical base64url.
    #[error("the member `{0}` is missing or malformed")]
    Member(&'static str),
    /// Symmetric and asymmetric keys in one set invite algorithm confusion.
    #[error("symmetric and asymmetric keys are mixed")]
    Mixed,
    /// Not JSON with one reading.
    #[error("the key set is malformed")]
    Json(#[source] JsonError),
    /// The key is of a type, or for a use, that is not about signatures.
    #[error("not a key that verifies signatures")]
    NotForSignatures,
    /// A private key where a public one belongs.
    #[error("the key is private")]
    Private,
    /// More than 64 keys or 64 KiB.
    #[error("the key set is too large")]
    TooLarge,
    /// The key protects nothing.
    #[error("the key is weak: {0}")]
    Weak(&'static str),
}

impl Jwk {
    /// Reads one key.
    ///
    /// # Errors
    /// When it is malformed, weak, private, or not for verifying signatures.
    pub fn parse(members: &Map<String, Value>) -> Result<Self, JwkError> {
        let kty = text(members, "kty")?.ok_or(JwkError::Member("kty"))?;
        for_signatures(members)?;
        let kid = text(members, "kid")?.map(str::to_owned);
        if kid.as_deref().is_some_and(|kid| kid.is_empty() || kid.len() > KID_BYTES_MAX) {
            return Err(JwkError::Member("kid"));
        }
        let alg = text(members, "alg")?;
        match kty {
            "EC" | "OKP" => Self::curve(members, kty, kid, alg),
            "RSA" => Self::rsa(members, kid, alg),
            "oct" => Self::symmetric(members, kid, alg),
            _ => Err(JwkError::NotForSignatures),
        }
    }

    /// Its `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its one algorithm.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The same key under its thumbprint as `kid`.
    #[must_use]
    pub fn with_thumbprint_kid(mut self) -> Self {
        self.kid = Some(self.thumbprint());
        self
    }

    /// RFC 7638: SHA-256 over the required members in order, as base64url.
    pub fn thumbprint(&self) -> String {
        let canonical = match &self.material {
            Material::Curve { curve: Curve::Ed25519, x, .. } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(x))
            }
            Material::Curve { curve, x, y } => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                curve.name(),
                base64url::encode(x),
                base64url::encode(y)
            ),
            Material::Rsa { n, e } => format!(
                r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                base64url::encode(e),
                base64url::encode(n)
            ),
            Material::Symmetric { k } => {
                format!(r#"{{"k":"{}","kty":"oct"}}"#, base64url::encode(k))
            }
        };
        base64url::encode(digest(&SHA256, canonical.as_bytes()))
    }

    /// The public key as JSON. A symmetric key has no public form.
    pub fn to_json(&self) -> Option<Value> {
        let mut members = match &self.material {
            Material::Curve { curve: Curve::Ed25519, x, .. } => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode(x)})
            }
            Material::Curve { curve, x, y } => json!({
                "kty": "EC", "crv": curve.name(),
                "x": base64url::encode(x), "y": base64url::encode(y),
            }),
            Material::Rsa { n, e } => {
                json!({"kty": "RSA", "n": base64url::encode(n), "e": base64url::encode(e)})
            }
            Material::Symmetric { .. } => return None,
        };
        let map = members.as_object_mut()?;
        map.insert("use".to_owned(), "sig".into());
        map.insert("alg".to_owned(), self.algorithm.name().into());
        if let Some(kid) = &self.kid {
            map.insert("kid".to_owned(), kid.as_str().into());
        }
        Some(members)
    }

    pub(crate) fn from_rsa(n: Vec<u8>, e: Vec<u8>) -> Self {
        let algorithm = SignatureAlgorithm::Rs256;
        Self { kid: None, algorithm, material: Material::Rsa { n, e } }.with_thumbprint_kid()
    }

    pub(crate) fn from_public(curve: Curve, x: Vec<u8>, y: Vec<u8>) -> Self {
        let material = Material::Curve { curve, x, y };
        Self { kid: None, algorithm: curve.algorithm(), material }.with_thumbprint_kid()
    }

    fn curve(
        members: &Map<String, Value>,
        kty: &str,
        kid: Option<String>,
        alg: Option<&str>,
    ) -> Result<Self, JwkError> {
        let crv = text(members, "crv")?.ok_or(JwkError::Member("crv"))?;
        // X25519 and the like agree on keys; they sign nothing.
        let curve = Curve::parse(kty, crv).ok_or(JwkError::NotForSignatures)?;
        let algorithm = curve.algorithm();
        if alg.is_some_and(|alg| SignatureAlgorithm::parse(alg) != Some(algorithm)) {
            return Err(JwkError::Algorithm);
        }
        let x = octets(members, "x", curve.coordinate_bytes())?;
        let y = match curve {
            Curve::Ed25519 => Vec::new(),
            Curve::P256 | Curve::P384 | Curve::P521 => {
                octets(members, "y", curve.coordinate_bytes())?
            }
        };
        if let (Curve::Ed25519, Ok(key)) = (curve, <&[u8; 32]>::try_from(x.as_slice()))
            && let Some(why) = weak::ed25519(key)
        {
            return Err(JwkError::Weak(why));
        }
        Ok(Self { kid, algorithm, material: Material::Curve { curve, x, y } })
    }

    fn rsa(
        members: &Map<String, Value>,
        kid: Option<String>,
        alg: Option<&str>,
    ) -> Result<Self, JwkError> {
        // Without `alg` an RSA key would do for six algorithms, and the token would choose.
        let algorithm = alg.and_then(SignatureAlgorithm::parse).ok_or(JwkError::Algorithm)?;
        if algorithm.rsa().is_none() {
            return Err(JwkError::Algorithm);
        }
        let n = number(members, "n")?;
        let e = number(members, "e")?;
        if let Some(why) = weak::rsa(&n, &e) {
            return Err(JwkError::Weak(why));
        }
        Ok(Self { kid, algorithm, material: Material::Rsa { n, e } })
    }

    fn symmetric(
        members: &Map<String, Value>,
        kid: Option<String>,
        alg: Option<&str>,
    ) -> Result<Self, JwkError> {
        let algorithm = alg.and_then(SignatureAlgorithm::parse).ok_or(JwkError::Algorithm)?;
        let hmac = algorithm.hmac().ok_or(JwkError::Algorithm)?;
        let k = text(members, "k")?.and_then(base64url::decode).ok_or(JwkError::Member("k"))?;
        // RFC 7518 section 3.2: at least as long as the hash output.
        if k.len() < hmac.tag_len() {
            return Err(JwkError::Weak("an HMAC key shorter than its hash"));
        }
        Ok(Self { kid, algorithm, material: Material::Symmetric { k } })
    }
}

impl JwkSet {
    /// Collects keys.
    ///
    /// # Errors
    /// When two have one `kid`, or symmetric and asymmetric keys are mixed.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, JwkError> {
        if keys.len() > KEYS_MAX {
            return Err(JwkError::TooLarge);
        }
        let mut kids: Vec<_> = keys.iter().filter_map(Jwk::kid).collect();
        kids.sort_unstable();
        if kids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(JwkError::DuplicateKid);
        }
        let symmetric = keys.iter().filter(|key| key.algorithm.is_symmetric()).count();
        if symmetric != 0 && symmetric != keys.len() {
            return Err(JwkError::Mixed);
        }
        Ok(Self { keys })
    }

    /// Reads `{"keys":[…]}`. Keys for other purposes are skipped (RFC 7517 section 5); a malformed,
    /// weak or private key refuses the whole set.
    ///
    /// # Errors
    /// When the text or one of its signature keys is not acceptable.
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        if text.len() > SET_BYTES_MAX {
            return Err(JwkError::TooLarge);
        }
        let members = json::parse(text).map_err(JwkError::Json)?;
        let Some(Value::Array(list)) = members.get("keys") else {
            return Err(JwkError::Member("keys"));
        };
        let mut keys = Vec::new();
        for item in list {
            let key = item.as_object().ok_or(JwkError::Member("keys"))?;
            match Jwk::parse(key) {
                Ok(key) => keys.push(key),
                Err(JwkError::NotForSignatures) => {}
                Err(error) => return Err(error),
            }
        }
        Self::new(keys)
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// `{"keys":[…]}` with the public keys.
    pub fn to_json(&self) -> Value {
        json!({"keys": self.keys.iter().filter_map(Jwk::to_json).collect::<Vec<_>>()})
    }
}

/// Key bytes are left out: a symmetric key is a secret.
impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Curve { curve, .. } => f.write_str(curve.name()),
            Self::Rsa { .. } => f.write_str("RSA"),
            Self::Symmetric { .. } => f.write_str("oct(…)"),
        }
    }
}

fn for_signatures(members: &Map<String, Value>) -> Result<(), JwkError> {
    if text(members, "use")?.is_some_and(|r#use| r#use != "sig") {
        return Err(JwkError::NotForSignatures);
    }
    match members.get("key_ops") {
        None => {}
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => {}
        Some(Value::Array(_)) => return Err(JwkError::NotForSignatures),
        Some(_) => return Err(JwkError::Member("key_ops")),
    }
    // `d` is the private part of EC, OKP and RSA keys.
    if members.contains_key("d") { Err(JwkError::Private) } else { Ok(()) }
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, JwkError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkError::Member(name)),
    }
}

fn octets(
    members: &Map<String, Value>,
    name: &'static str,
    length: usize,
) -> Result<Vec<u8>, JwkError> {
    let bytes = text(members, name)?.and_then(base64url::decode);
    bytes.filter(|bytes| bytes.len() == length).ok_or(JwkError::Member(name))
}

/// `Base64urlUInt` (RFC 7518 section 2): minimal, so without leading zero octets.
fn number(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let bytes = text(members, name)?.and_then(base64url::decode);
    bytes.filter(|bytes| bytes.first().is_some_and(|top| *top != 0)).ok_or(JwkError::Member(name))
}

const KID_BYTES_MAX: usize = 256;
const KEYS_MAX: usize = 64;
const SET_BYTES_MAX: usize = 64 * 1024;
