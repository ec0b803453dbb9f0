//! `grant_type=authorization_code` (RFC 6749 section 4.1.3).

use ringwall_base::Secret;

use super::{Words, give, reply};
use crate::answer::{Call, Refusal, Reply};
use crate::check::verifier;
use crate::clients::{Client, Grant};
use crate::codes::{Presented, Redeemed, redeem};
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;
use crate::refresh::NewFamily;
use crate::revocations::HOLD;

pub(super) fn answer(
    house: &House,
    call: &Call,
    client: &Client,
    form: &Form,
) -> Result<Reply, Refusal> {
    let presented = presented(house, client, form)?;
    let token_id = presented.token_id.clone();
    let first = presented.family.as_ref().map(|family| family.first.token.clone());
    let now = house.seams.clock.now();
    let grantee = match redeem(&house.seams.store, presented, now)? {
        Redeemed::Good(grantee) => grantee,
        Redeemed::Refused(why) => return refused(house, call, client, "code-refused", why),
        Redeemed::Replayed(taken) => {
            for (kind, value) in taken {
                house.revocations.add(kind, value, now.plus(HOLD));
            }
            return refused(house, call, client, "code-reuse", "code used before");
        }
    };
    let grant = "authorization_code";
    let words = Words { action: "token-issued", grant, token_id: &token_id };
    let mut given = give(house, call, client, &grantee, &words)?;
    given.refresh_token = first;
    Ok(reply(&given))
}

fn presented(house: &House, client: &Client, form: &Form) -> Result<Presented, Refusal> {
    let missing = |why| Refusal::client("invalid_request", why);
    let code = form.get("code").ok_or(missing("code is missing"))?;
    let redirect_uri = form.get("redirect_uri").ok_or(missing("redirect_uri is missing"))?;
    let refreshed = client.uses(Grant::RefreshToken);
    Ok(Presented {
        code: Secret::new(code.to_owned()),
        client_id: client.settings.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: verifier(form).map_err(missing)?,
        token_id: house.token_id()?,
        family: refreshed.then(|| NewFamily::generate(house, None)).transpose()?,
    })
}

/// One answer for every code that is not good; the record has the reason.
fn refused(
    house: &House,
    call: &Call,
    client: &Client,
    action: &'static str,
    why: &str,
) -> Result<Reply, Refusal> {
    let record = Record::refused(action, why).client(&client.settings.id).source(call.peer);
    house.put(record)?;
    Err(Refusal::client("invalid_grant", "the code is not valid"))
}
