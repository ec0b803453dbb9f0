//! `grant_type=refresh_token` (RFC 6749 section 6).

use std::sync::Arc;

use ringwall_base::Secret;

use super::{Asked, Words, give, refused, reply};
use crate::answer::{Refusal, Reply};
use crate::identity::House;
use crate::refresh::{Presented, Refreshed, refresh};

pub(super) fn answer(house: &House, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let token = asked.form.get("refresh_token");
    let token = token.ok_or(Refusal::client("invalid_request", "refresh_token is missing"))?;
    let presented = Presented {
        token: Secret::new(token.to_owned()),
        client: Arc::clone(asked.client),
        cnf: asked.cnf(),
        scope: asked.form.get("scope").map(str::to_owned),
    };
    let token_id = house.token_id()?;
    let (grantee, next) = match refresh(house, presented)? {
        Refreshed::Good(grantee, next) => (grantee, next),
        Refreshed::Scope => {
            return Err(Refusal::client("invalid_scope", "a scope was not granted"));
        }
        Refreshed::Refused(why) => return refused(house, asked, ("token-refused", why), BAD),
        Refreshed::Reused(ended) => {
            house.keep(ended)?;
            let why = "rotated refresh token used again";
            return refused(house, asked, ("token-refresh-reuse", why), BAD);
        }
    };
    let grant = "refresh_token";
    let words = Words { action: "token-refreshed", grant, token_id: &token_id };
    let mut given = give(house, asked, &grantee, &words)?;
    given.refresh_token = next;
    Ok(reply(&given))
}

const BAD: &str = "the refresh token is not valid";
