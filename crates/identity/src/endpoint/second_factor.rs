//! The second step of a login: a passkey, the code of an authenticator app, or a recovery code.

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use ringwall_base::{Proof, Proofs};

use crate::answer::{Call, Refusal, Reply};
use crate::check::FormToken;
use crate::endpoint::login;
use crate::endpoint::passkey::{self, Sorry};
use crate::factors::{self, Tried};
use crate::form::Form;
use crate::identity::House;
use crate::login_step::LoginStep;
use crate::page::{self, Paper};
use crate::passkeys::Purpose;
use crate::people::{Credential, Users};
use crate::record::Record;
use crate::recovery;
use crate::welcome::{Entry, enter};

/// Shows the page of the second step to who gave the right password.
pub(crate) fn ask(
    house: &House,
    call: &Call,
    known: &Credential,
    (entry, back): (Entry, &str),
) -> Result<Reply, Refusal> {
    let token = FormToken::issue(house, call)?;
    let step = LoginStep::begin(&house.seams, known, (entry, back), &token.field)?;
    let shown = Shown { known, token: step.expose(), back };
    // Under the token that the step is bound to: a browser that another issuer sent here has left
    // its cookie at home, and would get a new one with each page.
    page_under(&token, (house, call), (StatusCode::OK, None), shown)
}

/// Takes the code. The form was checked by the login page, whose path this is.
pub(crate) fn take(house: &House, call: &Call, form: &Form, token: &str) -> Result<Reply, Refusal> {
    let browser = FormToken::issue(house, call)?.field;
    let step = LoginStep::take_a_try(&house.seams, token, &browser)?;
    let Some(step) = step else { return login::again(house, call, EXPIRED) };
    let known = Users::new(house).credential(&step.name)?;
    let known = known.filter(|known| step.is_of(known) && !known.account.is_disabled);
    let Some(known) = known else { return login::again(house, call, EXPIRED) };
    let shown = Shown { known: &known, token, back: &step.return_to };
    let (whose, subject) = (known.account.whose(), known.account.subject.as_str());
    if passkey::is_given(form) {
        let done = passkey::finish_step(house, call, form, (&step, token, &known.account))?;
        return done.or_else(|Sorry(why)| page(house, call, Sorry::STATUS, shown, Some(why)));
    }
    let now = house.seams.clock.monotonic();
    let code: String = form.get("code").unwrap_or_default().split_whitespace().collect();
    let is_recovery = recovery::looks_like_one(&code);
    let counter = counter(subject, is_recovery);
    if let Some(wait) = house.code_throttle.attempt(&counter, EVERYWHERE, now) {
        refused(house, call, &known, "too many codes")?;
        let mut reply = page(house, call, StatusCode::TOO_MANY_REQUESTS, shown, Some(SLOW))?;
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        return Ok(reply);
    }
    match factors::finish(house, &whose, &step, &code)? {
        Tried::Good => {
            house.code_throttle.succeed(&counter, EVERYWHERE);
            if is_recovery {
                let record = Record::of("recovery-code-used").source(call.peer);
                house.put(record.person(subject, &known.account.name))?;
            }
            let entry = step.entry.and(Proofs::default().and(Proof::Code));
            let reply = enter(house, call, &known, entry, &step.return_to)?;
            reply.map_or_else(|| login::again(house, call, EXPIRED), Ok)
        }
        Tried::Refused(why) => {
            refused(house, call, &known, why)?;
            page(house, call, StatusCode::UNAUTHORIZED, shown, Some(WRONG))
        }
    }
}

/// Who guesses codes of the app does not keep its owner from a recovery code.
fn counter(subject: &str, is_recovery: bool) -> String {
    format!("{} {subject}", if is_recovery { "recovery" } else { "app" })
}

fn refused(house: &House, call: &Call, known: &Credential, why: &str) -> Result<(), Refusal> {
    let record = Record::refused("factor-failed", why).source(call.peer);
    Ok(house.put(record.person(&known.account.subject, &known.account.name))?)
}

/// The login that the page goes on with.
#[derive(Clone, Copy)]
struct Shown<'a> {
    known: &'a Credential,
    token: &'a str,
    back: &'a str,
}

fn page(
    house: &House,
    call: &Call,
    status: StatusCode,
    shown: Shown<'_>,
    trouble: Option<&'static str>,
) -> Result<Reply, Refusal> {
    page_under(&FormToken::issue(house, call)?, (house, call), (status, trouble), shown)
}

fn page_under(
    token: &FormToken,
    (house, call): (&House, &Call),
    (status, trouble): (StatusCode, Option<&'static str>),
    shown: Shown<'_>,
) -> Result<Reply, Refusal> {
    let action = &house.settings.login_path;
    let step = (shown.token, page::login_targets(&house.clients, shown.back));
    let whose = shown.known.account.whose();
    let purpose = Purpose::Step { token: shown.token };
    let offer = passkey::offer(house, token, purpose, Some(&whose))?;
    let offer = offer.filter(|offer| !offer.known.is_empty());
    let page = |paper: Paper<'_>| page::second_factor(status, paper, step, offer.as_ref());
    Ok(token.paper(call, (action, trouble), page))
}

/// Codes are counted by account, wherever they come from.
const EVERYWHERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

const EXPIRED: &str = "The sign-in took too long. Please start again.";
const SLOW: &str = "Too many attempts. Wait a moment, then try again.";
const WRONG: &str = "The code is wrong or was used before.";
