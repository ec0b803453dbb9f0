//! What a search for counter-examples looks for in the machine.

use super::Violation;
use super::machine::{Machine, Part};
use crate::HeadLimits;

/// Splits anywhere give the same verdict, and so does taking messages apart; settled bytes are
/// never more than were given.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let Some((seed, data)) = data.split_first() else {
        return;
    };
    let whole = verdict(data, &[data.len()]);
    let step = usize::from(seed >> 1).saturating_add(1);
    let pieces = vec![step; data.len().div_ceil(step)];
    assert_eq!(whole, verdict(data, &pieces), "a split at every {step} bytes changes the verdict");
    assert_eq!(whole, apart(data), "taken apart it has another reading");
}

/// The violation; without one, whether the data ends between messages.
fn verdict(data: &[u8], pieces: &[usize]) -> (Option<Violation>, bool) {
    let mut machine = Machine::request(HeadLimits::default());
    let (mut from, mut to) = (0_usize, 0_usize);
    for piece in pieces {
        to = to.saturating_add(*piece).min(data.len());
        let given = data.get(from..to).unwrap_or_default();
        match machine.feed(given) {
            Ok(settled) => {
                assert!(settled <= given.len(), "more was settled than was given");
                from = from.saturating_add(settled);
            }
            Err(_) => break,
        }
    }
    let violation = machine.violation();
    (violation, violation.is_none() && machine.is_between())
}

/// The same, part by part.
fn apart(mut data: &[u8]) -> (Option<Violation>, bool) {
    let mut machine = Machine::request(HeadLimits::default());
    while let Ok((part, used)) = machine.next(data) {
        if part == Part::More {
            break;
        }
        assert!(machine.spans().is_sorted_by_key(|span| span.start), "fields come in order");
        data = data.get(used..).unwrap_or_default();
    }
    let violation = machine.violation();
    (violation, violation.is_none() && machine.is_between())
}
