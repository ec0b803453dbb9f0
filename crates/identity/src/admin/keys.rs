//! Signing keys: looked at, turned, destroyed.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::read;
use super::problem::Problem;
use super::sessions::time;
use super::{Ask, done};
use crate::answer::{Reply, json_reply};
use crate::keys::{KeyState, Purpose};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    signs: String,
}

#[expect(clippy::unnecessary_wraps, reason = "the routes of one table have one form")]
pub(super) fn list(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let rows = ask.house.keys.rows().into_iter().map(|row| {
        let state = match row.state {
            KeyState::Active => "active",
            KeyState::Published => "published",
            KeyState::Retiring => "retiring",
        };
        json!({
            "id": row.kid,
            "signs": row.purpose.name(),
            "state": state,
            "published": row.published.secs(),
            "activated": time(row.activated),
            "retired": time(row.retired),
        })
    });
    let items: Vec<Value> = rows.collect();
    Ok(json_reply(StatusCode::OK, &json!({ "items": items, "next": null })))
}

/// Publishes a new key; it signs when every verifier can have it.
pub(super) fn rotate(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let New { signs } = read(&ask.body)?;
    let purpose = Purpose::parse(&signs);
    let purpose = purpose.ok_or_else(|| Problem::unprocessable("no key signs this"))?;
    ask.house.keys.rotate(&ask.house.seams, purpose)?;
    Ok(done())
}

/// Destroys a key that leaked.
pub(super) fn revoke(ask: &Ask<'_>) -> Result<Reply, Problem> {
    if !ask.house.keys.rows().iter().any(|row| row.kid == ask.id()) {
        return Err(Problem::not_found());
    }
    ask.house.revoke_key(ask.id())?;
    Ok(done())
}
