//! How a line lies in a file: length, CRC-32, bytes.
//!
//! The checksum finds accidents and torn writes, not attackers: those are found by the tree.

use std::ops::Range;

/// The first eight bytes of every file.
pub(crate) const MAGIC: &[u8; 8] = b"RWAUDIT1";
/// Length and checksum.
pub(crate) const HEAD_BYTES: usize = 8;
/// Ten times the longest line that can be made; a longer length is damage.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;
/// Set on the first frame of a commit. A commit starts only when the one before it is on disk, so
/// a good first frame proves that everything in front of it was once whole.
const FIRST: u32 = 1 << 31;

/// A frame that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Frame<'a> {
    /// The first of its commit.
    pub(crate) is_first: bool,
    /// The line.
    pub(crate) line: &'a [u8],
    /// Bytes from the start of this frame to the start of the next.
    pub(crate) length: usize,
}

/// What is at a place where a frame should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next<'a> {
    /// A whole frame.
    Good(Frame<'a>),
    /// The end of the file.
    End,
    /// A frame whose checksum does not match; its length is perhaps right.
    Bad { length: usize },
    /// Fewer bytes than a frame needs, or a length that cannot be.
    Torn,
}

/// Appends a frame to `file`.
pub(crate) fn write(file: &mut Vec<u8>, line: &[u8], is_first: bool) {
    // Lines are capped far below 2^31.
    let length = u32::try_from(line.len()).unwrap_or(u32::MAX >> 1);
    let length = if is_first { length | FIRST } else { length };
    file.extend(length.to_le_bytes());
    file.extend(checksum(length, line).to_le_bytes());
    file.extend(line);
}

/// Reads the frame at the start of `bytes`.
pub(crate) fn read(bytes: &[u8]) -> Next<'_> {
    if bytes.is_empty() {
        return Next::End;
    }
    let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) else { return Next::Torn };
    let word = |range: Range<usize>| {
        head.get(range).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes)
    };
    let (Some(length), Some(expected)) = (word(0..4), word(4..8)) else { return Next::Torn };
    let line_length = usize::try_from(length & !FIRST).unwrap_or(usize::MAX);
    if line_length == 0 || line_length > LINE_BYTES_MAX {
        return Next::Torn;
    }
    let Some(line) = rest.get(..line_length) else { return Next::Torn };
    let frame_length = HEAD_BYTES + line_length;
    if checksum(length, line) == expected {
        Next::Good(Frame { is_first: length & FIRST != 0, line, length: frame_length })
    } else {
        Next::Bad { length: frame_length }
    }
}

/// Over the length too, so that a length with a flipped bit does not pass by luck.
fn checksum(length: u32, line: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(line);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let mut file = Vec::new();
        write(&mut file, b"hello", true);
        let Next::Good(frame) = read(&file) else { panic!() };
        assert_eq!((frame.is_first, frame.line, frame.length), (true, &b"hello"[..], 13));
        for bit in 0..file.len() * 8 {
            let mut other = file.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(read(&other), Next::Good(_)), "bit {bit}");
        }
        assert_eq!(read(&file[..12]), Next::Torn);
        assert_eq!(read(&[]), Next::End);
    }
}
