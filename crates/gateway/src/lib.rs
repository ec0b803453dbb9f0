//! The request pipeline: one file per stage.
//!
//! Start with `pipeline.rs`, then any file in `stage/`. The same pipeline serves three doors: the
//! public edge, the inbound door of a service, and its outbound door. [`Core`] holds what they
//! share; [`Core::load`] puts a manifest in force, [`Core::house`] gives a door its handler.
//!
//! Nothing here issues a token, keeps a key or opens a socket.

#![warn(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::wildcard_enum_match_arm)]

mod pipeline;
mod stage;
mod firewall;
mod learner;
mod refusal;
mod resource;
mod problem;
mod pages;
mod asker;
mod manner;
mod cors;
mod compress;
mod grpc_web;
mod messages;
mod idle;
mod tenure;
mod standing;
mod trace;
mod record;
mod ledger;
mod metrics;
mod core;
mod snapshot;
mod operation;
mod upstreams;
mod overload;
mod rates;
mod limit;
mod exchange;
mod collections;
mod discovery;
mod health;
mod local;
mod egress;
mod plain;
mod own;
mod json;

pub use crate::core::{Core, Door, Reach, Seams, Signers};
pub use collections::Recollection;
pub use discovery::{Discovery, ListError, read_list};
pub use egress::Egress;
pub use exchange::{Exchange, Sharing};
pub use health::Checks;
pub use learner::Learner;
pub use local::{Answered, Local};
pub use pages::Pages;
pub use pipeline::House;
pub use plain::{Plain, PlainSettings};
pub use snapshot::{BuildError, Contracts};
pub use stage::authenticate::Keys;
#[doc(hidden)]
pub use stage::normalize::fuzz as fuzz_normalize;
pub use tenure::TenureSettings;
pub use upstreams::{Endpoint, Found, Upstreams};

pub(crate) use refusal::Refusal;
