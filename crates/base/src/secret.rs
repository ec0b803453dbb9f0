//! A value that must not be printed, logged, compared in variable time or left in memory.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Holds a secret: redacted when printed, zeroed when dropped, read only through [`Secret::expose`].
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in. The caller has no copy left, or zeroes it.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Gives the content. Grep for this word to see where secrets are used.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<T: AsRef<[u8]> + Zeroize> PartialEq for Secret<T> {
    /// In constant time for equal lengths; the length itself is not hidden.
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.0.as_ref(), other.0.as_ref());
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
    }
}

impl<T: AsRef<[u8]> + Zeroize> Eq for Secret<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_redacted_and_compares_by_content() {
        let one = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{one:?}"), "Secret(…)");
        assert!(one == Secret::new("hunter2".to_owned()));
        assert!(one != Secret::new("hunter3".to_owned()));
        assert!(one != Secret::new("hunter".to_owned()));
    }
}
