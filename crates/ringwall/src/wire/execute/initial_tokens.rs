//! What `ringwall client initial-token` asks for.

use std::time::Duration;

use anyhow::Result;
use ringwall_api::{Hidden, Reply, Request};
use ringwall_identity::{InitialTokenError, NewToken};
use ringwall_manifest::Model;

use super::{done, failed, rows_of, time};
use crate::wire::Ground;

pub(super) fn execute(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    let tokens = ground.identity.initial_tokens();
    match request {
        Request::InitialTokenAdd { uses, hours } => {
            if !model.is_some_and(|model| model.gateway.opens.registration) {
                let help = "open it: `registration = true` in `[gateway]`";
                return Ok(failed("the manifest lets no client register itself", Some(help)));
            }
            let NewToken { id, token } = tokens.add(*uses, Duration::from_hours(*hours))?;
            let message =
                format!("{id} registers {uses} clients for {hours} h; it is shown only now:");
            Ok(Reply::Secret { value: Hidden::new(token.expose().clone()), message: Some(message) })
        }
        Request::InitialTokenRevoke { id, clients: false } => {
            tokens.revoke(id)?;
            Ok(done(&format!("{id} registers nobody any more")))
        }
        Request::InitialTokenRevoke { id, clients: true } => {
            // It may be used up or over: its clients are there.
            let is_gone = match tokens.revoke(id) {
                Ok(()) => false,
                Err(InitialTokenError::NotFound) => true,
                Err(error) => return Err(error.into()),
            };
            let count = tokens.remove_clients(id)?;
            if is_gone && count == 0 {
                return Err(InitialTokenError::NotFound.into());
            }
            Ok(done(&format!("{id} registers nobody any more; clients that are gone: {count}")))
        }
        _ => {
            let rows = tokens.list()?.into_iter();
            let rows = rows.map(|one| vec![one.id, one.uses_left.to_string(), time(one.expires)]);
            Ok(rows_of(&["id", "clients left", "until"], rows.collect()))
        }
    }
}
