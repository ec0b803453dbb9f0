//! The device authorization endpoint (RFC 8628 section 3.1).

use http::StatusCode;
use serde_json::json;

use crate::answer::{Call, DEVICE, Refusal, Reply, json_reply};
use crate::check::{client, form, resource, scope};
use crate::clients::Grant;
use crate::device::start;
use crate::identity::House;
use crate::record::Record;
use crate::room::Share;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    if !client.uses(Grant::DeviceCode) {
        let why = "the client may not use this grant";
        return Err(Refusal::client("unauthorized_client", why));
    }
    if !resource(&house.settings.issuer, &form) {
        return Err(Refusal::client("invalid_target", "the resource is not behind this server"));
    }
    let scope = scope(&client, &form)
        .ok_or(Refusal::client("invalid_scope", "a scope is not the client's"))?;
    let started =
        start(house, (&client.settings.id, Share::of(call)), &scope)?.ok_or(Refusal::Client {
            status: StatusCode::TOO_MANY_REQUESTS,
            error: "temporarily_unavailable",
            why: "too many devices are waiting",
        })?;
    house.put(Record::of("device-code-issued").client(&client.settings.id).source(call.peer))?;
    let here = format!("{}{DEVICE}", house.settings.issuer);
    let body = json!({
        "device_code": started.device_code,
        "user_code": started.user_code,
        "verification_uri": here,
        "verification_uri_complete": format!("{here}?user_code={}", started.user_code),
        "expires_in": started.life.as_secs(),
        "interval": started.interval.as_secs(),
    });
    Ok(json_reply(StatusCode::OK, &body))
}
