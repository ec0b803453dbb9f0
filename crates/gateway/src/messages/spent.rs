//! What the messages of one stream have cost.

use ringwall_protobuf::Limits;

use super::Message;

/// Counts over a whole stream. The body's limit counts packed bytes, and each message has limits of
/// its own: a body of small messages that unpack to large ones is within both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// Bytes that came, with prefixes.
    came: usize,
    /// Bytes of messages, unpacked.
    pub(super) unpacked: usize,
    /// Fields and packed numbers.
    pub(super) weight: usize,
}

impl Spent {
    /// Counts a message that has come, and says how large it may be, unpacked.
    pub(super) fn come(&mut self, message: &Message, bytes_max: usize) -> usize {
        self.came = self.came.saturating_add(message.len());
        let most = self.came.saturating_mul(RATIO_MAX).saturating_add(FREE_BYTES);
        bytes_max.min(most.saturating_sub(self.unpacked))
    }

    /// The limits of the message that has come.
    pub(super) fn limits(&self, limits: Limits) -> Limits {
        let most = self.came.saturating_mul(limits.stream_per_byte_max);
        let left = most.saturating_add(limits.elements_max).saturating_sub(self.weight);
        let (fields_max, elements_max) =
            (limits.fields_max.min(left), limits.elements_max.min(left));
        Limits { fields_max, elements_max, ..limits }
    }
}

/// As for one message: what is beyond this was made to hurt.
const RATIO_MAX: usize = 100;
/// Once for a stream: a small first message of one repeated letter passes.
const FREE_BYTES: usize = 64 * 1024;
