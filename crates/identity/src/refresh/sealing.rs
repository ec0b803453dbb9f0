//! A successor, kept so that only who holds the token before it can have it again.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use ringwall_base::Secret;

use crate::refresh::RefreshError;

/// The successor, readable only with the token that it follows.
pub(crate) fn seal(
    token: &Secret<String>,
    successor: &Secret<String>,
) -> Result<Vec<u8>, RefreshError> {
    let mut sealed = successor.expose().as_bytes().to_vec();
    let (key, nonce) = sealing_key(token)?;
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
        .map_err(|_unspecific| RefreshError::Seal)?;
    Ok(sealed)
}

pub(crate) fn open(
    token: &Secret<String>,
    mut sealed: Vec<u8>,
) -> Result<Secret<String>, RefreshError> {
    let (key, nonce) = sealing_key(token)?;
    let opened = key
        .open_in_place(nonce, Aad::empty(), &mut sealed)
        .map_err(|_unspecific| RefreshError::Seal)?;
    let text = String::from_utf8(opened.to_vec()).map_err(|_bytes| RefreshError::Seal)?;
    Ok(Secret::new(text))
}

/// A key for one message: a token has one successor, so its nonce is never used twice with it.
fn sealing_key(token: &Secret<String>) -> Result<(LessSafeKey, Nonce), RefreshError> {
    let token = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
    let key = hmac::sign(&token, b"ringwall refresh successor");
    let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
    let key = key.map_err(|_unspecific| RefreshError::Seal)?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key([0; 12])))
}
