//! What is counted for each service that is asked.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one service.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    failures: [Count; FAILURES],
    pub(crate) retries: Count,
    pub(crate) budget_exhausted: Count,
    pub(crate) overflows: Count,
    pub(crate) shed: Count,
    pub(crate) hedges: Count,
    pub(crate) hedges_won: Count,
    pub(crate) mirrored: Count,
    pub(crate) mirror_dropped: Count,
}

/// Something that is counted up.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// How an attempt failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failing {
    /// No connection.
    Connect,
    /// It ended before an answer.
    Lost,
    /// The answer broke the rules of HTTP.
    Malformed,
    /// No room for another connection or waiting request.
    Overflow,
    /// An answer that says that the service failed.
    Status,
    /// No answer in time.
    Time,
}

impl Counts {
    /// Counts a failed attempt.
    pub(crate) fn fail(&self, how: Failing) {
        if let Some((_, count)) = self.failures().find(|(one, _)| *one == how) {
            count.up();
        }
    }

    /// Failed attempts by kind.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (Failing, &Count)> {
        Failing::ALL.into_iter().zip(&self.failures)
    }
}

impl Count {
    /// One more.
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Failing {
    const ALL: [Self; FAILURES] =
        [Self::Connect, Self::Lost, Self::Malformed, Self::Overflow, Self::Status, Self::Time];

    /// As a label.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Lost => "lost",
            Self::Malformed => "malformed",
            Self::Overflow => "overflow",
            Self::Status => "status",
            Self::Time => "time",
        }
    }
}

const FAILURES: usize = 6;
