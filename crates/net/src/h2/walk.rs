//! Follows the frames in a stream of bytes, by their heads alone (RFC 9113 section 4.1).

/// The head of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    /// The code of a reset; zero for all else.
    pub(super) code: u32,
}

/// Where in the stream we are.
#[derive(Debug)]
pub(super) struct Walk {
    head: [u8; HEAD + CODE],
    have: usize,
    /// Bytes to skip until the next head.
    rest: usize,
}

impl Walk {
    /// At the first frame, after as many bytes of a preface.
    pub(super) fn after(preface: usize) -> Self {
        Self { head: [0; HEAD + CODE], have: 0, rest: preface }
    }

    /// Goes over the next bytes and tells of each head that is complete.
    pub(super) fn over(&mut self, mut bytes: &[u8], mut see: impl FnMut(Head)) {
        loop {
            let Some(later) = bytes.get(self.rest..) else {
                self.rest = self.rest.saturating_sub(bytes.len());
                return;
            };
            self.rest = 0;
            let missing = self.wanted().saturating_sub(self.have);
            let (now, after) = later.split_at_checked(missing).unwrap_or((later, &[]));
            for (slot, byte) in self.head.iter_mut().skip(self.have).zip(now) {
                *slot = *byte;
            }
            self.have = self.have.saturating_add(now.len());
            bytes = after;
            if self.have == self.wanted() {
                see(self.finish());
            } else if bytes.is_empty() {
                return;
            }
        }
    }

    /// Bytes of this head, with the code that follows the head of a reset.
    fn wanted(&self) -> usize {
        let [_, _, length, kind, ..] = self.head;
        let is_reset = self.have >= HEAD && kind == RST_STREAM && usize::from(length) == CODE;
        if is_reset { HEAD.saturating_add(CODE) } else { HEAD }
    }

    fn finish(&mut self) -> Head {
        let [a, b, c, kind, flags, s0, s1, s2, s3, code @ ..] = self.head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let taken = self.have.saturating_sub(HEAD);
        let code = if taken == CODE { u32::from_be_bytes(code) } else { 0 };
        self.rest = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(taken);
        self.have = 0;
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        Head { length, kind, flags, stream, code }
    }
}

/// Bytes of a frame's head.
const HEAD: usize = 9;

/// Bytes of the code in a reset (RFC 9113 section 6.4).
const CODE: usize = 4;

const RST_STREAM: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_seen_however_the_bytes_are_cut() {
        let mut bytes = b"PRI".to_vec();
        for (kind, payload) in [(4_u8, 0_u8), (0, 3), (3, 4), (6, 8)] {
            bytes.extend([0, 0, payload, kind, 5, 0, 0, 0, 1]);
            bytes.extend(std::iter::repeat_n(0xff, usize::from(payload)));
        }
        let all = [(4, 0, 0), (0, 3, 0), (3, 4, u32::MAX), (6, 8, 0)];
        for size in 1..=bytes.len() {
            let (mut walk, mut seen) = (Walk::after(3), Vec::new());
            for piece in bytes.chunks(size) {
                walk.over(piece, |head| seen.push((head.kind, head.length, head.code)));
            }
            assert_eq!(seen, all, "pieces of {size}");
        }
    }
}
