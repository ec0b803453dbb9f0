//! The wiring: builds everything, connects the seams, runs, drains. No decision is made here.

mod relay;
mod tap;
mod key_vault;
mod custody;
mod ground;
mod groundwork;
mod execute;
mod explain;
mod verify;
mod seams;
mod reach;
mod certified;
mod declared;
mod doors;
mod fleet;
mod socket;
mod watch;
mod notify;
mod handover;
mod activation;
mod descriptors;
mod front;
mod shared_limits;
mod beside;
mod roots;
mod elsewhere;
mod post;
mod pages;
mod logouts;
mod server;
mod showcase;

pub(crate) use execute::offline;
pub(crate) use fleet::is_passed;
pub(crate) use ground::{Ground, make_private, replace};
pub(crate) use server::{Options, Role, serve};
pub(crate) use verify::verify_audit;
