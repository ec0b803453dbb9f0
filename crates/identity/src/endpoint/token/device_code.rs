//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4).

use ringwall_base::Secret;

use super::{Asked, Words, give, new_family, refused, reply};
use crate::answer::{Refusal, Reply};
use crate::device::{Polled, Presented, poll};
use crate::identity::House;

pub(super) fn answer(house: &House, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let code = asked.form.get("device_code");
    let code = code.ok_or(Refusal::client("invalid_request", "device_code is missing"))?;
    let token_id = house.token_id()?;
    let presented = Presented {
        token_id: token_id.clone(),
        device_code: Secret::new(code.to_owned()),
        client_id: asked.client.settings.id.clone(),
        family: new_family(house, asked)?,
        hears_of_logouts: asked.client.hears_of_logouts(),
    };
    let first = presented.family.as_ref().map(|family| family.first.token.clone());
    let why = match poll(house, presented)? {
        Polled::Good(grantee) => {
            let words = Words { action: "token-issued", grant: "device_code", token_id: &token_id };
            let mut given = give(house, asked, &grantee, &words)?;
            given.refresh_token = first;
            return Ok(reply(&given));
        }
        Polled::Refused(why) => return refused(house, asked, ("code-refused", why), BAD),
        Polled::Denied => ("access_denied", "the person refused"),
        Polled::Expired => ("expired_token", "the device code has expired"),
        Polled::Pending => ("authorization_pending", "the person has not decided yet"),
        Polled::SlowDown => ("slow_down", "wait five seconds longer between two requests"),
    };
    Err(Refusal::client(why.0, why.1))
}

const BAD: &str = "the device code is not valid";
