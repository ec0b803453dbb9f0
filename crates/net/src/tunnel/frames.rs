//! Where the frames of a `WebSocket` begin and end (RFC 6455 section 5.2).
//!
//! Only heads are read. What is in a frame, and whether it is masked, does not matter here.

/// Follows one direction of a tunnel, from its first byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD_MAX],
    have: usize,
    /// Bytes that are still to come of the frame whose head was read.
    left: u64,
    has_closed: bool,
}

impl Frames {
    /// Goes on by what was written.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = self.step(bytes);
            bytes = bytes.get(count..).unwrap_or_default();
        }
    }

    /// How many of the bytes that come next end the frame that has begun. `None`: more than these.
    pub(super) fn rest(mut self, bytes: &[u8]) -> Option<usize> {
        let count = if self.is_between() { 0 } else { self.step(bytes) };
        self.is_between().then_some(count)
    }

    /// Whether no frame has begun that has not ended.
    pub(super) const fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Whether a Close frame was among them: no frame may follow it.
    pub(super) const fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Goes on to the end of a frame, or of the bytes. How many it took.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let head = if self.left == 0 { bytes } else { &[] };
        let last = head.iter().position(|byte| self.read(*byte));
        let taken = last.map_or(head.len(), |last| last.saturating_add(1));
        let rest = bytes.len().saturating_sub(taken);
        let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest);
        self.left = self.left.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
        taken.saturating_add(skipped)
    }

    /// Takes one byte of a head. Whether it was the last.
    fn read(&mut self, byte: u8) -> bool {
        if let Some(place) = self.head.get_mut(self.have) {
            *place = byte;
        }
        self.have = self.have.saturating_add(1);
        let [first, second, extended @ ..] = self.head;
        let length = second & 0x7f;
        let wide: usize = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        if self.have < 2 || self.have < wide.saturating_add(mask).saturating_add(2) {
            return false;
        }
        let said = extended.iter().take(wide);
        let said = said.fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.left = if wide == 0 { u64::from(length) } else { said };
        self.has_closed |= first & 0x0f == CLOSE;
        self.have = 0;
        true
    }
}

/// Two bytes, eight of length, four of mask.
const HEAD_MAX: usize = 14;

const CLOSE: u8 = 0x8;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, length: usize, is_masked: bool) -> Vec<u8> {
        let (mask, key): (u8, usize) = if is_masked { (0x80, 4) } else { (0, 0) };
        let mut bytes = vec![0x80 | opcode];
        match length {
            0..126 => bytes.push(mask ^ u8::try_from(length).unwrap()),
            126..65_536 => {
                bytes.push(mask ^ 0x7e);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(mask ^ 0x7f);
                bytes.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        bytes.extend(std::iter::repeat_n(0x88, key.saturating_add(length)));
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8]) {
        let (last, rest) = bytes.split_last().unwrap();
        for size in [1, 2, 3, 7, 4_096, 80_000] {
            let mut frames = Frames::default();
            rest.chunks(size).for_each(|piece| frames.advance(piece));
            assert!(!frames.is_between(), "{} in pieces of {size}", bytes.len());
            assert_eq!(frames.rest(&[*last, 0x81]), Some(1));
            frames.advance(&[*last]);
            assert!(frames.is_between() && !frames.has_closed());
        }
    }

    #[test]
    fn frames_end_where_their_heads_say_however_they_are_cut() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            check(&frame(1, length, false));
            check(&frame(1, length, true));
        }
    }

    #[test]
    fn the_rest_of_a_frame_is_counted_if_it_is_there() {
        let (first, second) = (frame(2, 300, true), frame(1, 3, false));
        let mut frames = Frames::default();
        assert_eq!(frames.rest(&second), Some(0));
        frames.advance(&first[..3]);
        assert_eq!(frames.rest(&first[3..200]), None);
        let both = [&first[3..], &second[..]].concat();
        assert_eq!(frames.rest(&both), Some(first.len() - 3));
        frames.advance(&both);
        assert!(frames.is_between());
    }

    #[test]
    fn a_close_frame_is_seen_and_its_look_alike_inside_another_is_not() {
        let mut frames = Frames::default();
        frames.advance(&frame(1, 400, false));
        assert!(!frames.has_closed());
        frames.advance(&frame(8, 2, true));
        assert!(frames.has_closed() && frames.is_between());
    }
}
