//! One process takes over from another: listening sockets, state folder, audit events.
//!
//! The running process starts the new binary with a socket as its standard input. Over it go,
//! in this order:
//!
//! 1. old to new: the listening sockets (`SCM_RIGHTS`), so that what waits in their queues waits on;
//! 2. new to old: `loaded`, when the manifest holds and the audit log was checked so far;
//! 3. old to new: `released`, after the last accept and the last write to the state folder;
//! 4. new to old: `ready`, when it accepts. From 3 to 4 new connections wait in the queues;
//! 5. old to new: the events of requests that still end there, until the last one has.
//!
//! A new process that fails before 4 changes nothing: the old one takes everything back
//! (docs/adr/0017-handover.md).

mod channel;
mod event;
mod give;
mod take;

pub(crate) use give::{Given, give};
pub(crate) use take::Heir;

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use event::Carried;

/// What one process says to the other. A newer version has to understand an older one: fields are
/// added, never changed.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "says")]
enum Message {
    /// Listening sockets of one address; they come with this message.
    Sockets {
        /// `edge` or `http`.
        door: String,
        /// Whether they are used whatever the manifest says.
        #[serde(default)]
        is_fixed: bool,
    },
    /// There are no more sockets.
    End,
    /// The manifest holds.
    Loaded,
    /// It does not go on.
    Failed {
        /// Why.
        why: String,
    },
    /// The state folder is free.
    Released,
    /// The new process accepts.
    Ready,
    /// An event of a request that ends in the old process.
    Event(Box<Carried>),
    /// Whether it is on disk.
    Taken {
        /// Whether it is.
        is_durable: bool,
    },
}

/// Listening sockets and the name of their door.
#[derive(Debug)]
pub(crate) struct Inherited {
    pub(crate) door: String,
    pub(crate) sockets: Vec<OwnedFd>,
    /// Whether they are used whatever the manifest says: systemd made them.
    pub(crate) is_fixed: bool,
}

/// Says to the new process that its standard input is the socket of this protocol.
const VARIABLE: &str = "RINGWALL_HANDOVER";
