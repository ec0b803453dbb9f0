//! Length-prefixed messages (grpc/doc/PROTOCOL-HTTP2.md): a flag, four bytes of length, the message.

use bytes::{Buf as _, Bytes, BytesMut};

use super::Verdict;

/// Cuts a body into messages. Holds one at most, and what came with it.
#[derive(Debug)]
pub(crate) struct Frames {
    bytes_max: usize,
    held: BytesMut,
}

/// One message as it came, with its prefix.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Message {
    whole: Bytes,
}

impl Frames {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, held: BytesMut::new() }
    }

    /// Takes in what has come.
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.held.extend_from_slice(data);
    }

    /// The next message, when all of it is here.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, Verdict> {
        let Some((flag, rest)) = self.held.split_first() else { return Ok(None) };
        if *flag > 1 {
            return Err(Verdict::new("a message with a flag that does not exist"));
        }
        let Some(length) = rest.first_chunk() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        // By its prefix: nothing of it is held.
        if length > self.bytes_max {
            return Err(Verdict::limit("larger than a message may be"));
        }
        let whole = length.saturating_add(PREFIX_BYTES);
        if self.held.len() < whole {
            return Ok(None);
        }
        Ok(Some(Message { whole: self.held.split_to(whole).freeze() }))
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What is held, as it came.
    pub(super) fn take(&mut self) -> Bytes {
        let length = self.held.remaining();
        self.held.split_to(length).freeze()
    }
}

impl Message {
    /// Bytes that came, with the prefix.
    pub(super) fn len(&self) -> usize {
        self.whole.len()
    }

    pub(super) fn is_packed(&self) -> bool {
        self.whole.first() == Some(&1)
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.whole.get(PREFIX_BYTES..).unwrap_or_default()
    }

    pub(super) fn into_whole(self) -> Bytes {
        self.whole
    }
}

const PREFIX_BYTES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages that came out.
    type Whole<'a> = Result<&'a [&'a [u8]], bool>;

    #[track_caller]
    fn check(pieces: &[&[u8]], want: Whole<'_>) {
        let mut frames = Frames::new(3);
        let mut found = Vec::new();
        for piece in pieces {
            frames.push(piece);
            loop {
                match frames.next() {
                    Ok(Some(message)) => found.push(message.payload().to_vec()),
                    Ok(None) => break,
                    Err(verdict) => return assert_eq!(Err(verdict.is_limit), want),
                }
            }
        }
        let found: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
        assert_eq!(Ok(&found[..]), want);
    }

    #[test]
    fn messages_are_cut_however_they_come() {
        let two: &[u8] = &[0, 0, 0, 0, 2, b'a', b'b', 1, 0, 0, 0, 0];
        let want: Whole<'_> = Ok(&[b"ab", b""]);
        check(&[two], want);
        let bytes: Vec<&[u8]> = two.chunks(1).collect();
        check(&bytes, want);
        check(&[&two[..6]], Ok(&[]));
    }

    #[test]
    fn a_message_over_the_limit_is_refused_by_its_prefix() {
        check(&[&[0, 0, 0, 0, 3, 1, 2, 3]], Ok(&[&[1, 2, 3]]));
        check(&[&[0, 0, 0, 0, 4]], Err(true));
        check(&[&[0, 0xff, 0xff, 0xff, 0xff]], Err(true));
        check(&[&[2, 0, 0, 0, 0]], Err(false));
        check(&[&[0x80]], Err(false));
    }
}
