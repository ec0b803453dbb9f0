//! The signs of which a matching value must hold one, found in a pattern's syntax tree: `(`, `=` or `<`
//! tell most values apart that have a literal of the pattern.
//!
//! INVARIANT: if the pattern matches a value, one of the bytes is in it, in any ASCII case.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// A set of bytes.
pub(crate) type Bytes = [u64; 4];

/// What a byte weighs: about how many of a thousand ordinary values hold it.
const LETTER_OR_DIGIT: u32 = 1_000;

/// The set of a pattern; `None` when values match without any, or with what nearly every value holds.
pub(crate) fn bytes(tree: &Hir) -> Option<Bytes> {
    let (bytes, weight) = rarest(tree)?;
    (weight < LETTER_OR_DIGIT).then_some(bytes)
}

type Weighed = (Bytes, u32);

/// Of these one is in every match.
fn rarest(tree: &Hir) -> Option<Weighed> {
    match tree.kind() {
        HirKind::Empty
        | HirKind::Look(_)
        | HirKind::Class(Class::Unicode(_))
        | HirKind::Repetition(Repetition { min: 0, .. }) => None,
        HirKind::Literal(literal) => {
            literal.0.iter().map(|byte| of_bytes([*byte])).min_by_key(weight)
        }
        HirKind::Class(Class::Bytes(class)) => {
            Some(of_bytes(class.iter().flat_map(|range| range.start()..=range.end())))
        }
        HirKind::Capture(capture) => rarest(&capture.sub),
        HirKind::Repetition(repetition) => rarest(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(rarest).min_by_key(weight),
        HirKind::Alternation(branches) => {
            let mut all = [0; 4];
            for branch in branches {
                let (bytes, _) = rarest(branch)?;
                all.iter_mut().zip(bytes).for_each(|(all, one)| *all |= one);
            }
            Some((all, members(&all).map(weight_of).sum()))
        }
    }
}

fn weight((_, weight): &Weighed) -> u32 {
    *weight
}

fn of_bytes(bytes: impl IntoIterator<Item = u8>) -> Weighed {
    let mut set = [0; 4];
    for byte in bytes {
        for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
            add(&mut set, byte);
        }
    }
    (set, members(&set).map(weight_of).sum())
}

fn add(set: &mut Bytes, byte: u8) {
    set.get_mut(usize::from(byte >> 6)).into_iter().for_each(|word| *word |= 1 << (byte & 63));
}

/// Whether a byte is in a set.
pub(crate) fn holds(set: &Bytes, byte: u8) -> bool {
    set.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
}

/// The set of these bytes.
pub(crate) fn byte_set(bytes: impl Iterator<Item = u8>) -> Bytes {
    let mut set = [0; 4];
    bytes.for_each(|byte| add(&mut set, byte));
    set
}

fn members(set: &Bytes) -> impl Iterator<Item = u8> {
    (0..=255).filter(|byte| holds(set, *byte))
}

fn weight_of(byte: u8) -> u32 {
    match byte {
        _ if byte.is_ascii_alphanumeric() => LETTER_OR_DIGIT,
        b' ' | b'.' => 300,
        b'-' | b'/' | b'_' => 200,
        b',' | b':' => 100,
        b'!' | b'%' | b'&' | b'(' | b')' | b'+' | b';' | b'=' | b'?' => 30,
        b'"' | b'\'' | b'\n' | b'\r' | b'@' => 20,
        _ if byte.is_ascii() => 5,
        // One of them is as good as another: they come together.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str) -> Option<String> {
        let bytes = crate::pattern::compile(pattern.as_bytes()).unwrap().bytes?;
        Some(members(&bytes).map(char::from).collect())
    }

    #[test]
    fn the_rarest_sign_of_all_matches_is_found() {
        let check = |pattern: &str, want: &str| {
            assert_eq!(found(pattern).as_deref(), Some(want), "{pattern}");
        };
        check("(?i)[ /]on[a-z]{3,50} *=[^=]", "=");
        check("<script|on[a-z]+=", "<=");
        check(r"\bsleep[^0-9a-z]*\(", "(");
        check("(?:a;|b`)+x", ";`");
        check("a%20b", "%");
        // The lighter of two.
        check("[(;] x", "(;");
    }

    #[test]
    fn what_matches_without_a_sign_has_none() {
        for pattern in ["union", "a=?", "=|b", "(?:<)*x", "[^x]", "[=a]", "^$", ".", r"\b"] {
            assert_eq!(found(pattern), None, "{pattern}");
        }
    }
}
