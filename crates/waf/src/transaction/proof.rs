//! Values that somebody else proved to be harmless.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::limits::PROOFS_MAX;
use crate::operator::{Operator, StringTest};
use crate::rule::{Link, Test};
use crate::transaction::state::List;
use crate::transaction::{RequestHead, Transaction};
use crate::transform::Transformation;
use crate::variable::{Selector, Target};

/// A value of a request that a schema proved to be harmless, whatever it is decoded to: a number, a
/// UUID, a word of a list.
///
/// Rules that search all values for signs of an attack (`rx`, `pm`, `contains`, `beginsWith`,
/// `endsWith`, `strmatch`, `detectSQLi`, `detectXSS`) do not look at it. All others do: those that
/// count, measure, compare numbers or whole texts, check bytes and encodings; those whose operator
/// is negated, as they say what a value must be; those that name the value (`ARGS:page`,
/// `ARGS:/^json\.ids\./`), as they are about this value and not about attacks; those behind `t:length` or a digest. So do all rules
/// about the text that the value came in: `REQUEST_URI`, `QUERY_STRING`, `REQUEST_BODY`, and about
/// its name.
///
/// A proof holds for values with exactly these bytes, in this part, under exactly this name; a
/// second parameter of the same name with other bytes is looked at. Name and value are what rules
/// see: `ARGS` after URL decoding, `json.items.array_0.id` for members of a JSON body
/// (`MATCHED_VAR_NAME` without `ARGS:`), cookies as they came without blanks around them. Only names
/// of headers are compared without regard to case.
///
/// ```text
/// let proofs = [Proof { part: Part::Query, name: b"page", value: b"2" }];
/// let mut transaction = Transaction::begin_proven(&rules, &arena, &memory, connection, (head, &proofs));
/// transaction.prove([Proof { part: Part::Body, name: b"json.id", value: b"17" }]);
/// transaction.request_body(body);
/// transaction.proven_values(); // 2, when both are there
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Proof<'a> {
    /// Where the value is.
    pub part: Part,
    /// Its name, as rules see it.
    pub name: &'a [u8],
    /// The value itself, as rules see it.
    pub value: &'a [u8],
}

/// A part of a request that has named values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// `ARGS_POST`: fields of a form, members of a JSON body.
    Body,
    /// `REQUEST_COOKIES`.
    Cookie,
    /// `REQUEST_HEADERS`.
    Header,
    /// `ARGS_GET`.
    Query,
}

/// What was proved, by list.
#[derive(Debug, Default)]
pub(super) struct Proofs<'a>(HashSet<(List, Cow<'a, [u8]>, &'a [u8])>);

impl<'a> Transaction<'a> {
    /// As [`Transaction::begin`], with values of the head that are proved already.
    pub fn begin_proven(
        rules: &'a crate::Ruleset,
        arena: &'a crate::Arena,
        memory: &'a dyn crate::Memory,
        connection: crate::Connection<'a>,
        (head, proofs): (RequestHead<'a>, &[Proof<'a>]),
    ) -> Self {
        let mut transaction = Self::new(rules, arena, memory, connection);
        transaction.prove(proofs.iter().copied());
        transaction.run_head(head);
        transaction
    }

    /// The same for a caller who stops nothing: what denies is noted, the first as the
    /// [`Transaction::intervention`], and all rules after it are asked too, as where an engine only
    /// detects. Unlike there, `allow` holds: what it lets through nobody would have denied.
    pub fn begin_watching(
        rules: &'a crate::Ruleset,
        arena: &'a crate::Arena,
        memory: &'a dyn crate::Memory,
        connection: crate::Connection<'a>,
        (head, proofs): (RequestHead<'a>, &[Proof<'a>]),
    ) -> Self {
        let mut transaction = Self::new(rules, arena, memory, connection);
        transaction.goes_on = true;
        transaction.prove(proofs.iter().copied());
        transaction.run_head(head);
        transaction
    }

    /// Says which values are harmless; for the phases that have not run yet.
    pub fn prove(&mut self, proofs: impl IntoIterator<Item = Proof<'a>>) {
        for proof in proofs {
            if self.proofs.0.len() >= PROOFS_MAX {
                return;
            }
            let list = match proof.part {
                Part::Body => List::ArgsPost,
                Part::Cookie => List::RequestCookies,
                Part::Header => List::RequestHeaders,
                Part::Query => List::ArgsGet,
            };
            self.proofs.0.insert((list, key(list, proof.name), proof.value));
        }
    }

    /// How many values of the request were proved, so that rules about content passed them over.
    pub fn proven_values(&self) -> usize {
        self.state.proven()
    }

    /// Finds the values that are proved, before the rules of a phase look at any.
    pub(super) fn find_proven(&mut self) {
        if self.proofs.0.is_empty() {
            return;
        }
        for list in [List::ArgsGet, List::ArgsPost, List::RequestCookies, List::RequestHeaders] {
            self.work.take(self.state.list(list).len());
            let proofs = &self.proofs.0;
            self.state.prove(list, |name, value| proofs.contains(&(list, key(list, name), value)));
        }
    }
}

fn key(list: List, name: &[u8]) -> Cow<'_, [u8]> {
    match list {
        List::RequestHeaders => Cow::Owned(name.to_ascii_lowercase()),
        _ => Cow::Borrowed(name),
    }
}

/// Whether a target of a link passes proven values over.
pub(crate) fn passes_over(link: &Link, target: &Target) -> bool {
    !target.is_count && matches!(target.selector, Selector::All) && is_about_content(link)
}

/// Whether a link searches its values for signs of an attack.
fn is_about_content(link: &Link) -> bool {
    let is_search = match &link.test {
        Test::Always | Test::Operator { is_negated: true, .. } => false,
        Test::Operator { operator, .. } => match operator {
            Operator::DetectSqli
            | Operator::DetectXss
            | Operator::Phrases(_)
            | Operator::Rx(_)
            | Operator::RxMacro(..) => true,
            Operator::Text(test, _) => match test {
                StringTest::BeginsWith
                | StringTest::Contains
                | StringTest::ContainsWord
                | StringTest::EndsWith => true,
                StringTest::Equals | StringTest::Within => false,
            },
            Operator::ByteRange(_)
            | Operator::IpMatch(_)
            | Operator::NoMatch
            | Operator::Number(..)
            | Operator::Unconditional
            | Operator::UrlEncoding
            | Operator::Utf8Encoding
            | Operator::Verify(..) => false,
        },
    };
    is_search
        && !link.transformations.iter().any(|step| {
            matches!(step, Transformation::Length | Transformation::Md5 | Transformation::Sha1)
        })
}

#[cfg(test)]
mod tests;
