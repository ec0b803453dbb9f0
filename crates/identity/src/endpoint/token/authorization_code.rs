//! `grant_type=authorization_code` (RFC 6749 section 4.1.3).

use ringwall_base::Secret;

use super::{Asked, Words, give, new_family, refused, reply};
use crate::answer::{Refusal, Reply};
use crate::check::verifier;
use crate::codes::{Presented, Redeemed, redeem};
use crate::identity::House;

pub(super) fn answer(house: &House, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let presented = presented(house, asked)?;
    let token_id = presented.token_id.clone();
    let first = presented.family.as_ref().map(|family| family.first.token.clone());
    let grantee = match redeem(house, presented)? {
        Redeemed::Good(grantee) => grantee,
        Redeemed::Refused(why) => return refused(house, asked, ("code-refused", why), BAD),
        Redeemed::Replayed(taken) => {
            house.keep(taken)?;
            return refused(house, asked, ("code-reuse", "code used before"), BAD);
        }
    };
    let grant = "authorization_code";
    let words = Words { action: "token-issued", grant, token_id: &token_id };
    let mut given = give(house, asked, &grantee, &words)?;
    given.refresh_token = first;
    Ok(reply(&given))
}

fn presented(house: &House, asked: &Asked<'_>) -> Result<Presented, Refusal> {
    let (client, form) = (asked.client, asked.form);
    let missing = |why| Refusal::client("invalid_request", why);
    let code = form.get("code").ok_or(missing("code is missing"))?;
    let redirect_uri = form.get("redirect_uri").ok_or(missing("redirect_uri is missing"))?;
    Ok(Presented {
        code: Secret::new(code.to_owned()),
        client_id: client.settings.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: verifier(form).map_err(missing)?,
        token_id: house.token_id()?,
        jkt: asked.jkt().map(str::to_owned),
        family: new_family(house, asked)?,
        hears_of_logouts: asked.client.hears_of_logouts(),
    })
}

const BAD: &str = "the code is not valid";
