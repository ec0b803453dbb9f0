//! Passkeys of accounts: kept, found again, and compared with what an authenticator says.
//!
//! The verifier is `ringwall-webauthn`. Here is what it leaves to its caller: whose a credential is,
//! that a challenge counts once, and that a counter only grows.

mod challenge;

use ringwall_base::{Proof, Proofs, Timestamp, Ulid};
use ringwall_jose::base64url_decode;
use ringwall_store::{Row, StoreError, Transaction, Value};
use ringwall_webauthn::{
    Asserted, Assertion, Attestation, Expected, Flags, Known, WebauthnError, assert, register,
};

use crate::factors::{self, Tried, Undone, once, settled};
use crate::form::Form;
use crate::identity::House;
use crate::login_step::LoginStep;
use crate::people::{Account, Credential, PeopleError, Users};
use crate::recovery;
use crate::settings::Settings;
use crate::tables::{INSTANCE, Whose};

pub(crate) use challenge::{Challenge, Purpose, sweep};

/// A passkey as its person sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passkey {
    /// Its id, to say which.
    pub id: String,
    /// As the person calls it.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
    /// The last sign-in with it.
    pub used_at: Option<Timestamp>,
}

/// A passkey that was used well, before that is written down.
#[derive(Debug)]
pub(crate) struct Used {
    /// Whose it is.
    pub(crate) known: Credential,
    /// What it proves.
    pub(crate) proofs: Proofs,
    id: String,
    counter: u32,
    asserted: Asserted,
    challenge: Challenge,
}

/// Why a passkey is not accepted, for the operator, and whose it is if that is sure.
#[derive(Debug)]
pub(crate) struct Unused {
    pub(crate) why: &'static str,
    /// Of a passkey whose counter went back, which only its key can say.
    pub(crate) copied: Option<Account>,
}

/// What a browser knows us by (section 5.1.2); `None` for an address, which has no passkeys.
pub(crate) fn rp_id(settings: &Settings) -> Option<&str> {
    let authority = settings.issuer.strip_prefix("https://")?;
    let host = authority.split(':').next().filter(|host| !host.starts_with('['))?;
    host.parse::<std::net::Ipv4Addr>().is_err().then_some(host)
}

/// The passkeys of an account, the oldest first.
pub(crate) fn of(house: &House, whose: &Whose) -> Result<Vec<Passkey>, StoreError> {
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT id, name, created, used_at FROM identity_passkey
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 ORDER BY id",
            &whose.in_instance([]),
        )
    })?;
    let passkey = |row: &Row| {
        let (id, name) = (row.get(0)?, row.get(1)?);
        Ok(Passkey { id, name, created: row.get(2)?, used_at: row.get(3)? })
    };
    rows.iter().map(passkey).collect()
}

/// What browsers know the account's passkeys by.
pub(crate) fn credentials(house: &House, whose: &Whose) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT credential FROM identity_passkey
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 ORDER BY id",
            &whose.in_instance([]),
        )
    })?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Keeps a new passkey of a person who is signed in; gives what it proves.
pub(crate) fn enrol(
    house: &House,
    (account, sid): (&Account, &str),
    browser: &str,
    form: &Form,
) -> Result<Result<Proofs, &'static str>, PeopleError> {
    let purpose = Purpose::Enrol { subject: &account.subject, sid };
    let Some((challenge, expected)) = expected(house, (purpose, false), browser, form) else {
        return Ok(Err(STALE));
    };
    let (Some(client_data), Some(object)) =
        (bytes(form, "client_data"), bytes(form, "attestation"))
    else {
        return Ok(Err(MALFORMED));
    };
    let response = Attestation { client_data: &client_data, object: &object };
    let made = match register(&response, &expected) {
        Ok(made) => made,
        Err(error) => return Ok(Err(error.reason())),
    };
    let now = house.seams.clock.now();
    let name = called(form.get("name").unwrap_or_default());
    let row = account.whose().in_instance([
        Ulid::generate(now, house.seams.entropy.as_ref())?.to_string().into(),
        made.id.into(),
        made.key.into(),
        made.counter.into(),
        made.flags.is_backup_eligible().into(),
        made.flags.is_backed_up().into(),
        made.aaguid.as_slice().into(),
        (&name).into(),
        now.into(),
        sid.into(),
    ]);
    let tried = settled(house.seams.store.write(move |transaction| {
        once(challenge.consume(transaction)?.into(), USED)?;
        // Only while the session goes on (attack U11), and not without end.
        let inserted = transaction.execute(
            "INSERT INTO identity_passkey (tenant_id, user_tenant, user_id, id, credential, key,
             counter, is_backup_eligible, is_backed_up, aaguid, name, created)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
             WHERE EXISTS (SELECT 1 FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid = ?13)
             AND (SELECT COUNT(*) FROM identity_passkey
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3) < 20",
            &row,
        );
        match inserted {
            // Section 7.1 step 26: nobody gets in by another's credential id.
            Err(error) if error.is_unique() => Err(Undone::Refused("the passkey is known already")),
            other => once(other?, "the session has ended, or there are twenty passkeys"),
        }
    }))?;
    if let Tried::Refused(why) = tried {
        return Ok(Err(why));
    }
    factors::record(house, "factor-added", account, &format!("passkey {name}"))?;
    Ok(Ok(proofs(made.flags)))
}

/// Compares what a passkey says with what was asked. `user` says whose it must be; without one the
/// passkey itself says it, and must have asked for a PIN or a finger.
pub(crate) fn read(
    house: &House,
    purpose: Purpose<'_>,
    (browser, user): (&str, Option<&Whose>),
    form: &Form,
) -> Result<Result<Used, Unused>, PeopleError> {
    let refused = |why| Ok(Err(Unused { why, copied: None }));
    let asked = (purpose, user.is_none());
    let Some((challenge, expected)) = expected(house, asked, browser, form) else {
        return refused(STALE);
    };
    let given = ["credential", "client_data", "authenticator_data", "signature"];
    let [Some(credential), Some(client_data), Some(authenticator_data), Some(signature)] =
        given.map(|name| bytes(form, name))
    else {
        return refused(MALFORMED);
    };
    let Some(kept) = Kept::find(house, &credential)? else { return refused("unknown passkey") };
    // Section 7.2 step 6: what the passkey says, where it is to say it, and who is at the second step.
    let handle = bytes(form, "user_handle").filter(|handle| !handle.is_empty());
    let is_theirs = handle.as_deref().is_none_or(|handle| handle == kept.whose.subject.as_bytes());
    let is_named = user.map_or_else(|| handle.is_some(), |user| *user == kept.whose);
    if !is_theirs || !is_named {
        return refused("somebody else's passkey");
    }
    let Some(known) = Users::new(house).credential(&kept.owner)? else {
        return refused("unknown account");
    };
    let response = Assertion {
        client_data: &client_data,
        authenticator_data: &authenticator_data,
        signature: &signature,
    };
    let before = Known {
        key: &kept.key,
        counter: kept.counter,
        is_backup_eligible: kept.is_backup_eligible,
    };
    let asserted = match assert(&response, &before, &expected) {
        Ok(asserted) => asserted,
        Err(error) => {
            let copied = (error == WebauthnError::Counter).then_some(known.account);
            return Ok(Err(Unused { why: error.reason(), copied }));
        }
    };
    if known.account.is_disabled {
        return refused("disabled account");
    }
    let proofs = proofs(asserted.flags);
    Ok(Ok(Used { known, proofs, id: kept.id, counter: kept.counter, asserted, challenge }))
}

impl Used {
    /// Writes it down, and lets it finish a login; all of it, or nothing.
    pub(crate) fn finish(
        &self,
        house: &House,
        step: Option<&LoginStep>,
    ) -> Result<Tried, PeopleError> {
        let now = house.seams.clock.now();
        let (challenge, step) = (self.challenge.clone(), step.cloned());
        let row: [Value; 6] = [
            INSTANCE.into(),
            (&self.id).into(),
            self.counter.into(),
            self.asserted.counter.into(),
            self.asserted.flags.is_backed_up().into(),
            now.into(),
        ];
        settled(house.seams.store.write(move |transaction| {
            once(challenge.consume(transaction)?.into(), USED)?;
            // It may have been removed meanwhile, or a copy may have been used.
            let moved = transaction.execute(
                "UPDATE identity_passkey SET counter = ?4, is_backed_up = ?5, used_at = ?6
                 WHERE tenant_id = ?1 AND id = ?2 AND counter = ?3",
                &row,
            )?;
            once(moved, "the passkey was removed or used meanwhile")?;
            let Some(step) = &step else { return Ok(()) };
            once(step.consume(transaction, now)?.into(), "the login was finished already")
        }))
    }
}

/// Calls a passkey something else. Whether there is one.
pub(crate) fn rename(
    house: &House,
    account: &Account,
    id: &str,
    name: &str,
) -> Result<bool, PeopleError> {
    let name = called(name);
    let row = account.whose().in_instance([id.into(), (&name).into()]);
    let renamed = house.seams.store.write(move |transaction| {
        transaction.execute(
            "UPDATE identity_passkey SET name = ?5
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND id = ?4",
            &row,
        )
    })?;
    if renamed == 1 {
        factors::record(house, "factor-renamed", account, &format!("passkey {name}"))?;
    }
    Ok(renamed == 1)
}

/// Takes one away, or all; with an account's last factor go its recovery codes. Gives how many.
pub(crate) fn remove(
    house: &House,
    account: &Account,
    id: Option<&str>,
) -> Result<usize, PeopleError> {
    let whose = account.whose();
    let gone = of(house, &whose)?;
    let gone: Vec<Passkey> =
        gone.into_iter().filter(|one| id.is_none_or(|id| id == one.id)).collect();
    for one in &gone {
        let (row, whose) = (whose.in_instance([(&one.id).into()]), whose.clone());
        house.seams.store.write(move |transaction| {
            transaction.execute(
                "DELETE FROM identity_passkey
                 WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND id = ?4",
                &row,
            )?;
            recovery::remove_of_none(transaction, &whose)
        })?;
        factors::record(house, "factor-removed", account, &format!("passkey {}", one.name))?;
    }
    Ok(gone.len())
}

/// Whether there is any, for whoever takes the other factor away.
pub(crate) fn are_there(transaction: &Transaction<'_>, whose: &Whose) -> Result<bool, StoreError> {
    let row = transaction.first(
        "SELECT 1 FROM identity_passkey
         WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3",
        &whose.in_instance([]),
    )?;
    Ok(row.is_some())
}

/// A passkey's row, and its person.
struct Kept {
    id: String,
    whose: Whose,
    owner: String,
    key: Vec<u8>,
    counter: u32,
    is_backup_eligible: bool,
}

impl Kept {
    fn find(house: &House, credential: &[u8]) -> Result<Option<Self>, StoreError> {
        let row = house.seams.store.read(|view| {
            view.first(
                "SELECT p.id, p.user_tenant, p.user_id, u.name, p.key, p.counter,
                 p.is_backup_eligible FROM identity_passkey p JOIN identity_user u
                 ON u.tenant_id = p.user_tenant AND u.id = p.user_id
                 WHERE p.tenant_id = ?1 AND p.credential = ?2",
                &[INSTANCE.into(), credential.into()],
            )
        })?;
        let read = |row: &Row| {
            let (id, whose, owner) = (row.get(0)?, Whose::read(row, 1)?, row.get(3)?);
            let (key, counter) = (row.get(4)?, row.get(5)?);
            Ok(Self { id, whose, owner, key, counter, is_backup_eligible: row.get(6)? })
        };
        row.as_ref().map(read).transpose()
    }
}

/// The challenge that the form brings back, and what else must hold.
fn expected<'a>(
    house: &'a House,
    (purpose, must_verify_user): (Purpose<'_>, bool),
    browser: &str,
    form: &'a Form,
) -> Option<(Challenge, Expected<'a>)> {
    let text = form.get("challenge").unwrap_or_default();
    let challenge = purpose.read(house, browser, text)?;
    let (origin, rp_id) = (house.settings.issuer.as_str(), rp_id(&house.settings)?);
    Some((challenge, Expected { challenge: text, origin, rp_id, must_verify_user }))
}

fn bytes(form: &Form, name: &str) -> Option<Vec<u8>> {
    form.get(name).and_then(base64url_decode)
}

/// Whether the key can be copied is the authenticator's own word: nobody attests it.
fn proofs(flags: Flags) -> Proofs {
    let kind = if flags.is_backup_eligible() { Proof::Copied } else { Proof::Bound };
    let proofs = Proofs::default().and(Proof::Passkey).and(kind);
    if flags.is_verified() { proofs.and(Proof::Verified) } else { proofs }
}

/// A name as it is kept: short and printable.
fn called(name: &str) -> String {
    let name: String =
        name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "Passkey".to_owned() } else { name }
}

pub(crate) const NAME_CHARS_MAX: usize = 64;
/// For the operator; people read that the page was open for too long.
pub(crate) const STALE: &str = "the challenge is not ours or too old";
const MALFORMED: &str = "the passkey's answer is malformed";
const USED: &str = "the challenge was used before";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_is_for_a_name_and_never_for_an_address() {
        for (issuer, name) in [
            ("https://shop.example", Some("shop.example")),
            ("https://shop.example:8443", Some("shop.example")),
            ("https://localhost:8443", Some("localhost")),
            ("https://192.0.2.1", None),
            ("https://192.0.2.1:8443", None),
            ("https://[::1]:8443", None),
        ] {
            let settings = Settings { issuer: issuer.to_owned(), ..Settings::default() };
            assert_eq!(rp_id(&settings), name, "{issuer}");
        }
    }
}
