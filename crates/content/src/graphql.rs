//! GraphQL requests (GraphQL over HTTP, October 2021): what they would cost a server.
//!
//! One small text can ask for a million objects, and a schema of HTTP says nothing of it. The text
//! is read here as a server reads it; the grammar of executable documents is small enough to be
//! read by our own reader, with its own bounds, instead of a parser that was made for trusted text.

mod counts;
mod document;
mod lex;
mod measure;
mod parse;
mod request;
mod stored;

use crate::Finding;
use crate::finding::Findings;
use document::{Document, OperationKind};
use measure::Measure;
use request::Query;
pub use stored::Documents;

/// What a service takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Fields inside fields, through fragments.
    pub depth_max: u32,
    /// Each field is one, times the numbers of the lists that it is in. Numbers are those of
    /// arguments that are called as pages usually are, such as `first`, `limit` or `pageSize`; a
    /// service that calls them otherwise is measured as if each list had one member.
    pub cost_max: u64,
    /// Fields under another name, through fragments.
    pub aliases_max: u32,
    /// Fields at the top.
    pub root_fields_max: u32,
    /// Directives of a document.
    pub directives_max: u32,
    /// Operations of a document, of which one runs.
    pub operations_max: u32,
    /// Requests in one body; one where lists of requests are not taken.
    pub batch_max: u32,
    /// Whether the schema may be asked for.
    pub allows_introspection: bool,
    /// More names of arguments that say how many objects there may be.
    pub counts: Vec<String>,
    /// The documents that are taken; `None`: every one.
    pub documents: Option<Documents>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 12,
            cost_max: 1000,
            aliases_max: 30,
            root_fields_max: 20,
            directives_max: 50,
            operations_max: 5,
            batch_max: 1,
            allows_introspection: false,
            counts: Vec::new(),
            documents: None,
        }
    }
}

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Whether it is `GET`; anything else has its query in the body.
    pub is_get: bool,
    /// What stands behind `?`.
    pub query: Option<&'a str>,
    /// The type of the body.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Looks at a request. All that a request asks for together is held to the limits.
pub fn check(request: &Request<'_>, limits: &Limits) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.at("graphql");
    match request::read(request, limits) {
        Ok(queries) => {
            let mut sum = Measure::default();
            for query in &queries {
                judge(query, request.is_get, limits, (&mut sum, &mut findings));
            }
            sum.hold_to(limits, &mut findings);
        }
        Err(why) => findings.strict(why),
    }
    findings.into_list()
}

/// Says why a text is no executable document, or nothing; for comparison with other parsers.
#[doc(hidden)]
pub fn refusal(text: &str) -> Option<&'static str> {
    parse::parse(text).err()
}

fn judge(
    query: &Query,
    is_get: bool,
    limits: &Limits,
    (sum, findings): (&mut Measure, &mut Findings),
) {
    let text = match (&limits.documents, &query.text) {
        (Some(documents), _) => documents.find(query),
        (None, Some(text)) => Ok(text.as_str()),
        (None, None) => Err("a request without a query"),
    };
    let document = match text.and_then(parse::parse) {
        Ok(document) => document,
        Err(why) => {
            findings.strict(why);
            return;
        }
    };
    if let Some(why) = ambiguous(&document, query.operation_name.as_deref()) {
        findings.strict(why);
    }
    let is_mutation = |kind| kind == OperationKind::Mutation;
    if is_get && document.operations.iter().any(|one| is_mutation(one.kind)) {
        findings.strict("a change that is asked for by GET");
    }
    if document.operations.len() > usize::try_from(limits.operations_max).unwrap_or(usize::MAX) {
        findings.strict("more operations in a document than the service takes");
        return;
    }
    match measure::measure(&document, query.variables.as_ref(), &limits.counts) {
        Ok(found) => sum.add(&found),
        Err(why) => findings.strict(why),
    }
}

/// Whether it is not clear what runs.
fn ambiguous(document: &Document<'_>, wanted: Option<&str>) -> Option<&'static str> {
    let mut names: Vec<_> = document.operations.iter().map(|one| one.name).collect();
    names.sort_unstable();
    let is_alone = names.len() == 1;
    let is_twice = names.windows(2).any(|two| two.first() == two.last());
    let has_nameless = names.first() == Some(&None);
    let mut fragments: Vec<_> = document.fragments.iter().map(|one| one.name).collect();
    fragments.sort_unstable();
    if fragments.windows(2).any(|two| two.first() == two.last()) {
        return Some("two fragments of one name");
    }
    if is_twice || (has_nameless && !is_alone) {
        return Some("two operations of one name, or one without a name beside others");
    }
    match wanted {
        // That there is none is said elsewhere.
        _ if names.is_empty() => None,
        None if !is_alone => Some("several operations, and none is named"),
        Some(wanted) if !names.contains(&Some(wanted)) => Some("an operation that is not there"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
