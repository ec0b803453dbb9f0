//! The login page, and what happens when its form comes back.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use ringwall_base::{Proof, Proofs, Secret, Tenant};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{FormToken, form, form_token, return_to, same_site, session};
use crate::endpoint::passkey::{self, Sorry};
use crate::endpoint::second_factor;
use crate::factors;
use crate::form::Form;
use crate::identity::House;
use crate::page;
use crate::passkeys::Purpose;
use crate::password::{self, PASSWORD_BYTES_MAX};
use crate::people::{Credential, LoginName, Users, login_name};
use crate::record::Record;
use crate::step_up::{self, StepUp};
use crate::welcome::{Entry, welcome};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    match *call.request.method() {
        Method::GET | Method::HEAD => show(house, call),
        Method::POST => sign_in(house, call),
        _ => Err(Refusal::method()),
    }
}

fn show(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let query = call.request.uri().query().unwrap_or_default();
    let query = Form::parse(query.as_bytes())
        .map_err(|_malformed| Refusal::person("The request is malformed."))?;
    let back = return_to(query.get("return_to"));
    // Who is signed in and was not sent here by a client that wants a fresh login goes on; so does their own
    // account, which asks for one before it lets factors be changed.
    let is_sent = back.starts_with(crate::answer::AUTHORIZE) || back == house.settings.account_path;
    let wants_two = query.get("acr_values").is_some_and(step_up::asks_for_two);
    if !is_sent && let Some(person) = session(house, call)? {
        return match step_up::of(house, &person, wants_two)? {
            StepUp::Done if step_up::is_stale(house, &person, query.get("max_age")) => {
                page(house, call, StatusCode::OK, (back, None), Some(AGAIN))
            }
            StepUp::Done => Ok(see_other(back)),
            StepUp::Login => page(house, call, StatusCode::OK, (back, None), Some(MORE)),
            StepUp::SetUp => Ok(see_other(&house.settings.account_path)),
        };
    }
    page(house, call, StatusCode::OK, (back, organisation(&query)), None)
}

fn sign_in(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call).map_err(for_person)?;
    same_site(house, call)?;
    let back = return_to(form.get("return_to"));
    let shown = (back, organisation(&form));
    if !form_token(house, call, &form)? {
        return page(house, call, StatusCode::FORBIDDEN, shown, Some(STALE));
    }
    if let Some(step) = form.get("step") {
        return second_factor::take(house, call, &form, step);
    }
    if passkey::is_given(&form) {
        let signed_in = passkey::sign_in(house, call, &form, back)?;
        return signed_in.or_else(|Sorry(why)| page(house, call, Sorry::STATUS, shown, Some(why)));
    }
    let name = qualified(form.get("username").unwrap_or_default(), shown.1);
    let name = name.as_ref();
    // An unreadable name is one account that does not exist, for the throttle too.
    let account_key = login_name(name).map(LoginName::into_string).unwrap_or_default();
    if let Some(wait) =
        house.throttle.attempt(&account_key, call.peer, house.seams.clock.monotonic())
    {
        refused(house, call, name, "too many attempts")?;
        let mut reply = page(house, call, StatusCode::TOO_MANY_REQUESTS, shown, Some(SLOW))?;
        let secs = HeaderValue::from(wait.as_secs().max(1));
        reply.headers_mut().insert(RETRY_AFTER, secs);
        return Ok(reply);
    }
    let password = Secret::new(form.get("password").unwrap_or_default().to_owned());
    match credential(house, name, &password)? {
        Ok(known) => {
            house.throttle.succeed(&account_key, call.peer);
            password_was_right(house, call, &known, shown)
        }
        Err(why) => {
            refused(house, call, name, why)?;
            page(house, call, StatusCode::UNAUTHORIZED, shown, Some(WRONG))
        }
    }
}

/// The organisation that the application asked for. What stands in the form is only a help to type:
/// the authorization request itself says who may answer it.
fn organisation(form: &Form) -> Option<&str> {
    let slug = form.get("organization")?;
    Tenant::parse(slug).and_then(|tenant| tenant.named().is_some().then_some(slug))
}

/// A bare name as one of the organisation that the application asked for.
fn qualified<'n>(name: &'n str, organisation: Option<&str>) -> Cow<'n, str> {
    match organisation {
        Some(slug) if !name.contains('/') => Cow::Owned(format!("{slug}/{}", name.trim())),
        _ => Cow::Borrowed(name),
    }
}

/// The account, or why not. Every way through hashes once, so that time tells nothing (attack U6).
fn credential(
    house: &House,
    name: &str,
    password: &Secret<String>,
) -> Result<Result<Credential, &'static str>, Refusal> {
    let known = Users::new(house).credential(name)?;
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Ok(Err("password too long"));
    }
    let phc = known.as_ref().map_or(house.dummy_phc.as_str(), |known| known.phc.as_str());
    house.compared.fetch_add(1, Ordering::Relaxed);
    let matches = password::verify(password, phc);
    Ok(match known {
        None => Err("unknown account"),
        Some(_) if !matches => Err("wrong password"),
        Some(known) if known.account.is_disabled => Err("disabled account"),
        Some(known) => Ok(known),
    })
}

/// On to the second step, or in: whoever has a second factor is asked for it, whatever their roles.
fn password_was_right(
    house: &House,
    call: &Call,
    known: &Credential,
    (back, organisation): Shown<'_>,
) -> Result<Reply, Refusal> {
    let proofs = Proofs::default().and(Proof::Password);
    if factors::of(house, &known.account.whose())?.is_asked() {
        return second_factor::ask(house, call, known, (Entry { proofs, since: None }, back));
    }
    if let Some(reply) = welcome(house, call, known, proofs, back)? {
        return Ok(reply);
    }
    refused(house, call, &known.account.name, "the account changed during the login")?;
    page(house, call, StatusCode::UNAUTHORIZED, (back, organisation), Some(WRONG))
}

/// The first page again, for a login that cannot go on.
pub(crate) fn again(house: &House, call: &Call, why: &'static str) -> Result<Reply, Refusal> {
    page(house, call, StatusCode::UNAUTHORIZED, ("/", None), Some(why))
}

/// The first page, for who comes back from another way in.
pub(crate) fn back_at(
    house: &House,
    call: &Call,
    back: &str,
    why: &'static str,
) -> Result<Reply, Refusal> {
    page(house, call, StatusCode::OK, (back, None), Some(why))
}

fn refused(house: &House, call: &Call, name: &str, why: &str) -> Result<(), Refusal> {
    Ok(house.put(Record::refused("login-failed", why).claimed(name).source(call.peer))?)
}

/// Where the page leads, and the organisation that was asked for.
type Shown<'a> = (&'a str, Option<&'a str>);

fn page(
    house: &House,
    call: &Call,
    status: StatusCode,
    (back, organisation): Shown<'_>,
    trouble: Option<&'static str>,
) -> Result<Reply, Refusal> {
    let action = &house.settings.login_path;
    let token = FormToken::issue(house, call)?;
    let offer = passkey::offer(house, &token, Purpose::SignIn, None)?;
    let upstream = house.upstream.load();
    let ways = page::Ways {
        return_to: back,
        targets: page::login_targets(&house.clients, back),
        organisation,
        has_mail: house.post.is_open(),
        offer: offer.as_ref(),
        upstream: upstream.as_ref().map(|upstream| upstream.title()),
    };
    Ok(token.paper(call, (action, trouble), |paper| page::login(status, paper, ways)))
}

/// A broken form on a page is told to the person, not to a client.
pub(crate) fn for_person(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Client { status, why, .. } => Refusal::Person { status, why },
        other => other,
    }
}

const SLOW: &str = "Too many attempts. Wait a moment, then try again.";
const STALE: &str = "The page was open for too long. Please try again.";
const AGAIN: &str = "This page needs a recent sign-in. Please sign in again.";
const MORE: &str = "This page needs a second factor. Please sign in with it.";
const WRONG: &str = "Name or password is wrong.";
