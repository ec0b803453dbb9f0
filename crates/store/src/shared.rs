//! Hot shared state: counts that several gateways keep together.
//!
//! A gateway counts for itself, and says here from time to time what it counted. What comes back
//! is the count of all. Nobody waits for this while a request is on its way.
//!
//! Collections of named values ([`SharedCollections`]) are kept together likewise: what a gateway
//! changed is said, and what all together came to is the answer.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::time::Duration;

/// An exchange on its way.
pub type Exchanging<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Total>, SharedError>> + Send + 'a>>;

/// Where counts are kept together.
pub trait Shared: Debug + Send + Sync {
    /// Adds what was counted here, and returns what all counted, in the same order. When it fails,
    /// some of it may have been added: a count is then said again, and is never too low. With nothing to add, it says whether the store is
    /// there.
    fn exchange<'a>(&'a self, tallies: &'a [Tally]) -> Exchanging<'a>;
}

/// The collections of a batch as they are now, in its order.
pub type Merged = Vec<Vec<Member>>;

/// A batch on its way.
pub type Merging<'a> = Pin<Box<dyn Future<Output = Result<Merged, SharedError>> + Send + 'a>>;

/// Where collections are kept together.
pub trait SharedCollections: Debug + Send + Sync {
    /// Makes changes, and returns what is there after them. A batch that is said again, because no
    /// answer came, changes nothing the second time, for ten minutes. An empty one asks whether the
    /// store is there.
    fn merge<'a>(&'a self, batch: &'a Batch) -> Merging<'a>;
}

/// Changes of several collections. At most [`Batch::PARTS_MAX`] of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// A name that no other batch has.
    pub id: String,
    /// Each collection once.
    pub parts: Vec<Part>,
}

impl Batch {
    /// Sixteen collections as large as may be are answered by 400 KiB.
    pub const PARTS_MAX: usize = 16;
}

/// What one gateway changed in one collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// Which collection: the same for all gateways.
    pub name: String,
    /// What it changed, each member once.
    pub changes: Vec<Change>,
    /// What it knows, these changes included: taken over where the store has lost everything.
    pub known: Vec<Member>,
}

/// A change of one member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// Any bytes.
    pub name: Vec<u8>,
    /// What is done to its value.
    pub act: Act,
    /// How long it lasts from now on; `None`: as before.
    pub lasts: Option<Duration>,
    /// How long it lasts if it was not there before.
    pub first_lasts: Duration,
}

/// What is done to a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// So much is added; what is no number counts as 0. Exact up to 2^53.
    Add(i64),
    /// It is taken out.
    Delete,
    /// It stays, if it is there.
    Keep,
    /// It is another one.
    Set(Vec<u8>),
}

/// A member of a collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Any bytes.
    pub name: Vec<u8>,
    /// Any bytes.
    pub value: Vec<u8>,
    /// How long it lasts yet.
    pub lasts: Duration,
}

/// What one gateway counted under one name since it said so last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tally {
    /// Whose count, of which limit: the same for all gateways.
    pub name: String,
    /// What was counted.
    pub count: Count,
}

/// A count. All its times are spans: no two machines need the same clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Count {
    /// Of a rate (generic cell rate algorithm).
    Rate {
        /// The time that the requests take of it.
        taken: Duration,
        /// How long ago the first of them came.
        age: Duration,
        /// How far ahead of time the key is, by what this gateway knows.
        ahead: Duration,
    },
    /// Of a quota.
    Quota {
        /// How much was used.
        used: u64,
        /// How much of the window was used, by what this gateway knows.
        total: u64,
        /// When the window ends.
        ends: Duration,
    },
}

/// What all gateways together counted under one name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Total {
    /// Of a rate: the time until the key is idle. Of a quota: until its window ends.
    pub ahead: Duration,
    /// Of a quota: how much of it is used.
    pub used: u64,
}

/// Why counts could not be exchanged.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The connection could not be made, or broke off.
    #[error("the shared store cannot be reached")]
    Connection(#[from] io::Error),
    /// What came back is no answer.
    #[error("the shared store answers nonsense: {0}")]
    Malformed(&'static str),
    /// It answered with an error: no memory, a wrong password, still loading.
    #[error("the shared store refuses: {0}")]
    Refused(String),
    /// It did not answer in time.
    #[error("the shared store did not answer in time")]
    Time,
}
