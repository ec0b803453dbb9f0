//! The sessions of one person, for that person: looked at and ended one by one.

use ringwall_base::Timestamp;
use ringwall_store::StoreError;

use crate::identity::House;
use crate::revocations::{HOLD, Kind};
use crate::sessions::{Hash, end_grants};
use crate::tables::Whose;

/// A session as its person and operators see it.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its id, in tokens too.
    pub sid: String,
    /// Since when.
    pub since: Timestamp,
    /// To the minute: the sweeper writes it.
    pub seen: Timestamp,
    /// From which address it began.
    pub source: Option<String>,
    /// What the browser called itself.
    pub agent: Option<String>,
}

/// The open sessions of a person, the newest first.
pub(crate) fn of(house: &House, whose: &Whose) -> Result<Vec<Open>, StoreError> {
    let now = house.seams.clock.now();
    let idle_since = now.minus(house.settings.session_idle);
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT sid, authenticated, seen, source, agent FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND expires > ?4
             AND seen > ?5 ORDER BY authenticated DESC LIMIT 100",
            &whose.in_instance([now.into(), idle_since.into()]),
        )
    })?;
    let open = rows.iter().map(|row| {
        let (sid, since, seen) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Open { sid, since, seen, source: row.get(3)?, agent: row.get(4)? })
    });
    open.collect()
}

/// Ends all sessions of this person but one, and what applications got in any other: also in those
/// that have expired.
pub(crate) fn end_others(house: &House, whose: &Whose, kept: &str) -> Result<(), StoreError> {
    let now = house.seams.clock.now();
    let values = whose.in_instance([kept.into()]);
    let (hashes, sids) = house.seams.store.write(move |transaction| {
        let rows = transaction.query(
            "SELECT hash FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid <> ?4",
            &values,
        )?;
        let hashes: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
        let rows = transaction.query(
            "SELECT sid FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid <> ?4
             UNION SELECT sid FROM identity_refresh_family WHERE tenant_id = ?1
             AND user_tenant = ?2 AND user_id = ?3 AND sid <> ?4 AND revoked_at IS NULL",
            &values,
        )?;
        let sids: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
        for sid in &sids {
            end_grants(transaction, sid, now)?;
        }
        transaction.execute(
            "DELETE FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid <> ?4",
            &values,
        )?;
        Ok::<_, StoreError>((hashes, sids))
    })?;
    for hash in hashes.into_iter().filter_map(|hash| Hash::try_from(hash).ok()) {
        house.sessions.forget(&hash);
    }
    for sid in sids {
        house.revocations.add(Kind::Session, sid, now.plus(HOLD));
    }
    Ok(())
}

/// Ends one session of this person, and what applications got in it. Whether there was one.
pub(crate) fn end(house: &House, whose: &Whose, sid: &str) -> Result<bool, StoreError> {
    let now = house.seams.clock.now();
    let until = now.plus(HOLD);
    let (values, row_sid) = (whose.in_instance([sid.into()]), sid.to_owned());
    let hash: Option<Vec<u8>> = house.seams.store.write(move |transaction| {
        let row = transaction.first(
            "SELECT hash FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid = ?4",
            &values,
        )?;
        let Some(row) = row else { return Ok(None) };
        transaction.execute(
            "DELETE FROM identity_session
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND sid = ?4",
            &values,
        )?;
        end_grants(transaction, &row_sid, now)?;
        row.get(0).map(Some)
    })?;
    let Some(hash) = hash.and_then(|hash| Hash::try_from(hash).ok()) else { return Ok(false) };
    house.sessions.forget(&hash);
    house.revocations.add(Kind::Session, sid.to_owned(), until);
    Ok(true)
}
