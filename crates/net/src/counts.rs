//! What each thread accepted, holds and refused. Written at the beginning and end of connections
//! only, so that a request costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Curb;

/// Why a connection ended before its first request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unwelcome {
    /// There are as many as there may be in all.
    Full,
    /// There are as many as there may be from one address.
    Address,
    /// No descriptor was left.
    Descriptors,
    /// The PROXY header of a peer that has to send one was missing, wrong or late.
    Proxy,
    /// The TLS handshake failed or was late.
    Handshake,
}

/// One thread's counts at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WorkerCounts {
    /// Connections since the start.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that were closed before their first request, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Limits that clients passed later.
    pub curbed: Vec<(&'static str, u64)>,
}

/// One thread's counts as it writes them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    accepted: AtomicU64,
    ended: AtomicU64,
    refused: [AtomicU64; Unwelcome::ALL.len()],
    curbed: [AtomicU64; Curb::ALL.len()],
}

/// Looks at the counts of all threads, from anywhere and at any time.
#[derive(Clone, Debug)]
pub struct Census(pub(crate) Vec<Arc<Counts>>);

impl Census {
    /// What each thread counted.
    pub fn look(&self) -> Vec<WorkerCounts> {
        self.0.iter().map(|counts| counts.look()).collect()
    }
}

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Counts>);

impl Counted {
    /// Where it is counted.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.0
    }
}

impl Unwelcome {
    /// All of them, in the order of their declaration.
    const ALL: [Self; 5] =
        [Self::Full, Self::Address, Self::Descriptors, Self::Proxy, Self::Handshake];

    /// The reason as a label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Full => "connections_max",
            Self::Address => "connections_per_address_max",
            Self::Descriptors => "descriptors",
            Self::Proxy => "proxy_header",
            Self::Handshake => "tls_handshake",
        }
    }
}

impl Counts {
    /// Counts a connection in, until what this returns is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Counted {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(self))
    }

    /// Counts a connection that was refused.
    pub(crate) fn refuse(&self, why: Unwelcome) {
        let places = Unwelcome::ALL.iter().zip(&self.refused);
        for (_, place) in places.filter(|(known, _)| **known == why) {
            place.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a limit that a client passed.
    pub(crate) fn curb(&self, what: Curb) {
        let places = Curb::ALL.iter().zip(&self.curbed);
        for (_, place) in places.filter(|(known, _)| **known == what) {
            place.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn look(&self) -> WorkerCounts {
        let ended = self.ended.load(Ordering::Relaxed);
        let accepted = self.accepted.load(Ordering::Relaxed);
        let refused = Unwelcome::ALL.iter().zip(&self.refused);
        let refused = refused.map(|(why, count)| (why.label(), count.load(Ordering::Relaxed)));
        let curbed = Curb::ALL.iter().zip(&self.curbed);
        let curbed = curbed.map(|(what, count)| (what.label(), count.load(Ordering::Relaxed)));
        WorkerCounts {
            accepted,
            open: accepted.saturating_sub(ended),
            refused: refused.collect(),
            curbed: curbed.collect(),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_until_it_is_dropped() {
        let counts = Arc::new(Counts::default());
        let (first, second) = (counts.enter(), counts.enter());
        drop(first);
        counts.refuse(Unwelcome::Proxy);
        let look = counts.look();
        assert_eq!((look.accepted, look.open), (2, 1));
        let refused: Vec<_> = look.refused.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(refused, [&("proxy_header", 1)]);
        drop(second);
        assert_eq!(counts.look().open, 0);
    }
}
