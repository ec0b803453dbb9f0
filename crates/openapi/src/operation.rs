//! The compiled schemas of a document, by operation.

use std::collections::HashMap;
use std::sync::Arc;

use ringwall_base::ParameterPlace;

use crate::body::{self, Body};
use crate::filter::{self, CutRule, Filtered};
use crate::parameter::Parameter;
use crate::paths::Response;
use crate::query::{self, Pair};
use crate::schema::{SchemaId, SchemaSet};
use crate::violation::REPORTED_MAX;
use crate::{Limits, Violation, ViolationKind, media_type};

/// The compiled schemas of all operations. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    operations: Arc<HashMap<String, OperationSchema>>,
}

/// What one operation takes and gives.
#[derive(Debug)]
pub struct OperationSchema {
    set: Arc<SchemaSet>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    responses: Vec<Response>,
}

/// The parts of a request head that parameters come from.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// Path parameters, decoded once, in the order of the template.
    pub path_params: &'a [(String, String)],
    /// The query string as sent, without `?`.
    pub query: Option<&'a str>,
    /// The header fields.
    pub headers: &'a http::HeaderMap,
    /// What happens to query parameters that are not declared.
    pub unknown: Unknown,
}

/// What happens to query parameters that are not declared.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unknown {
    /// They pass.
    Pass,
    /// They are a violation.
    #[default]
    Refuse,
}

impl Schemas {
    pub(crate) fn new(operations: HashMap<String, OperationSchema>) -> Self {
        Self { operations: Arc::new(operations) }
    }

    /// The schemas of an operation, by its name in the contract.
    pub fn operation(&self, name: &str) -> Option<&OperationSchema> {
        self.operations.get(name)
    }
}

impl OperationSchema {
    pub(crate) fn new(
        set: Arc<SchemaSet>,
        parameters: Vec<Parameter>,
        body: Option<Body>,
        responses: Vec<Response>,
    ) -> Self {
        Self { set, parameters, body, responses }
    }

    /// Checks path, query, header and cookie parameters.
    pub fn check_request(&self, parts: &RequestParts<'_>) -> Result<(), Vec<Violation>> {
        let mut found = Vec::new();
        match query::pairs(parts.query.unwrap_or_default()) {
            Ok(pairs) => self.query(&pairs, parts.unknown, &mut found),
            Err(message) => found.push(general("query", message)),
        }
        let cookies = cookies(parts.headers);
        let has_text = |name: http::HeaderName| {
            parts.headers.get_all(name).iter().all(|value| value.to_str().is_ok())
        };
        for parameter in &self.parameters {
            let field = match parameter.place {
                ParameterPlace::Cookie => Some(http::header::COOKIE),
                ParameterPlace::Header if is_ignored(&parameter.name) => None,
                ParameterPlace::Header => parameter.name.parse().ok(),
                ParameterPlace::Path | ParameterPlace::Query => None,
            };
            // The service would read as Latin-1 what was not checked here.
            if field.is_some_and(|field| !has_text(field)) {
                found.push(parameter.violation("", "is not text"));
                continue;
            }
            let values: Vec<&str> = match parameter.place {
                ParameterPlace::Query => continue,
                ParameterPlace::Path => values(parts.path_params, &parameter.name),
                ParameterPlace::Cookie => values(&cookies, &parameter.name),
                ParameterPlace::Header if is_ignored(&parameter.name) => continue,
                ParameterPlace::Header => {
                    let all = parts.headers.get_all(parameter.name.as_str());
                    all.iter().filter_map(|value| value.to_str().ok()).collect()
                }
            };
            match values.as_slice() {
                [] if parameter.is_required => found.push(parameter.violation("", "is missing")),
                [] => {}
                [value] => found.extend(parameter.check_text(&self.set, value)),
                _ => found.push(parameter.violation("", "given more than once")),
            }
        }
        result(found)
    }

    /// Checks a body, already decoded, against the schema of its media type.
    pub fn check_body(
        &self,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), Vec<Violation>> {
        self.check_body_within(content_type, body, &Limits::default())
    }

    /// [`Self::check_body`] with other limits than the default.
    pub fn check_body_within(
        &self,
        content_type: Option<&str>,
        body: &[u8],
        limits: &Limits,
    ) -> Result<(), Vec<Violation>> {
        match &self.body {
            Some(declared) => result(declared.check(&self.set, content_type, body, limits)),
            None if body.is_empty() => Ok(()),
            None => Err(vec![body::wrong(String::new(), "no body is declared")]),
        }
    }

    /// Whether a request body is declared. Without one, `check_body` refuses all but an empty body.
    pub fn wants_body(&self) -> bool {
        self.body.is_some()
    }

    /// Cuts from a response what its schema does not declare and what `cut` forbids by name.
    pub fn filter_response(
        &self,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
        cut: &CutRule<'_>,
    ) -> Filtered {
        let schema = self.response(status, content_type);
        filter::filter(schema.map(|id| (&*self.set, id)), content_type, body, cut)
    }

    /// The schema of a response: of its status, else of its class, else of `default`.
    fn response(&self, status: u16, content_type: Option<&str>) -> Option<SchemaId> {
        let class = format!("{}xx", status / 100);
        let exact = status.to_string();
        let media = [exact.as_str(), class.as_str(), "default"].into_iter().find_map(|wanted| {
            self.responses.iter().find(|(name, _)| name == wanted).map(|(_, media)| media)
        })?;
        let (essence, _) = media_type::essence(content_type.unwrap_or_default());
        let is_untyped = media_type::is_untyped(&essence);
        let essence = if is_untyped { "application/json" } else { essence.as_str() };
        body::closest(media, essence)?.schema
    }

    fn query(&self, pairs: &[Pair], unknown: Unknown, found: &mut Vec<Violation>) {
        let declared = || self.parameters.iter().filter(|one| one.place == ParameterPlace::Query);
        for parameter in declared() {
            let own: Vec<&Pair> =
                pairs.iter().filter(|pair| parameter.claims(&self.set, &pair.name)).collect();
            if own.is_empty() && parameter.is_required {
                found.push(parameter.violation("", "is missing"));
            } else if !own.is_empty() {
                found.extend(parameter.check_pairs(&self.set, &own));
            }
        }
        if unknown == Unknown::Pass {
            return;
        }
        for pair in pairs {
            if !declared().any(|parameter| parameter.claims(&self.set, &pair.name)) {
                let name = crate::compile::short(&pair.name);
                found.push(general(&format!("query.{name}"), "is not a declared parameter"));
            }
        }
    }
}

/// OpenAPI: these headers are described elsewhere, and a parameter of their name is ignored.
fn is_ignored(name: &str) -> bool {
    ["accept", "content-type", "authorization"].iter().any(|one| name.eq_ignore_ascii_case(one))
}

fn values<'p>(pairs: &'p [(String, String)], name: &str) -> Vec<&'p str> {
    pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}

fn cookies(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let lines = headers.get_all(http::header::COOKIE).iter();
    let texts = lines.filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

fn general(pointer: &str, message: &str) -> Violation {
    Violation {
        kind: ViolationKind::Parameter,
        pointer: pointer.to_owned(),
        message: message.to_owned(),
    }
}

fn result(mut found: Vec<Violation>) -> Result<(), Vec<Violation>> {
    found.truncate(REPORTED_MAX);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

#[cfg(test)]
mod tests;
