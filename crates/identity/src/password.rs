//! Passwords: what is accepted, how it is kept, how it is compared.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ringwall_base::{Entropy, Secret};

/// Why a password is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// One of the first that anyone tries.
    #[error("the password is one of the most common; choose another")]
    Common,
    /// The hash could not be made.
    #[error("the password could not be hashed")]
    Hash,
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

/// Whether a person may have this password. No rules about kinds of characters: they make passwords
/// worse (NIST SP 800-63B-4).
pub(crate) fn check(
    password: &Secret<String>,
    name: &str,
    chars_min: usize,
) -> Result<(), PasswordError> {
    let text = password.expose();
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    let chars_min = chars_min.max(PASSWORD_CHARS_MIN);
    if text.chars().count() < chars_min {
        return Err(PasswordError::Short(chars_min));
    }
    let lower = text.to_lowercase();
    if COMMON.split_ascii_whitespace().any(|common| common == lower) || is_monotone(&lower) {
        return Err(PasswordError::Common);
    }
    if name.len() >= 4 && lower.contains(&name.to_lowercase()) {
        return Err(PasswordError::Name);
    }
    Ok(())
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
        argon2.hash_password_with_salt(password.expose().as_bytes(), &salt).ok()
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
    argon2().is_some_and(|argon2| argon2.verify_password(password.expose().as_bytes(), phc).is_ok())
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

/// The most used of eight characters and more, from public breach statistics.
const COMMON: &str = "password password1 password12 password123 password1234 passw0rd p@ssw0rd \
    p@ssword 12345678 123456789 1234567890 87654321 11111111 00000000 qwertyui qwertyuiop qwerty12 \
    qwerty123 qwerty1234 1q2w3e4r 1q2w3e4r5t 1qaz2wsx q1w2e3r4 zaq12wsx asdfghjk asdfghjkl zxcvbnm1 \
    iloveyou iloveyou1 sunshine sunshine1 princess princess1 football football1 baseball baseball1 \
    basketball superman superman1 michael1 jennifer jordan23 trustno1 starwars starwars1 whatever \
    whatever1 welcome1 welcome123 letmein1 letmein123 dragon123 monkey123 master123 abc12345 \
    abcd1234 abc123456 a1b2c3d4 aa123456 1234qwer 123qweasd 12344321 12341234 123123123 11223344 \
    88888888 66666666 99999999 77777777 55555555 147258369 123654789 987654321 0987654321 computer \
    internet corvette maverick mercedes samantha victoria elizabeth danielle michelle jessica1 \
    charlie1 liverpool chelsea1 arsenal1 manchester pokemon1 changeme changeme1 changeme123 \
    administrator admin123 admin1234 adminadmin rootroot root1234 toor1234 test1234 testtest \
    testing123 guest123 default1 secret123 mypassword mypass123 passpass login123 access14 \
    blink182 killer123 freedom1 hello123 hellohello ilovegod bismillah google123 facebook \
    linkedin adobe123 photoshop azerty123 passwort schalke04 hunter22 minecraft fortnite";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(password: &str) -> String {
        let password = Secret::new(password.to_owned());
        check(&password, "ada.l", 8).err().map_or(String::new(), |error| error.to_string())
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
        assert_eq!(refused("Ada.L-2026"), "the password must not contain the login name");
    }

    #[test]
    fn a_setting_asks_for_more_characters_and_never_for_fewer_than_eight() {
        let of = |count: usize| Secret::new("xy7".repeat(8).chars().take(count).collect());
        for (min, first_good) in [(15, 15), (8, 8), (0, 8)] {
            assert!(check(&of(first_good), "ada", min).is_ok());
            let error = check(&of(first_good - 1), "ada", min).unwrap_err();
            assert!(matches!(error, PasswordError::Short(asked) if asked == first_good), "{error}");
        }
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
