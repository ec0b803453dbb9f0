//! The way to the other issuer: to sign in there, or to link an account to a person there.

use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{challenge_of, form, form_token, query, return_to, same_site, session};
use crate::endpoint::account::{is_fresh, to_login};
use crate::endpoint::login::for_person;
use crate::identity::House;
use crate::page;
use crate::upstream::{COOKIE, Journey, LIFE, OutgoingError, Upstream, encoded, redirect_uri};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let Some(upstream) = house.upstream.load_full() else {
        return Err(Refusal::Person { status: StatusCode::NOT_FOUND, why: "No such page." });
    };
    match *call.request.method() {
        Method::GET => sign_in(house, call, &upstream),
        Method::POST => connect(house, call, &upstream),
        _ => Err(Refusal::method()),
    }
}

fn sign_in(house: &House, call: &Call, upstream: &Upstream) -> Result<Reply, Refusal> {
    let query = query(call)?;
    let back = return_to(query.get("return_to"));
    // A page of another site sends nobody on a journey: who is signed in there would come in here
    // without having asked for it (attack A10), and lose the journey that they are on.
    let mut sites = call.request.headers().get_all("sec-fetch-site").iter();
    if !sites.all(|site| site == "same-origin" || site == "none") {
        return Ok(see_other(&format!(
            "{}?return_to={}",
            house.settings.login_path,
            encoded(back)
        )));
    }
    let is_signed_in = session(house, call)?.is_some();
    let journey = Journey::begin(house, &upstream.settings.issuer, back, is_signed_in)?;
    Ok(match address(house, upstream, &journey) {
        Ok(address) => with_cookie(house, &journey, see_other(&address)),
        Err(error) => away(call, upstream, &error),
    })
}

/// From a session that was opened just now, by its own page: nobody else links an account (attack U3).
fn connect(house: &House, call: &Call, upstream: &Upstream) -> Result<Reply, Refusal> {
    let form = form(call).map_err(for_person)?;
    same_site(house, call)?;
    let Some(person) = session(house, call)? else { return Ok(to_login(house)) };
    if !form_token(house, call, &form)? {
        return Ok(see_other(&house.settings.account_path));
    }
    if !is_fresh(house, &person)? {
        return Ok(to_login(house));
    }
    let back = house.settings.account_path.as_str();
    let journey = Journey::begin(house, &upstream.settings.issuer, back, true)?.linking(&person);
    Ok(match address(house, upstream, &journey) {
        Ok(address) => {
            let reply = page::leave(call.language(), &address, upstream.title());
            with_cookie(house, &journey, reply)
        }
        Err(error) => away(call, upstream, &error),
    })
}

/// Where the browser goes.
fn address(house: &House, upstream: &Upstream, journey: &Journey) -> Result<String, OutgoingError> {
    let _turn = upstream.turns.try_acquire().map_err(|_full| OutgoingError(FULL.to_owned()))?;
    let metadata = upstream.metadata(house.seams.clock.as_ref())?;
    let settings = &upstream.settings;
    let scopes = std::iter::once("openid").chain(settings.scopes.iter().map(String::as_str));
    // With `max_age` the answer has to say when the login was (OpenID Connect Core section 3.1.2.1):
    // a session here is no older than that.
    let age_max = if journey.is_fresh { 0 } else { house.settings.session_life.as_secs() };
    let mut pairs = vec![
        ("response_type", "code".to_owned()),
        ("client_id", settings.client_id.clone()),
        ("redirect_uri", redirect_uri(house)),
        ("scope", scopes.collect::<Vec<_>>().join(" ")),
        ("state", journey.state.clone()),
        ("nonce", journey.nonce(house)),
        ("code_challenge", challenge_of(&journey.verifier(house))),
        ("code_challenge_method", "S256".to_owned()),
        ("max_age", age_max.to_string()),
    ];
    if journey.is_fresh {
        pairs.push(("prompt", "login".to_owned()));
    }
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let endpoint = metadata.authorization_endpoint.as_str();
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    Ok(format!("{endpoint}{joint}{}", query.join("&")))
}

fn with_cookie(house: &House, journey: &Journey, mut reply: Reply) -> Reply {
    let value = journey.to_cookie(house);
    set(&mut reply, &format!("{value}; Max-Age={}", LIFE.as_secs()));
    reply
}

/// The journey is over.
pub(crate) fn forget(reply: &mut Reply) {
    set(reply, "; Max-Age=0");
}

fn set(reply: &mut Reply, value: &str) {
    let text = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax");
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        reply.headers_mut().append(SET_COOKIE, value);
    }
}

/// A plain page, and why in the log.
pub(crate) fn away(call: &Call, upstream: &Upstream, error: &OutgoingError) -> Reply {
    tracing::warn!(%error, issuer = upstream.settings.issuer, "nobody can sign in there now");
    page::message(StatusCode::BAD_GATEWAY, call.language(), AWAY)
}

const AWAY: &str =
    "The other service cannot be reached. Try again later, or sign in with your password.";
const FULL: &str = "too many people wait for it";
