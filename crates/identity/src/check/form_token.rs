//! A form was shown by us to this browser: a signed double-submit token.
//!
//! The cookie is `SameSite=Strict` and `__Host-`, so no other site can send or set it, and the field
//! is its HMAC, so that a planted cookie alone is worth nothing (attack A7, A10).

use aws_lc_rs::hmac;
use http::header::{HeaderValue, SET_COOKIE};
use ringwall_jose::{base64url_decode, base64url_encode};

use crate::answer::{Call, Refusal, Reply};
use crate::check::cookie;
use crate::form::Form;
use crate::identity::House;
use crate::page::Paper;

const COOKIE: &str = "__Host-ringwall-form";

/// What a page with a form carries.
#[derive(Debug)]
pub(crate) struct FormToken {
    pub(crate) field: String,
    cookie: String,
}

impl FormToken {
    /// For a page that is about to be shown. A browser keeps its cookie over several tabs.
    pub(crate) fn issue(house: &House, call: &Call) -> Result<Self, Refusal> {
        let known = cookie(call, COOKIE)?.filter(|value| value.len() == 43).map(str::to_owned);
        let cookie = match known {
            Some(cookie) => cookie,
            None => base64url_encode(house.seams.random::<32>()?),
        };
        let field = base64url_encode(hmac::sign(&house.form_key, cookie.as_bytes()));
        Ok(Self { field, cookie })
    }

    /// Shows a page that holds more of this browser than the token.
    pub(crate) fn paper(
        &self,
        call: &Call,
        (action, trouble): Head<'_>,
        page: impl FnOnce(Paper<'_>) -> Reply,
    ) -> Reply {
        let language = call.language();
        let mut reply = page(Paper { language, action, form_token: &self.field, trouble });
        self.set(&mut reply);
        reply
    }

    fn set(&self, reply: &mut Reply) {
        let text = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", self.cookie);
        if let Ok(value) = HeaderValue::from_str(&text) {
            reply.headers_mut().append(SET_COOKIE, value);
        }
    }
}

/// Shows a page with a form of ours: where it goes, what went wrong before, and the page itself.
pub(crate) fn paper(
    house: &House,
    call: &Call,
    head: Head<'_>,
    page: impl FnOnce(Paper<'_>) -> Reply,
) -> Result<Reply, Refusal> {
    Ok(FormToken::issue(house, call)?.paper(call, head, page))
}

/// Where a form goes, and what went wrong before.
pub(crate) type Head<'a> = (&'a str, Option<&'static str>);

/// Whether the form is one that we showed to this browser.
pub(crate) fn form_token(house: &House, call: &Call, form: &Form) -> Result<bool, Refusal> {
    let Some(cookie) = cookie(call, COOKIE)? else { return Ok(false) };
    let field = form.get("form_token").and_then(base64url_decode).unwrap_or_default();
    Ok(hmac::verify(&house.form_key, cookie.as_bytes(), &field).is_ok())
}
