//! Addresses of accounts. One counts only when its person has shown that mail to it arrives, and a
//! verified one belongs to one account: nobody gets an account by claiming its address (attack U3).

use ringwall_base::{Secret, Timestamp};
use ringwall_store::{StoreError, Transaction, View};

use crate::action_token::{Bound, Kind, hash_of};
use crate::identity::House;
use crate::letter::Letter;
use crate::outbox;
use crate::people::{Account, Credential, PeopleError, Users};
use crate::record::Record;
use crate::tables::Whose;
use crate::texts::Language;

/// An address of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Email {
    /// In its one spelling.
    pub address: String,
    /// Whether its person has shown that it is theirs.
    pub is_verified: bool,
}

/// An account that waits for its first password.
#[derive(Debug)]
pub struct Invitation {
    /// The account.
    pub account: Account,
    /// Sets the password, once. `None` when it is on its way by mail.
    pub link: Option<Secret<String>>,
}

impl Users<'_> {
    /// The address of an account: the verified one, or the one that waits to be.
    ///
    /// # Errors
    /// When there is no account of this name, or the store fails.
    pub fn email(&self, name: &str) -> Result<Option<Email>, PeopleError> {
        let account = self.find(name)?;
        Ok(self.house().seams.store.read(|view| of(view, &account.whose()))?)
    }

    /// Asks the person to confirm an address: it counts from then on, and the one before no more.
    ///
    /// # Errors
    /// When there is no such account, the address is none, or the store fails.
    pub fn ask_email(&self, name: &str, address: &str) -> Result<(), PeopleError> {
        let address = normal(address).ok_or(PeopleError::Address)?;
        let known = self.credential(name)?.ok_or(PeopleError::NotFound)?;
        ask(self.house(), &known, &address, Language::default())
    }

    /// Makes an account without a password and the link that sets it: by mail to the address, or
    /// for whoever hands it over.
    ///
    /// # Errors
    /// When the name is taken or malformed, the address is none, or the store fails.
    pub fn invite(
        &self,
        name: &str,
        roles: &[String],
        address: Option<&str>,
    ) -> Result<Invitation, PeopleError> {
        let address = address.map(|text| normal(text).ok_or(PeopleError::Address)).transpose()?;
        let account = self.add_without_password(name, roles)?;
        let house = self.house();
        let known = self.credential(&account.name)?.ok_or(PeopleError::NotFound)?;
        let fresh = Kind::Invite.fresh(&house.seams)?;
        let link = link(house, "/oauth/invite", &fresh.token);
        let bound = bound_to(&known, address.as_deref().unwrap_or_default());
        let letter = address.as_ref().map(|address| {
            Letter::invite(Language::default(), address, &known.account.name, &link)
        });
        let sealed = letter.map(|letter| outbox::Sealed::of(house, &letter, Kind::Invite.life()));
        let (sealed, now) = (sealed.transpose()?, house.seams.clock.now());
        let (is_mailed, row) = (sealed.is_some(), bound.clone());
        house.seams.store.write(move |transaction| {
            if !row.address.is_empty() {
                insert(transaction, &row, now)?;
            }
            fresh.keep(transaction, &row, now)?;
            sealed.iter().try_for_each(|sealed| sealed.keep(transaction))
        })?;
        house.post.wake();
        self.record_email("user-invited", &account, &bound.address)?;
        Ok(Invitation { account, link: (!is_mailed).then_some(link) })
    }

    /// The account that a row is of.
    pub(crate) fn of(self, whose: &Whose) -> Result<Option<Account>, PeopleError> {
        let row = self.house().seams.store.read(|view| {
            view.first(
                "SELECT name FROM identity_user WHERE tenant_id = ?1 AND id = ?2",
                &whose.and([]),
            )
        })?;
        row.map(|row| self.find(&row.get::<String>(0)?)).transpose()
    }

    pub(crate) fn record_email(
        self,
        action: &'static str,
        account: &Account,
        address: &str,
    ) -> Result<(), PeopleError> {
        let record = Record::of(action).sync().person(&account.subject, &account.name);
        Ok(self.house().put(record.operation(address))?)
    }
}

/// An address in its one spelling, or `None`. ASCII only: letters that look alike or fold to the
/// same one have led resets to strangers (CVE-2019-19844). Case is not told apart in either part.
pub(crate) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = text.len() <= 254
        && local.len() <= 64
        && local.split('.').all(is_atom)
        && domain.split('.').all(is_label);
    is_address.then(|| text.to_ascii_lowercase())
}

/// Keeps an address that waits, and sends the link that confirms it.
pub(crate) fn ask(
    house: &House,
    known: &Credential,
    address: &str,
    language: Language,
) -> Result<(), PeopleError> {
    let fresh = Kind::VerifyEmail.fresh(&house.seams)?;
    let link = link(house, "/oauth/email", &fresh.token);
    let letter = Letter::verify(language, address, &known.account.name, &link);
    let sealed = outbox::Sealed::of(house, &letter, Kind::VerifyEmail.life())?;
    let (bound, now) = (bound_to(known, address), house.seams.clock.now());
    house.seams.store.write(move |transaction| {
        insert(transaction, &bound, now)?;
        fresh.keep(transaction, &bound, now)?;
        sealed.keep(transaction)
    })?;
    house.post.wake();
    Users::new(house).record_email("email-asked", &known.account, address)
}

/// Tells the person that their password is another one now.
pub(crate) fn tell_changed(house: &House, account: &Account) -> Result<(), PeopleError> {
    let address = house.seams.store.read(|view| verified(view, &account.whose()))?;
    let Some(address) = address else { return Ok(()) };
    outbox::send(house, &Letter::changed(Language::default(), &address, &account.name))
}

/// Tells the verified address that the account is linked to another service, or no longer.
pub(crate) fn tell_linked(
    house: &House,
    account: &Account,
    is_linked: bool,
) -> Result<(), PeopleError> {
    let address = house.seams.store.read(|view| verified(view, &account.whose()))?;
    let Some(address) = address else { return Ok(()) };
    let letter = Letter::linked(Language::default(), &address, &account.name, is_linked);
    outbox::send(house, &letter)
}

/// What came of a link that confirms an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verified {
    Done,
    /// The link is over, or another person's.
    Over,
    /// The address has become another account's meanwhile.
    Taken,
}

/// Uses a link up: the address is the account's own from now on, and the one before is told.
pub(crate) fn verify(
    house: &House,
    account: &Account,
    token: &str,
    language: Language,
) -> Result<Verified, PeopleError> {
    let (token, whose, now) = (token.to_owned(), account.whose(), house.seams.clock.now());
    let before = house.seams.store.read(|view| verified(view, &account.whose()))?;
    let done = house.seams.store.write(move |transaction| {
        let bound = Kind::VerifyEmail.consume(transaction, &token, now)?;
        // A session of another person uses the link up and gets nothing for it.
        let Some(bound) = bound.filter(|bound| bound.whose == whose) else {
            return Ok(Err(Verified::Over));
        };
        let is_own = settle(transaction, &bound, now)?;
        Ok::<_, StoreError>(if is_own { Ok(bound.address) } else { Err(Verified::Taken) })
    })?;
    let address = match done {
        Ok(address) => address,
        Err(other) => return Ok(other),
    };
    Users::new(house).record_email("email-verified", account, &address)?;
    if let Some(before) = before.filter(|before| *before != address) {
        let letter = Letter::moved(language, &before, &account.name, &address);
        outbox::send(house, &letter)?;
    }
    Ok(Verified::Done)
}

/// Makes an address that was shown to be the account's its only one; not when another has it.
pub(crate) fn settle(
    transaction: &Transaction<'_>,
    bound: &Bound,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = bound.whose.and([(&bound.address).into()]);
    let taken = transaction.first(
        "SELECT 1 FROM identity_email
         WHERE tenant_id = ?1 AND user_id <> ?2 AND address = ?3 AND verified_at IS NOT NULL",
        &values,
    )?;
    if taken.is_some() {
        return Ok(false);
    }
    transaction.execute(
        "DELETE FROM identity_email WHERE tenant_id = ?1 AND user_id = ?2 AND address <> ?3",
        &values,
    )?;
    let verified = transaction.execute(
        "UPDATE identity_email SET verified_at = ?4, is_primary = 1
         WHERE tenant_id = ?1 AND user_id = ?2 AND address = ?3",
        &[&values[..], &[now.into()]].concat(),
    )?;
    Ok(verified == 1)
}

/// Whether an address is verified, and this account's.
pub(crate) fn is_own(view: &View<'_>, bound: &Bound) -> Result<bool, StoreError> {
    Ok(verified(view, &bound.whose)?.as_ref() == Some(&bound.address))
}

/// The verified address of an account.
pub(crate) fn verified(view: &View<'_>, whose: &Whose) -> Result<Option<String>, StoreError> {
    let found = of(view, whose)?.filter(|email| email.is_verified);
    Ok(found.map(|email| email.address))
}

/// The accounts of a verified address, by their login names: one of each organisation at most.
pub(crate) fn owners(view: &View<'_>, address: &str) -> Result<Vec<String>, StoreError> {
    let rows = view.query(
        "SELECT u.name FROM identity_email e JOIN identity_user u
         ON u.tenant_id = e.tenant_id AND u.id = e.user_id
         WHERE e.address = ?1 AND e.verified_at IS NOT NULL
         ORDER BY e.verified_at LIMIT ?2",
        &[address.into(), OWNERS_MAX.into()],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The verified address, else the latest that waits.
pub(crate) fn of(view: &View<'_>, whose: &Whose) -> Result<Option<Email>, StoreError> {
    let row = view.first(
        "SELECT address, verified_at FROM identity_email WHERE tenant_id = ?1 AND user_id = ?2
         ORDER BY is_primary DESC, created DESC LIMIT 1",
        &whose.and([]),
    )?;
    let email = row.map(|row| {
        let is_verified = row.get::<Option<Timestamp>>(1)?.is_some();
        Ok(Email { address: row.get(0)?, is_verified })
    });
    email.transpose()
}

pub(crate) fn bound_to(known: &Credential, address: &str) -> Bound {
    Bound {
        whose: known.account.whose(),
        credential: hash_of(&known.phc),
        address: address.to_owned(),
    }
}

/// A link into a letter: from the issuer of the manifest. What a request says its host is leads
/// nobody anywhere (attack U5).
pub(crate) fn link(house: &House, path: &str, token: &Secret<String>) -> Secret<String> {
    Secret::new(format!("{}{path}?token={}", house.settings.issuer, token.expose()))
}

/// One address waits at a time: the next replaces it.
fn insert(transaction: &Transaction<'_>, bound: &Bound, now: Timestamp) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM identity_email
         WHERE tenant_id = ?1 AND user_id = ?2 AND verified_at IS NULL",
        &bound.whose.and([]),
    )?;
    transaction.execute(
        "INSERT INTO identity_email (tenant_id, user_id, address, is_primary, created)
         VALUES (?1, ?2, ?3, 0, ?4) ON CONFLICT DO NOTHING",
        &bound.whose.and([(&bound.address).into(), now.into()]),
    )?;
    Ok(())
}

/// Letters that one request for a new password may cause: a person is in so many organisations.
const OWNERS_MAX: u32 = 10;

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn an_address_has_one_spelling_and_what_is_none_is_refused() {
        for (text, address) in [
            ("Ada.L@Example.ORG", Some("ada.l@example.org")),
            (" ada+shop@localhost ", Some("ada+shop@localhost")),
            ("o'neil@a-b.example", Some("o'neil@a-b.example")),
            ("ada", None),
            ("@example.org", None),
            ("ada@", None),
            ("ada@example..org", None),
            ("a..b@example.org", None),
            ("ada@-example.org", None),
            ("ada @example.org", None),
            ("\"a b\"@example.org", None),
            ("ada@[192.0.2.1]", None),
            ("ada@example.org,eve@evil.example", None),
            ("eve@evil.example\r\nBcc: all@example.org", None),
            ("<ada@example.org>", None),
            // Folds to `mike@github.com` where case is folded by Unicode's rules.
            ("m\u{131}ke@github.com", None),
            ("ada@ex\u{e4}mple.org", None),
        ] {
            assert_eq!(normal(text).as_deref(), address, "{text:?}");
        }
        assert!(normal(&format!("{}@example.org", "a".repeat(65))).is_none());
        assert!(normal(&format!("a@{}", "b.".repeat(130) + "org")).is_none());
    }
}
