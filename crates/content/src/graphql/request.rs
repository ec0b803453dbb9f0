//! Where a request has its query: GraphQL over HTTP, with one reading.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use super::lex::Why;
use super::{Limits, Request};
use crate::json::{self, Json, Members};
use crate::limits::GRAPHQL_BODY_BYTES_MAX;
use crate::multipart;

/// One query of a request.
#[derive(Debug)]
pub(super) struct Query {
    /// What it is; none where it is only named.
    pub(super) text: Option<String>,
    /// By which stored document it is named.
    pub(super) ids: Vec<String>,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Option<Json>,
}

/// The queries of a request.
pub(super) fn read(request: &Request<'_>, limits: &Limits) -> Result<Vec<Query>, Why> {
    let parameters = parameters(request.query.unwrap_or_default())?;
    if request.body.len() > GRAPHQL_BODY_BYTES_MAX {
        return Err("a body that is too large");
    }
    if request.is_get {
        // Some servers take from it what the address has not.
        if !request.body.is_empty() {
            return Err("a GET with a body");
        }
        return Ok(vec![from_parameters(&parameters, limits)?]);
    }
    // Some servers look there first.
    if parameters
        .keys()
        .any(|name| MEMBERS.contains(&name.as_str()) || IDS.contains(&name.as_str()))
    {
        return Err("a query in the address of a request that has a body");
    }
    let content_type = request.content_type.unwrap_or_default();
    let charset =
        multipart::parameters(content_type)?.into_iter().find(|(name, _)| name == "charset");
    if charset.is_some_and(|(_, charset)| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err("a body in another charset than UTF-8");
    }
    match multipart::essence(content_type).to_ascii_lowercase().as_str() {
        "application/json" => from_json(request.body, limits),
        "application/graphql" => {
            let text = std::str::from_utf8(request.body).or(Err("a body that is not UTF-8"))?;
            let text = Some(text.to_owned());
            Ok(vec![Query { text, ids: Vec::new(), operation_name: None, variables: None }])
        }
        _ => Err("a body of a type that GraphQL has not"),
    }
}

fn from_json(body: &[u8], limits: &Limits) -> Result<Vec<Query>, Why> {
    match json::parse(body) {
        Some(Json::Object(members)) => Ok(vec![from_members(members, limits)?]),
        Some(Json::List(items)) => {
            let most = usize::try_from(limits.batch_max).unwrap_or(usize::MAX);
            if most < 2 {
                return Err("a list of requests");
            }
            if items.len() > most {
                return Err("a list of more requests than the service takes");
            }
            let one = |item| match item {
                Json::Object(members) => from_members(members, limits),
                _ => Err("a body that is no GraphQL request"),
            };
            items.into_iter().map(one).collect()
        }
        _ => Err("a body that is no GraphQL request"),
    }
}

fn from_members(mut members: Members, limits: &Limits) -> Result<Query, Why> {
    let mut ids = Vec::new();
    // Where documents are stored, a request may name one instead.
    if limits.documents.is_some() {
        for name in IDS {
            match members.remove(name) {
                None | Some(Json::Null) => {}
                Some(Json::Text(id)) => ids.push(id),
                Some(_) => return Err("a document's name that is no text"),
            }
        }
    }
    let text = match members.remove("query") {
        Some(Json::Text(text)) => Some(text),
        None | Some(Json::Null) if limits.documents.is_some() => None,
        _ => return Err("a request without a query"),
    };
    let operation_name = match members.remove("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::Text(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err("an operation's name that is no text"),
    };
    let variables = variables(members.remove("variables"))?;
    ids.extend(persisted(members.remove("extensions"))?);
    // Another member may name a query that the server keeps.
    if members.is_empty() {
        Ok(Query { text, ids, operation_name, variables })
    } else {
        Err("a member that GraphQL has not")
    }
}

/// The hash in `extensions`, where Apollo's clients name a document.
fn persisted(extensions: Option<Json>) -> Result<Option<String>, Why> {
    let mut extensions = match extensions {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Object(members)) => members,
        Some(_) => return Err("extensions that are no object"),
    };
    match extensions.remove("persistedQuery") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(mut members)) => match members.remove("sha256Hash") {
            Some(Json::Text(hash)) => Ok(Some(hash)),
            _ => Err("a persisted query without a hash"),
        },
        Some(_) => Err("a persisted query without a hash"),
    }
}

fn from_parameters(parameters: &BTreeMap<String, String>, limits: &Limits) -> Result<Query, Why> {
    let named = IDS.iter().filter_map(|name| parameters.get(*name)).cloned();
    let mut ids: Vec<String> = named.collect();
    let text = parameters.get("query").cloned();
    if limits.documents.is_none() && !ids.is_empty() {
        return Err("a query that only the server knows");
    }
    if limits.documents.is_none() && text.is_none() {
        return Err("a request without a query");
    }
    let extensions = parameters.get("extensions").filter(|text| !text.is_empty());
    let extensions = extensions
        .map(|text| json::parse(text.as_bytes()).ok_or("extensions that are no object"))
        .transpose()?;
    ids.extend(persisted(extensions)?);
    let operation_name = parameters.get("operationName").filter(|name| !name.is_empty()).cloned();
    let given = parameters.get("variables").filter(|text| !text.is_empty());
    let given = given.map(|text| json::parse(text.as_bytes()).ok_or(NO_VARIABLES)).transpose()?;
    Ok(Query { text, ids, operation_name, variables: variables(given)? })
}

fn variables(given: Option<Json>) -> Result<Option<Json>, Why> {
    match given {
        None | Some(Json::Null) => Ok(None),
        Some(variables @ Json::Object(_)) => Ok(Some(variables)),
        Some(_) => Err(NO_VARIABLES),
    }
}

/// Names and values behind `?`. None of those that count may come twice.
fn parameters(query: &str) -> Result<BTreeMap<String, String>, Why> {
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        // `variables[n]=9` is a member to some servers, and nothing to others.
        let stem = name.split(['[', '.']).next().unwrap_or_default();
        if stem.len() < name.len() && MEMBERS.contains(&stem) {
            return Err("a parameter in pieces");
        }
        let counts = MEMBERS.contains(&name.as_str()) || IDS.contains(&name.as_str());
        if parameters.insert(name, value).is_some() && counts {
            return Err("a parameter that comes twice");
        }
    }
    Ok(parameters)
}

fn decode(text: &str) -> Result<String, Why> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).or(Err("a parameter that is not UTF-8"))
}

const MEMBERS: [&str; 4] = ["extensions", "operationName", "query", "variables"];

/// By which servers find queries that they keep.
const IDS: [&str; 5] = ["doc_id", "documentId", "hash", "id", "queryId"];

const NO_VARIABLES: Why = "variables that are no object";
