//! Content: files by their bytes and GraphQL by what it would cost, where no schema says enough.
//!
//! A line of the manifest holds the whole body and finds all that is not expected. Where there is
//! none, and the firewall looks, a body that is at hand anyway is watched for what harms anywhere;
//! for that alone no body is held.

use std::borrow::Cow;
use std::collections::BTreeSet;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, StatusCode};
use ringwall_content::{Cause, Finding, Grade, graphql, upload};
use ringwall_manifest::{GraphQl, Service, UploadRule, Waf};
use ringwall_net::Body;

use crate::Refusal;
use crate::operation::Operation;
use crate::record::Record;

/// The files that an operation takes.
#[derive(Debug)]
pub(crate) struct Uploads {
    rule: upload::Rule,
    /// Whether the line stands for every operation: messages of programs are no files then.
    is_for_all: bool,
}

impl Uploads {
    /// The line of an operation, if there is one. One for all operations says nothing of queries.
    pub(crate) fn of(service: &Service, operation: &str) -> Option<Self> {
        let (line, is_for_all) = service.uploads_for(operation)?;
        let is_query = is_for_all && service.graphql_for(operation).is_some();
        (!is_query).then(|| Self::new(line, is_for_all))
    }

    fn new(line: &UploadRule, is_for_all: bool) -> Self {
        let usual = upload::Bounds::default();
        let count =
            |number: Option<u32>, or| number.map_or(or, |n| usize::try_from(n).unwrap_or(or));
        let archives = upload::Bounds {
            depth_max: count(line.depth_max, usual.depth_max),
            entries_max: count(line.entries_max, usual.entries_max),
            ratio_max: line.ratio_max.map_or(usual.ratio_max, u64::from),
            unpacked_bytes_max: line.unpacked_bytes_max,
        };
        let rule = upload::Rule {
            types: line.kinds.clone(),
            file_bytes_max: line.file_bytes_max,
            files_max: line.files_max.map(|files| usize::try_from(files).unwrap_or(usize::MAX)),
            archives,
            passes_active: line.passes_active,
        };
        Self { rule, is_for_all }
    }

    fn holds(&self, fields: &HeaderMap) -> bool {
        !(self.is_for_all && content_type(fields).is_some_and(|one| upload::is_message(&one)))
    }
}

/// What a GraphQL operation may be asked.
pub(crate) fn limits(line: &GraphQl) -> graphql::Limits {
    let usual = graphql::Limits::default();
    graphql::Limits {
        depth_max: line.depth_max.unwrap_or(usual.depth_max),
        cost_max: line.cost_max.unwrap_or(usual.cost_max),
        aliases_max: line.aliases_max.unwrap_or(usual.aliases_max),
        root_fields_max: line.root_fields_max.unwrap_or(usual.root_fields_max),
        directives_max: line.directives_max.unwrap_or(usual.directives_max),
        batch_max: line.batch_max.unwrap_or(usual.batch_max),
        allows_introspection: line.allows_introspection,
        counts: line.counts.clone(),
        documents: line.documents.as_ref().map(stored),
        ..usual
    }
}

/// Whoever read the files has refused what is no document; here it would only be one the less.
fn stored(texts: &BTreeSet<String>) -> graphql::Documents {
    let mut documents = graphql::Documents::default();
    for text in texts {
        documents.add(text).ok();
    }
    documents
}

/// Whether a line holds the request: then its body is read whole.
pub(super) fn is_there(request: &Request<Body>, operation: &Operation) -> bool {
    let holds = |uploads: &Uploads| {
        let fields = request.headers();
        let is_stream = uploads.is_for_all && operation.is_grpc(fields);
        !request.body().is_empty() && !is_stream && uploads.holds(fields)
    };
    operation.graphql.is_some() || operation.uploads.as_ref().is_some_and(holds)
}

/// Whether a body is watched that no line holds.
pub(super) fn is_watched(
    request: &Request<Body>,
    operation: &Operation,
    record: &Record<'_>,
) -> bool {
    let is_held = || operation.uploads.as_ref().is_some_and(|one| one.holds(request.headers()));
    record.rules().is_some()
        && !is_held()
        && content_type(request.headers()).is_some_and(|one| upload::is_looked_at(&one))
}

/// A WebSocket would carry queries that nobody reads.
pub(super) fn upgrade(operation: &Operation, record: &mut Record<'_>) -> Result<(), Refusal> {
    if operation.graphql.is_none() {
        return Ok(());
    }
    let why = "GraphQL over a WebSocket is not read".to_owned();
    let refusal = Refusal::Content { status: StatusCode::BAD_REQUEST, why };
    record.object(refusal, operation.waf)
}

/// Looks at a whole body by the lines of its operation, and watches what none of them holds.
pub(super) fn check(
    (request, body): (&Request<Body>, &[u8]),
    operation: &Operation,
    record: &mut Record<'_>,
) -> Result<(), Refusal> {
    let fields = request.headers();
    if let Some(limits) = &operation.graphql {
        let declared = content_type(fields);
        let asked = graphql::Request {
            is_get: *request.method() == Method::GET,
            query: request.uri().query(),
            content_type: declared.as_deref(),
            body,
        };
        object(&graphql::check(&asked, limits), operation.waf, record)?;
    }
    let uploads = operation.uploads.as_ref().filter(|one| !body.is_empty() && one.holds(fields));
    match uploads {
        Some(uploads) => {
            let declared = content_type(fields).unwrap_or_default();
            object(&upload::check(&declared, body, Some(&uploads.rule)), operation.waf, record)
        }
        None => watch((request, body), operation, record),
    }
}

/// Looks at a whole body that no line holds for what harms anywhere, where the firewall looks.
pub(super) fn watch(
    (request, body): (&Request<Body>, &[u8]),
    operation: &Operation,
    record: &mut Record<'_>,
) -> Result<(), Refusal> {
    if body.is_empty() || !is_watched(request, operation, record) {
        return Ok(());
    }
    let declared = content_type(request.headers()).unwrap_or_default();
    let mut found = upload::check(&declared, body, None);
    found.retain(|one| one.grade == Grade::Danger);
    object(&found, operation.waf, record)
}

/// Refuses what was found; where the firewall only logs, it is noted.
fn object(found: &[Finding], mode: Waf, record: &mut Record<'_>) -> Result<(), Refusal> {
    if found.is_empty() {
        return Ok(());
    }
    let has = |cause| found.iter().any(|one| one.cause == cause);
    let status = if has(Cause::Type) {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    } else if has(Cause::Size) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else {
        StatusCode::BAD_REQUEST
    };
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    record.object(Refusal::Content { status, why: texts.join("; ") }, mode)
}

/// There is one at most: two were refused before. Bytes that are no text hide no type before them.
fn content_type(fields: &HeaderMap) -> Option<Cow<'_, str>> {
    Some(String::from_utf8_lossy(fields.get(CONTENT_TYPE)?.as_bytes()))
}
