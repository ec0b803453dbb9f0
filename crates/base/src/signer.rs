//! The signing seam: who signs never holds key bytes.

use std::fmt::Debug;

/// JOSE names of the signature algorithms that Ringwall issues with.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037, RFC 9864).
    EdDsa,
    /// ECDSA on P-256 with SHA-256, fixed-length `r || s` (RFC 7518 section 3.4).
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for readers that know nothing else (RFC 7518 section 3.3).
    Rs256,
}

impl Algorithm {
    /// The `alg` value. Ed25519 is still announced as `EdDSA`, which deployed clients know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key is not there (sealed, destroyed, or not active).
    #[error("no signing key is active")]
    NoKey,
    /// The operation failed in the crypto library.
    #[error("the signature could not be made")]
    Failed,
}

/// Signs with one key that it owns.
pub trait Signer: Debug + Send + Sync {
    /// The algorithm of the key.
    fn algorithm(&self) -> Algorithm;

    /// The key id: the RFC 7638 thumbprint.
    fn key_id(&self) -> &str;

    /// Signs `message` and returns the signature in JOSE form.
    ///
    /// # Errors
    /// When the key is not there or the operation failed.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}
