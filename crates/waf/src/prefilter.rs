//! One look at a value for all rules: which of them it can match at all.
//!
//! INVARIANT: a rule that matches a value is a candidate for it. A rule that is none is not asked,
//! so one missed candidate would be a bypass; [`Evaluation::Verified`](crate::Evaluation) asks
//! every rule and counts such misses.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::operator::{Operator, Rx};
use crate::required;

/// The gates of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Prefilter {
    automaton: Option<AhoCorasick>,
    /// For each literal the gates that it opens.
    opens: Vec<Vec<u32>>,
    /// Gates that one byte of a set opens.
    by_byte: Vec<(u32, [u64; 4])>,
    gates: u32,
}

/// Collects literals until the automaton is built.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    literals: Vec<Vec<u8>>,
    numbers: std::collections::HashMap<Vec<u8>, usize>,
    filter: Prefilter,
}

impl Builder {
    /// The gate of an operator; `None`: it is always asked.
    pub(crate) fn gate(&mut self, operator: &Operator) -> Option<u32> {
        let literals = match operator {
            Operator::Rx(Rx::Linear(pattern)) => required::literals(pattern.regex.as_str())?,
            Operator::Phrases(set) => {
                set.phrases.iter().map(|phrase| phrase.to_ascii_lowercase()).collect()
            }
            _ => return None,
        };
        let gate = self.filter.gates;
        if literals.iter().all(|literal| literal.len() == 1) {
            let bytes = literals
                .iter()
                .flatten()
                .flat_map(|byte| [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]);
            self.filter.by_byte.push((gate, byte_set(bytes)));
        } else {
            for literal in literals {
                self.add(literal, gate);
            }
        }
        self.filter.gates += 1;
        Some(gate)
    }

    fn add(&mut self, literal: Vec<u8>, gate: u32) {
        let next = self.literals.len();
        let number = *self.numbers.entry(literal.clone()).or_insert(next);
        if number == next {
            self.literals.push(literal);
            self.filter.opens.push(Vec::new());
        }
        if let Some(opens) = self.filter.opens.get_mut(number) {
            opens.push(gate);
        }
    }

    /// Builds the automaton. When it cannot be built every gate is open.
    pub(crate) fn build(mut self) -> Prefilter {
        self.filter.automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&self.literals)
            .ok();
        self.filter
    }
}

impl Prefilter {
    /// How many words a set of open gates takes.
    pub(crate) fn words(&self) -> usize {
        usize::try_from(self.gates).unwrap_or(0).div_ceil(64)
    }

    /// Opens the gates that a value can pass; `open` is all zero and has [`Prefilter::words`].
    pub(crate) fn scan(&self, value: &[u8], open: &mut [u64]) {
        let Some(automaton) = &self.automaton else {
            open.fill(u64::MAX);
            return;
        };
        for found in automaton.find_overlapping_iter(value) {
            let gates = self.opens.get(found.pattern().as_usize());
            gates.into_iter().flatten().for_each(|gate| set(open, *gate));
        }
        if !self.by_byte.is_empty() {
            let present = byte_set(value.iter().copied());
            let is_met =
                |bytes: &[u64; 4]| bytes.iter().zip(&present).any(|(one, other)| one & other != 0);
            let met = self.by_byte.iter().filter(|(_, bytes)| is_met(bytes));
            met.for_each(|(gate, _)| set(open, *gate));
        }
    }
}

/// Whether a gate is open.
pub(crate) fn is_open(open: &[u64], gate: u32) -> bool {
    let word = usize::try_from(gate / 64).ok().and_then(|word| open.get(word));
    word.is_none_or(|word| word >> (gate % 64) & 1 == 1)
}

fn set(open: &mut [u64], gate: u32) {
    if let Some(word) = usize::try_from(gate / 64).ok().and_then(|word| open.get_mut(word)) {
        *word |= 1 << (gate % 64);
    }
}

fn byte_set(bytes: impl Iterator<Item = u8>) -> [u64; 4] {
    let mut set = [0_u64; 4];
    for byte in bytes {
        if let Some(word) = set.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }
    set
}

#[cfg(test)]
mod tests;
