//! The counters of one operation at one door.
//!
//! A request knows its operation, so it finds its counter by what else tells them apart: a few small
//! comparisons in place of eight labels that are copied and hashed.

use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::metrics::histogram::Histogram;

/// Counters that were used before.
#[derive(Debug, Default)]
pub(crate) struct Tally(RwLock<Vec<(Kind<Arc<str>>, Histogram)>>);

/// What tells the counters of one operation at one door apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kind<S> {
    /// The calling service.
    pub(crate) caller: Option<S>,
    /// The method's label.
    pub(crate) method: &'static str,
    /// The status.
    pub(crate) status: u16,
    /// The code of a refusal, or empty.
    pub(crate) error: &'static str,
}

impl Tally {
    /// The counter of this kind; `make` looks it up when it was not used before.
    pub(crate) fn of(&self, kind: Kind<&str>, make: impl FnOnce() -> Histogram) -> Histogram {
        // A poisoned list is whole: every change of it is one step.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known.iter().find(|(other, _)| other.is(kind)) {
            return found.clone();
        }
        drop(known);
        let made = make();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KINDS_MAX && !known.iter().any(|(other, _)| other.is(kind)) {
            let Kind { caller, method, status, error } = kind;
            let caller = caller.map(Arc::from);
            known.push((Kind { caller, method, status, error }, made.clone()));
        }
        made
    }
}

impl Kind<Arc<str>> {
    fn is(&self, other: Kind<&str>) -> bool {
        self.status == other.status
            && self.error == other.error
            && self.method == other.method
            && self.caller.as_deref() == other.caller
    }
}

/// Answers of most operations are of two or three kinds. What comes later is looked up each time.
const KINDS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(caller: Option<&str>, status: u16) -> Kind<&str> {
        Kind { caller, method: "GET", status, error: "" }
    }

    #[test]
    fn a_kind_is_looked_up_once_and_kinds_are_told_apart() {
        let (tally, mut made) = (Tally::default(), 0);
        for _ in 0..3 {
            for kind in [kind(None, 200), kind(None, 404), kind(Some("orders"), 200)] {
                tally.of(kind, || {
                    made += 1;
                    Histogram::new([1.0])
                });
            }
        }
        assert_eq!(made, 3);
    }

    #[test]
    fn what_finds_no_place_is_counted_all_the_same() {
        let tally = Tally::default();
        for status in 0..100 {
            tally.of(kind(None, status), || Histogram::new([1.0]));
        }
        assert_eq!(tally.0.read().unwrap().len(), KINDS_MAX);
        let mut made = 0;
        tally.of(kind(None, 99), || {
            made += 1;
            Histogram::new([1.0])
        });
        assert_eq!(made, 1);
    }
}
