//! The compiled schemas of a document, by operation.

use std::collections::HashMap;
use std::sync::Arc;

use ringwall_base::ParameterPlace;

use crate::body::{self, Body};
use crate::filter::{self, CutRule, Filtered};
use crate::parameter::Parameter;
use crate::paths::Response;
use crate::proof::{Kind, Proof, ProofPlace};
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

/// A request body, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct BodyParts<'a> {
    /// The value of `content-type`, if there is one.
    pub content_type: Option<&'a str>,
    /// The body, without content coding.
    pub bytes: &'a [u8],
    /// What happens to fields of forms that are not declared. JSON and XML have
    /// `additionalProperties` for that.
    pub unknown: Unknown,
    /// How much of it is read.
    pub limits: Limits,
}

/// What happens to parameters and fields of forms that are not declared.
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

    /// Checks path, query, header and cookie parameters, and says which values are proved harmless.
    pub fn check_request(&self, parts: &RequestParts<'_>) -> Result<Vec<Proof>, Vec<Violation>> {
        let mut found = Vec::new();
        let mut proofs = Vec::new();
        match query::pairs(parts.query.unwrap_or_default()) {
            Ok(pairs) => proofs = self.query(&pairs, parts.unknown, &mut found),
            Err(message) => found.push(general("query", message)),
        }
        let cookies = if self.has_cookies() { cookies(parts.headers) } else { Vec::new() };
        for parameter in &self.parameters {
            let values = match outside(parameter, parts, &cookies) {
                Ok(Some(values)) => values,
                Ok(None) => continue,
                Err(message) => {
                    found.push(parameter.violation("", message));
                    continue;
                }
            };
            match values.as_slice() {
                [] if parameter.is_required => found.push(parameter.violation("", "is missing")),
                [] => {}
                [value] => match parameter.check_text(&self.set, value) {
                    Ok(proved) => proofs.extend(proof(parameter, value, &proved)),
                    Err(violations) => found.extend(violations),
                },
                _ => found.push(parameter.violation("", "given more than once")),
            }
        }
        result(found).map(|()| proofs)
    }

    fn has_cookies(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.place == ParameterPlace::Cookie)
    }

    /// Checks a body, already decoded, against the schema of its media type, as strictly as it can.
    pub fn check_body(
        &self,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), Vec<Violation>> {
        let unknown = Unknown::Refuse;
        let limits = Limits::default();
        self.check_body_as(&BodyParts { content_type, bytes: body, unknown, limits })
    }

    /// [`Self::check_body`], with other limits and another word about what is not declared.
    pub fn check_body_as(&self, parts: &BodyParts<'_>) -> Result<(), Vec<Violation>> {
        match &self.body {
            Some(declared) => declared.check(&self.set, parts, None),
            None => nothing(parts.bytes),
        }
    }

    /// [`Self::check_body_as`], and which values are proved harmless.
    pub fn prove_body(&self, parts: &BodyParts<'_>) -> Result<Vec<Proof>, Vec<Violation>> {
        let mut proofs = Vec::new();
        match &self.body {
            Some(declared) => declared.check(&self.set, parts, Some(&mut proofs))?,
            None => nothing(parts.bytes)?,
        }
        Ok(proofs)
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

    fn query(&self, pairs: &[Pair], unknown: Unknown, found: &mut Vec<Violation>) -> Vec<Proof> {
        let declared = || self.parameters.iter().filter(|one| one.place == ParameterPlace::Query);
        let is_claimed =
            |pair: &Pair| declared().any(|parameter| parameter.claims(&self.set, &pair.name));
        let rest: Vec<&Pair> = pairs.iter().filter(|pair| !is_claimed(pair)).collect();
        let mut proofs = Vec::new();
        for parameter in declared() {
            let own = pairs.iter().filter(|pair| parameter.claims(&self.set, &pair.name));
            let more = rest.iter().filter(|pair| parameter.claims_rest(&self.set, &pair.name));
            let own: Vec<&Pair> = own.chain(more.copied()).collect();
            if own.is_empty() && parameter.is_required {
                found.push(parameter.violation("", "is missing"));
            } else if !own.is_empty() {
                let checked = parameter.check_pairs(&self.set, &own);
                let proved = checked.map_err(|violations| found.extend(violations));
                let proved = proved.unwrap_or_default().into_iter();
                proofs.extend(proved.filter_map(|one| query_proof(&own, one)));
            }
        }
        let is_unknown =
            |pair: &Pair| !declared().any(|parameter| parameter.claims_rest(&self.set, &pair.name));
        for pair in rest.into_iter().filter(|pair| unknown == Unknown::Refuse && is_unknown(pair)) {
            let name = crate::compile::short(&pair.name);
            found.push(general(&format!("query.{name}"), "is not a declared parameter"));
        }
        proofs
    }
}

fn query_proof(own: &[&Pair], (at, kind): (usize, Kind)) -> Option<Proof> {
    let pair = own.get(at)?;
    Proof::of(ProofPlace::Query, &pair.name, &pair.value, kind)
}

/// The values of a parameter outside the query. `None` for one that is not checked here.
fn outside<'p>(
    parameter: &Parameter,
    parts: &RequestParts<'p>,
    cookies: &'p [(String, String)],
) -> Outside<'p> {
    let texts = |name: &str| {
        let all = parts.headers.get_all(name).iter();
        // The service would read as Latin-1 what was not checked here.
        all.map(|value| value.to_str().or(Err("is not text"))).collect::<Result<Vec<_>, _>>()
    };
    Ok(match parameter.place {
        ParameterPlace::Query => None,
        ParameterPlace::Path => Some(values(parts.path_params, &parameter.name)),
        ParameterPlace::Header if is_ignored(&parameter.name) => None,
        ParameterPlace::Header => Some(texts(&parameter.name)?),
        ParameterPlace::Cookie => {
            texts(http::header::COOKIE.as_str())?;
            let values = values(cookies, &parameter.name);
            // Frameworks undo quotes and what is escaped inside (RFC 2109), each in its own way.
            if values.iter().any(|value| value.starts_with('"')) {
                return Err("is in quotes");
            }
            Some(values)
        }
    })
}

/// Texts of one parameter, or why they cannot be checked.
type Outside<'p> = Result<Option<Vec<&'p str>>, &'static str>;

/// What is proved about a header or cookie.
fn proof(parameter: &Parameter, value: &str, proved: &[(usize, Kind)]) -> Option<Proof> {
    let place = match parameter.place {
        ParameterPlace::Cookie => ProofPlace::Cookie,
        ParameterPlace::Header => ProofPlace::Header,
        ParameterPlace::Path | ParameterPlace::Query => return None,
    };
    let (_, kind) = proved.first()?;
    Proof::of(place, &parameter.name, value, *kind)
}

/// Where no body is declared.
fn nothing(body: &[u8]) -> Result<(), Vec<Violation>> {
    if body.is_empty() {
        return Ok(());
    }
    Err(vec![body::wrong(String::new(), "no body is declared")])
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
    // A name alone is one with an empty value, for Flask.
    let pair = |pair: &'_ str| -> (String, String) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    let pairs = texts.flat_map(|text| text.split(';')).map(pair);
    pairs.filter(|(name, _)| !name.is_empty()).collect()
}

fn general(pointer: &str, message: &str) -> Violation {
    Violation {
        kind: ViolationKind::Parameter,
        pointer: pointer.to_owned(),
        message: message.to_owned(),
    }
}

pub(crate) fn result(mut found: Vec<Violation>) -> Result<(), Vec<Violation>> {
    found.truncate(REPORTED_MAX);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

#[cfg(test)]
mod tests;
