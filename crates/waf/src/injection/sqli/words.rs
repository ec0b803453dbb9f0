//! The words and shapes that are known, as tables built at the first use.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::text::CheapHash;

const WORDS: &str = include_str!("words.txt");
const FINGERPRINTS: &str = include_str!("fingerprints.txt");

static KINDS: LazyLock<HashMap<&[u8], u8, CheapHash>> = LazyLock::new(|| {
    let mut kinds = HashMap::default();
    let mut kind = 0;
    for line in WORDS.lines().filter(|line| !line.is_empty()).skip(4) {
        match line.as_bytes() {
            [b'=', b' ', next] => kind = *next,
            word => {
                kinds.insert(word, kind);
            }
        }
    }
    kinds
});

static SHAPES: LazyLock<HashSet<&[u8], CheapHash>> = LazyLock::new(|| {
    let lines = FINGERPRINTS.lines().skip(4);
    lines.flat_map(str::split_ascii_whitespace).map(str::as_bytes).collect()
});

/// For each length of a word the letters that known words of this length begin with, as bits.
static BEGINNINGS: LazyLock<[u64; super::token::TEXT_MAX + 1]> = LazyLock::new(|| {
    let mut beginnings = [0; super::token::TEXT_MAX + 1];
    for word in KINDS.keys() {
        let first = word.first().copied().unwrap_or(0);
        if let Some(letters) = beginnings.get_mut(word.len()) {
            *letters |= bit(first);
        }
    }
    beginnings
});

/// The same for a small letter and its capital.
fn bit(byte: u8) -> u64 {
    1 << (byte & 0b1_1111)
}

/// Builds the tables now rather than in the first request.
pub(crate) fn prepare() {
    LazyLock::force(&KINDS);
    LazyLock::force(&BEGINNINGS);
    LazyLock::force(&SHAPES);
}

/// The kind of a word in any case, if it is known.
pub(super) fn kind(word: &[u8]) -> Option<u8> {
    // Most words are none, and that is soon told.
    let letters = BEGINNINGS.get(word.len())?;
    if letters & bit(*word.first()?) == 0 {
        return None;
    }
    let mut upper = [0_u8; super::token::TEXT_MAX];
    let upper = upper.get_mut(..word.len())?;
    for (place, byte) in upper.iter_mut().zip(word) {
        *place = byte.to_ascii_uppercase();
    }
    KINDS.get(&*upper).copied()
}

/// Whether injections have this shape.
pub(super) fn is_fingerprint(shape: &[u8]) -> bool {
    SHAPES.contains(shape.to_ascii_uppercase().as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        assert_eq!((KINDS.len(), SHAPES.len()), (985, 8_367));
        assert_eq!(
            (kind(b"select"), kind(b"Union All"), kind(b"<>")),
            (Some(b'E'), Some(b'U'), Some(b'o'))
        );
        assert!(is_fingerprint(b"s&1c") && !is_fingerprint(b"nnn"));
        // What `lex::is_bare_word` relies on.
        assert!(!is_fingerprint(b"n"));
    }
}
