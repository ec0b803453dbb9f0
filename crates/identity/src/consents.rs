//! What people let applications do: one for each application, its scopes and its resources, for half
//! a year. Whoever takes it back ends what came of it.

use std::time::Duration;

use ringwall_base::Timestamp;
use ringwall_store::{Row, Store, StoreError, Transaction, Value};

use crate::identity::House;
use crate::refresh;
use crate::revocations::{Kind, Named, Revocations};
use crate::sweep::in_steps;
use crate::tables::{INSTANCE, Whose};

/// What an application asks of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) whose: &'a Whose,
    pub(crate) client_id: &'a str,
    /// Both cut at spaces; their order means nothing.
    pub(crate) scope: &'a str,
    pub(crate) resource: &'a str,
}

/// What a person sees of it.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) granted: Timestamp,
}

impl Asked<'_> {
    /// Whether the person let this application do as much, or more, at the same resources.
    pub(crate) fn is_given(&self, house: &House) -> Result<bool, StoreError> {
        let now = house.seams.clock.now();
        let rows = house.seams.store.read(|view| {
            view.query(
                "SELECT scope FROM identity_consent WHERE tenant_id = ?1 AND user_id = ?2
                 AND client_id = ?3 AND resource = ?4 AND expires > ?5",
                &self.whose.and([self.client_id.into(), sorted(self.resource).into(), now.into()]),
            )
        })?;
        for row in rows {
            let given: String = row.get(0)?;
            if words(self.scope).all(|asked| words(&given).any(|known| known == asked)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps that the person said yes.
    pub(crate) fn give(&self, house: &House) -> Result<(), StoreError> {
        let now = house.seams.clock.now();
        let row = self.whose.and([
            self.client_id.into(),
            sorted(self.scope).into(),
            sorted(self.resource).into(),
            now.into(),
            now.plus(LIFE).into(),
        ]);
        house.seams.store.write(move |transaction| {
            transaction.execute(
                "INSERT INTO identity_consent
                 (tenant_id, user_id, client_id, scope, resource, granted, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (tenant_id, user_id, client_id, scope, resource)
                 DO UPDATE SET granted = ?6, expires = ?7",
                &row,
            )?;
            Ok::<_, StoreError>(())
        })
    }
}

/// What a person let applications do, the newest first: what they said yes to, and what an application
/// has refresh tokens for, as after its device was allowed, or when nobody is asked about it.
pub(crate) fn of(house: &House, whose: &Whose) -> Result<Vec<Consent>, StoreError> {
    let now = house.seams.clock.now();
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT client_id, scope, granted FROM identity_consent
             WHERE tenant_id = ?1 AND user_id = ?2 AND expires > ?3
             UNION ALL
             SELECT client_id, scope, MIN(authenticated) FROM identity_refresh_family f
             WHERE tenant_id = ?4 AND user_tenant = ?1 AND user_id = ?2
             AND revoked_at IS NULL AND idle > ?3
             AND NOT EXISTS (SELECT 1 FROM identity_consent c WHERE c.tenant_id = f.user_tenant
             AND c.user_id = f.user_id AND c.client_id = f.client_id AND c.expires > ?3)
             GROUP BY client_id, scope
             ORDER BY 3 DESC LIMIT 200",
            &whose.and([now.into(), INSTANCE.into()]),
        )
    })?;
    let read = |row: &Row| {
        Ok(Consent { client_id: row.get(0)?, scope: row.get(1)?, granted: row.get(2)? })
    };
    rows.iter().map(read).collect()
}

/// Takes all back that a person let an application do, and ends what came of it: codes, refresh tokens,
/// access tokens. Whether there was something.
pub(crate) fn withdraw(house: &House, whose: &Whose, client_id: &str) -> Result<bool, StoreError> {
    let now = house.seams.clock.now();
    let (key, row) = (whose.and([client_id.into()]), whose.in_instance([client_id.into()]));
    let (subject, share) = (whose.subject.clone(), house.revocations.share());
    let (was_there, ended) = house.seams.store.write(move |transaction| {
        let removed = transaction.execute(
            "DELETE FROM identity_consent
             WHERE tenant_id = ?1 AND user_id = ?2 AND client_id = ?3",
            &key,
        )?;
        // An application of the house that keeps nothing of the person is not theirs to end here.
        let is_there = removed > 0 || transaction.first(HAS_FAMILY, &row)?.is_some();
        if !is_there {
            return Ok((false, None));
        }
        let single = end(transaction, &row, now)?;
        if single.is_empty() {
            return Ok((true, None));
        }
        let ended = Revocations::write_of(transaction, (&subject, share), single, now)?;
        Ok::<_, StoreError>((true, Some(ended)))
    })?;
    ended.map_or(Ok(()), |ended| house.keep(ended))?;
    Ok(was_there)
}

/// Ends what is in the tables, and says what else is to end that has not ended yet.
fn end(
    transaction: &Transaction<'_>,
    key: &[Value],
    now: Timestamp,
) -> Result<Vec<Named>, StoreError> {
    let mut ended = Vec::new();
    let families = transaction.query(
        "SELECT id FROM identity_refresh_family WHERE tenant_id = ?1 AND user_tenant = ?2
         AND user_id = ?3 AND client_id = ?4 AND revoked_at IS NULL",
        key,
    )?;
    for family in &families {
        let family: String = family.get(0)?;
        ended.push(refresh::end(transaction, &family, now)?);
    }
    for sql in [TOKENS, DEVICE_TOKENS] {
        for token in &transaction.query(sql, key)? {
            ended.push((Kind::Token, token.get(0)?));
        }
    }
    // They are not ended again.
    transaction.execute(
        "UPDATE identity_code SET token_id = NULL WHERE tenant_id = ?1 AND user_tenant = ?2
         AND user_id = ?3 AND client_id = ?4 AND token_id IS NOT NULL",
        key,
    )?;
    transaction.execute(
        "DELETE FROM identity_code WHERE tenant_id = ?1 AND user_tenant = ?2
         AND user_id = ?3 AND client_id = ?4 AND consumed_at IS NULL",
        key,
    )?;
    transaction.execute(
        "DELETE FROM identity_device_code WHERE tenant_id = ?1 AND user_tenant = ?2
         AND user_id = ?3 AND client_id = ?4",
        key,
    )?;
    Ok(ended)
}

/// Removes what has expired.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_consent
         WHERE (tenant_id, user_id, client_id, scope, resource) IN
         (SELECT tenant_id, user_id, client_id, scope, resource FROM identity_consent
         WHERE expires <= ?2 LIMIT ?3)",
        now,
    )
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The one spelling under which it is kept.
fn sorted(text: &str) -> String {
    let mut words: Vec<&str> = words(text).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

const HAS_FAMILY: &str = "SELECT 1 FROM identity_refresh_family
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND client_id = ?4
    AND revoked_at IS NULL";

/// Tokens from codes that neither ended by themselves nor with their grant.
const TOKENS: &str = "SELECT c.token_id FROM identity_code c
    WHERE c.tenant_id = ?1 AND c.user_tenant = ?2 AND c.user_id = ?3 AND c.client_id = ?4
    AND c.token_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM identity_refresh_family f
    WHERE f.tenant_id = c.tenant_id AND f.user_tenant = c.user_tenant AND f.id = c.family_id)
    AND NOT EXISTS (SELECT 1 FROM identity_revocation r
    WHERE r.tenant_id = c.tenant_id AND r.kind = 'jti' AND r.value = c.token_id)";

/// The same of devices.
const DEVICE_TOKENS: &str = "SELECT d.token_id FROM identity_device_code d
    WHERE d.tenant_id = ?1 AND d.user_tenant = ?2 AND d.user_id = ?3 AND d.client_id = ?4
    AND d.token_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM identity_revocation r
    WHERE r.tenant_id = d.tenant_id AND r.kind = 'jti' AND r.value = d.token_id)";

const LIFE: Duration = Duration::from_hours(24 * 182);
