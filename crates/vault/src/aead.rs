//! The only calls of ciphers: AES-256-GCM for data, AES-256-GCM-SIV for keys.
//!
//! A data key seals once, so GCM's nonce cannot repeat under it; the nonce is random all the same,
//! to survive a coding error. A wrapping key seals often and lives long: under GCM-SIV a repeated
//! nonce tells only that two wrapped keys are equal.

use aws_lc_rs::aead::{
    AES_256_GCM, AES_256_GCM_SIV, Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use ringwall_base::{Entropy, Secret};

use crate::{SealError, UnsealError};

/// A 256-bit key. On the heap, because a move of an array leaves a copy behind.
#[derive(Clone, Debug)]
pub(crate) struct Key(Secret<Vec<u8>>);

impl Key {
    /// Makes a fresh random key.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, SealError> {
        let mut bytes = vec![0; KEY_BYTES];
        entropy.fill(&mut bytes).map_err(SealError::Entropy)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// Takes exactly 32 bytes for a key.
    pub(crate) fn from_bytes(bytes: Secret<Vec<u8>>) -> Option<Self> {
        (bytes.expose().len() == KEY_BYTES).then_some(Self(bytes))
    }

    /// The key's bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Which cipher. Its name is part of the associated data.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cipher {
    Data,
    Wrap,
}

impl Cipher {
    /// The name in the associated data.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Data => "A256GCM",
            Self::Wrap => "A256GCM-SIV",
        }
    }

    /// Returns nonce, ciphertext and tag.
    pub(crate) fn seal(
        self,
        key: &Key,
        aad: &[u8],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce).map_err(SealError::Entropy)?;
        self.seal_with(key, nonce, aad, plaintext)
    }

    fn seal_with(
        self,
        key: &Key,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let key = self.key(key).ok_or(SealError::Cipher)?;
        let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD));
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::assume_unique_for_key(nonce);
        match key.seal_in_place_separate_tag(nonce, Aad::from(aad), body) {
            Ok(tag) => {
                sealed.extend_from_slice(tag.as_ref());
                Ok(sealed)
            }
            Err(aws_lc_rs::error::Unspecified) => Err(SealError::Cipher),
        }
    }

    /// Returns what was sealed, or nothing at all.
    pub(crate) fn open(
        self,
        key: &Key,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, UnsealError> {
        let (nonce, body) =
            sealed.split_first_chunk::<NONCE_LEN>().ok_or(UnsealError::Malformed)?;
        let key = self.key(key).ok_or(UnsealError::Damaged)?;
        let mut body = body.to_vec();
        let length = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut body)
            .map(|plaintext| plaintext.len())
            .map_err(|aws_lc_rs::error::Unspecified| UnsealError::Damaged)?;
        body.truncate(length);
        Ok(Secret::new(body))
    }

    fn key(self, key: &Key) -> Option<LessSafeKey> {
        let algorithm: &Algorithm = match self {
            Self::Data => &AES_256_GCM,
            Self::Wrap => &AES_256_GCM_SIV,
        };
        // Fails only for a key of another length.
        UnboundKey::new(algorithm, key.expose()).ok().map(LessSafeKey::new)
    }
}

const KEY_BYTES: usize = 32;

/// Nonce and tag.
pub(crate) const OVERHEAD: usize = NONCE_LEN + 16;

#[cfg(test)]
mod tests;
