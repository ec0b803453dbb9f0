//! The words and shapes that are known, as tables built at the first use.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::injection::sqli::token::TEXT_MAX;
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

/// Words that mean something alone or begin a phrase that does: `GROUP BY`.
static LOADED: LazyLock<HashSet<&[u8], CheapHash>> = LazyLock::new(|| {
    let first = |word: &&'static [u8]| word.split(|byte| *byte == b' ').next().unwrap_or_default();
    KINDS.keys().flat_map(|word| [*word, first(word)]).collect()
});

/// For each length of a word the letters that some words of this length begin with, as bits.
type Beginnings = [u64; TEXT_MAX + 1];

static BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| beginnings(KINDS.keys()));
static LOADED_BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| beginnings(LOADED.iter()));

fn beginnings<'w>(words: impl Iterator<Item = &'w &'static [u8]>) -> Beginnings {
    let mut beginnings = [0; TEXT_MAX + 1];
    for word in words {
        let first = word.first().copied().unwrap_or(0);
        if let Some(letters) = beginnings.get_mut(word.len()) {
            *letters |= bit(first);
        }
    }
    beginnings
}

/// Whether a word of this length and beginning can be among some. Most words are none, and that is soon
/// told.
fn can_be(word: &[u8], beginnings: &Beginnings) -> bool {
    let letters = beginnings.get(word.len()).copied().unwrap_or(0);
    word.first().is_some_and(|first| letters & bit(*first) != 0)
}

/// The same for a small letter and its capital.
fn bit(byte: u8) -> u64 {
    1 << (byte & 0b1_1111)
}

/// Builds the tables now rather than in the first request.
pub(crate) fn prepare() {
    LazyLock::force(&BEGINNINGS);
    LazyLock::force(&LOADED_BEGINNINGS);
    LazyLock::force(&SHAPES);
}

/// The kind of a word in any case, if it is known.
pub(super) fn kind(word: &[u8]) -> Option<u8> {
    if !can_be(word, &BEGINNINGS) {
        return None;
    }
    in_capitals(word, |word| KINDS.get(word).copied()).flatten()
}

/// Whether a word is not known, nor the first of a phrase that is.
pub(super) fn is_plain(word: &[u8]) -> bool {
    let is_loaded = || in_capitals(word, |word| LOADED.contains(word)).unwrap_or(false);
    !(can_be(word, &LOADED_BEGINNINGS) && is_loaded())
}

/// Longer words are none of ours.
fn in_capitals<T>(word: &[u8], ask: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut upper = [0_u8; TEXT_MAX];
    let upper = upper.get_mut(..word.len())?;
    for (place, byte) in upper.iter_mut().zip(word) {
        *place = byte.to_ascii_uppercase();
    }
    Some(ask(upper))
}

/// Whether injections have this shape.
pub(super) fn is_fingerprint(shape: &[u8]) -> bool {
    SHAPES.contains(shape.to_ascii_uppercase().as_slice())
}

/// All words that are known and the pieces of phrases, for tests.
#[cfg(test)]
pub(super) fn all() -> Vec<String> {
    let pieces = KINDS.keys().flat_map(|word| word.split(|byte| *byte == b' '));
    let mut all: Vec<_> =
        pieces.map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
pub(super) fn shapes() -> impl Iterator<Item = &'static [u8]> {
    SHAPES.iter().copied()
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
