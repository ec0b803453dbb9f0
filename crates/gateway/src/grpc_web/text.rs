//! Base64 that comes in pieces, each with its own padding, cut anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Decodes pieces. Four letters make up to three bytes; what is left waits for the next piece.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    held: Vec<u8>,
}

impl Decoder {
    /// The bytes of the letters that are complete; `None` when they are no base64.
    pub(super) fn decode(&mut self, letters: &[u8]) -> Option<Vec<u8>> {
        self.held.extend_from_slice(letters);
        let whole = self.held.len().saturating_sub(self.held.len().checked_rem(GROUP)?);
        let mut bytes = Vec::with_capacity(whole);
        // A client may pad each message: a padded group may stand before others.
        for group in self.held.get(..whole)?.chunks(GROUP) {
            STANDARD.decode_vec(group, &mut bytes).ok()?;
        }
        self.held.drain(..whole);
        Some(bytes)
    }

    /// Whether no letter waits for another.
    pub(super) const fn is_whole(&self) -> bool {
        self.held.is_empty()
    }
}

/// One padded piece.
pub(super) fn encode(bytes: &[u8]) -> Bytes {
    STANDARD.encode(bytes).into()
}

const GROUP: usize = 4;
