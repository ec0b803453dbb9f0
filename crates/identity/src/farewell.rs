//! The end of a session at its person's wish: the tokens, the record, the cookie.

use http::header::{HeaderValue, SET_COOKIE};

use crate::answer::{Call, Refusal, Reply};
use crate::check::{SESSION, cookie};
use crate::identity::House;
use crate::record::Record;
use crate::revocations::{HOLD, Kind};

/// Ends the session of this browser, if it has one, and takes its cookie away with the reply.
pub(crate) fn farewell(house: &House, call: &Call, mut reply: Reply) -> Result<Reply, Refusal> {
    if let Some(value) = cookie(call, SESSION)? {
        let now = house.seams.clock.now();
        if let Some(ended) = house.sessions.end(&house.seams.store, value, now)? {
            house.revocations.add(Kind::Session, ended.sid, now.plus(HOLD));
            let record = Record::of("session-ended").source(call.peer);
            house.put(record.person(&ended.whose.subject, &ended.name))?;
        }
    }
    reply.headers_mut().append(SET_COOKIE, HeaderValue::from_static(GONE));
    Ok(reply)
}

const GONE: &str = "__Host-ringwall=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
