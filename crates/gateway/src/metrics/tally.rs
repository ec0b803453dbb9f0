//! The counters of one operation at one door.
//!
//! A request knows its operation, so it finds its counter by what else tells them apart: a few small
//! comparisons in place of eight labels that are copied and hashed.

use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::metrics::histogram::Histogram;

/// Counters that were used before.
#[derive(Debug, Default)]
pub(crate) struct Tally(RwLock<Vec<Known>>);

type Known = (Kind<Arc<str>>, Histogram);

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

    /// How often a counter is looked up.
    fn looked_up(tally: &Tally, kinds: &[Kind<&str>]) -> usize {
        let made = std::cell::RefCell::new(Vec::new());
        let make = || {
            made.borrow_mut().push(());
            Histogram::new([1.0])
        };
        for kind in kinds {
            drop(tally.of(*kind, make));
        }
        made.into_inner().len()
    }

    #[test]
    fn a_kind_is_looked_up_once_and_kinds_are_told_apart() {
        let (tally, other) = (Tally::default(), Kind { method: "PUT", ..kind(None, 200) });
        let kinds = [kind(None, 200), kind(None, 404), kind(Some("orders"), 200), other];
        assert_eq!(looked_up(&tally, &kinds), 4);
        assert_eq!(looked_up(&tally, &kinds), 0);
        assert_eq!(looked_up(&tally, &[Kind { error: "RW3001", ..kind(None, 200) }]), 1);
    }

    #[test]
    fn what_finds_no_place_is_counted_all_the_same() {
        let tally = Tally::default();
        let kinds: Vec<Kind<&str>> = (0..100).map(|status| kind(None, status)).collect();
        assert_eq!(looked_up(&tally, &kinds), 100);
        assert_eq!(tally.0.read().unwrap().len(), KINDS_MAX);
        assert_eq!(looked_up(&tally, &kinds), 100 - KINDS_MAX);
    }
}
