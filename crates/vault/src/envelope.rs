//! A sealed value: the id of the key that wraps, the wrapped data key, the ciphertext.
//!
//! `rw1:<kek>:` then 60 bytes of wrapped key, then nonce, ciphertext and tag. The key is found by
//! its id, never by trying: GCM does not commit to a key, so a text could be made that opens under
//! two.

use ringwall_base::{Entropy, Secret};

use crate::aead::{Cipher, Key, OVERHEAD};
use crate::{Context, SealError, UnsealError};

/// The parts of a sealed value.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) kek: &'a str,
    wrapped: &'a [u8],
    body: &'a [u8],
}

/// Seals under a data key of its own, wrapped by `key`.
pub(crate) fn seal(
    (kek, key): (&str, &Key),
    context: &Context<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let data_key = Key::generate(entropy)?;
    let body =
        Cipher::Data.seal(&data_key, &context.bind("", Cipher::Data.name()), plaintext, entropy)?;
    let wrapped = wrap((kek, key), context, &data_key, entropy)?;
    Ok(join(kek, &wrapped, &body))
}

impl<'a> Envelope<'a> {
    /// Takes a sealed value apart. Nothing is proved by it yet.
    pub(crate) fn parse(sealed: &'a [u8]) -> Result<Self, UnsealError> {
        let rest = sealed.strip_prefix(MAGIC).ok_or(UnsealError::Malformed)?;
        let end = rest.iter().position(|byte| *byte == b':').ok_or(UnsealError::Malformed)?;
        let (kek, rest) = rest.split_at(end);
        let (wrapped, body) = rest
            .split_first()
            .and_then(|(_, rest)| rest.split_at_checked(WRAPPED_BYTES))
            .ok_or(UnsealError::Malformed)?;
        match std::str::from_utf8(kek) {
            Ok(kek) => Ok(Self { kek, wrapped, body }),
            Err(_) => Err(UnsealError::Malformed),
        }
    }

    /// Opens the value.
    pub(crate) fn open(
        &self,
        key: &Key,
        context: &Context<'_>,
    ) -> Result<Secret<Vec<u8>>, UnsealError> {
        let data_key = self.unwrap_key(key, context)?;
        Cipher::Data.open(&data_key, &context.bind("", Cipher::Data.name()), self.body)
    }

    /// The same value with its data key wrapped by another key. The ciphertext stays.
    pub(crate) fn rewrap(
        &self,
        key: &Key,
        (new_kek, new): (&str, &Key),
        context: &Context<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let data_key = self.unwrap_key(key, context).map_err(SealError::Old)?;
        let wrapped = wrap((new_kek, new), context, &data_key, entropy)?;
        Ok(join(new_kek, &wrapped, self.body))
    }

    fn unwrap_key(&self, key: &Key, context: &Context<'_>) -> Result<Key, UnsealError> {
        let bound = context.bind(self.kek, Cipher::Wrap.name());
        let bytes = Cipher::Wrap.open(key, &bound, self.wrapped)?;
        Key::from_bytes(bytes).ok_or(UnsealError::Malformed)
    }
}

fn wrap(
    (kek, key): (&str, &Key),
    context: &Context<'_>,
    data_key: &Key,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let bound = context.bind(kek, Cipher::Wrap.name());
    Cipher::Wrap.seal(key, &bound, data_key.expose(), entropy)
}

fn join(kek: &str, wrapped: &[u8], body: &[u8]) -> Vec<u8> {
    [MAGIC, kek.as_bytes(), b":", wrapped, body].concat()
}

const MAGIC: &[u8] = b"rw1:";

const WRAPPED_BYTES: usize = 32 + OVERHEAD;
