//! Where the other issuer sends the browser back to.

use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{query, session};
use crate::email;
use crate::endpoint::upstream::{away, forget};
use crate::endpoint::{login, second_factor};
use crate::factors;
use crate::form::Form;
use crate::identity::House;
use crate::page;
use crate::people::{Account, Credential, Users};
use crate::record::{Record, capped};
use crate::tables::Whose;
use crate::upstream::{
    self, AnswerError, Joined, Journey, Linking, OutgoingError, Upstream, Vouched, follow_roles,
    join, linked, sign_up, take_state,
};
use crate::welcome::{Entry, enter};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let Some(upstream) = house.upstream.load_full() else {
        return Err(Refusal::Person { status: StatusCode::NOT_FOUND, why: "No such page." });
    };
    if call.request.method() != Method::GET {
        return Err(Refusal::method());
    }
    let query = query(call)?;
    let journey = Journey::of(house, call)?;
    // Whoever else sends a browser here does not end the journey that it is on.
    let journey = journey.filter(|journey| query.get("state") == Some(journey.state.as_str()));
    let Some(journey) = journey else {
        return failed(house, call, "this browser is on no such way to another issuer");
    };
    let Ok(_turn) = upstream.turns.try_acquire() else {
        return Ok(away(call, &upstream, &OutgoingError("too many people wait for it".to_owned())));
    };
    if let Some(reply) = stopped(house, call, (&upstream, &journey), &query)? {
        return Ok(reply);
    }
    let mut reply = arrived(house, call, (&upstream, &journey), &query)?;
    forget(&mut reply);
    Ok(reply)
}

/// Who has to wait, or whose answer is not of this journey. The journey goes on: they may come again.
fn stopped(
    house: &House,
    call: &Call,
    (upstream, journey): (&Upstream, &Journey),
    query: &Form,
) -> Result<Option<Reply>, Refusal> {
    let clock = house.seams.clock.as_ref();
    // Every answer costs a row, and a request to the issuer: a stranger's do not cost many.
    if upstream.throttle.attempt(COUNT, call.peer, clock.monotonic()).is_some() {
        refused(house, call, "too many answers")?;
        let slow = page::message(StatusCode::TOO_MANY_REQUESTS, call.language(), SLOW);
        return Ok(Some(slow));
    }
    let issuer = &upstream.settings.issuer;
    let metadata = match upstream.metadata(clock) {
        Ok(metadata) => metadata,
        Err(error) => {
            // Nobody's mistake here.
            upstream.throttle.take_back(COUNT, call.peer);
            return Ok(Some(away(call, upstream, &error)));
        }
    };
    // RFC 9207 section 2.4: an answer of another issuer ends here, before its code goes anywhere
    // (attack A6). One that left the manifest meanwhile is another, too.
    let says_other = query.get("iss").map_or(metadata.says_issuer, |iss| iss != issuer);
    if journey.issuer != *issuer || says_other {
        return failed(house, call, "another issuer answered").map(Some);
    }
    if !take_state(house, journey)? {
        return failed(house, call, "the answer was used before").map(Some);
    }
    Ok(None)
}

/// An answer to a question of this browser, for the first time.
fn arrived(
    house: &House,
    call: &Call,
    (upstream, journey): (&Upstream, &Journey),
    query: &Form,
) -> Result<Reply, Refusal> {
    match query.get("error") {
        Some("access_denied") => {
            upstream.throttle.take_back(COUNT, call.peer);
            return declined(house, call, journey);
        }
        Some(_) => return failed(house, call, "the issuer did not let the person in"),
        None => {}
    }
    let Some(code) = query.get("code") else { return failed(house, call, "no code") };
    match upstream.redeem(house, journey, code) {
        Ok(vouched) => {
            upstream.throttle.take_back(COUNT, call.peer);
            known(house, call, (upstream, journey), &vouched)
        }
        Err(error) => not_taken(house, call, upstream, &error),
    }
}

/// Back to where they can choose another way.
fn declined(house: &House, call: &Call, journey: &Journey) -> Result<Reply, Refusal> {
    if journey.link.is_some() {
        return Ok(see_other(&house.settings.account_path));
    }
    login::back_at(house, call, &journey.back, DECLINED)
}

fn not_taken(
    house: &House,
    call: &Call,
    upstream: &Upstream,
    error: &AnswerError,
) -> Result<Reply, Refusal> {
    refused(house, call, error.reason())?;
    let why = match error {
        AnswerError::Outgoing(error) => {
            upstream.throttle.take_back(COUNT, call.peer);
            return Ok(away(call, upstream, error));
        }
        AnswerError::Old => OLD,
        AnswerError::Unwelcome => UNWELCOME,
        AnswerError::Claim(_) | AnswerError::Code(_) | AnswerError::Token(_) => FAILED,
    };
    tracing::warn!(%error, "an answer of the other issuer was not taken");
    Ok(page::message(StatusCode::UNAUTHORIZED, call.language(), why))
}

/// The issuer vouches for somebody: who are they here?
fn known(
    house: &House,
    call: &Call,
    (upstream, journey): (&Upstream, &Journey),
    vouched: &Vouched,
) -> Result<Reply, Refusal> {
    let issuer = &upstream.settings.issuer;
    if let Some(linking) = &journey.link {
        return connect(house, call, (issuer, &vouched.subject), linking);
    }
    let account = account(house, call, (upstream, vouched))?;
    let known = match account {
        Some(account) => Users::new(house).credential(&account.name)?,
        None => None,
    };
    let record = match known {
        Some(known) if !known.account.is_disabled => {
            return come_in(house, call, &known, (journey, vouched));
        }
        // The page says the same of both.
        Some(Credential { account, .. }) => {
            let record = Record::refused("login-failed", "the account is disabled");
            record.person(&account.subject, &account.name)
        }
        None => Record::refused("login-failed", "no account here"),
    };
    house.put(record.source(call.peer).operation(capped(&vouched.subject)))?;
    Ok(page::message(StatusCode::FORBIDDEN, call.language(), NO_ACCOUNT))
}

/// The account of this person, as the operator wants it.
fn account(
    house: &House,
    call: &Call,
    (upstream, vouched): (&Upstream, &Vouched),
) -> Result<Option<Account>, Refusal> {
    match linked(house, &upstream.settings.issuer, &vouched.subject)? {
        None if upstream.settings.signs_up => sign_up(house, upstream, (vouched, call.peer)),
        None => Ok(None),
        // Nobody new either: the account that they had is theirs, and they left it or had to.
        Some(link) if link.has_ended => {
            let account = Users::new(house).of(&link.whose)?;
            Ok(account.filter(|account| account.is_disabled))
        }
        Some(link) => {
            let account = Users::new(house).of(&link.whose)?;
            match account.filter(|account| !account.is_disabled) {
                Some(account) if link.is_origin => {
                    follow_roles(house, upstream, account, vouched).map(Some)
                }
                other => Ok(other),
            }
        }
    }
}

/// Whoever has a second factor here is asked for it, whatever was proved there (attack U9).
fn come_in(
    house: &House,
    call: &Call,
    known: &Credential,
    (journey, vouched): (&Journey, &Vouched),
) -> Result<Reply, Refusal> {
    let entry = Entry { proofs: vouched.proofs, since: Some(vouched.since) };
    let is_asked = factors::of(house, &known.account.whose())?.is_asked();
    if is_asked {
        return second_factor::ask(house, call, known, (entry, &journey.back));
    }
    if let Some(reply) = enter(house, call, known, entry, &journey.back)? {
        return Ok(reply);
    }
    failed(house, call, "the account changed during the login")
}

/// Links the account whose session asked for it, if that goes on.
fn connect(
    house: &House,
    call: &Call,
    (issuer, there): (&str, &str),
    Linking { subject, session: sid }: &Linking,
) -> Result<Reply, Refusal> {
    let person = session(house, call)?;
    let person =
        person.filter(|person| person.subject == *subject && person.session.as_ref() == Some(sid));
    let Some(person) = person else {
        return failed(house, call, "the session that asked for the link has ended");
    };
    match join(house, (issuer, there), Whose::of(&person), sid)? {
        Joined::Done => {}
        Joined::Over => {
            return failed(house, call, "the session that asked for the link has ended");
        }
        Joined::Taken => {
            refused(house, call, "there is a link of this account or of that person already")?;
            return Ok(page::message(StatusCode::CONFLICT, call.language(), TAKEN));
        }
    }
    let account = Users::new(house).find(&person.name)?;
    upstream::record(house, call.peer, &account, (issuer, there))?;
    email::tell_linked(house, &account, true)?;
    Ok(see_other(&house.settings.account_path))
}

fn failed(house: &House, call: &Call, why: &str) -> Result<Reply, Refusal> {
    refused(house, call, why)?;
    Ok(page::message(StatusCode::UNAUTHORIZED, call.language(), FAILED))
}

fn refused(house: &House, call: &Call, why: &str) -> Result<(), Refusal> {
    Ok(house.put(Record::refused("login-failed", why).source(call.peer))?)
}

/// All answers are counted together.
const COUNT: &str = "";

const DECLINED: &str = "You did not sign in at the other service.";
const FAILED: &str = "The sign-in at the other service failed. Please try again.";
const NO_ACCOUNT: &str =
    "You have no account here. Sign in with your password first and link the other service there.";
const OLD: &str = "The other service did not ask you to sign in anew. Please use your password.";
const SLOW: &str = "Too many attempts. Wait a moment, then try again.";
const TAKEN: &str = "This person of the other service has an account here already.";
const UNWELCOME: &str = "The other service knows you, but you may not sign in here with it.";
