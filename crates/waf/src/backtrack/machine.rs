//! Runs a program against a value, with a budget.

use crate::backtrack::{Op, Program};

/// Steps for one value. A pattern of CRS needs a few thousand for the largest values it meets.
const STEPS_MAX: usize = 250_000;
/// Ways that wait to be tried.
const FRAMES_MAX: usize = 100_000;

/// What a search came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    /// The budget is spent; nobody knows.
    Cut,
    No,
    /// Where the match and its groups begin and end.
    Yes(Vec<Option<(usize, usize)>>),
}

impl Program {
    /// Searches a value from its beginning, and adds the steps that it took.
    pub(crate) fn search(&self, value: &[u8], steps: &mut usize) -> Found {
        self.search_from(value, 0, steps)
    }

    /// As [`Program::search`], for a match that begins at a place or behind it.
    pub(crate) fn search_from(&self, value: &[u8], from: usize, steps: &mut usize) -> Found {
        let mut machine = Machine { program: self, value, slots: vec![None; self.slots], steps: 0 };
        let found = machine.search(from);
        *steps = steps.saturating_add(machine.steps);
        found
    }
}

struct Machine<'p> {
    program: &'p Program,
    value: &'p [u8],
    slots: Vec<Option<usize>>,
    steps: usize,
}

/// Something to go back to.
enum Frame {
    Restore { slot: usize, old: Option<usize> },
    Try { pc: usize, at: usize },
}

/// What an instruction did.
enum Step {
    Fail,
    Go { pc: usize, at: usize },
}

impl Machine<'_> {
    fn search(&mut self, from: usize) -> Found {
        for start in from..=self.value.len() {
            match self.run(0, start) {
                None => return Found::Cut,
                Some(Some(_)) => return Found::Yes(self.groups()),
                Some(None) => {}
            }
        }
        Found::No
    }

    fn groups(&self) -> Vec<Option<(usize, usize)>> {
        let pairs = self.slots.chunks_exact(2).take(self.program.groups);
        pairs
            .map(|pair| match pair {
                [Some(start), Some(end)] => Some((*start, *end)),
                _ => None,
            })
            .collect()
    }

    /// Where a match ends; the outer `None` when the budget is spent.
    #[expect(clippy::option_option, reason = "spent, no match and match are three things")]
    fn run(&mut self, pc: usize, at: usize) -> Option<Option<usize>> {
        let mut frames = vec![Frame::Try { pc, at }];
        let mut end = None;
        while let Some(frame) = frames.pop() {
            match frame {
                Frame::Restore { slot, old } => self.put(slot, old),
                Frame::Try { pc, at } => end = self.go(pc, at, &mut frames)?,
            }
            if end.is_some() {
                break;
            }
        }
        Some(end)
    }

    /// Goes one way until it fails or matches.
    #[expect(clippy::option_option, reason = "spent, no match and match are three things")]
    fn go(&mut self, pc: usize, at: usize, frames: &mut Vec<Frame>) -> Option<Option<usize>> {
        let (mut pc, mut at) = (pc, at);
        loop {
            self.steps += 1;
            if self.steps > STEPS_MAX || frames.len() > FRAMES_MAX {
                return None;
            }
            let op = self.program.code.get(pc).copied().unwrap_or(Op::Match);
            if matches!(op, Op::Match) {
                return Some(Some(at));
            }
            match self.step(op, pc, at, frames)? {
                Step::Fail => return Some(None),
                Step::Go { pc: next, at: there } => (pc, at) = (next, there),
            }
        }
    }

    fn put(&mut self, slot: usize, value: Option<usize>) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }

    fn slot(&self, slot: usize) -> Option<usize> {
        self.slots.get(slot).copied().flatten()
    }

    fn step(&mut self, op: Op, pc: usize, at: usize, frames: &mut Vec<Frame>) -> Option<Step> {
        let go = Step::Go { pc: pc + 1, at };
        let byte = self.value.get(at).copied();
        let holds = match op {
            Op::Byte(want) => {
                return Some(take(byte == Some(want), pc, at));
            }
            Op::Set(number) => {
                let set = self.program.sets.get(number);
                let is_in = byte.zip(set).is_some_and(|(byte, set)| holds(set, byte));
                return Some(take(is_in, pc, at));
            }
            Op::Save(slot) => {
                frames.push(Frame::Restore { slot, old: self.slot(slot) });
                self.put(slot, Some(at));
                true
            }
            Op::Split(one, other) => {
                frames.push(Frame::Try { pc: other, at });
                return Some(Step::Go { pc: one, at });
            }
            Op::Jump(pc) => return Some(Step::Go { pc, at }),
            Op::EndIfEmpty { slot } => {
                // The way out of the loop waits among the frames, or was taken before.
                self.slot(slot) != Some(at)
            }
            Op::Same { group, is_caseless } => return Some(self.same(group, is_caseless, pc, at)),
            Op::Atomic { next } => {
                return Some(match self.inside(pc + 1, at, frames)? {
                    Some(at) => Step::Go { pc: next, at },
                    None => Step::Fail,
                });
            }
            Op::Look { next, is_negated, behind } => {
                let found = self.look(pc + 1, at, behind, frames)?;
                return Some(if found == is_negated {
                    Step::Fail
                } else {
                    Step::Go { pc: next, at }
                });
            }
            Op::Match => true,
            _ => self.stands(op, at),
        };
        Some(if holds { go } else { Step::Fail })
    }

    /// Runs a part for itself; what it saved can be taken back by the frames outside.
    #[expect(clippy::option_option, reason = "spent, no match and match are three things")]
    fn inside(&mut self, pc: usize, at: usize, frames: &mut Vec<Frame>) -> Option<Option<usize>> {
        let before = self.slots.clone();
        let end = self.run(pc, at)?;
        if end.is_none() {
            self.slots = before;
            return Some(None);
        }
        for (slot, old) in before.into_iter().enumerate() {
            if self.slot(slot) != old {
                frames.push(Frame::Restore { slot, old });
            }
        }
        Some(end)
    }

    fn look(
        &mut self,
        pc: usize,
        at: usize,
        behind: Option<usize>,
        frames: &mut Vec<Frame>,
    ) -> Option<bool> {
        let Some(most) = behind else {
            return Some(self.inside(pc, at, frames)?.is_some());
        };
        for back in 0..=most.min(at) {
            if self.inside(pc, at - back, frames)? == Some(at) {
                return Some(true);
            }
        }
        Some(false)
    }

    fn same(&self, group: usize, is_caseless: bool, pc: usize, at: usize) -> Step {
        let (Some(start), Some(end)) = (self.slot(2 * group), self.slot(2 * group + 1)) else {
            return Step::Fail;
        };
        let text = self.value.get(start..end).unwrap_or_default();
        let there = self.value.get(at..at + text.len());
        let is_same = there.is_some_and(|there| {
            if is_caseless { there.eq_ignore_ascii_case(text) } else { there == text }
        });
        if is_same { Step::Go { pc: pc + 1, at: at + text.len() } } else { Step::Fail }
    }

    /// Conditions on the place.
    fn stands(&self, op: Op, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.value.get(at));
        let next = self.value.get(at);
        match op {
            Op::AtStart => at == 0,
            Op::AtEnd => next.is_none(),
            Op::AtLastLine => next.is_none() || self.value.get(at..) == Some(b"\n"),
            Op::AtLineStart => before.is_none_or(|byte| *byte == b'\n'),
            Op::AtLineEnd => next.is_none_or(|byte| *byte == b'\n'),
            Op::AtWordBorder { is_negated } => (is_word(before) != is_word(next)) != is_negated,
            _ => true,
        }
    }
}

fn take(holds: bool, pc: usize, at: usize) -> Step {
    if holds { Step::Go { pc: pc + 1, at: at + 1 } } else { Step::Fail }
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether a byte is in a set.
pub(super) fn holds(set: &[u64; 4], byte: u8) -> bool {
    set.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
}
