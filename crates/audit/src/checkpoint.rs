//! Checkpoints: the size and root of the tree, signed (C2SP `tlog-checkpoint` and `signed-note`).

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ringwall_base::{SignError, Signer};
use serde::Deserialize;

use crate::merkle::{Hash, hash};

/// C2SP signed-note: the signature type of Ed25519.
const ED25519_TYPE: u8 = 0x01;

/// A statement about the whole log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The log's unique name.
    pub origin: String,
    /// How many events.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a note is not a checkpoint of this log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CheckpointError {
    /// It is about another log.
    #[error("the checkpoint is about another log")]
    Origin,
    /// The key did not sign it.
    #[error("the signature of the checkpoint does not match")]
    Signature,
    /// It is not a signed note with the lines of a checkpoint.
    #[error("the checkpoint is malformed")]
    Syntax,
}

impl Checkpoint {
    /// Signs it and gives the note.
    ///
    /// # Errors
    /// When the key is not there.
    pub(crate) fn sign(&self, signer: &dyn Signer, public_key: &[u8]) -> Result<String, SignError> {
        let body = self.body();
        let mut signature = key_hash(&self.origin, public_key).to_vec();
        signature.extend(signer.sign(body.as_bytes())?);
        Ok(format!("{body}\n\u{2014} {} {}\n", self.origin, STANDARD.encode(signature)))
    }

    /// Reads a note that `public_key` (32 bytes, Ed25519) has signed. Other signatures, such as
    /// those of witnesses, may be there too.
    ///
    /// # Errors
    /// When it is malformed or the key has not signed it.
    pub fn verify(note: &str, public_key: &[u8]) -> Result<Self, CheckpointError> {
        let (body, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Syntax)?;
        let mut lines = body.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Syntax);
        };
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or(CheckpointError::Syntax)?,
            root: STANDARD
                .decode(root)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .map(Hash)
                .ok_or(CheckpointError::Syntax)?,
        };
        let id = key_hash(origin, public_key);
        let key = UnparsedPublicKey::new(&ED25519, public_key);
        let message = format!("{body}\n");
        let is_signed =
            signatures.lines().filter_map(|line| signature(line, origin)).any(|bytes| {
                bytes
                    .strip_prefix(&id)
                    .is_some_and(|bytes| key.verify(message.as_bytes(), bytes).is_ok())
            });
        if is_signed { Ok(checkpoint) } else { Err(CheckpointError::Signature) }
    }

    fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

/// The 32 bytes of an Ed25519 key in a JWK (RFC 8037), as [`crate::Settings`] and
/// [`crate::verify`] take them.
pub fn public_key(jwk: &[u8]) -> Option<[u8; 32]> {
    #[derive(Deserialize)]
    struct Jwk {
        kty: String,
        crv: String,
        x: String,
    }
    let jwk: Jwk = serde_json::from_slice(jwk).ok()?;
    let is_ed25519 = jwk.kty == "OKP" && jwk.crv == "Ed25519";
    let bytes = URL_SAFE_NO_PAD.decode(jwk.x).ok()?;
    bytes.try_into().ok().filter(|_| is_ed25519)
}

/// What C2SP calls the key id: it selects the key, and proves nothing.
fn key_hash(name: &str, public_key: &[u8]) -> [u8; 4] {
    let Hash([a, b, c, d, ..]) = hash(&[name.as_bytes(), b"\n", &[ED25519_TYPE], public_key]);
    [a, b, c, d]
}

fn signature(line: &str, origin: &str) -> Option<Vec<u8>> {
    let (name, text) = line.strip_prefix("\u{2014} ")?.rsplit_once(' ')?;
    if name == origin { STANDARD.decode(text).ok() } else { None }
}

/// One spelling per number: no sign, no leading zero.
fn decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    if is_plain && is_short { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.2.
    #[test]
    fn a_jwk_gives_its_key() {
        let jwk =
            br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(public_key(jwk).unwrap()[..4], [0xd7, 0x5a, 0x98, 0x01]);
        let other = String::from_utf8_lossy(jwk).replace("Ed25519", "X25519");
        assert_eq!(public_key(other.as_bytes()), None);
    }
}
