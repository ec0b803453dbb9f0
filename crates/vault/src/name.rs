//! How a secret may be called.

/// Why a text is no name of a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{name}` is no name of a secret: use up to 128 letters, digits, `.`, `-`, `_`, in parts that \
     are separated by `/`"
)]
pub struct NameError {
    /// What was given, shortened.
    pub name: String,
}

/// Refuses names that a path, a shell or a person could read in two ways.
///
/// # Errors
/// When it is empty, too long, or has other characters, empty parts or dot parts.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    // A part that begins with a dash would be an option on a command line.
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(is_allowed)
    };
    if name.len() <= NAME_BYTES_MAX && name.split('/').all(is_part) {
        Ok(())
    } else {
        Err(NameError { name: name.escape_debug().take(NAME_BYTES_MAX).collect() })
    }
}

/// Longer than any name that a person types.
const NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_reading() {
        let long = "n".repeat(128);
        for name in ["a", "stripe-key", "db/password", "A_1.b/c-d", "STRIPE_KEY", &long] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "n".repeat(129);
        for name in [
            "", "/", "a/", "/a", "a//b", ".", "..", "a/..", "a/../b", ".a", "-a", "a b", "a\0",
            "a\n", "ä", "a%2fb", "a\\b", "a:b", "a*", "~", &long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
