//! Refresh tokens (RFC 6749 section 6): 256 bits each, in families that begin with one grant.
//!
//! A family is one row, however often its token rotates: every token names its family and shows that
//! it came from it, so that one that was rotated away is known for a stolen one without being kept.
//!
//! INVARIANT (one successor): a rotated token has exactly one successor, whoever asks and how often.
//! It is kept sealed under the token that it follows, so that only who holds that one can have it
//! again; the disk alone gives neither.

use std::sync::Arc;
use std::time::Duration;

use ringwall_base::{Proofs, Secret, Tenant, Timestamp, Ulid};
use ringwall_store::{Row, StoreError, Transaction, View};

use crate::clients::Client;
use crate::codes::{Grantee, hash_of};
use crate::identity::House;
use crate::people::roles;
use crate::revocations::{Ended, Share};
use crate::tables::{INSTANCE, Whose};

mod ending;
mod sealing;
mod token;

use token::Fresh;

use ending::revoke;
pub(crate) use ending::{Of, end, end_all, end_by_token, sweep};
pub(crate) use sealing::{open, seal};
pub(crate) use token::is_refresh_token;

/// How long refresh tokens live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lives {
    idle: Duration,
    life: Duration,
    grace: Duration,
}

/// A family that begins when its grant is given.
#[derive(Clone, Debug)]
pub(crate) struct NewFamily {
    pub(crate) id: String,
    pub(crate) first: Fresh,
    /// The key that the tokens are bound to; only who proves it can use them.
    pub(crate) cnf: Option<String>,
    lives: Lives,
}

/// What a client presents.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) token: Secret<String>,
    pub(crate) client: Arc<Client>,
    /// The key that it proved.
    pub(crate) cnf: Option<String>,
    /// Less than was granted, if it wants less.
    pub(crate) scope: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Refreshed {
    /// The person as of now, and the token that follows, if this one rotates.
    Good(Box<Grantee>, Option<Secret<String>>),
    /// Unknown, expired, ended, or somebody else's.
    Refused(&'static str),
    /// A rotated token after its grace: one of two holders stole it. The grant is revoked.
    Reused(Ended),
    /// More than was granted.
    Scope,
}

/// A live token, for its own client.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) organisation: Tenant,
    pub(crate) scope: String,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
}

/// Why a token was not used although it may be good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    #[error("a successor does not seal or open")]
    Seal,
    #[error("the store failed")]
    Store(#[from] StoreError),
}

enum Judged {
    /// It may be used; whether it was superseded, and by what.
    Good(Option<Vec<u8>>),
    Refused(&'static str),
    Reused,
}

impl NewFamily {
    pub(crate) fn generate(house: &House, cnf: Option<String>) -> Result<Self, std::io::Error> {
        let (seams, lives) = (&house.seams, Lives::of(house));
        let id = Ulid::generate(seams.clock.now(), seams.entropy.as_ref())?.to_string();
        Ok(Self { first: Fresh::first(seams, &id)?, id, cnf, lives })
    }

    /// Writes the family, in the transaction that gives the grant. Of too many of one person at one
    /// client, those that were idle for longest go.
    pub(crate) fn begin(
        &self,
        transaction: &Transaction<'_>,
        client_id: &str,
        grantee: &Grantee,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transaction.execute(
            "DELETE FROM identity_refresh_family WHERE tenant_id = ?1 AND id IN
             (SELECT id FROM identity_refresh_family
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND client_id = ?4
             ORDER BY idle DESC, id DESC LIMIT 1000 OFFSET ?5)",
            &grantee.whose.in_instance([client_id.into(), (FAMILIES_MAX - 1).into()]),
        )?;
        let expires = now.plus(self.lives.life);
        let idle = now.plus(self.lives.idle).min(expires);
        transaction.execute(
            "INSERT INTO identity_refresh_family (tenant_id, id, client_id, user_id, sid,
             authenticated, proofs, scope, cnf, idle, expires, key_hash, current, issued,
             user_tenant)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?11, ?7, ?8, ?9, ?10, ?12, ?13, ?14, ?15)",
            &[
                INSTANCE.into(),
                (&self.id).into(),
                client_id.into(),
                (&grantee.whose.subject).into(),
                (&grantee.sid).into(),
                grantee.authenticated.into(),
                (&grantee.scope).into(),
                self.cnf.clone().into(),
                idle.into(),
                expires.into(),
                grantee.proofs.names().join(" ").into(),
                self.first.key_hash.as_slice().into(),
                self.first.hash.as_slice().into(),
                now.into(),
                (&grantee.whose.tenant).into(),
            ],
        )?;
        Ok(())
    }
}

impl Lives {
    fn of(house: &House) -> Self {
        let settings = &house.settings;
        Self {
            idle: settings.refresh_idle,
            life: settings.refresh_life,
            grace: settings.refresh_grace,
        }
    }
}

/// Uses a token. The writer takes one at a time, so that thirty-two at once find one successor.
pub(crate) fn refresh(house: &House, presented: Presented) -> Result<Refreshed, RefreshError> {
    let (now, lives) = (house.seams.clock.now(), Lives::of(house));
    let Some(next) = Fresh::after(&house.seams, &presented.token)? else {
        return Ok(Refreshed::Refused("no refresh token by its looks"));
    };
    let sealed = seal(&presented.token, &next.token)?;
    let token = presented.token.clone();
    let (given, share) = (next.clone(), house.revocations.share());
    let outcome = house.seams.store.write(move |transaction| {
        exchange(transaction, (&presented, share), (&next, &sealed), (now, lives))
    })?;
    Ok(match outcome {
        Exchanged::Rotated(grantee) => Refreshed::Good(grantee, Some(given.token)),
        Exchanged::Again(grantee, sealed) => Refreshed::Good(grantee, Some(open(&token, sealed)?)),
        Exchanged::Kept(grantee) => Refreshed::Good(grantee, None),
        Exchanged::Refused(why) => Refreshed::Refused(why),
        Exchanged::Reused(ended) => Refreshed::Reused(ended),
        Exchanged::Scope => Refreshed::Scope,
    })
}

enum Exchanged {
    Again(Box<Grantee>, Vec<u8>),
    Kept(Box<Grantee>),
    Refused(&'static str),
    Reused(Ended),
    Rotated(Box<Grantee>),
    Scope,
}

fn exchange(
    transaction: &Transaction<'_>,
    (presented, share): (&Presented, Share),
    (next, sealed): (&Fresh, &[u8]),
    (now, lives): (Timestamp, Lives),
) -> Result<Exchanged, StoreError> {
    let Some(row) = find(transaction, presented.token.expose())? else {
        return Ok(Exchanged::Refused("unknown refresh token"));
    };
    let family: String = row.get(0)?;
    let superseded = match judge(&row, presented, (now, lives))? {
        Judged::Good(superseded) => superseded,
        Judged::Refused(why) => return Ok(Exchanged::Refused(why)),
        Judged::Reused => {
            let subject: String = row.get(10)?;
            return revoke(transaction, (&subject, share), &family, now).map(Exchanged::Reused);
        }
    };
    let Some(scope) = narrowed(&row.get::<String>(8)?, presented) else {
        return Ok(Exchanged::Scope);
    };
    let grantee = Box::new(grantee(transaction, &row, scope)?);
    if let Some(sealed) = superseded {
        return Ok(Exchanged::Again(grantee, sealed));
    }
    let idle = now.plus(lives.idle).min(row.get(6)?);
    let is_bound = row.get::<Option<String>>(5)?.is_some();
    if is_bound || !presented.client.rotates() {
        transaction.execute(KEEP, &[INSTANCE.into(), family.into(), idle.into()])?;
        return Ok(Exchanged::Kept(grantee));
    }
    let hash = hash_of(presented.token.expose());
    transaction.execute(
        ROTATE,
        &[
            INSTANCE.into(),
            family.into(),
            idle.into(),
            next.hash.as_slice().into(),
            hash.as_slice().into(),
            now.into(),
            sealed.into(),
        ],
    )?;
    Ok(Exchanged::Rotated(grantee))
}

/// The family of a token that came from it, current or not.
fn find(view: &View<'_>, token: &str) -> Result<Option<Row>, StoreError> {
    let Some((family, key_hash)) = token::origin(token) else { return Ok(None) };
    let Some(row) = view.first(FIND, &[INSTANCE.into(), family.into()])? else { return Ok(None) };
    let known: Option<Vec<u8>> = row.get(16)?;
    Ok(Some(row).filter(|_| known.as_deref() == Some(&key_hash)))
}

/// The person as of now: roles that were taken away are not refreshed.
fn grantee(transaction: &Transaction<'_>, row: &Row, scope: String) -> Result<Grantee, StoreError> {
    let whose = Whose { tenant: row.get(19)?, subject: row.get(10)? };
    Ok(Grantee {
        roles: roles(transaction, &whose)?,
        whose,
        name: row.get(11)?,
        sid: row.get(9)?,
        authenticated: row.get(18)?,
        proofs: Proofs::parse(&row.get::<String>(15)?),
        scope,
        nonce: None,
        grant: Some(row.get(0)?),
    })
}

fn judge(
    row: &Row,
    presented: &Presented,
    (now, lives): (Timestamp, Lives),
) -> Result<Judged, StoreError> {
    // Another client's attempt neither uses the token up nor revokes anything.
    if row.get::<String>(4)? != presented.client.settings.id {
        return Ok(Judged::Refused("refresh token of another client"));
    }
    if row.get::<Option<Timestamp>>(7)?.is_some() {
        return Ok(Judged::Refused("the grant has ended"));
    }
    let hash = hash_of(presented.token.expose());
    let is_hash = |index| {
        row.get::<Option<Vec<u8>>>(index).map(|known| known.as_deref() == Some(hash.as_slice()))
    };
    let superseded: Option<Timestamp> = row.get(2)?;
    let is_in_grace = superseded.is_some_and(|at| now < at.plus(lives.grace));
    let (is_current, is_previous) = (is_hash(1)?, is_hash(14)?);
    // Before any time is looked at: it went on in other hands. That its successor was used, too,
    // shows that nobody lost the answer with it.
    if !(is_current || is_previous && is_in_grace) {
        return Ok(Judged::Reused);
    }
    if row.get::<Timestamp>(13)? <= now || row.get::<Timestamp>(6)? <= now {
        return Ok(Judged::Refused("expired refresh token"));
    }
    if row.get::<bool>(12)? {
        return Ok(Judged::Refused("disabled account"));
    }
    let bound: Option<String> = row.get(5)?;
    if bound.is_some() && bound != presented.cnf {
        return Ok(Judged::Refused("refresh token of another key"));
    }
    if is_current { Ok(Judged::Good(None)) } else { Ok(Judged::Good(row.get(3)?)) }
}

/// The granted scope as far as it still holds, or the part of it that is asked for.
fn narrowed(granted: &str, presented: &Presented) -> Option<String> {
    let client = &presented.client;
    let granted: Vec<&str> = granted.split(' ').filter(|scope| client.may_have(scope)).collect();
    let Some(asked) = &presented.scope else { return Some(granted.join(" ")) };
    let mut kept: Vec<&str> = Vec::new();
    for asked in asked.split(' ').filter(|one| !one.is_empty()) {
        if !granted.contains(&asked) {
            return None;
        }
        if !kept.contains(&asked) {
            kept.push(asked);
        }
    }
    Some(kept.join(" "))
}

/// A token of this client that could be used now.
pub(crate) fn look(
    house: &House,
    client: &Arc<Client>,
    token: &str,
) -> Result<Option<Live>, StoreError> {
    let now = house.seams.clock.now();
    let presented = Presented {
        token: Secret::new(token.to_owned()),
        client: Arc::clone(client),
        cnf: None,
        scope: None,
    };
    house.seams.store.read(|view| {
        let Some(row) = find(view, token)? else { return Ok(None) };
        let cnf: Option<String> = row.get(5)?;
        // Nobody proves a key to ask about a token.
        let presented = Presented { cnf, ..presented.clone() };
        let Judged::Good(None) = judge(&row, &presented, (now, Lives::of(house)))? else {
            return Ok(None);
        };
        Ok(Some(Live {
            subject: row.get(10)?,
            name: row.get(11)?,
            organisation: row.get(19)?,
            scope: row.get(8)?,
            issued: row.get(17)?,
            expires: row.get(13)?,
        }))
    })
}

const FIND: &str = "SELECT f.id, f.current, f.superseded_at, f.successor, f.client_id, f.cnf,
    f.expires, f.revoked_at, f.scope, f.sid, f.user_id, u.name,
    u.is_disabled OR o.is_disabled, f.idle,
    f.previous, f.proofs, f.key_hash, f.issued, f.authenticated, f.user_tenant
    FROM identity_refresh_family f
    JOIN identity_user u ON u.tenant_id = f.user_tenant AND u.id = f.user_id
    JOIN identity_organisation o ON o.tenant_id = f.user_tenant
    WHERE f.tenant_id = ?1 AND f.id = ?2";

const KEEP: &str = "UPDATE identity_refresh_family SET idle = ?3 WHERE tenant_id = ?1 AND id = ?2";

const ROTATE: &str = "UPDATE identity_refresh_family SET idle = ?3, current = ?4, previous = ?5,
    superseded_at = ?6, issued = ?6, successor = ?7 WHERE tenant_id = ?1 AND id = ?2";

/// Live grants of one person at one client: a program that signs in anew each time does not fill
/// the disk.
const FAMILIES_MAX: i64 = 100;
