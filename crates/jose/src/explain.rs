//! Says step by step what is right and what is wrong with a token: `ringwall token inspect`.

use ringwall_base::Timestamp;

use crate::claims::Claims;
use crate::jws::Parts;
use crate::verify::{
    Expected, VerifyError, check_audience, check_issuer, check_time, check_typ, find_key,
};
use crate::{
    AccessToken, BoundAccessToken, ClientAssertion, IdToken, Internal, KeySet, LogoutToken,
    Profile, json,
};

/// One check of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What was checked.
    pub name: &'static str,
    /// Whether it held.
    pub is_ok: bool,
    /// What was found, for a person.
    pub detail: String,
}

/// Runs the checks of the token's own kind, all that can still be run after a failure.
pub fn explain(token: &str, keys: &KeySet, expected: &Expected, now: Timestamp) -> Vec<Step> {
    let parts = match Parts::parse(token) {
        Ok(parts) => parts,
        Err(error) => return vec![step("form", Err(error), "")],
    };
    let typ = parts.header.typ.clone().unwrap_or_default();
    match typ.as_str() {
        // No proof comes with it here, so that it is bound is all that can be said.
        "at+jwt" if is_bound(&parts) => steps::<BoundAccessToken>(&parts, keys, expected, now),
        "at+jwt" => steps::<AccessToken>(&parts, keys, expected, now),
        "rw-int+jwt" => steps::<Internal>(&parts, keys, expected, now),
        "logout+jwt" => steps::<LogoutToken>(&parts, keys, expected, now),
        "client-authentication+jwt" => steps::<ClientAssertion>(&parts, keys, expected, now),
        _ => steps::<IdToken>(&parts, keys, expected, now),
    }
}

fn steps<P: Profile>(
    parts: &Parts<'_>,
    keys: &KeySet,
    expected: &Expected,
    now: Timestamp,
) -> Vec<Step> {
    let header = &parts.header;
    let key = find_key::<P>(keys, parts);
    let mut steps = vec![
        step("form", Ok(()), "three parts, canonical base64url"),
        step("kind", check_typ::<P>(parts), header.typ.as_deref().unwrap_or("no `typ`")),
        step("key", key.clone().map(|_| ()), header.kid.as_deref().unwrap_or("no `kid`")),
    ];
    if let Ok(key) = key {
        steps.push(step("signature", parts.verify(key), header.alg.name()));
    }
    let members = match json::parse(&parts.payload) {
        Ok(members) => members,
        Err(error) => {
            steps.push(step("claims", Err(VerifyError::Json(error)), ""));
            return steps;
        }
    };
    let claims = Claims::new(members);
    let text = |name| claims.text(name).unwrap_or("missing").to_owned();
    steps.push(step("issuer", check_issuer(&claims, expected), &text("iss")));
    steps.push(step("audience", check_audience::<P>(&claims, expected), &text("aud")));
    let life = match (claims.time("iat"), claims.time("exp")) {
        (Ok(issued), Ok(expires)) => format!("{issued} to {expires}"),
        _ => "no `iat` or no `exp`".to_owned(),
    };
    steps.push(step("time", check_time::<P>(&claims, now).map(|_| ()), &life));
    let subject = text("sub");
    let bound = if claims.has("cnf") { "; counts only with a proof of its key" } else { "" };
    let found = format!("subject {subject}{bound}");
    steps.push(step("claims", P::read(claims).map(|_| ()), &found));
    steps
}

fn is_bound(parts: &Parts<'_>) -> bool {
    json::parse(&parts.payload).is_ok_and(|members| members.contains_key("cnf"))
}

fn step(name: &'static str, result: Result<(), VerifyError>, found: &str) -> Step {
    let (is_ok, detail) = match result {
        Ok(()) => (true, found.to_owned()),
        Err(error) if found.is_empty() => (false, error.to_string()),
        Err(error) => (false, format!("{error} (found: {found})")),
    };
    Step { name, is_ok, detail }
}
