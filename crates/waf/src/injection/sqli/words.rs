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

/// Builds the tables now rather than in the first request.
pub(crate) fn prepare() {
    LazyLock::force(&KINDS);
    LazyLock::force(&SHAPES);
}

/// The kind of a word in any case, if it is known.
pub(super) fn kind(word: &[u8]) -> Option<u8> {
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
    }
}
