//! Chooses who answers a request, and decides what may be tried again, must wait or is let go.
//!
//! Start with [`Group::pick`]. A [`Group`] is an immutable list of members; what is learned about
//! a member while requests come is in its [`State`], which outlives the group, so that a reload
//! forgets nothing. All of it is atomics: threads share it without a lock on the request path.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time and random bits are
//! arguments.

mod dice;
mod state;
mod member;
mod alias;
mod turns;
mod table;
mod tier;
mod group;
mod outlier;
mod judge;
mod load;
mod limiter;
mod window;
mod canary;

pub use canary::is_chosen;
pub use dice::{Dice, hash};
pub use group::{Ask, Group, Method, Settings};
pub use limiter::{Admitted, Limiter, LimiterSettings, Priority};
pub use load::{Budget, Load, Place, Retrying};
pub use member::Member;
pub use outlier::{EjectSettings, Outcome};
pub use state::{Busy, State, Tally};
