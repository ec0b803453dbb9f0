//! A browser on its way to the other issuer and back: where from, where to, until when.
//!
//! All of it is in a cookie of that browser, signed by us, so that nothing is kept for who never comes
//! back (attack Q2). The `state` in the address is worth nothing without it (attacks A10, U4), and is
//! used up when it comes back.

use std::time::Duration;

use aws_lc_rs::hmac;
use ringwall_base::{Person, Timestamp};
use ringwall_jose::{base64url_decode, base64url_encode};
use serde::{Deserialize, Serialize};

use crate::answer::{Call, Refusal};
use crate::check::{MARK, cookie};
use crate::identity::House;

/// `SameSite=Lax`: it has to come along when the other issuer sends the browser back.
pub(crate) const COOKIE: &str = "__Host-ringwall-upstream";

/// What the cookie says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Journey {
    pub(crate) state: String,
    pub(crate) issuer: String,
    pub(crate) back: String,
    pub(crate) link: Option<Linking>,
    /// Whether the person has to sign in there anew.
    pub(crate) is_fresh: bool,
    /// In microseconds.
    begun: u64,
}

/// Whose account is to be linked, and in which session they asked for it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Linking {
    pub(crate) subject: String,
    pub(crate) session: String,
}

impl Journey {
    /// To come in. Who is signed in already, or was sent by a request for a new sign-in, has to sign
    /// in there anew.
    pub(crate) fn begin(
        house: &House,
        issuer: &str,
        back: &str,
        is_signed_in: bool,
    ) -> Result<Self, std::io::Error> {
        Ok(Self {
            state: base64url_encode(house.seams.random::<32>()?),
            issuer: issuer.to_owned(),
            // Browsers keep four kilobytes of a cookie.
            back: if back.len() > BACK_BYTES_MAX { "/".to_owned() } else { back.to_owned() },
            link: None,
            is_fresh: is_signed_in || back.contains(MARK),
            begun: house.seams.clock.now().micros(),
        })
    }

    /// With an account that is to be linked, in this session of its person.
    pub(crate) fn linking(self, person: &Person) -> Self {
        let session = person.session.clone().unwrap_or_default();
        let link = Some(Linking { subject: person.subject.clone(), session });
        Self { link, is_fresh: true, ..self }
    }

    /// The journey that this browser is on.
    pub(crate) fn of(house: &House, call: &Call) -> Result<Option<Self>, Refusal> {
        Ok(cookie(call, COOKIE)?.and_then(|value| Self::read(house, value)))
    }

    fn read(house: &House, value: &str) -> Option<Self> {
        let (text, tag) = value.split_once('.')?;
        let tag = base64url_decode(tag)?;
        hmac::verify(&house.form_key, signed("cookie", text).as_bytes(), &tag).ok()?;
        let journey: Self = serde_json::from_slice(&base64url_decode(text)?).ok()?;
        (house.seams.clock.now() < journey.expires()).then_some(journey)
    }

    /// The cookie's value.
    pub(crate) fn to_cookie(&self, house: &House) -> String {
        let text = base64url_encode(serde_json::to_vec(self).unwrap_or_default());
        let tag = hmac::sign(&house.form_key, signed("cookie", &text).as_bytes());
        format!("{text}.{}", base64url_encode(tag))
    }

    pub(crate) fn begun(&self) -> Timestamp {
        Timestamp::from_micros(self.begun)
    }

    pub(crate) fn expires(&self) -> Timestamp {
        self.begun().plus(LIFE)
    }

    /// What the ID token has to repeat; only who has our key can know it.
    pub(crate) fn nonce(&self, house: &House) -> String {
        self.derived(house, "nonce")
    }

    /// The secret half of PKCE, likewise.
    pub(crate) fn verifier(&self, house: &House) -> String {
        self.derived(house, "verifier")
    }

    fn derived(&self, house: &House, what: &str) -> String {
        base64url_encode(hmac::sign(&house.form_key, signed(what, &self.state).as_bytes()))
    }
}

/// The key signs other things too: what it is said for is part of it, and no cookie holds a NUL.
fn signed(what: &str, text: &str) -> String {
    format!("ringwall upstream {what}\0{text}")
}

/// As long as somebody may take to sign in there.
pub(crate) const LIFE: Duration = Duration::from_mins(10);
const BACK_BYTES_MAX: usize = 2_200;
