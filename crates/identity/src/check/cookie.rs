//! Cookies of ours: at most one of a name, readable, or the request is malformed.

use std::sync::Arc;

use http::header::COOKIE;
use ringwall_base::Person;

use crate::answer::{Call, Refusal};
use crate::identity::House;

/// The session's cookie. `__Host-`: only this host can have set it, over TLS, for all paths.
pub(crate) const SESSION: &str = "__Host-ringwall";

pub(crate) fn cookie<'a>(call: &'a Call, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut found = None;
    for header in call.request.headers().get_all(COOKIE) {
        // CVE-2026-25748: what cannot be read is refused, not skipped.
        let text = header.to_str().map_err(|_bytes| Refusal::person("Malformed cookie."))?;
        for pair in text.split(';') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            if key.trim() != name {
                continue;
            }
            // Two of one name: one of them was tossed in from elsewhere (attack U11).
            if found.replace(value.trim()).is_some() {
                return Err(Refusal::person("Malformed cookie."));
            }
        }
    }
    Ok(found)
}

/// Who is signed in, if anyone.
pub(crate) fn session(house: &House, call: &Call) -> Result<Option<Arc<Person>>, Refusal> {
    let cookie = cookie(call, SESSION)?;
    Ok(cookie.and_then(|cookie| house.sessions.person(cookie, house.seams.clock.now())))
}
