//! Passwords: what is accepted, how it is kept, how it is compared.

mod blocklist;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use icu_normalizer::ComposingNormalizerBorrowed;
use ringwall_base::{Entropy, Secret};

pub use blocklist::Blocklist;
use blocklist::Guessed;

/// Why a password is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// One of the first that anyone tries.
    #[error("the password is one of the most common; choose another")]
    Common,
    /// It has a NUL, a line end or another control character, at which some reader might stop.
    #[error("the password has a control character")]
    Control,
    /// The hash could not be made.
    #[error("the password could not be hashed")]
    Hash,
    /// It is made of the account's name or address, or of the service's name.
    #[error("the password is made of the name of the account or the service; choose another")]
    Known,
    /// Longer than 1024 bytes.
    #[error("the password is longer than 1024 bytes")]
    Long,
    /// It contains the login name.
    #[error("the password must not contain the login name")]
    Name,
    /// Shorter than it has to be (NIST SP 800-63B-4 section 3.1.1.2).
    #[error("the password is shorter than {0} characters")]
    Short(usize),
}

/// What a password is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Against<'a> {
    /// The login name.
    pub(crate) name: &'a str,
    /// The address of the account.
    pub(crate) address: Option<&'a str>,
    pub(crate) chars_min: usize,
    pub(crate) list: &'a Blocklist,
}

/// Whether a person may have this password. No rules about kinds of characters: they make passwords
/// worse (NIST SP 800-63B-4).
pub(crate) fn check(password: &Secret<String>, against: Against<'_>) -> Result<(), PasswordError> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    let normal = normal(password);
    let text = normal.expose();
    if text.chars().any(char::is_control) {
        return Err(PasswordError::Control);
    }
    let chars_min = against.chars_min.max(PASSWORD_CHARS_MIN);
    // Each code point counts as one (NIST SP 800-63B-4 section 3.1.1.2), of what was typed and of its one spelling: in
    // either, some characters become two.
    let chars = password.expose().chars().count().min(text.chars().count());
    if chars < chars_min {
        return Err(PasswordError::Short(chars_min));
    }
    let lower = Secret::new(text.to_lowercase());
    let lower = lower.expose().as_str();
    if is_monotone(lower) {
        return Err(PasswordError::Common);
    }
    if against.name.len() >= 4 && lower.contains(&against.name.to_lowercase()) {
        return Err(PasswordError::Name);
    }
    let address = against.address.unwrap_or_default();
    let (local, domain) = address.split_once('@').unwrap_or_default();
    let house = domain.split('.').next().unwrap_or_default();
    match against.list.find(lower, &[against.name, address, local, house]) {
        Some(Guessed::Common) => Err(PasswordError::Common),
        Some(Guessed::Known) => Err(PasswordError::Known),
        None => Ok(()),
    }
}

/// The one spelling of a password: what is typed on one keyboard as one character is two on another
/// (NIST SP 800-63B-4 section 3.1.1.2: NFKC before hashing).
fn normal(password: &Secret<String>) -> Secret<String> {
    const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
    Secret::new(NFKC.normalize(password.expose()).into_owned())
}

/// Hashes with argon2id, 19 MiB, two passes, one lane (OWASP), as a PHC string. About 34 ms.
///
/// # Errors
/// When there is no randomness for the salt or no memory.
pub fn hash_password(
    password: &Secret<String>,
    entropy: &dyn Entropy,
) -> Result<String, PasswordError> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt).map_err(|_unavailable| PasswordError::Hash)?;
    let hash = argon2().and_then(|argon2| {
        argon2.hash_password_with_salt(normal(password).expose().as_bytes(), &salt).ok()
    });
    hash.map(|hash| hash.to_string()).ok_or(PasswordError::Hash)
}

/// A hash that no password is known to have, for unknown accounts. It takes as long to compare with
/// as any other and no time to make, because nothing was hashed: its last 32 bytes are random.
pub(crate) fn unmatched(entropy: &dyn Entropy) -> std::io::Result<String> {
    let mut random = [0; 48];
    entropy.fill(&mut random)?;
    let (salt, output) = random.split_at(16);
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}"))
}

/// Whether the password is the one that was hashed. Takes the same time when it is not.
pub(crate) fn verify(password: &Secret<String>, phc: &str) -> bool {
    argon2().is_some_and(|argon2| {
        argon2.verify_password(normal(password).expose().as_bytes(), phc).is_ok()
    })
}

/// `aaaaaaaa`, `12345678`, `87654321`: one character, or one step, again and again.
fn is_monotone(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut steps = bytes.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(i16::from(*b) - i16::from(*a)),
        _ => None,
    });
    steps.next().is_some_and(|first| first.abs() <= 1 && steps.all(|step| step == first))
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// OWASP's first choice.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// No setting asks for less.
pub(crate) const PASSWORD_CHARS_MIN: usize = 8;

/// Beyond this, hashing time is the attacker's to choose (attack U10).
pub(crate) const PASSWORD_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(password: &str) -> String {
        let password = Secret::new(password.to_owned());
        let list = Blocklist::default().naming(["Harbour".to_owned()]);
        let address = Some("lovelace@analytical.example");
        let against = Against { name: "ada.l", address, chars_min: 8, list: &list };
        check(&password, against).err().map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn length_and_common_words_decide_and_nothing_else() {
        assert_eq!(refused("korrekt!"), "");
        assert_eq!(refused("only lower case words"), "");
        assert_eq!(refused("korrekt"), "the password is shorter than 8 characters");
        assert_eq!(refused(&"x7".repeat(512)), "");
        assert_eq!(refused(&"x7".repeat(513)), "the password is longer than 1024 bytes");
        for common in ["Password123", "aaaaaaaaaa", "23456789", "hgfedcba"] {
            assert_eq!(refused(common), "the password is one of the most common; choose another");
        }
        for known in
            ["harbour1", "H4rb0ur!", "lovelace22", "lovelace@analytical.example", "analytical"]
        {
            assert_eq!(
                refused(known),
                "the password is made of the name of the account or the service; choose another"
            );
        }
        for control in ["korrekt\0!", "korrekt\n!", "korrekt\u{85}!", "\u{7f}korrekt!"] {
            assert_eq!(refused(control), "the password has a control character");
        }
        assert_eq!(refused("Ada.L-2026"), "the password must not contain the login name");
    }

    #[test]
    fn a_setting_asks_for_more_characters_and_never_for_fewer_than_eight() {
        let of = |count: usize| Secret::new("xy7".repeat(8).chars().take(count).collect());
        let list = Blocklist::default();
        for (chars_min, first_good) in [(15, 15), (8, 8), (0, 8)] {
            let against = Against { name: "ada", address: None, chars_min, list: &list };
            assert!(check(&of(first_good), against).is_ok());
            let error = check(&of(first_good - 1), against).unwrap_err();
            assert!(matches!(error, PasswordError::Short(asked) if asked == first_good), "{error}");
        }
        // Seven characters, of which one is two in the one spelling.
        let against = Against { name: "ada", address: None, chars_min: 8, list: &list };
        let error = check(&Secret::new("xy7\u{b4}zq5".to_owned()), against).unwrap_err();
        assert!(matches!(error, PasswordError::Short(8)), "{error}");
    }

    /// Attack U10: one password, typed on two keyboards.
    #[test]
    fn a_password_is_the_same_however_its_characters_are_composed() {
        let entropy = ringwall_base::SystemEntropy::open().unwrap();
        let of = |text: &str| Secret::new(text.to_owned());
        let phc = hash_password(&of("caf\u{e9} \u{2460} \u{fb01}"), &entropy).unwrap();
        assert!(verify(&of("cafe\u{301} 1 fi"), &phc));
        assert!(!verify(&of("cafe 1 fi"), &phc));
        // Eight code points as typed, seven as they count.
        assert_eq!(refused("e\u{301}wxyzwq"), "the password is shorter than 8 characters");
    }

    #[test]
    fn the_hash_for_unknown_accounts_is_like_any_other_and_matches_nothing() {
        let password = Secret::new("korrekt!".to_owned());
        let entropy = ringwall_base::SystemEntropy::open().unwrap();
        let (real, none) =
            (hash_password(&password, &entropy).unwrap(), unmatched(&entropy).unwrap());
        let shape = |phc: &str| {
            let parsed = argon2::PasswordHash::new(phc).unwrap();
            let lengths = (parsed.salt.unwrap().len(), parsed.hash.unwrap().len());
            (parsed.algorithm, parsed.version, parsed.params.to_string(), lengths)
        };
        assert_eq!(shape(&real), shape(&none));
        assert!(verify(&password, &real) && !verify(&password, &none));
    }
}
