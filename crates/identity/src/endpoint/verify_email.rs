//! Where a link leads that confirms an address. Only the account that asked for it can use it: a
//! stranger who made an account with somebody's address gets nothing when that person follows the
//! link (attack U3, pre-hijacking).

use http::{Method, StatusCode};
use ringwall_base::Secret;

use crate::action_token::Kind;
use crate::answer::{Call, EMAIL, Refusal, Reply};
use crate::check::{form, form_token, paper, same_site, session};
use crate::email::{self, Verified};
use crate::endpoint::authorize::to_login;
use crate::endpoint::login::for_person;
use crate::endpoint::reset::{over, token};
use crate::identity::House;
use crate::page;
use crate::people::Users;
use crate::tables::Whose;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let Some(person) = session(house, call)? else { return Ok(to_login(house, call)) };
    match *call.request.method() {
        Method::GET | Method::HEAD => {
            let token = token(call)?.unwrap_or_else(|| Secret::new(String::new()));
            ask(house, call, &Whose::of(&person), &token)
        }
        Method::POST => {
            let form = form(call).map_err(for_person)?;
            same_site(house, call)?;
            let token = Secret::new(form.get("token").unwrap_or_default().to_owned());
            if !form_token(house, call, &form)? {
                return ask(house, call, &Whose::of(&person), &token);
            }
            let account = Users::new(house).find(&person.name)?;
            let verified = email::verify(house, &account, token.expose(), call.language())?;
            let (status, text) = match verified {
                Verified::Done => (StatusCode::OK, CONFIRMED),
                Verified::Over => return Ok(over(call)),
                Verified::Taken => (StatusCode::CONFLICT, TAKEN),
            };
            Ok(page::message(status, call.language(), text))
        }
        _ => Err(Refusal::method()),
    }
}

fn ask(
    house: &House,
    call: &Call,
    whose: &Whose,
    token: &Secret<String>,
) -> Result<Reply, Refusal> {
    let now = house.seams.clock.now();
    let bound = Kind::VerifyEmail.look(&house.seams.store, token.expose(), now)?;
    let Some(bound) = bound.filter(|bound| bound.whose == *whose) else { return Ok(over(call)) };
    paper(house, call, (EMAIL, None), |paper| page::confirm_email(paper, token, &bound.address))
}

const CONFIRMED: &str = "Your address is confirmed.";
const TAKEN: &str = "This address cannot be used.";
