//! Authorization codes: 256 bits, sixty seconds, one use.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Person, Proofs, Secret, Timestamp};
use ringwall_jose::base64url_encode;
use ringwall_store::{Row, Store, StoreError, Transaction, Value};

use crate::identity::House;
use crate::people::roles;
use crate::pushed;
use crate::refresh::{self, NewFamily};
use crate::revocations::{Ended, HOLD, Kind, Revocations, Share};
use crate::seams::Seams;
use crate::session_clients;
use crate::sessions::SessionError;
use crate::sweep::in_steps;
use crate::tables::{INSTANCE, Whose};

/// What a code is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    /// The pushed request, which the code uses up.
    pub(crate) pushed: Option<[u8; 32]>,
    /// `dpop_jkt` (RFC 9449 section 10): the key that must be proved with the code.
    pub(crate) jkt: Option<String>,
}

/// The person behind a code, as of the moment of its redemption.
#[derive(Clone, Debug)]
pub(crate) struct Grantee {
    pub(crate) whose: Whose,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) sid: String,
    pub(crate) authenticated: Timestamp,
    /// How the person signed in, in that session.
    pub(crate) proofs: Proofs,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    /// The grant that refresh tokens go on with.
    pub(crate) grant: Option<String>,
}

impl Grantee {
    /// Whether the client may see who it is by name.
    pub(crate) fn shows_profile(&self) -> bool {
        self.scope.split(' ').any(|scope| scope == "profile")
    }
}

/// What came of an attempt to redeem a code.
#[derive(Debug)]
pub(crate) enum Redeemed {
    /// It was good, and is used up.
    Good(Box<Grantee>),
    /// Unknown, expired, or of another client, redirect URI or verifier.
    Refused(&'static str),
    /// It was used before: what its first use gave is revoked (RFC 6749 section 4.1.2).
    Replayed(Ended),
}

/// What the client presents with the code.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) code: Secret<String>,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// `BASE64URL(SHA256(code_verifier))`.
    pub(crate) challenge: String,
    /// The id of the access token that a good code will give.
    pub(crate) token_id: String,
    /// The key that was proved.
    pub(crate) jkt: Option<String>,
    /// The refresh tokens that it will give.
    pub(crate) family: Option<NewFamily>,
    /// Whether the client is told when the session ends.
    pub(crate) hears_of_logouts: bool,
}

/// Makes a code for a person who is signed in; `None` when its pushed request was used before.
pub(crate) fn issue(
    seams: &Seams,
    person: &Person,
    binding: &Binding,
) -> Result<Option<String>, SessionError> {
    let code = base64url_encode(seams.random::<32>()?);
    let row: [Value; 13] = [
        INSTANCE.into(),
        hash_of(&code).as_slice().into(),
        (&binding.client_id).into(),
        (&binding.redirect_uri).into(),
        (&binding.challenge).into(),
        binding.nonce.clone().into(),
        (&binding.scope).into(),
        (&person.subject).into(),
        person.session.clone().unwrap_or_default().into(),
        person.authenticated_at.into(),
        seams.clock.now().plus(CODE_LIFE).into(),
        binding.jkt.clone().into(),
        (&person.organisation).into(),
    ];
    let (pushed, now) = (binding.pushed, seams.clock.now());
    let is_issued = seams.store.write(move |transaction| {
        if let Some(hash) = &pushed
            && !pushed::consume(transaction, hash, now)?
        {
            return Ok(false);
        }
        transaction.execute(
            "INSERT INTO identity_code (tenant_id, hash, client_id, redirect_uri, challenge,
             nonce, scope, user_id, sid, authenticated, expires, jkt, user_tenant)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            &row,
        )?;
        Ok::<_, StoreError>(true)
    })?;
    Ok(is_issued.then_some(code))
}

/// Uses a code up. One statement decides who was first, so that thirty-two at once give one token.
pub(crate) fn redeem(house: &House, presented: Presented) -> Result<Redeemed, StoreError> {
    let (now, share) = (house.seams.clock.now(), house.revocations.share());
    house.seams.store.write(move |transaction| {
        let hash: Value = hash_of(presented.code.expose()).as_slice().into();
        let row = transaction.first(
            "SELECT c.client_id, c.redirect_uri, c.challenge, c.expires, c.user_id, c.sid,
             c.authenticated, c.scope, c.nonce, u.name, c.token_id,
             u.is_disabled OR o.is_disabled,
             c.family_id, (SELECT s.proofs FROM identity_session s WHERE s.tenant_id = c.tenant_id
             AND s.user_id = c.user_id AND s.sid = c.sid), c.jkt, c.user_tenant
             FROM identity_code c JOIN identity_user u
             ON u.tenant_id = c.user_tenant AND u.id = c.user_id
             JOIN identity_organisation o ON o.tenant_id = c.user_tenant
             WHERE c.tenant_id = ?1 AND c.hash = ?2",
            &[INSTANCE.into(), hash.clone()],
        )?;
        let Some(row) = row else { return Ok(Redeemed::Refused("unknown code")) };
        // Another client's attempt neither uses the code up nor revokes anything.
        if row.get::<String>(0)? != presented.client_id {
            return Ok(Redeemed::Refused("code of another client"));
        }
        let first = transaction.execute(
            "UPDATE identity_code SET consumed_at = ?3, token_id = ?4, family_id = ?5
             WHERE tenant_id = ?1 AND hash = ?2 AND consumed_at IS NULL",
            &[
                INSTANCE.into(),
                hash,
                now.into(),
                (&presented.token_id).into(),
                presented.family.as_ref().map(|family| family.id.clone()).into(),
            ],
        )?;
        if first == 0 {
            return take_back(transaction, &row, share, now);
        }
        if let Some(why) = fault(&row, &presented, now)? {
            return Ok(Redeemed::Refused(why));
        }
        let whose = Whose { tenant: row.get(15)?, subject: row.get(4)? };
        let grantee = Grantee {
            roles: roles(transaction, &whose)?,
            whose,
            name: row.get(9)?,
            sid: row.get(5)?,
            authenticated: row.get(6)?,
            proofs: Proofs::parse(&row.get::<Option<String>>(13)?.unwrap_or_default()),
            scope: row.get(7)?,
            nonce: row.get(8)?,
            grant: presented.family.as_ref().map(|family| family.id.clone()),
        };
        if let Some(family) = &presented.family {
            family.begin(transaction, &presented.client_id, &grantee, now)?;
        }
        if presented.hears_of_logouts {
            session_clients::note(transaction, &presented.client_id, &grantee, now)?;
        }
        Ok(Redeemed::Good(Box::new(grantee)))
    })
}

/// Why a code of this client gives nothing.
fn fault(
    row: &Row,
    presented: &Presented,
    now: Timestamp,
) -> Result<Option<&'static str>, StoreError> {
    if row.get::<Timestamp>(3)? <= now {
        return Ok(Some("expired code"));
    }
    if row.get::<String>(1)? != presented.redirect_uri {
        return Ok(Some("other redirect_uri"));
    }
    if Secret::new(row.get::<String>(2)?) != Secret::new(presented.challenge.clone()) {
        return Ok(Some("wrong code_verifier"));
    }
    let bound: Option<String> = row.get(14)?;
    if bound.is_some() && bound != presented.jkt {
        return Ok(Some("another key than dpop_jkt"));
    }
    if row.get::<bool>(11)? {
        return Ok(Some("disabled account"));
    }
    // Revocations cover what was issued until then: a token made now would outlive its session.
    if row.get::<Option<String>>(13)?.is_none() {
        return Ok(Some("session ended"));
    }
    Ok(None)
}

/// Revokes what the first use of a code gave.
fn take_back(
    transaction: &Transaction<'_>,
    row: &Row,
    share: Share,
    now: Timestamp,
) -> Result<Redeemed, StoreError> {
    let (mut taken, subject) = (Vec::new(), row.get::<String>(4)?);
    if let Some(token) = row.get::<Option<String>>(10)? {
        taken.push((Kind::Token, token));
    }
    if let Some(family) = row.get::<Option<String>>(12)? {
        taken.push(refresh::end(transaction, &family, now)?);
    }
    let ended = Revocations::write_of(transaction, (&subject, share), taken, now)?;
    Ok(Redeemed::Replayed(ended))
}

/// Removes codes whose replay no longer matters.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_code WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_code WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now.minus(HOLD),
    )
}

/// 256 random bits need no stretching; the hash only keeps them off the disk.
pub(crate) fn hash_of(code: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, code.as_bytes()).as_ref());
    hash
}

const CODE_LIFE: Duration = Duration::from_mins(1);
