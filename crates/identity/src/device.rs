//! Device codes (RFC 8628): a device asks, a person says yes elsewhere, the device gets tokens once.

use std::time::Duration;

use ringwall_base::{Person, Proofs, Secret, Timestamp};
use ringwall_jose::base64url_encode;
use ringwall_store::{Row, Store, StoreError, Transaction, Value};

use crate::codes::{Grantee, hash_of};
use crate::identity::House;
use crate::people::roles;
use crate::pushed::PushError;
use crate::refresh::NewFamily;
use crate::revocations::HOLD;
use crate::room::{self, Share};
use crate::session_clients;
use crate::sweep::in_steps;
use crate::tables::{INSTANCE, Whose};

/// What a device shows and keeps.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) life: Duration,
    pub(crate) interval: Duration,
}

/// What a person is asked to allow.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) client_id: String,
    pub(crate) scope: String,
}

/// What a device presents.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) device_code: Secret<String>,
    pub(crate) client_id: String,
    /// The access token that it will get.
    pub(crate) token_id: String,
    /// The refresh tokens that it will give.
    pub(crate) family: Option<NewFamily>,
    /// Whether the client is told when the session ends.
    pub(crate) hears_of_logouts: bool,
}

/// What comes of asking (section 3.5).
#[derive(Debug)]
pub(crate) enum Polled {
    Denied,
    Expired,
    Good(Box<Grantee>),
    Pending,
    /// Unknown, used, another client's, or its person's session has ended.
    Refused(&'static str),
    SlowDown,
}

/// Begins; `None` when too many wait (attack Q2).
pub(crate) fn start(
    house: &House,
    (client_id, share): (&str, Share),
    scope: &str,
) -> Result<Option<Started>, PushError> {
    let device_code = base64url_encode(house.seams.random::<32>()?);
    let user_code = user_code(&house.seams.random::<64>()?);
    let now = house.seams.clock.now();
    let client_id = client_id.to_owned();
    let row: [Value; 8] = [
        INSTANCE.into(),
        hash_of(&device_code).as_slice().into(),
        hash_of(&user_code).as_slice().into(),
        (&client_id).into(),
        scope.into(),
        now.plus(LIFE).into(),
        INTERVAL.as_secs().into(),
        share.value(),
    ];
    let is_kept = house.seams.store.write(move |transaction| {
        if !room::Waiting::Devices.has_room(transaction, (&client_id, &share), now)? {
            return Ok(false);
        }
        transaction.execute(
            "INSERT INTO identity_device_code
             (tenant_id, hash, user_hash, client_id, scope, expires, pace, network)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &row,
        )?;
        Ok::<_, StoreError>(true)
    })?;
    Ok(is_kept.then_some(Started { device_code, user_code, life: LIFE, interval: INTERVAL }))
}

/// The device that waits for this code, if one does.
pub(crate) fn find(house: &House, user_code: &str) -> Result<Option<Waiting>, StoreError> {
    let (hash, now) = (hash_of(user_code), house.seams.clock.now());
    house.seams.store.read(|view| {
        let row = view.first(
            "SELECT client_id, scope FROM identity_device_code
             WHERE tenant_id = ?1 AND user_hash = ?2 AND expires > ?3 AND is_approved IS NULL",
            &[INSTANCE.into(), hash.as_slice().into(), now.into()],
        )?;
        row.map(|row| Ok(Waiting { client_id: row.get(0)?, scope: row.get(1)? })).transpose()
    })
}

/// What the person said. The first answer counts; `false` when there was nothing to answer.
pub(crate) fn decide(
    house: &House,
    user_code: &str,
    person: &Person,
    is_approved: bool,
) -> Result<bool, StoreError> {
    let now = house.seams.clock.now();
    let row: [Value; 8] = [
        INSTANCE.into(),
        hash_of(user_code).as_slice().into(),
        now.into(),
        is_approved.into(),
        (&person.subject).into(),
        person.session.clone().into(),
        person.authenticated_at.into(),
        (&person.organisation).into(),
    ];
    let decided = house.seams.store.write(move |transaction| {
        transaction.execute(
            "UPDATE identity_device_code
             SET is_approved = ?4, user_id = ?5, sid = ?6, authenticated = ?7, user_tenant = ?8
             WHERE tenant_id = ?1 AND user_hash = ?2 AND expires > ?3 AND is_approved IS NULL",
            &row,
        )
    })?;
    Ok(decided == 1)
}

/// The device asks. One statement decides who was first, so that an approval gives tokens once.
pub(crate) fn poll(house: &House, presented: Presented) -> Result<Polled, StoreError> {
    let now = house.seams.clock.now();
    house.seams.store.write(move |transaction| {
        let hash: Value = hash_of(presented.device_code.expose()).as_slice().into();
        let Some(row) = transaction.first(FIND, &[INSTANCE.into(), hash.clone()])? else {
            return Ok(Polled::Refused("unknown device code"));
        };
        // Attack V2: another client's attempt changes nothing.
        if row.get::<String>(0)? != presented.client_id {
            return Ok(Polled::Refused("device code of another client"));
        }
        if row.get::<Timestamp>(1)? <= now {
            return Ok(Polled::Expired);
        }
        match row.get::<Option<bool>>(2)? {
            None => wait(transaction, &row, hash, now),
            Some(false) => Ok(Polled::Denied),
            Some(true) => give(transaction, &row, hash, (&presented, now)),
        }
    })
}

/// Section 3.5: who asks too soon has to wait five seconds longer from then on (attack V3).
fn wait(
    transaction: &Transaction<'_>,
    row: &Row,
    hash: Value,
    now: Timestamp,
) -> Result<Polled, StoreError> {
    let pace: u64 = row.get(4)?;
    let polled: Option<Timestamp> = row.get(3)?;
    let is_soon = polled.is_some_and(|polled| now < polled.plus(Duration::from_secs(pace)));
    let pace = if is_soon { pace.saturating_add(INTERVAL.as_secs()) } else { pace };
    transaction.execute(
        "UPDATE identity_device_code SET polled_at = ?3, pace = ?4
         WHERE tenant_id = ?1 AND hash = ?2",
        &[INSTANCE.into(), hash, now.into(), pace.into()],
    )?;
    Ok(if is_soon { Polled::SlowDown } else { Polled::Pending })
}

fn give(
    transaction: &Transaction<'_>,
    row: &Row,
    hash: Value,
    (presented, now): (&Presented, Timestamp),
) -> Result<Polled, StoreError> {
    // The row stays for as long as the access token lives, which nothing else would name.
    let first = transaction.execute(
        "UPDATE identity_device_code SET consumed_at = ?3, token_id = ?4, expires = ?5
         WHERE tenant_id = ?1 AND hash = ?2 AND consumed_at IS NULL",
        &[INSTANCE.into(), hash, now.into(), (&presented.token_id).into(), now.plus(HOLD).into()],
    )?;
    if first == 0 {
        return Ok(Polled::Refused("device code used before"));
    }
    // As with codes: whoever signed out in between took the approval along.
    let Some(proofs) = row.get::<Option<String>>(11)? else {
        return Ok(Polled::Refused("session ended"));
    };
    if row.get::<bool>(10)? {
        return Ok(Polled::Refused("disabled account"));
    }
    let whose = Whose { tenant: row.get(12)?, subject: row.get(5)? };
    let grantee = Grantee {
        roles: roles(transaction, &whose)?,
        whose,
        name: row.get(9)?,
        sid: row.get(6)?,
        authenticated: row.get(7)?,
        proofs: Proofs::parse(&proofs),
        scope: row.get(8)?,
        nonce: None,
        grant: presented.family.as_ref().map(|family| family.id.clone()),
    };
    if let Some(family) = &presented.family {
        family.begin(transaction, &presented.client_id, &grantee, now)?;
    }
    if presented.hears_of_logouts {
        session_clients::note(transaction, &presented.client_id, &grantee, now)?;
    }
    Ok(Polled::Good(Box::new(grantee)))
}

/// Removes what has expired.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_device_code WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_device_code WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}

/// What somebody typed, as the one spelling of a code: section 6.1.
pub(crate) fn normal_user_code(typed: &str) -> Option<String> {
    let letters = typed.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase());
    let code: String = letters.take(USER_CODE_LETTERS + 1).collect();
    let is_code = code.len() == USER_CODE_LETTERS
        && code.bytes().all(|letter| USER_CODE_ALPHABET.contains(&letter));
    is_code.then(|| dashed(&code))
}

fn user_code(random: &[u8]) -> String {
    let size = USER_CODE_ALPHABET.len();
    // 240 is the last multiple of 20 in a byte: every letter is as likely as any other. That fewer
    // than eight of 64 bytes are below it does not happen.
    let letters = random.iter().filter(|byte| **byte < 240).map(|byte| usize::from(*byte) % size);
    let letters = letters.filter_map(|at| USER_CODE_ALPHABET.get(at)).copied().map(char::from);
    dashed(&letters.take(USER_CODE_LETTERS).collect::<String>())
}

fn dashed(code: &str) -> String {
    let (first, second) = code.split_at_checked(USER_CODE_LETTERS / 2).unwrap_or((code, ""));
    format!("{first}-{second}")
}

const FIND: &str = "SELECT d.client_id, d.expires, d.is_approved, d.polled_at, d.pace, d.user_id,
    d.sid, d.authenticated, d.scope, u.name, u.is_disabled OR o.is_disabled,
    (SELECT s.proofs FROM identity_session s WHERE s.tenant_id = d.tenant_id
    AND s.user_id = d.user_id AND s.sid = d.sid), d.user_tenant
    FROM identity_device_code d
    LEFT JOIN identity_user u ON u.tenant_id = d.user_tenant AND u.id = d.user_id
    LEFT JOIN identity_organisation o ON o.tenant_id = d.user_tenant
    WHERE d.tenant_id = ?1 AND d.hash = ?2";
const LIFE: Duration = Duration::from_mins(10);
const INTERVAL: Duration = Duration::from_secs(5);
/// Consonants only: no words come out, and no letter looks like a digit. Eight of them are 34 bits,
/// and guessing is throttled.
const USER_CODE_ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_code_is_read_however_it_is_typed() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W-D-J-B-M-J-H-T"] {
            assert_eq!(normal_user_code(typed).as_deref(), Some("WDJB-MJHT"), "{typed}");
        }
        for typed in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH1", "WDJBéMJHT"] {
            assert_eq!(normal_user_code(typed), None, "{typed}");
        }
        let code = user_code(&[255, 0, 19, 20, 239, 240, 1, 2, 3, 4, 5]);
        assert_eq!(code, "BZBZ-CDFG");
        assert_eq!(normal_user_code(&code), Some(code));
    }
}
