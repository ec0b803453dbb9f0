//! Which fields of one message have come, and how often.

use std::collections::HashMap;

/// Counts by place. A message of many fields costs what comes of it, not what could come.
#[derive(Debug)]
pub(crate) enum Seen {
    Few([u32; FEW]),
    Many(HashMap<usize, u32>),
}

impl Seen {
    pub(crate) fn new(places: usize) -> Self {
        if places <= FEW { Self::Few([0; FEW]) } else { Self::Many(HashMap::new()) }
    }

    /// Counts one more, and says how many came before it.
    pub(crate) fn add(&mut self, place: usize) -> u32 {
        let count = match self {
            Self::Few(counts) => counts.get_mut(place),
            Self::Many(counts) => Some(counts.entry(place).or_default()),
        };
        let Some(count) = count else { return 0 };
        let before = *count;
        *count = before.saturating_add(1);
        before
    }
}

const FEW: usize = 24;
