//! Decides who may call which operation.
//!
//! Start with [`Engine::build`] and [`Engine::decide`]. Grants without conditions become a table,
//! so that a decision is a few look-ups; the same grants are also written as Cedar policies, and
//! tests hold the two equal. Cedar runs only for policies with conditions, and only for the
//! operations that they can apply to.
//!
//! Nothing here does I/O, reads a clock or knows HTTP. Whatever is unknown or fails is denied.

mod rule;
mod question;
mod decision;
mod engine;
mod table;
mod conditions;
mod entity;
mod schema;
mod grants;
mod build_error;
mod fuzz;

pub use build_error::{BuildError, Problem};
pub use decision::{Decision, DenyReason, Origin};
pub use engine::{Engine, OperationKey};
#[doc(hidden)]
pub use fuzz::fuzz;
pub use question::{Circumstances, PersonFacts, Question};
pub use rule::{Inventory, Principal, Rule, Scope};
