//! The literals of which a matching value must hold one, found in a pattern's syntax tree.
//!
//! INVARIANT: if the pattern matches a value, one of the literals is in it, in any ASCII case. A
//! literal that is not needed costs time; one that is missing is a bypass, so whatever is not
//! understood gives none.

use std::collections::HashSet;

use regex_syntax::hir::{Class, ClassBytesRange, Hir, HirKind, Look, Repetition};

use crate::text::CheapHash;

/// Literals of a set; more cost more than the pattern itself.
const LITERALS_MAX: usize = 400;
/// Strings that one piece of a pattern may spell.
const STRINGS_MAX: usize = 48;
/// A literal is cut to this; longer ones tell values apart no better.
const LENGTH_MAX: usize = 8;
/// Members of a class that count as letters of a literal.
const CLASS_MAX: usize = 12;

/// Lower-case strings.
type Strings = Vec<Vec<u8>>;

/// The literals of a pattern; `None` when a value may match without any.
pub(crate) fn literals(tree: &Hir) -> Option<Strings> {
    let found = tidy(required(tree)?);
    (found.iter().all(|literal| !literal.is_empty())).then_some(found)
}

/// What every value that a pattern matches begins with, in lower case and for any case.
pub(crate) fn beginning(tree: &Hir) -> Option<Vec<u8>> {
    let HirKind::Concat(parts) = tree.kind() else { return None };
    let (first, rest) = parts.split_first()?;
    if !matches!(first.kind(), HirKind::Look(Look::Start)) {
        return None;
    }
    let mut text = Vec::new();
    for part in rest {
        match exact(part).as_deref() {
            Some([one]) if !matches!(part.kind(), HirKind::Look(_) | HirKind::Empty) => {
                text.extend_from_slice(one);
            }
            _ => break,
        }
    }
    (!text.is_empty()).then_some(text)
}

/// One of these is in every match.
fn required(tree: &Hir) -> Option<Strings> {
    let found = match tree.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(Repetition { min: 0, .. }) => {
            return None;
        }
        HirKind::Literal(_) | HirKind::Class(_) => exact(tree)?,
        HirKind::Capture(capture) => required(&capture.sub)?,
        HirKind::Repetition(repetition) => required(&repetition.sub)?,
        HirKind::Concat(parts) => of_concat(parts)?,
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(required(branch)?);
            }
            all
        }
    };
    let found = cut(found);
    (found.len() <= LITERALS_MAX).then_some(found)
}

/// The best of the pieces: runs of strings that stand side by side, or what one part requires.
fn of_concat(parts: &[Hir]) -> Option<Strings> {
    let mut best: Option<Strings> = None;
    let mut run: Strings = vec![Vec::new()];
    for part in parts {
        let strings = exact(part);
        if let Some(joined) = strings.as_ref().and_then(|strings| product(&run, strings)) {
            run = joined;
            continue;
        }
        best = better(best, Some(std::mem::replace(&mut run, vec![Vec::new()])));
        match strings {
            Some(strings) => run = strings,
            None => best = better(best, required(part)),
        }
    }
    better(best, Some(run))
}

/// Longer is better up to what is kept, then fewer.
fn better(one: Option<Strings>, other: Option<Strings>) -> Option<Strings> {
    let worth = |strings: &Strings| {
        let shortest = strings.iter().map(Vec::len).min().unwrap_or(0).min(4);
        (shortest, usize::MAX - strings.len())
    };
    let other = other.map(cut).filter(|strings| worth(strings).0 > 0);
    match (one, other) {
        (Some(one), Some(other)) => Some(if worth(&other) > worth(&one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// All strings that a piece can match, when they are few. What has no width adds nothing: that
/// makes more strings possible, never fewer.
fn exact(tree: &Hir) -> Option<Strings> {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(Class::Bytes(class)) => {
            let count: usize = class.iter().map(ClassBytesRange::len).sum();
            if count > 2 * CLASS_MAX {
                return None;
            }
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            let letters = cut(bytes.map(|byte| vec![byte.to_ascii_lowercase()]).collect());
            (letters.len() <= CLASS_MAX).then_some(letters)
        }
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Repetition(Repetition { min, max: Some(max), sub, .. }) if *max <= 3 => {
            let sub = exact(sub)?;
            let mut all: Strings = Vec::new();
            let mut power: Strings = vec![Vec::new()];
            for count in 0..=*max {
                if count >= *min {
                    all.extend(power.iter().cloned());
                }
                power = product(&power, &sub)?;
            }
            few(all)
        }
        HirKind::Class(Class::Unicode(_)) | HirKind::Repetition(_) => None,
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |run, part| product(&run, &exact(part)?))
        }
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(exact(branch)?);
                if all.len() > 2 * STRINGS_MAX {
                    return None;
                }
            }
            few(all)
        }
    }
}

/// Each of one before each of the other.
fn product(one: &Strings, other: &Strings) -> Option<Strings> {
    if one.len() * other.len() > STRINGS_MAX {
        return None;
    }
    let joined = one.iter().flat_map(|a| other.iter().map(move |b| [a.as_slice(), b].concat()));
    few(joined.collect())
}

fn few(mut strings: Strings) -> Option<Strings> {
    strings.sort_unstable();
    strings.dedup();
    let is_short = strings.iter().all(|one| one.len() <= 64);
    (is_short && strings.len() <= STRINGS_MAX).then_some(strings)
}

/// Cut, each once.
fn cut(mut strings: Strings) -> Strings {
    for one in &mut strings {
        one.truncate(LENGTH_MAX);
    }
    strings.sort_unstable();
    strings.dedup();
    strings
}

/// Without those that hold another one.
fn tidy(strings: Strings) -> Strings {
    let all: HashSet<&[u8], CheapHash> = strings.iter().map(Vec::as_slice).collect();
    let shortest = strings.iter().map(Vec::len).min().unwrap_or(0).max(1);
    let holds_another = |one: &[u8]| {
        let ends = |from: usize| from + shortest..=one.len();
        let mut parts = (0..one.len()).flat_map(|from| ends(from).map(move |to| from..to));
        parts.any(|part| {
            part.len() < one.len() && one.get(part).is_some_and(|part| all.contains(part))
        })
    };
    let kept: Vec<bool> = strings.iter().map(|one| !holds_another(one)).collect();
    strings.into_iter().zip(kept).filter_map(|(one, is_kept)| is_kept.then_some(one)).collect()
}

#[cfg(test)]
mod tests {
    fn found(pattern: &str) -> Option<Vec<String>> {
        let pattern = crate::pattern::compile(pattern.as_bytes()).unwrap();
        let mut found: Vec<String> =
            pattern.literals?.iter().map(|one| String::from_utf8_lossy(one).into_owned()).collect();
        found.sort();
        Some(found)
    }

    #[test]
    fn the_literals_of_a_match_are_found() {
        let check = |pattern: &str, want: &[&str]| {
            assert_eq!(found(pattern).unwrap(), want, "{pattern}");
        };
        check("(?i)Select.+From", &["select"]);
        check("a(?:bc|de)f", &["abcf", "adef"]);
        check(r"\bunion\s+all\b", &["union"]);
        check("x*abc?d", &["abcd", "abd"]);
        check("(?:foo|bar){2,}", &["bar", "foo"]);
        check("[<>]script", &["<script", ">script"]);
        check("abcdefghijkl", &["abcdefgh"]);
    }

    #[test]
    fn the_beginning_of_all_that_matches_is_found() {
        let check = |pattern: &str, want: &str| {
            let pattern = regex_syntax::ParserBuilder::new()
                .utf8(false)
                .unicode(false)
                .build()
                .parse(pattern);
            let found = super::beginning(&pattern.unwrap()).unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&found), want);
        };
        check("^header_[0-9]", "header_");
        check("(?i)^Ab1", "ab1");
        check("^a(?:b|c)", "a");
        check("^ab?", "a");
        check("^(a){2}b", "aab");
        for none in ["abc", "^a|b", "(?m)^abc", "^[ab]c", "^$", "^\\ba", "^(?:ab|)c"] {
            check(none, "");
        }
    }

    #[test]
    fn a_pattern_that_may_match_without_any_has_none() {
        for pattern in [".*", "a?", "abc|", "abc|[^x]", "^$", r"\b", "(?:abc)*"] {
            assert_eq!(found(pattern), None, "{pattern}");
        }
    }
}
