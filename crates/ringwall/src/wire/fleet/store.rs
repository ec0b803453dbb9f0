//! A door to a database: bytes are carried unread, and every connection is recorded.

use std::net::TcpListener;
use std::sync::Arc;

use ringwall_base::{Class, Event, Outcome};
use ringwall_net::{CarryError, CarrySettings, carry};

use crate::wire::Ground;

/// The door from `caller` to the store that its code calls `name`.
pub(super) fn open(
    ground: &Ground,
    caller: &str,
    name: &str,
    target: &str,
    socket: TcpListener,
) -> impl Future<Output = ()> + Send + use<> {
    let (clock, sink) = (Arc::clone(&ground.clock), Arc::clone(&ground.sink));
    let (caller, name, target) = (caller.to_owned(), name.to_owned(), target.to_owned());
    let record = {
        let (caller, name) = (caller.clone(), name.clone());
        move |result: Result<(), CarryError>| {
            let is_open = result.is_ok();
            let event = Event {
                at: clock.now(),
                action: if is_open { "egress-allowed" } else { "egress-denied" },
                class: Class::Group,
                outcome: if is_open { Outcome::Success } else { Outcome::Failure },
                caller: Some(caller.clone()),
                service: Some(name.clone()),
                reason: result.err().map(|error| reason(&error)),
                stage: Some("egress"),
                ..Event::default()
            };
            // What cannot be recorded does not happen.
            sink.put(event).is_ok()
        }
    };
    async move {
        let error = carry(socket, target, CarrySettings::default(), record).await;
        tracing::error!(%error, caller, store = name, "the door to a database is closed");
    }
}

/// The error with its cause.
fn reason(error: &CarryError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
