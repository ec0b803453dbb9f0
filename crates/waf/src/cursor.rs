//! A place in bytes: what every parser and decoder of this package walks with.

/// Reads forward. Past the end every look gives `None`, so that no reader checks lengths itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The byte `ahead` places further; `peek_at(0)` is [`Cursor::peek`].
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.rest.get(ahead).copied()
    }

    pub(crate) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Goes on by `count` bytes, or to the end.
    pub(crate) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.skip(1);
        }
        found
    }

    pub(crate) fn eat_all(&mut self, prefix: &[u8]) -> bool {
        let found = self.rest.starts_with(prefix);
        if found {
            self.skip(prefix.len());
        }
        found
    }

    /// Takes bytes as long as `belongs` holds.
    pub(crate) fn take_while(&mut self, mut belongs: impl FnMut(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !belongs(*byte)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Takes `count` bytes, or what is left.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// The hexadecimal number that the next `count` bytes spell, without taking them.
    pub(crate) fn peek_hex(&self, from: usize, count: usize) -> Option<u32> {
        let digits = self.rest.get(from..from + count)?;
        digits.iter().try_fold(0_u32, |number, digit| Some(number << 4 | hex_value(*digit)?))
    }
}

/// The value of a hexadecimal digit.
pub(crate) fn hex_value(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// White space as C's `isspace` has it in the C locale.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Without the white space around it.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

pub(crate) fn trim_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

pub(crate) fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// The two sides of the first `separator`.
pub(crate) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(separator, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// A number as C's `atoi` reads it: white space, sign, digits; whatever follows is ignored.
pub(crate) fn atoi(text: &[u8]) -> i64 {
    if let [digit @ b'0'..=b'9'] = text {
        return i64::from(digit - b'0');
    }
    let mut at = Cursor::new(trim_start(text));
    let is_negative = at.eat(b'-');
    if !is_negative {
        at.eat(b'+');
    }
    let digits = at.take_while(|byte| byte.is_ascii_digit());
    let number = digits.iter().fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    if is_negative { -number } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, want) in [("12", 12), (" -7x", -7), ("+3", 3), ("", 0), ("x", 0), ("- 1", 0)] {
            assert_eq!(atoi(text.as_bytes()), want, "{text}");
        }
        assert_eq!(atoi(&[b'9'; 40]), i64::MAX);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut at = Cursor::new(b"ab");
        assert_eq!((at.take(5), at.next(), at.peek_at(3)), (&b"ab"[..], None, None));
        at.skip(9);
        assert!(at.is_empty());
        assert_eq!(Cursor::new(b"4f").peek_hex(0, 2), Some(0x4f));
        assert_eq!(Cursor::new(b"4").peek_hex(0, 2), None);
    }
}
