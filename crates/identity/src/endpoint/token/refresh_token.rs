//! `grant_type=refresh_token` (RFC 6749 section 6).

use std::sync::Arc;

use ringwall_base::Secret;

use super::{Words, give, reply};
use crate::answer::{Call, Refusal, Reply};
use crate::clients::Client;
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;
use crate::refresh::{Presented, Refreshed, refresh};
use crate::revocations::{HOLD, Kind};

pub(super) fn answer(
    house: &House,
    call: &Call,
    client: &Arc<Client>,
    form: &Form,
) -> Result<Reply, Refusal> {
    let token = form.get("refresh_token");
    let token = token.ok_or(Refusal::client("invalid_request", "refresh_token is missing"))?;
    let presented = Presented {
        token: Secret::new(token.to_owned()),
        client: Arc::clone(client),
        cnf: None,
        scope: form.get("scope").map(str::to_owned),
    };
    let token_id = house.token_id()?;
    let (grantee, next) = match refresh(house, presented)? {
        Refreshed::Good(grantee, next) => (grantee, next),
        Refreshed::Scope => {
            return Err(Refusal::client("invalid_scope", "a scope was not granted"));
        }
        Refreshed::Refused(why) => return refused(house, call, client, ("token-refused", why)),
        Refreshed::Reused(family) => {
            let until = house.seams.clock.now().plus(HOLD);
            house.revocations.add(Kind::Grant, family, until);
            let why = "rotated refresh token used again";
            return refused(house, call, client, ("token-refresh-reuse", why));
        }
    };
    let grant = "refresh_token";
    let words = Words { action: "token-refreshed", grant, token_id: &token_id };
    let mut given = give(house, call, client, &grantee, &words)?;
    given.refresh_token = next;
    Ok(reply(&given))
}

/// One answer for every token that is not good; the record has the reason.
fn refused(
    house: &House,
    call: &Call,
    client: &Client,
    (action, why): (&'static str, &str),
) -> Result<Reply, Refusal> {
    let record = Record::refused(action, why).client(&client.settings.id).source(call.peer);
    house.put(record)?;
    Err(Refusal::client("invalid_grant", "the refresh token is not valid"))
}
