//! What a request shows of its own accord: an access token, and the proof that goes with it.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HeaderMap};
use ringwall_base::Timestamp;
use ringwall_jose::DpopProof;

use crate::Refusal;
use crate::refusal::Challenge;
use crate::stage::normalize::Normal;

/// An access token, as it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    Bearer(&'a str),
    Dpop(&'a str),
}

/// The access token. Other schemes are the app's own.
pub(super) fn shown(fields: &HeaderMap) -> Result<Option<Shown<'_>>, Refusal> {
    let Some(value) = fields.get(AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_other| Refusal::malformed("authorization is not text"))?;
    // Frameworks split at any white space, and trim: what they read as a token is one here.
    let text = text.trim_matches([' ', '\t']);
    match text.split_once([' ', '\t']) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(Shown::Bearer(token.trim_start_matches([' ', '\t']))))
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => {
            Ok(Some(Shown::Dpop(token.trim_start_matches([' ', '\t']))))
        }
        None if text.eq_ignore_ascii_case("dpop") => {
            Err(challenged("no token after `DPoP`", Challenge::Dpop))
        }
        None if text.eq_ignore_ascii_case("bearer") => {
            Err(Refusal::unauthenticated("no token after `Bearer`"))
        }
        _ => Ok(None),
    }
}

/// The one proof of this request.
pub(super) fn proof(request: &Normal, now: Timestamp) -> Result<DpopProof, Refusal> {
    let mut values = request.fields().get_all("dpop").iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(challenged("not exactly one proof", Challenge::Proof));
    };
    let text = value.to_str();
    let text = text.map_err(|_bytes| challenged("the proof is not text", Challenge::Proof))?;
    let uri = format!("https://{}{}", request.host(), request.raw_path());
    DpopProof::verify(text, request.method().as_str(), &uri, now)
        .map_err(|error| challenged(format!("the proof: {error}"), Challenge::Proof))
}

pub(super) fn challenged(why: impl Into<Cow<'static, str>>, challenge: Challenge) -> Refusal {
    Refusal::Unauthenticated { why: why.into(), challenge }
}
