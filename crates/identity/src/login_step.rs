//! The time between a right password and the second factor: one row, for five minutes and one use.
//!
//! The token is in the page, and the row is bound to the browser's form cookie: neither alone goes
//! on. Nothing that the browser sends says which account it is or where it leads (attack U9).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Proofs, Secret, Timestamp};
use ringwall_jose::base64url_encode;
use ringwall_store::{Store, StoreError, Transaction, Value};

use crate::people::Credential;
use crate::seams::Seams;
use crate::sessions::SessionError;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;
use crate::welcome::Entry;

/// A login whose password was right.
#[derive(Clone, Debug)]
pub(crate) struct LoginStep {
    hash: Vec<u8>,
    /// The login name.
    pub(crate) name: String,
    /// Which password it was: another one since then ends this login.
    credential: Vec<u8>,
    pub(crate) return_to: String,
    /// What was proved already, and when.
    pub(crate) entry: Entry,
}

impl LoginStep {
    /// Keeps that the password was right; gives the token for the page.
    pub(crate) fn begin(
        seams: &Seams,
        known: &Credential,
        (entry, return_to): (Entry, &str),
        browser: &str,
    ) -> Result<Secret<String>, SessionError> {
        let token = base64url_encode(seams.random::<32>()?);
        let row: [Value; 10] = [
            INSTANCE.into(),
            hash_of(&token).into(),
            hash_of(browser).into(),
            (&known.account.subject).into(),
            hash_of(&known.phc).into(),
            return_to.into(),
            seams.clock.now().plus(LIFE).into(),
            (&known.account.organisation).into(),
            entry.proofs.names().join(" ").into(),
            entry.since.into(),
        ];
        seams.store.write(move |transaction| {
            transaction.execute(
                "INSERT INTO identity_login_step
                 (tenant_id, hash, bound_to, user_id, credential, return_to, tries, expires,
                  user_tenant, proofs, authenticated)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10)",
                &row,
            )
        })?;
        Ok(Secret::new(token))
    }

    /// The login of this token in this browser, and counts the try.
    pub(crate) fn take_a_try(
        seams: &Seams,
        token: &str,
        browser: &str,
    ) -> Result<Option<Self>, StoreError> {
        let (hash, bound_to, now) = (hash_of(token), hash_of(browser), seams.clock.now());
        seams.store.write(move |transaction| {
            let live = transaction.execute(
                "UPDATE identity_login_step SET tries = tries + 1
                 WHERE tenant_id = ?1 AND hash = ?2 AND bound_to = ?3 AND expires > ?4
                 AND consumed_at IS NULL AND tries < ?5",
                &[
                    INSTANCE.into(),
                    hash.clone().into(),
                    bound_to.clone().into(),
                    now.into(),
                    TRIES_MAX.into(),
                ],
            )?;
            if live == 0 {
                return Ok(None);
            }
            let row = transaction.first(
                "SELECT u.name, s.credential, s.return_to, s.proofs, s.authenticated
                 FROM identity_login_step s JOIN identity_user u
                 ON u.tenant_id = s.user_tenant AND u.id = s.user_id
                 WHERE s.tenant_id = ?1 AND s.hash = ?2",
                &[INSTANCE.into(), hash.clone().into()],
            )?;
            let Some(row) = row else { return Ok(None) };
            let (name, credential, return_to) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let proofs = Proofs::parse(&row.get::<String>(3)?);
            let entry = Entry { proofs, since: row.get(4)? };
            Ok(Some(Self { hash: hash.clone(), name, credential, return_to, entry }))
        })
    }

    /// Whether the account still is the one whose password was right.
    pub(crate) fn is_of(&self, known: &Credential) -> bool {
        self.credential == hash_of(&known.phc)
    }

    /// Uses the login up. Of thirty-two at once, one gets `true`.
    pub(crate) fn consume(
        &self,
        transaction: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let first = transaction.execute(
            "UPDATE identity_login_step SET consumed_at = ?3
             WHERE tenant_id = ?1 AND hash = ?2 AND consumed_at IS NULL",
            &[INSTANCE.into(), self.hash.clone().into(), now.into()],
        )?;
        Ok(first == 1)
    }
}

/// Removes what has expired.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_login_step WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_login_step WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}

fn hash_of(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

const LIFE: Duration = Duration::from_mins(5);
/// Whoever mistypes ten codes starts again with the password.
const TRIES_MAX: u32 = 10;
