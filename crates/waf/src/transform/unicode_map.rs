//! `SecUnicodeMapFile`: best-fit bytes for code points, as an IIS of some code page reads them.

use std::collections::HashMap;

use crate::cursor::{is_space, split_once};

/// Code points and the bytes that stand for them.
#[derive(Debug, Default)]
pub(crate) struct UnicodeMap {
    bytes: HashMap<u32, u8>,
}

impl UnicodeMap {
    /// Reads one code page of a `unicode.mapping` file; `None` when it has none of that number.
    pub(crate) fn parse(file: &[u8], page: &[u8]) -> Option<Self> {
        let mut lines = file.split(|byte| *byte == b'\n');
        let words = |line: &'_ [u8]| line.split(|byte| is_space(*byte)).next() == Some(page);
        let first = lines.find(|line| words(line))?;
        // Pairs may stand in the line of the number too.
        let mut bytes: HashMap<u32, u8> =
            first.split(|byte| is_space(*byte)).filter_map(pair).collect();
        for line in lines {
            let word = line.split(|byte| is_space(*byte)).next().unwrap_or_default();
            let is_next_page = !word.is_empty() && pair(word).is_none();
            if is_next_page {
                break;
            }
            let before = bytes.len();
            bytes.extend(line.split(|byte| is_space(*byte)).filter_map(pair));
            let is_end = bytes.len() == before;
            if is_end && !bytes.is_empty() {
                break;
            }
        }
        Some(Self { bytes })
    }

    pub(crate) fn get(&self, code_point: u32) -> Option<u8> {
        self.bytes.get(&code_point).copied()
    }
}

/// `00a1:21`.
fn pair(text: &[u8]) -> Option<(u32, u8)> {
    let (code_point, byte) = split_once(text, b':')?;
    let hex = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    Some((hex(code_point)?, u8::try_from(hex(byte)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_is_read() {
        let file = b"1250 (A)\n00a1:21 00aa:61\n\n20127 (US-ASCII)\r\n00e9:65 2018:27 \r\n\n1251\n00e9:3f\n";
        let map = UnicodeMap::parse(file, b"20127").unwrap();
        assert_eq!(
            (map.get(0xe9), map.get(0x2018), map.get(0xa1)),
            (Some(b'e'), Some(b'\''), None)
        );
        assert!(UnicodeMap::parse(file, b"99").is_none());
        let map = UnicodeMap::parse(b"1251 0434:64 043e:6f\n1252 0434:3f\n", b"1251").unwrap();
        assert_eq!((map.get(0x434), map.get(0x43e)), (Some(b'd'), Some(b'o')));
    }
}
