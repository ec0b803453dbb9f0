//! The organisation (tenant) of a person.

use std::fmt;
use std::sync::Arc;

/// An organisation, by its slug. Only [`Tenant::parse`] makes one: whoever holds one holds a slug
/// that is well-formed, and nothing else that was a text.
///
/// `default` is the one that is always there; it costs no memory, as most installations have no other.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tenant(Option<Arc<str>>);

impl Tenant {
    /// The slug of the organisation that is always there.
    pub const DEFAULT: &'static str = "default";

    /// The longest slug, in characters: it is in every name, token and record of its people.
    pub const CHARS_MAX: usize = 40;

    /// Reads a slug: 1 to 40 of a-z, 0-9 and `-`, a letter first. One spelling: nothing is folded.
    pub fn parse(slug: &str) -> Option<Self> {
        let is_slug = slug.len() <= Self::CHARS_MAX
            && slug.starts_with(|first: char| first.is_ascii_lowercase())
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        is_slug.then(|| if slug == Self::DEFAULT { Self(None) } else { Self(Some(slug.into())) })
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(Self::DEFAULT)
    }

    /// Whether it is the one that is always there.
    pub const fn is_default(&self) -> bool {
        self.0.is_none()
    }

    /// The slug of any other one: what tokens and names say.
    pub fn named(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_one_spelling_and_what_is_none_is_refused() {
        let longest = "a".repeat(Tenant::CHARS_MAX);
        for slug in ["a", "acme", "acme-2", "a-", "default", &longest] {
            assert_eq!(Tenant::parse(slug).unwrap().as_str(), slug);
        }
        let too_long = "a".repeat(Tenant::CHARS_MAX + 1);
        for text in ["", "2acme", "-acme", "Acme", "acme/x", "ac me", "acme.", "ac\u{301}me", "a\0"]
        {
            assert_eq!(Tenant::parse(text), None, "{text:?}");
        }
        assert_eq!(Tenant::parse(&too_long), None);
    }

    #[test]
    fn the_default_one_is_the_same_however_it_was_made() {
        assert_eq!(Tenant::parse("default"), Some(Tenant::default()));
        assert_eq!((Tenant::default().as_str(), Tenant::default().named()), ("default", None));
        assert_eq!(Tenant::parse("acme").unwrap().named(), Some("acme"));
    }
}
