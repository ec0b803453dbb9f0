//! Recovery codes: ten, each for one use, for whoever lost the other factor.

use aws_lc_rs::digest::{Context, SHA256};
use ringwall_base::{Entropy, Secret};
use ringwall_store::{StoreError, Transaction};

use crate::identity::House;
use crate::people::{Account, PeopleError};
use crate::tables::Whose;
use crate::totp::base32;
use crate::{factors, passkeys};

/// New recovery codes; those from before are worth nothing any more.
pub(crate) fn new_codes(
    house: &House,
    account: &Account,
) -> Result<Vec<Secret<String>>, PeopleError> {
    let entropy = house.seams.entropy.as_ref();
    let codes = (0..COUNT).map(|_| generate(entropy));
    let codes = codes.collect::<Result<Vec<_>, _>>()?;
    let whose = account.whose();
    let hash = |code: &Secret<String>| hash_of(&whose.subject, code.expose());
    let hashes: Vec<Vec<u8>> = codes.iter().map(hash).collect();
    let now = house.seams.clock.now();
    house.seams.store.write(move |transaction| {
        remove(transaction, &whose)?;
        for hash in &hashes {
            transaction.execute(
                "INSERT INTO identity_recovery_code (tenant_id, user_id, hash, created)
                 VALUES (?1, ?2, ?3, ?4)",
                &whose.and([hash.clone().into(), now.into()]),
            )?;
        }
        Ok::<_, PeopleError>(())
    })?;
    factors::record(house, "recovery-codes-made", account, "")?;
    Ok(codes)
}

/// Makes one: 80 bits, as `k3vd-27qa-…`, lower case because that is easier to read and type.
fn generate(entropy: &dyn Entropy) -> std::io::Result<Secret<String>> {
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

/// Takes the recovery codes of an account that has nothing else left: they are for nothing then.
pub(crate) fn remove_of_none(
    transaction: &Transaction<'_>,
    whose: &Whose,
) -> Result<(), StoreError> {
    let app = transaction.first(
        "SELECT 1 FROM identity_totp
         WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL",
        &whose.and([]),
    )?;
    if app.is_some() || passkeys::are_there(transaction, whose)? {
        return Ok(());
    }
    remove(transaction, whose)
}

fn remove(transaction: &Transaction<'_>, whose: &Whose) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM identity_recovery_code WHERE tenant_id = ?1 AND user_id = ?2",
        &whose.and([]),
    )?;
    Ok(())
}

/// How many a person gets at a time.
const COUNT: usize = 10;

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
