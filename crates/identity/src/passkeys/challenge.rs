//! What a passkey signs: signed by us when it is given out, kept only when it was used.
//!
//! It is bound to its purpose, browser, person or login, and time by an HMAC. So the login page, which
//! everybody may open, writes nothing (attack Q2), and a row is written only with a good signature.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use ringwall_base::Timestamp;
use ringwall_jose::{base64url_decode, base64url_encode};
use ringwall_store::{Store, StoreError, Transaction};

use crate::identity::House;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// What for, and whose. A challenge for one is none for another (attack U2).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// A new passkey of this person, in this session.
    Enrol { subject: &'a str, sid: &'a str },
    /// In place of name and password.
    SignIn,
    /// The second step of this login.
    Step { token: &'a str },
}

/// A challenge that was ours.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    hash: Vec<u8>,
    expires: Timestamp,
}

impl Purpose<'_> {
    const fn parts(&self) -> [&str; 3] {
        match self {
            Self::Enrol { subject, sid } => ["enrol", subject, sid],
            Self::SignIn => ["sign-in", "", ""],
            Self::Step { token } => ["step", token, ""],
        }
    }

    /// Gives one out.
    pub(crate) fn challenge(&self, house: &House, browser: &str) -> std::io::Result<String> {
        let expires = house.seams.clock.now().plus(LIFE).micros().to_be_bytes();
        let head = [&house.seams.random::<16>()?[..], &expires].concat();
        let tag = hmac::sign(&house.challenge_key, &self.message(browser, &head));
        Ok(base64url_encode([&head, tag.as_ref()].concat()))
    }

    /// Takes one back; `None` when it is not one of ours for this, or too old.
    pub(crate) fn read(&self, house: &House, browser: &str, text: &str) -> Option<Challenge> {
        let bytes = base64url_decode(text)?;
        let (head, tag) = bytes.split_at_checked(HEAD)?;
        hmac::verify(&house.challenge_key, &self.message(browser, head), tag).ok()?;
        let expires = u64::from_be_bytes(*head.last_chunk()?);
        let expires = Timestamp::from_micros(expires);
        let hash = digest(&SHA256, &bytes).as_ref().to_vec();
        (house.seams.clock.now() < expires).then_some(Challenge { hash, expires })
    }

    /// With lengths, so that no part can look like two.
    fn message(&self, browser: &str, head: &[u8]) -> Vec<u8> {
        let [purpose, whose, session] = self.parts().map(str::as_bytes);
        let parts = [purpose, whose, session, browser.as_bytes(), head];
        let part = |part: &[u8]| [&part.len().to_be_bytes()[..], part].concat();
        parts.into_iter().flat_map(part).collect()
    }
}

impl Challenge {
    /// Uses it up. Of thirty-two at once, one gets `true`.
    pub(crate) fn consume(&self, transaction: &Transaction<'_>) -> Result<bool, StoreError> {
        let first = transaction.execute(
            "INSERT INTO identity_webauthn_challenge (tenant_id, hash, expires)
             VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            &[INSTANCE.into(), self.hash.clone().into(), self.expires.into()],
        )?;
        Ok(first == 1)
    }
}

/// Forgets used ones that are too old by now anyway.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_webauthn_challenge WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_webauthn_challenge
         WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}

const LIFE: Duration = Duration::from_mins(5);
/// Sixteen random bytes and the time.
const HEAD: usize = 24;
