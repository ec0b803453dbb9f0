//! One look at a value for all rules: which of them it can match at all.
//!
//! INVARIANT: a rule that matches a value is a candidate for it. A rule that is none is not asked,
//! so one missed candidate would be a bypass; [`Evaluation::Verified`](crate::Evaluation) asks
//! every rule and counts such misses.

use std::collections::HashMap;

use crate::automaton::{Automaton, Literal};
use crate::injection::{sqli, xss};
use crate::operator::{Operator, Rx, StringTest};
use crate::rare::{Bytes, byte_set, holds};
use crate::transform::Acts;

/// Gates that one byte of a set opens: the bits of the first word.
const BYTE_GATES: u32 = 64;
/// Phrases are confirmed by an automaton of their own; their beginnings tell values apart.
const PHRASE_BYTES: usize = 8;

/// The gates of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Prefilter {
    automaton: Automaton,
    /// What each byte means.
    bytes: Vec<ByteRow>,
    words: usize,
}

/// What one byte means, in one place so that one look at memory gives all of it.
#[derive(Clone, Copy, Debug, Default)]
struct ByteRow {
    opens: u64,
    class: u32,
    acts: Acts,
}

/// What a value must pass to be a candidate: every match holds one of the first gate's literals, and one
/// of the second's bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Gates {
    first: u32,
    /// A bit of the first word, or none.
    second: u64,
}

/// A gate that is always open.
const OPEN: u32 = u32::MAX;

/// What a value opens and what could change it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) open: &'a [u64],
    pub(crate) acts: Acts,
}

/// Collects literals until the automaton is built.
#[derive(Debug)]
pub(crate) struct Builder {
    literals: Vec<Literal>,
    by_byte: Vec<Bytes>,
    by_literals: HashMap<Vec<Vec<u8>>, u32>,
    gates: u32,
}

/// What every match of an operator holds.
enum Needs {
    /// One of these bytes.
    Byte(Bytes),
    /// One of these, in any case.
    Literal(Vec<Vec<u8>>),
}

impl Default for Builder {
    fn default() -> Self {
        let by_literals = HashMap::new();
        Self { literals: Vec::new(), by_byte: Vec::new(), by_literals, gates: BYTE_GATES }
    }
}

impl Builder {
    /// The gates of an operator; `None`: it is always asked.
    pub(crate) fn gates(&mut self, operator: &Operator) -> Option<Gates> {
        let first = needs(operator).and_then(|needs| self.gate(needs));
        let second = rare_bytes(operator).and_then(|bytes| self.byte_gate(bytes));
        let second_bit = second.map_or(0, |gate| 1 << gate);
        let gates = Gates { first: first.unwrap_or(OPEN), second: second_bit };
        (first.is_some() || second.is_some()).then_some(gates)
    }

    fn gate(&mut self, needs: Needs) -> Option<u32> {
        match needs {
            Needs::Byte(bytes) => self.byte_gate(bytes),
            Needs::Literal(literals) if literals.iter().all(|literal| literal.len() == 1) => {
                let bytes = literals.iter().flatten();
                let bytes = bytes.flat_map(|it| [it.to_ascii_lowercase(), it.to_ascii_uppercase()]);
                self.byte_gate(byte_set(bytes))
            }
            Needs::Literal(literals) => Some(self.literal_gate(literals)),
        }
    }

    fn byte_gate(&mut self, bytes: Bytes) -> Option<u32> {
        let known = self.by_byte.iter().position(|it| *it == bytes);
        let place = known.unwrap_or(self.by_byte.len());
        let gate = u32::try_from(place).ok().filter(|gate| *gate < BYTE_GATES)?;
        if known.is_none() {
            self.by_byte.push(bytes);
        }
        Some(gate)
    }

    fn literal_gate(&mut self, mut literals: Vec<Vec<u8>>) -> u32 {
        literals.sort_unstable();
        let gate = *self.by_literals.entry(literals).or_insert_with_key(|literals| {
            self.literals.extend(literals.iter().map(|literal| (literal.clone(), self.gates)));
            self.gates
        });
        self.gates = self.gates.max(gate + 1);
        gate
    }

    pub(crate) fn build(self) -> Prefilter {
        let automaton = Automaton::new(&self.literals);
        let row = |byte: u8| ByteRow {
            opens: (0_u32..).zip(&self.by_byte).fold(0, |opens, (gate, bytes)| {
                if holds(bytes, byte) { opens | 1 << gate } else { opens }
            }),
            class: automaton.classes().get(usize::from(byte)).copied().unwrap_or(0),
            acts: Acts::of_byte(byte),
        };
        let bytes = (0..=255).map(row).collect();
        Prefilter { automaton, bytes, words: self.gates.div_ceil(64) as usize }
    }
}

/// Of these bytes every match holds one, beside its literals.
fn rare_bytes(operator: &Operator) -> Option<Bytes> {
    match operator {
        Operator::Rx(Rx::Linear(pattern)) => pattern.bytes,
        _ => None,
    }
}

/// What a value must have to match; `None`: nothing is known.
fn needs(operator: &Operator) -> Option<Needs> {
    Some(match operator {
        Operator::Rx(Rx::Linear(pattern)) => Needs::Literal(pattern.literals.as_ref()?.to_vec()),
        Operator::Phrases(set) => {
            let cut = |phrase: &Vec<u8>| {
                phrase.get(..PHRASE_BYTES).unwrap_or(phrase).to_ascii_lowercase()
            };
            let mut literals: Vec<Vec<u8>> = set.phrases.iter().map(cut).collect();
            literals.sort_unstable();
            literals.dedup();
            Needs::Literal(literals)
        }
        Operator::Text(StringTest::Within, _) => return None,
        Operator::Text(_, template) => {
            let text = template.constant().filter(|text| !text.is_empty())?;
            let text = text.get(..PHRASE_BYTES).unwrap_or(text);
            Needs::Literal(vec![text.to_ascii_lowercase()])
        }
        Operator::ByteRange(allowed) => Needs::Byte(allowed.others()),
        Operator::UrlEncoding => Needs::Byte(byte_set([b'%'].into_iter())),
        Operator::Utf8Encoding => Needs::Byte(byte_set(0x80..=0xff)),
        Operator::DetectSqli => {
            Needs::Byte(byte_set((0..=255).filter(|byte| !sqli::is_of_one_word(*byte))))
        }
        Operator::DetectXss => Needs::Byte(byte_set(xss::NEEDED.iter().copied())),
        _ => return None,
    })
}

impl Prefilter {
    /// How many words a set of open gates takes.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Opens the gates that a value can pass; `open` is all zero and has [`Prefilter::words`].
    pub(crate) fn scan<'a>(&self, value: &[u8], open: &'a mut [u64]) -> Scan<'a> {
        let mut acts = Acts::of_none();
        let mut opens = 0;
        let mut entry = 0;
        for byte in value {
            let row = self.bytes.get(usize::from(*byte)).copied().unwrap_or_default();
            acts = acts.and(row.acts);
            opens |= row.opens;
            entry = self.automaton.step(entry, row.class);
            self.automaton.mark(entry, open);
        }
        open.first_mut().into_iter().for_each(|first| *first = opens);
        Scan { open, acts: acts.of_value(value) }
    }
}

impl Gates {
    /// Whether both gates are open.
    #[inline]
    pub(crate) fn are_open(self, open: &[u64]) -> bool {
        let has_sign = || open.first().is_none_or(|word| word & self.second == self.second);
        is_open(open, self.first) && has_sign()
    }
}

#[inline]
fn is_open(open: &[u64], gate: u32) -> bool {
    let word = open.get((gate / 64) as usize);
    word.is_none_or(|word| word >> (gate % 64) & 1 == 1)
}

#[cfg(test)]
mod tests;
