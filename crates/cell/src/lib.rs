//! Runs a service in its own user, network and mount namespaces, in which only its doors exist.
//!
//! Start with [`Cell::spawn`]. The program that links this package must call [`shim_main`] first
//! thing in `main`, before any thread starts, when its first argument is [`SHIM_COMMAND`]: the
//! kernel lets only a single-threaded process enter a new user namespace.
//!
//! Inside a cell there is no route out. What the service can reach is its own loopback and the
//! listeners that were asked for, which belong to the parent. Unix sockets with a path are files
//! and stay reachable, except below the folders in [`Spec::hide`].

mod cell;
mod line;
mod port;
mod shim;
mod namespaces;
mod netlink;
mod wire;

pub use cell::{Cell, CellError, Dialer, Exit, Shim, Spec, Why, available, door_address};
pub use line::{Line, LineReader, Stream};
pub use port::{PortHolder, who_listens};
pub use shim::{SHIM_COMMAND, shim_main};
