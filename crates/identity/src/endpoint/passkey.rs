//! A passkey in place of name and password, or as the second step. Neither is throttled: there is
//! nothing to guess, and the owner of an account that is being guessed at still gets in.

use http::StatusCode;
use ringwall_jose::base64url_encode;

use crate::answer::{Call, Refusal, Reply};
use crate::check::FormToken;
use crate::factors::Tried;
use crate::form::Form;
use crate::identity::House;
use crate::login_step::LoginStep;
use crate::page::Offer;
use crate::passkeys::{self, Purpose, STALE as TOO_LATE, Unused, Used};
use crate::people::Account;
use crate::record::Record;
use crate::tables::Whose;
use crate::welcome::{enter, welcome};

/// What a page needs to ask for a passkey of this account, or of any; `None` where none can be.
pub(crate) fn offer<'a>(
    house: &'a House,
    token: &FormToken,
    purpose: Purpose<'_>,
    whose: Option<&Whose>,
) -> Result<Option<Offer<'a>>, Refusal> {
    let Some(rp_id) = passkeys::rp_id(&house.settings) else { return Ok(None) };
    let known = match whose {
        Some(whose) => passkeys::credentials(house, whose)?,
        None => Vec::new(),
    };
    let challenge = purpose.challenge(house, &token.field)?;
    let known = known.iter().map(base64url_encode).collect::<Vec<_>>().join(" ");
    Ok(Some(Offer { challenge, known, rp_id, origin: &house.settings.issuer }))
}

/// Whether a form brings a passkey. The page's form has the field empty for who has no script, and for
/// programs that send back all fields that they find.
pub(crate) fn is_given(form: &Form) -> bool {
    form.get("credential").is_some_and(|id| !id.is_empty())
}

/// Takes a passkey instead of name and password. The form was checked by the login page.
pub(crate) fn sign_in(house: &House, call: &Call, form: &Form, back: &str) -> Outcome {
    let browser = FormToken::issue(house, call)?.field;
    let read = passkeys::read(house, Purpose::SignIn, (&browser, None), form)?;
    let used = match read {
        Ok(used) => used,
        Err(unused) => return refused(house, call, "login-failed", (None, &unused)),
    };
    if let Tried::Refused(why) = used.finish(house, None)? {
        return failed(house, call, "login-failed", (&used, why));
    }
    match welcome(house, call, &used.known, used.proofs, back)? {
        Some(reply) => Ok(Ok(reply)),
        None => {
            failed(house, call, "login-failed", (&used, "the account changed during the login"))
        }
    }
}

/// Takes a passkey as the second step of a login.
pub(crate) fn finish_step(
    house: &House,
    call: &Call,
    form: &Form,
    (step, token, account): (&LoginStep, &str, &Account),
) -> Outcome {
    let browser = FormToken::issue(house, call)?.field;
    let whose = account.whose();
    let asked = (browser.as_str(), Some(&whose));
    let used = match passkeys::read(house, Purpose::Step { token }, asked, form)? {
        Ok(used) => used,
        Err(unused) => return refused(house, call, "factor-failed", (Some(account), &unused)),
    };
    // The password was that of the account as it is now, and so is the passkey.
    if !step.is_of(&used.known) {
        return failed(
            house,
            call,
            "factor-failed",
            (&used, "the account changed during the login"),
        );
    }
    if let Tried::Refused(why) = used.finish(house, Some(step))? {
        return failed(house, call, "factor-failed", (&used, why));
    }
    match enter(house, call, &used.known, step.entry.and(used.proofs), &step.return_to)? {
        Some(reply) => Ok(Ok(reply)),
        None => {
            failed(house, call, "factor-failed", (&used, "the account changed during the login"))
        }
    }
}

/// A login, or what the page says instead.
pub(crate) type Outcome = Result<Result<Reply, Sorry>, Refusal>;

/// What a page says after a passkey that was not accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sorry(pub(crate) &'static str);

impl Sorry {
    pub(crate) const STATUS: StatusCode = StatusCode::UNAUTHORIZED;
}

fn failed(
    house: &House,
    call: &Call,
    action: &'static str,
    (used, why): (&Used, &'static str),
) -> Outcome {
    let unused = Unused { why, copied: None };
    refused(house, call, action, (Some(&used.known.account), &unused))
}

fn refused(
    house: &House,
    call: &Call,
    action: &'static str,
    (account, unused): (Option<&Account>, &Unused),
) -> Outcome {
    let action = if unused.copied.is_some() { "passkey-copied" } else { action };
    let mut record = Record::refused(action, unused.why).source(call.peer);
    if let Some(account) = unused.copied.as_ref().or(account) {
        record = record.person(&account.subject, &account.name);
    }
    house.put(record)?;
    Ok(Err(Sorry(if unused.why == TOO_LATE { STALE } else { WRONG })))
}

const STALE: &str = "The page was open for too long. Please try again.";
const WRONG: &str = "The passkey was not accepted.";
