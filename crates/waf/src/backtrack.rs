//! Patterns that no finite automaton can match: look-around, back references, possessive and atomic
//! groups. A program for a small machine, whose steps are counted: what would run away is cut off.

mod machine;
mod parse;

use std::sync::Arc;

pub(crate) use machine::Found;

use crate::parse::error::Cause;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Program {
    code: Vec<Op>,
    sets: Vec<[u64; 4]>,
    /// Two places for each group, and one for each loop.
    slots: usize,
    groups: usize,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// What follows, up to `Match`, is tried for itself, and not again.
    Atomic {
        next: usize,
    },
    AtEnd,
    /// `\Z`: the end, or a line end at it.
    AtLastLine,
    AtLineEnd,
    AtLineStart,
    AtStart,
    AtWordBorder {
        is_negated: bool,
    },
    Byte(u8),
    /// The loop took nothing: it ends.
    EndIfEmpty {
        slot: usize,
    },
    Jump(usize),
    /// Looks without taking. Behind, so many bytes back at most.
    Look {
        next: usize,
        is_negated: bool,
        behind: Option<usize>,
    },
    Match,
    Same {
        group: usize,
        is_caseless: bool,
    },
    Save(usize),
    /// One of a set of bytes.
    Set(usize),
    /// First the one, then the other.
    Split(usize, usize),
}

/// Compiles a pattern in PCRE's syntax.
pub(crate) fn compile(text: &[u8]) -> Result<Arc<Program>, Cause> {
    parse::parse(text).map(Arc::new).map_err(|why| Cause::Pattern { why: why.to_owned() })
}

#[cfg(test)]
mod tests;
