//! That a request has been through the login page: a mark on the way back says when it asked for a
//! sign-in (OpenID Connect Core section 3.1.2.1, `prompt` and `max_age`).
//!
//! It is made for one request, word by word, and no other page can make one.

use aws_lc_rs::hmac;
use ringwall_base::Timestamp;
use ringwall_jose::{base64url_decode, base64url_encode};

use crate::form::Form;
use crate::identity::House;

/// The parameter that carries it.
pub(crate) const MARK: &str = "ringwall_asked";

/// The query of a request, with a mark of this moment.
pub(crate) fn marked(house: &House, query: &Form) -> String {
    let at = house.seams.clock.now().micros().to_string();
    let query = query.without(&[MARK]).to_query();
    let seal = base64url_encode(hmac::sign(&house.form_key, &sealed(&at, &query)));
    format!("{query}&{MARK}={at}.{seal}")
}

/// When this very request asked for a sign-in last, if it did so lately.
pub(crate) fn asked_anew(house: &House, query: &Form) -> Option<Timestamp> {
    let (at, seal) = query.get(MARK)?.split_once('.')?;
    let text = sealed(at, &query.without(&[MARK]).to_query());
    hmac::verify(&house.form_key, &text, &base64url_decode(seal)?).ok()?;
    let at = Timestamp::from_micros(at.parse().ok()?);
    (house.seams.clock.now().since(at) < LIFE).then_some(at)
}

/// A form token is a MAC under the same key, over 43 characters: no text of these is as short.
fn sealed(at: &str, query: &str) -> Vec<u8> {
    format!("a sign-in was asked for by a request\n{at}\n{query}").into_bytes()
}

/// As long as a login page may stand open.
const LIFE: std::time::Duration = std::time::Duration::from_mins(15);
