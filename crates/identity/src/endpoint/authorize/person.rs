//! Who answers an authorization request, and whether their sign-in is what it asks for (OpenID Connect
//! Core section 3.1.2.1).

use std::sync::Arc;

use ringwall_base::{Person, Timestamp};

use super::{Judged, to_client};
use crate::answer::{Call, Refusal};
use crate::check::{Fault, Hint, id_token_hint, session};
use crate::identity::House;
use crate::step_up::{self, StepUp};

/// Who is signed in, recently and well enough; `None` when they must sign in first. `asked_anew` is
/// when this request sent the browser to the login page.
pub(super) fn person(
    house: &House,
    call: &Call,
    (judged, asked_anew): (&Judged, Option<Timestamp>),
) -> Result<Option<Arc<Person>>, Refusal> {
    let asked = &judged.request;
    let wanted = hinted(house, judged)?;
    let refused = |fault| Err(to_client(&judged.redirect, fault));
    let sign_in = || if asked.prompt.is_silent { refused(NOBODY) } else { Ok(None) };
    let Some(person) = session(house, call)? else { return sign_in() };
    // Asked again and again until somebody of it is there: who signed in as another did not answer.
    if asked.organisation.as_ref().is_some_and(|wanted| *wanted != person.organisation) {
        return sign_in();
    }
    // Whoever has signed in since the request asked for it is back from the login page: to ask again
    // would be a loop.
    let age = house.seams.clock.now().since(person.authenticated_at);
    let is_fresh = asked_anew.is_some_and(|at| person.authenticated_at >= at);
    let asks_anew = asked.prompt.signs_in || asked.age_max.is_zero();
    if !is_fresh && (asks_anew || age > asked.age_max) {
        return sign_in();
    }
    if wanted.is_some_and(|wanted| wanted != person.subject) {
        // Somebody else has just signed in: asking again would ask for ever.
        return if is_fresh { refused(SOMEBODY) } else { sign_in() };
    }
    match step_up::of(house, &person, asked.wants_two)? {
        StepUp::Done => {}
        // Whoever has a second factor is asked for it at each login.
        StepUp::Login if !asked.prompt.is_silent => return Ok(None),
        StepUp::Login | StepUp::SetUp => return refused(UNMET),
    }
    Ok(Some(person))
}

/// The person that the application has in mind.
fn hinted(house: &House, judged: &Judged) -> Result<Option<String>, Refusal> {
    let refused = |fault| Err(to_client(&judged.redirect, fault));
    match id_token_hint(house, &judged.form) {
        Ok(Some(Hint::Known(claims))) if claims.audience == judged.client.settings.id => {
            Ok(Some(claims.subject))
        }
        // Without a page there is nobody to say who they are.
        Ok(Some(Hint::Unknown)) if judged.request.prompt.is_silent => refused(SOMEBODY),
        Ok(None | Some(Hint::Unknown)) => Ok(None),
        Ok(Some(Hint::Known(_))) | Err(_) => refused(BAD_HINT),
    }
}

const BAD_HINT: Fault =
    Fault { error: "invalid_request", why: "the ID token is not one that this client got" };
const NOBODY: Fault = Fault { error: "login_required", why: "nobody is signed in" };
const SOMEBODY: Fault = Fault { error: "login_required", why: "another person is signed in" };
/// OpenID Connect Core Unmet Authentication Requirements 1.0 section 2, as RFC 9470 section 5 asks.
const UNMET: Fault = Fault {
    error: "unmet_authentication_requirements",
    why: "the person cannot show two factors now",
};
