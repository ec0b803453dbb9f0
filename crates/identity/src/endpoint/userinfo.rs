//! Who the person behind an access token is (OpenID Connect Core section 5.3).

use http::{Method, StatusCode};
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::bearer;
use crate::identity::House;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if !matches!(*call.request.method(), Method::GET | Method::POST) {
        return Err(Refusal::method());
    }
    let claims = bearer(house, call)?;
    let is_openid = claims.scopes.iter().any(|scope| scope == "openid");
    if claims.is_program() || !is_openid {
        return Err(Refusal::Client {
            status: StatusCode::FORBIDDEN,
            error: "insufficient_scope",
            why: "the token is not for a person's identity",
        });
    }
    // OpenID Connect Core section 5.4. People are told that `profile` shows their name and roles.
    let shows_profile = claims.scopes.iter().any(|scope| scope == "profile");
    let mut body = if shows_profile {
        json!({
            "sub": claims.subject,
            "name": claims.name,
            "preferred_username": claims.name,
            "roles": claims.roles,
        })
    } else {
        json!({"sub": claims.subject})
    };
    if let (Some(tenant), Some(members)) = (claims.organisation.named(), body.as_object_mut()) {
        members.insert("tenant".to_owned(), tenant.into());
    }
    Ok(json_reply(StatusCode::OK, &body))
}
