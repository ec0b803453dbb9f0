//! Accounts of people of another issuer: linked by their own session, or made for them.

use std::collections::BTreeSet;

use ringwall_store::StoreError;

use super::link::{Link, insert, linked};
use super::person::Vouched;
use super::{Upstream, UpstreamSettings};
use crate::answer::Refusal;
use crate::identity::House;
use crate::people::{Account, PeopleError, Users};
use crate::record::Record;
use crate::tables::Whose;

/// What became of a link that was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Joined {
    Done,
    /// The session that asked has ended.
    Over,
    /// Either has a link already.
    Taken,
}

/// Links an account that is there, while the session that asked for it goes on.
pub(crate) fn join(
    house: &House,
    there: (&str, &str),
    whose: Whose,
    sid: &str,
) -> Result<Joined, StoreError> {
    let session = whose.in_instance([sid.into()]);
    let (issuer, subject) = (there.0.to_owned(), there.1.to_owned());
    let now = house.seams.clock.now();
    let link = Link { whose, is_origin: false };
    let joined = house.seams.store.write(move |transaction| {
        if transaction.first(GOES_ON, &session)?.is_none() {
            return Ok(Joined::Over);
        }
        insert(transaction, (&issuer, &subject), &link, now)?;
        Ok::<_, StoreError>(Joined::Done)
    });
    match joined {
        Err(error) if error.is_unique() => Ok(Joined::Taken),
        other => other,
    }
}

/// An account for somebody new, with its link, all at once. Never one that is there, whatever it is
/// called.
pub(crate) fn sign_up(
    house: &House,
    upstream: &Upstream,
    vouched: &Vouched,
) -> Result<Option<Account>, Refusal> {
    let UpstreamSettings { issuer, roles, .. } = &upstream.settings;
    let users = Users::new(house);
    let roles: Vec<String> = roles.iter().chain(vouched.roles.iter().flatten()).cloned().collect();
    let own = format!("u-{}", house.token_id()?.to_ascii_lowercase());
    for name in vouched.name.iter().chain([&own]) {
        let (issuer, subject) = (issuer.clone(), vouched.subject.clone());
        let made = users.add_linked(name, &roles, move |transaction, account| {
            let link = Link { whose: account.whose(), is_origin: true };
            match insert(transaction, (&issuer, &subject), &link, account.created) {
                Err(error) if error.is_unique() => Err(PeopleError::Exists),
                other => Ok(other?),
            }
        });
        match made {
            Ok(account) => {
                record(house, (&account.subject, &account.name), &upstream.settings.issuer)?;
                return Ok(Some(account));
            }
            // The name is somebody's, or none: theirs stays theirs. Or the person came in twice at
            // once, and has the account of the other way.
            Err(PeopleError::Exists | PeopleError::Name) => {
                if let Some(link) = linked(house, &upstream.settings.issuer, &vouched.subject)? {
                    return Ok(users.of(&link.whose)?);
                }
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(None)
}

/// Gives and takes the roles that the operator gives for what the issuer says, of an account that was
/// made for this person. An account that was only linked keeps what it has: an issuer raises nobody
/// whom it did not bring.
pub(crate) fn follow_roles(
    house: &House,
    upstream: &Upstream,
    account: Account,
    vouched: &Vouched,
) -> Result<Account, Refusal> {
    let (Some(claim), Some(wanted)) = (&upstream.settings.role_claim, &vouched.roles) else {
        return Ok(account);
    };
    let users = Users::new(house);
    // A role that everybody has from the start is not the issuer's to take.
    let always = &upstream.settings.roles;
    let mapped: BTreeSet<&String> =
        claim.roles.values().filter(|role| !always.contains(role)).collect();
    for role in mapped {
        match (wanted.contains(role), account.roles.contains(role)) {
            (true, false) => users.grant(&account.name, role)?,
            (false, true) => users.revoke(&account.name, role)?,
            _ => {}
        }
    }
    Ok(users.find(&account.name)?)
}

/// Says in the log that an account belongs to somebody elsewhere.
pub(crate) fn record(
    house: &House,
    (subject, name): (&str, &str),
    issuer: &str,
) -> Result<(), Refusal> {
    let record = Record::of("identity-linked").sync().person(subject, name);
    Ok(house.put(record.operation(issuer))?)
}

const GOES_ON: &str = "SELECT 1 FROM identity_session
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid = ?4";
