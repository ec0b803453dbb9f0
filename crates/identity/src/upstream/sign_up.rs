//! Accounts of people of another issuer: linked by their own session, or made for them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ringwall_store::StoreError;

use super::link::{Before, Link, insert, linked, take_up};
use super::person::Vouched;
use super::{Upstream, UpstreamSettings};
use crate::answer::Refusal;
use crate::identity::House;
use crate::people::{Account, PeopleError, Users};
use crate::record::{Record, capped};
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
    let joined = house.seams.store.write(move |transaction| {
        if transaction.first(GOES_ON, &session)?.is_none() {
            return Ok(Joined::Over);
        }
        let before = take_up(transaction, (&issuer, &subject), &whose)?;
        if before == Before::Others {
            return Ok(Joined::Taken);
        }
        let is_origin = before == Before::Own;
        let link = Link { whose: whose.clone(), is_origin, has_ended: false };
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
    (vouched, peer): (&Vouched, IpAddr),
) -> Result<Option<Account>, Refusal> {
    let UpstreamSettings { issuer, roles, .. } = &upstream.settings;
    let users = Users::new(house);
    let roles: Vec<String> = roles.iter().chain(vouched.roles.iter().flatten()).cloned().collect();
    let own = format!("u-{}", house.token_id()?.to_ascii_lowercase());
    for name in vouched.name.iter().chain([&own]) {
        let (issuer, subject) = (issuer.clone(), vouched.subject.clone());
        let made = users.add_linked(name, &roles, move |transaction, account| {
            if take_up(transaction, (&issuer, &subject), &account.whose())? != Before::Nobodys {
                return Err(PeopleError::Exists);
            }
            let link = Link { whose: account.whose(), is_origin: true, has_ended: false };
            match insert(transaction, (&issuer, &subject), &link, account.created) {
                Err(error) if error.is_unique() => Err(PeopleError::Exists),
                other => Ok(other?),
            }
        });
        match made {
            Ok(account) => {
                record(house, peer, &account, (&upstream.settings.issuer, &vouched.subject))?;
                return Ok(Some(account));
            }
            // The name is somebody's, or none: theirs stays theirs. Or the person came in twice at
            // once, and has the account of the other way.
            Err(PeopleError::Exists | PeopleError::Name) => {
                let link = linked(house, &upstream.settings.issuer, &vouched.subject)?;
                if let Some(link) = link.filter(|link| !link.has_ended) {
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
    let Some(wanted) = &vouched.roles else { return Ok(account) };
    let users = Users::new(house);
    for role in upstream.settings.mapped() {
        match (wanted.contains(role), account.roles.contains(role)) {
            (true, false) => users.grant(&account.name, role)?,
            (false, true) => users.revoke(&account.name, role)?,
            _ => {}
        }
    }
    Ok(users.find(&account.name)?)
}

impl UpstreamSettings {
    /// The roles that come and go with what the issuer says. One that everybody has from the start is
    /// not the issuer's to take.
    pub(super) fn mapped(&self) -> BTreeSet<&String> {
        let all = self.role_claim.iter().flat_map(|claim| claim.roles.values());
        all.filter(|role| !self.roles.contains(role)).collect()
    }
}

/// Says in the log that an account belongs to somebody elsewhere.
pub(crate) fn record(
    house: &House,
    peer: IpAddr,
    account: &Account,
    (issuer, subject): (&str, &str),
) -> Result<(), Refusal> {
    let record = Record::of("identity-linked").sync().source(peer);
    let record = record.person(&account.subject, &account.name);
    Ok(house.put(record.operation(format!("{issuer} {}", capped(subject))))?)
}

const GOES_ON: &str = "SELECT 1 FROM identity_session
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid = ?4";
