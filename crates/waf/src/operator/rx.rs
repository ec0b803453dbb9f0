//! `@rx`: in linear time where that can be, otherwise with a budget.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::backtrack::{self, Found, Program};
use crate::limits::COMPILE_STEPS;
use crate::parse::error::Cause;
use crate::pattern::{self, Pattern};

/// A pattern and the engine that runs it.
#[derive(Clone, Debug)]
pub(crate) enum Rx {
    Backtracking(Arc<Program>),
    Linear(Pattern),
}

/// The budget is spent before an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cut;

/// The pattern that a text with macros made last; lists in `TX` rarely change.
#[derive(Clone, Debug, Default)]
pub(crate) struct RxCache {
    last: Arc<Mutex<Option<(Vec<u8>, Rx)>>>,
}

impl RxCache {
    /// A text that is no pattern gives no answer.
    pub(super) fn get(&self, text: &[u8], steps: &mut usize) -> Result<Rx, Cut> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, rx)) = &*last
            && known == text
        {
            return Ok(rx.clone());
        }
        *steps = steps.saturating_add(COMPILE_STEPS);
        let Ok(rx) = Rx::compile(text) else { return Err(Cut) };
        *last = Some((text.to_vec(), rx.clone()));
        Ok(rx)
    }
}

impl Rx {
    /// The linear engine, unless the pattern has what only the other one can match.
    pub(crate) fn compile(text: &[u8]) -> Result<Self, Cause> {
        match pattern::compile(text) {
            Ok(pattern) => Ok(Self::Linear(pattern)),
            // What the linear engine says of it is the more useful message.
            Err(why) => backtrack::compile(text).map_or(Err(why), |it| Ok(Self::Backtracking(it))),
        }
    }

    /// As [`Rx::compile`], with `^` and `$` at line ends too.
    pub(crate) fn compile_lines(text: &[u8]) -> Result<Self, Cause> {
        match pattern::compile_with(text, true) {
            Ok(pattern) => Ok(Self::Linear(pattern)),
            Err(why) => {
                let text = [b"(?m)", text].concat();
                backtrack::compile(&text).map_or(Err(why), |it| Ok(Self::Backtracking(it)))
            }
        }
    }

    /// The first match that begins at a place or behind it.
    pub(super) fn find_at(
        &self,
        value: &[u8],
        from: usize,
        steps: &mut usize,
    ) -> Result<Option<Range<usize>>, Cut> {
        match self {
            Self::Linear(pattern) => Ok(pattern.find_at(value, from)),
            Self::Backtracking(program) => match program.search_from(value, from, steps) {
                Found::Cut => Err(Cut),
                Found::No => Ok(None),
                Found::Yes(groups) => {
                    let whole = groups.into_iter().next().flatten();
                    Ok(whole.map(|(start, end)| start..end))
                }
            },
        }
    }

    pub(super) fn is_match(&self, value: &[u8], steps: &mut usize) -> Result<bool, Cut> {
        match self {
            Self::Linear(pattern) => Ok(pattern.is_match(value)),
            Self::Backtracking(program) => match program.search(value, steps) {
                Found::Cut => Err(Cut),
                Found::No => Ok(false),
                Found::Yes(_) => Ok(true),
            },
        }
    }

    /// The match and its first nine groups.
    pub(super) fn capture<'v>(
        &self,
        value: &'v [u8],
        steps: &mut usize,
    ) -> Result<Option<Vec<Option<&'v [u8]>>>, Cut> {
        match self {
            // Most values do not match, and whether they do is told faster than where.
            Self::Linear(pattern) if !pattern.is_match(value) => Ok(None),
            Self::Linear(pattern) => {
                let mut groups = pattern.captures(value);
                if let Some(groups) = &mut groups {
                    groups.truncate(10);
                }
                Ok(groups)
            }
            Self::Backtracking(program) => match program.search(value, steps) {
                Found::Cut => Err(Cut),
                Found::No => Ok(None),
                Found::Yes(groups) => {
                    let texts = groups.into_iter().take(10);
                    Ok(Some(
                        texts.map(|one| one.and_then(|(from, to)| value.get(from..to))).collect(),
                    ))
                }
            },
        }
    }
}
