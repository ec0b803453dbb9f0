//! Operators: what is asked of one value.

mod address;
mod bytes;
mod phrases;
mod rx;
mod verify;

use std::sync::Arc;

use crate::cursor::atoi;
use crate::injection::{sqli, xss};
use crate::limits::INJECTION_STEPS;
use crate::text::Template;

pub(crate) use address::Network;
pub(crate) use bytes::{ByteSet, byte_range};
pub(crate) use phrases::PhraseSet;
pub(crate) use rx::{Cut, Rx, RxCache};
pub(crate) use verify::Verify;

/// An operator with its parameter, ready to run.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
    ByteRange(Arc<ByteSet>),
    DetectSqli,
    DetectXss,
    IpMatch(Arc<[Network]>),
    NoMatch,
    Number(Comparison, Number),
    Phrases(PhraseSet),
    Rx(Rx),
    /// A pattern with macros, compiled when its text is known.
    RxMacro(Template, RxCache),
    Text(StringTest, Template),
    Unconditional,
    UrlEncoding,
    Utf8Encoding,
    Verify(Verify, Rx),
}

/// How two numbers are compared; the value stands on the left.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
}

/// How two texts are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StringTest {
    BeginsWith,
    Contains,
    ContainsWord,
    EndsWith,
    Equals,
    Within,
}

/// A number, or a text that becomes one.
#[derive(Clone, Debug)]
pub(crate) enum Number {
    Constant(i64),
    Text(Template),
}

/// The parameter of an operator for one evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameter<'p> {
    None,
    Number(i64),
    Text(&'p [u8]),
}

/// At most ten texts that a match takes out of its value.
pub(crate) type Captured<'v> = Vec<Option<&'v [u8]>>;

impl Number {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let template = Template::parse(text);
        match template.constant() {
            Some(constant) => Self::Constant(atoi(constant)),
            None => Self::Text(template),
        }
    }
}

impl Operator {
    /// The text whose macros are to be expanded before [`Operator::is_match`].
    pub(crate) fn template(&self) -> Option<&Template> {
        match self {
            Self::Text(_, template)
            | Self::RxMacro(template, _)
            | Self::Number(_, Number::Text(template)) => Some(template),
            _ => None,
        }
    }

    /// As [`Operator::template`], to be linked.
    pub(crate) fn template_mut(&mut self) -> Option<&mut Template> {
        match self {
            Self::Text(_, template)
            | Self::RxMacro(template, _)
            | Self::Number(_, Number::Text(template)) => Some(template),
            _ => None,
        }
    }

    /// The parameter from its expanded text.
    pub(crate) fn parameter<'p>(&self, expanded: &'p [u8]) -> Parameter<'p> {
        match self {
            Self::Text(..) | Self::RxMacro(..) => Parameter::Text(expanded),
            Self::Number(_, Number::Constant(number)) => Parameter::Number(*number),
            Self::Number(..) => Parameter::Number(atoi(expanded)),
            _ => Parameter::None,
        }
    }

    /// Whether it is true of a value. `steps` becomes what it took.
    pub(crate) fn is_match(
        &self,
        value: &[u8],
        parameter: Parameter<'_>,
        steps: &mut usize,
    ) -> Result<bool, Cut> {
        *steps = steps.saturating_add(self.steps(value, parameter));
        Ok(match (self, parameter) {
            (Self::ByteRange(allowed), _) => !allowed.holds_all(value),
            (Self::DetectSqli, _) => sqli::detect(value).is_some(),
            (Self::DetectXss, _) => xss::detect(value),
            (Self::IpMatch(networks), _) => address::is_in(value, networks),
            (Self::Number(comparison, _), Parameter::Number(number)) => {
                comparison.holds(atoi(value), number)
            }
            (Self::Phrases(phrases), _) => phrases.find(value).is_some(),
            (Self::Rx(rx), _) => rx.is_match(value, steps)?,
            (Self::RxMacro(_, cache), Parameter::Text(text)) => {
                cache.get(text, steps)?.is_match(value, steps)?
            }
            (Self::Text(test, _), Parameter::Text(text)) => test.holds(value, text),
            (Self::Unconditional, _) => true,
            (Self::UrlEncoding, _) => bytes::has_broken_escape(value),
            (Self::Utf8Encoding, _) => std::str::from_utf8(value).is_err(),
            (Self::Verify(kind, rx), _) => kind.find(rx, value, steps)?.is_some(),
            (Self::NoMatch | Self::Number(..) | Self::RxMacro(..) | Self::Text(..), _) => false,
        })
    }

    /// As [`Operator::is_match`], with the texts for `TX:0` to `TX:9`.
    pub(crate) fn capture<'v>(
        &self,
        value: &'v [u8],
        parameter: Parameter<'v>,
        keep: impl FnOnce(&[u8]) -> &'v [u8],
        steps: &mut usize,
    ) -> Result<Option<Captured<'v>>, Cut> {
        *steps = steps.saturating_add(self.steps(value, parameter));
        let whole = |is_match: bool, text: &'v [u8]| is_match.then(|| vec![Some(text)]);
        Ok(match (self, parameter) {
            (Self::Rx(rx), _) => rx.capture(value, steps)?,
            (Self::RxMacro(_, cache), Parameter::Text(text)) => {
                cache.get(text, steps)?.capture(value, steps)?
            }
            (Self::Phrases(phrases), _) => phrases.find(value).map(|found| vec![Some(found)]),
            (Self::DetectSqli, _) => {
                sqli::detect(value).map(|shape| vec![Some(keep(shape.as_bytes()))])
            }
            (Self::Verify(kind, rx), _) => {
                kind.find(rx, value, steps)?.map(|found| vec![Some(found)])
            }
            (Self::Text(StringTest::Within, _) | Self::DetectXss, _) => {
                whole(self.is_match(value, parameter, steps)?, value)
            }
            (Self::Text(..), Parameter::Text(text)) => {
                whole(self.is_match(value, parameter, steps)?, text)
            }
            _ => self.is_match(value, parameter, steps)?.then(Vec::new),
        })
    }
}

impl Operator {
    /// What it takes to ask, beside what a counted engine says itself.
    fn steps(&self, value: &[u8], parameter: Parameter<'_>) -> usize {
        let text = match parameter {
            Parameter::Text(text) => text.len(),
            Parameter::None | Parameter::Number(_) => 0,
        };
        let times = match self {
            Self::DetectSqli | Self::DetectXss => INJECTION_STEPS,
            _ => 1,
        };
        value.len().saturating_mul(times).saturating_add(text)
    }
}

impl Comparison {
    pub(crate) fn holds(self, value: i64, number: i64) -> bool {
        match self {
            Self::Eq => value == number,
            Self::Ge => value >= number,
            Self::Gt => value > number,
            Self::Le => value <= number,
            Self::Lt => value < number,
        }
    }
}

impl StringTest {
    fn holds(self, value: &[u8], text: &[u8]) -> bool {
        match self {
            Self::BeginsWith => value.starts_with(text),
            Self::Contains => memchr::memmem::find(value, text).is_some(),
            Self::ContainsWord => contains_word(value, text),
            Self::EndsWith => value.ends_with(text),
            Self::Equals => value == text,
            Self::Within => memchr::memmem::find(text, value).is_some(),
        }
    }
}

/// Letters make words, as in libmodsecurity 3 and the language's own tests.
fn contains_word(value: &[u8], word: &[u8]) -> bool {
    let is_border = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphabetic());
    word.is_empty()
        || memchr::memmem::find_iter(value, word).any(|at| {
            let before = at.checked_sub(1).and_then(|before| value.get(before));
            is_border(before) && is_border(value.get(at + word.len()))
        })
}

#[cfg(test)]
mod tests;
