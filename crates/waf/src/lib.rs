//! A web application firewall that runs `SecLang`, the language of `ModSecurity`, so that the OWASP
//! Core Rule Set works unchanged.
//!
//! Start with [`Ruleset::load`], then [`Transaction::begin`]. Bytes and values go in, a verdict
//! comes out: nothing here does I/O, reads a clock or spawns anything. Files that rules name come
//! through a [`Library`], what outlives a transaction through a [`Memory`].
//!
//! The way of a rule: `parse` reads lines, words and directives and keeps the place of each for
//! errors; `rule` is what was read; `link` applies what rules say about rules (exclusions, markers,
//! choices by tag), numbers the distinct transformation pipelines and names the places of `TX`
//! members, and builds the `prefilter` from the literals that patterns require (`required`);
//! `transaction` collects variables, transforms each value once per pipeline, asks the
//! operator, and lets matches act. Where engines differ, ModSecurity 2 and `seclang-spec` decide.

#![expect(
    clippy::type_complexity,
    reason = "options and lists of pairs of byte slices are what rules and values are made of"
)]

mod limits;
mod cursor;
mod arena;
mod variable;
mod text;
mod pattern;
mod backtrack;
mod required;
mod rare;
mod parse;
mod rule;
mod settings;
mod transform;
mod operator;
mod injection;
mod automaton;
mod prefilter;
mod quick;
mod link;
mod ruleset;
mod memory;
mod body;
mod transaction;
mod report;
mod own;
mod fuzz;

pub use arena::Arena;
#[doc(hidden)]
pub use fuzz::fuzz;
pub use memory::{Delta, DeltaChange, Found, InMemory, Memory, NoMemory, Replica, Stored, Told};
pub use own::{OwnRules, Strictness};
pub use parse::error::{Cause, LoadError, RuleError};
pub use parse::{Library, LibraryError, NoLibrary, Source, Warning};
pub use report::{Action, Intervention, Match};
pub use rule::{AuditEngine, Engine, Phase, Place};
pub use ruleset::{Evaluation, Ruleset};
pub use transaction::{Connection, Part, Proof, RequestHead, ResponseHead, Transaction};
