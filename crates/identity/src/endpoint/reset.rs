//! A new password for who forgot the old one: the form that asks for a letter, and where its link
//! leads. Nobody is signed in by it, and no second factor is taken away (attack U1).

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use ringwall_base::Secret;

use crate::action_token::Kind;
use crate::answer::{Call, RESET, Refusal, Reply};
use crate::check::{form, form_token, paper, same_site};
use crate::email;
use crate::endpoint::login::for_person;
use crate::form::Form;
use crate::identity::House;
use crate::outbox;
use crate::page;
use crate::people::{Account, PeopleError, Users};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if !house.post.is_open() {
        return Err(Refusal::Person { status: StatusCode::NOT_FOUND, why: NO_PAGE });
    }
    match *call.request.method() {
        Method::GET | Method::HEAD => match token(call)? {
            None => ask(house, call, StatusCode::OK, None),
            Some(token) => choose(house, call, (StatusCode::OK, &token), None),
        },
        Method::POST => {
            let form = form(call).map_err(for_person)?;
            same_site(house, call)?;
            let token = form.get("token").map(|token| Secret::new(token.to_owned()));
            let is_ours = form_token(house, call, &form)?;
            match token {
                None if is_ours => asked(house, call, &form),
                None => ask(house, call, StatusCode::FORBIDDEN, Some(STALE)),
                Some(token) if is_ours => chosen(house, call, &form, &token),
                Some(token) => choose(house, call, (StatusCode::FORBIDDEN, &token), Some(STALE)),
            }
        }
        _ => Err(Refusal::method()),
    }
}

/// The same answer for every address, in the same time: who has it is not looked at (attack U6).
fn asked(house: &House, call: &Call, form: &Form) -> Result<Reply, Refusal> {
    let now = house.seams.clock.monotonic();
    if let Some(wait) = house.post.networks.attempt("", call.peer, now) {
        let mut reply = ask(house, call, StatusCode::TOO_MANY_REQUESTS, Some(SLOW))?;
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        return Ok(reply);
    }
    let Some(address) = email::normal(form.get("address").unwrap_or_default()) else {
        return ask(house, call, StatusCode::BAD_REQUEST, Some(NO_ADDRESS));
    };
    // One too many letters to an address are left out without a word.
    if house.post.addresses.attempt(&address, EVERYWHERE, now).is_none() {
        outbox::request_reset(house, &address, call.language())?;
    }
    Ok(page::message(StatusCode::OK, call.language(), ON_ITS_WAY))
}

/// Whether one more letter to this address may be asked for, from here.
pub(crate) fn may_send(house: &House, call: &Call, address: &str) -> bool {
    let now = house.seams.clock.monotonic();
    house.post.networks.attempt("", call.peer, now).is_none()
        && house.post.addresses.attempt(address, EVERYWHERE, now).is_none()
}

fn chosen(
    house: &House,
    call: &Call,
    form: &Form,
    token: &Secret<String>,
) -> Result<Reply, Refusal> {
    let Some(account) = account(house, Kind::ResetPassword, token)? else { return Ok(over(call)) };
    let password = match new_password(form) {
        Ok(password) => password,
        Err(why) => return choose(house, call, (StatusCode::BAD_REQUEST, token), Some(why)),
    };
    let (value, now) = (token.expose().clone(), house.seams.clock.now());
    let written = Users::new(house).write_password(&account, &password, move |transaction| {
        let bound = Kind::ResetPassword.consume(transaction, &value, now)?;
        // An address that is another's by now, or nobody's, resets nothing.
        bound.map_or(Ok(false), |bound| email::is_own(transaction, &bound))
    });
    match written {
        Ok(true) => Ok(page::message(StatusCode::OK, call.language(), IS_SET)),
        Ok(false) => Ok(over(call)),
        Err(PeopleError::Password(_)) => {
            choose(house, call, (StatusCode::BAD_REQUEST, token), Some(WEAK))
        }
        Err(other) => Err(other.into()),
    }
}

/// The account that a live link is for.
pub(crate) fn account(
    house: &House,
    kind: Kind,
    token: &Secret<String>,
) -> Result<Option<Account>, Refusal> {
    let now = house.seams.clock.now();
    let bound = kind.look(&house.seams.store, token.expose(), now)?;
    Ok(match bound {
        Some(bound) => Users::new(house).of(&bound.whose)?,
        None => None,
    })
}

/// The password that was typed twice.
pub(crate) fn new_password(form: &Form) -> Result<Secret<String>, &'static str> {
    let secret = |name| Secret::new(form.get(name).unwrap_or_default().to_owned());
    let (new, again) = (secret("new"), secret("again"));
    if new == again { Ok(new) } else { Err(DIFFERENT) }
}

/// The token of a link.
pub(crate) fn token(call: &Call) -> Result<Option<Secret<String>>, Refusal> {
    let query = call.request.uri().query().unwrap_or_default();
    let query = Form::parse(query.as_bytes())
        .map_err(|_malformed| Refusal::person("The request is malformed."))?;
    Ok(query.get("token").map(|token| Secret::new(token.to_owned())))
}

pub(crate) fn over(call: &Call) -> Reply {
    page::message(StatusCode::BAD_REQUEST, call.language(), OVER)
}

fn ask(
    house: &House,
    call: &Call,
    status: StatusCode,
    trouble: Option<&'static str>,
) -> Result<Reply, Refusal> {
    paper(house, call, (RESET, trouble), |paper| page::ask_reset(status, paper))
}

fn choose(
    house: &House,
    call: &Call,
    (status, token): (StatusCode, &Secret<String>),
    trouble: Option<&'static str>,
) -> Result<Reply, Refusal> {
    if account(house, Kind::ResetPassword, token)?.is_none() {
        return Ok(over(call));
    }
    paper(house, call, (RESET, trouble), |paper| {
        page::choose_password(status, paper, token, ("A new password", None))
    })
}

/// Letters to an address are counted wherever they are asked for.
const EVERYWHERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

const DIFFERENT: &str = "The two new passwords are not the same.";
pub(crate) const IS_SET: &str = "The password is set. You can sign in now.";
const NO_ADDRESS: &str = "That is no e-mail address.";
pub(crate) const NO_PAGE: &str = "No such page.";
const ON_ITS_WAY: &str =
    "If an account has this address, a link to choose a new password is on its way to it.";
const OVER: &str = "This link was used already, or its time is over.";
const SLOW: &str = "Too many attempts. Wait a moment, then try again.";
pub(crate) const STALE: &str = "The page was open for too long. Please try again.";
pub(crate) const WEAK: &str = "The new password is too short, too common, or contains your name.";
