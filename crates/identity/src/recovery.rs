//! Recovery codes: ten, each for one use, for whoever lost the other factor.

use aws_lc_rs::digest::{Context, SHA256};
use ringwall_base::{Entropy, Secret};

use crate::totp::base32;

/// How many a person gets at a time.
pub(crate) const COUNT: usize = 10;

/// Makes one: 80 bits, as `k3vd-27qa-…`, lower case because that is easier to read and type.
pub(crate) fn generate(entropy: &dyn Entropy) -> std::io::Result<Secret<String>> {
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes)?;
    let letters: Vec<char> = base32(&bytes).to_ascii_lowercase().chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Secret::new(groups.join("-")))
}

/// What is kept of a code. 80 random bits need no slow hash; the account in it keeps one leaked
/// table from being searched for all accounts at once.
pub(crate) fn hash_of(subject: &str, code: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for part in ["ringwall recovery code", subject, &normal(code)] {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    context.finish().as_ref().to_vec()
}

/// A code as it was typed: any case, with or without hyphens and blanks.
fn normal(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether this could be a recovery code; an authenticator's code is shorter.
pub(crate) fn looks_like_one(code: &str) -> bool {
    normal(code).len() == 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed_and_another_for_each_account() {
        let entropy = ringwall_testkit::Sequence::from_seed(1);
        let (code, other) = (generate(&entropy).unwrap(), generate(&entropy).unwrap());
        let code = code.expose().as_str();
        assert_eq!(code.len(), 19, "{code}");
        assert!(looks_like_one(code) && !looks_like_one("123456"));
        let hash = hash_of("u1", code);
        assert_eq!(hash_of("u1", &code.replace('-', " ").to_uppercase()), hash);
        assert_ne!(hash_of("u2", code), hash);
        assert_ne!(hash_of("u1", other.expose()), hash);
    }
}
