//! The first password of an account that an operator made.

use http::{Method, StatusCode};
use ringwall_base::Secret;

use crate::action_token::Kind;
use crate::answer::{Call, INVITE, Refusal, Reply};
use crate::check::{form, form_token, paper, same_site};
use crate::email;
use crate::endpoint::login::for_person;
use crate::endpoint::reset::{IS_SET, STALE, WEAK, account, new_password, over, token};
use crate::form::Form;
use crate::identity::House;
use crate::page;
use crate::people::{PeopleError, Users};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    match *call.request.method() {
        Method::GET | Method::HEAD => match token(call)? {
            None => Ok(over(call)),
            Some(token) => choose(house, call, (StatusCode::OK, &token), None),
        },
        Method::POST => {
            let form = form(call).map_err(for_person)?;
            same_site(house, call)?;
            let token = Secret::new(form.get("token").unwrap_or_default().to_owned());
            if !form_token(house, call, &form)? {
                return choose(house, call, (StatusCode::FORBIDDEN, &token), Some(STALE));
            }
            chosen(house, call, &form, &token)
        }
        _ => Err(Refusal::method()),
    }
}

fn chosen(
    house: &House,
    call: &Call,
    form: &Form,
    token: &Secret<String>,
) -> Result<Reply, Refusal> {
    let Some(account) = account(house, Kind::Invite, token)? else { return Ok(over(call)) };
    let password = match new_password(form) {
        Ok(password) => password,
        Err(why) => return choose(house, call, (StatusCode::BAD_REQUEST, token), Some(why)),
    };
    let (value, now) = (token.expose().clone(), house.seams.clock.now());
    let written = Users::new(house).write_password(&account, &password, move |transaction| {
        let Some(bound) = Kind::Invite.consume(transaction, &value, now)? else { return Ok(false) };
        // Whoever has the link had the letter. An address that another account has stays theirs.
        if !bound.address.is_empty() {
            email::settle(transaction, &bound, now)?;
        }
        Ok(true)
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

fn choose(
    house: &House,
    call: &Call,
    (status, token): (StatusCode, &Secret<String>),
    trouble: Option<&'static str>,
) -> Result<Reply, Refusal> {
    let Some(account) = account(house, Kind::Invite, token)? else { return Ok(over(call)) };
    let said = ("Welcome", Some((CHOOSE, account.name.as_str())));
    paper(house, call, (INVITE, trouble), |paper| page::choose_password(status, paper, token, said))
}

const CHOOSE: &str = "Choose the password of your account:";
