//! One request and its answer, as they are shown to whoever learns.

use crate::node::Node;
use crate::query::{self, Pair};
use crate::{Limits, json, media_type, multipart};

/// A request, and what is known of its answer. Bodies are decoded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchange<'a> {
    /// Stands for the caller, and for nobody else.
    pub caller: u64,
    /// In capitals.
    pub method: &'a str,
    /// The template, where somebody knows it; else it is guessed.
    pub template: Option<&'a str>,
    /// The operation's name, where it has one.
    pub operation: Option<&'a str>,
    /// The path below the service's mount, as it is sent to the service.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: &'a str,
    /// The `Content-Type` of the request.
    pub content_type: Option<&'a str>,
    /// The body; `None` when there is one that was not kept.
    pub body: Option<&'a [u8]>,
    /// The answer; `None` when nobody knows it.
    pub answer: Option<Answered<'a>>,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The body; `None` when there is one that was not kept.
    pub body: Option<&'a [u8]>,
}

/// What a request says.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Content,
}

/// What is in a body.
#[derive(Debug)]
pub(super) enum Content {
    /// There is none.
    Empty,
    Json(String, Node),
    /// Fields, and their media type.
    Fields(String, Vec<(String, String)>),
    /// Of a type that is not looked into.
    Other(String),
}

impl Exchange<'_> {
    /// Whether the service took the request for a good one. Of a file without answers it is
    /// believed. A redirect tells it only of a path that is declared: whoever is not signed in is
    /// led away from paths that are none, too.
    pub(super) fn is_accepted(&self) -> bool {
        self.answer.is_none_or(|answer| match answer.status {
            200..=299 | 304 => true,
            300..=399 => self.template.is_some(),
            _ => false,
        })
    }

    pub(super) fn read(&self) -> Result<Request, &'static str> {
        const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        if !METHODS.contains(&self.method) {
            return Err("its method is none of an operation");
        }
        if self.method == "OPTIONS" && self.template.is_none() {
            return Err("it asks what other origins may do");
        }
        let pairs =
            query::pairs(self.query).map_err(|_malformed| "its query has not one reading")?;
        let query = pairs.into_iter().map(pair).collect();
        Ok(Request { query, body: self.content()? })
    }

    fn content(&self) -> Result<Content, &'static str> {
        let Some(body) = self.body else { return Err("its body was not kept") };
        if body.is_empty() {
            return Ok(Content::Empty);
        }
        let (essence, parameters) =
            media_type::essence(self.content_type.ok_or("its body has no type")?);
        if !is_media_type(&essence) {
            return Err("its body has no type");
        }
        if media_type::is_json(&essence) {
            let node = json::parse(body, &Limits::default());
            return Ok(Content::Json(
                essence,
                node.map_err(|_error| "its JSON has not one reading")?,
            ));
        }
        let fields = match essence.as_str() {
            "application/x-www-form-urlencoded" => std::str::from_utf8(body)
                .or(Err("its form is no UTF-8"))
                .and_then(query::pairs)
                .map(|pairs| pairs.into_iter().map(pair).collect()),
            "multipart/form-data" => match multipart::parts(parameters, body) {
                // What files are like is not learned, and a text in their place would refuse them.
                Ok(parts) if parts.iter().any(|part| part.is_file) => {
                    return Ok(Content::Other(essence));
                }
                parts => parts.and_then(|parts| parts.iter().map(field).collect()),
            },
            _ => return Ok(Content::Other(essence)),
        };
        Ok(Content::Fields(essence, fields.map_err(|_malformed| "its form has not one reading")?))
    }
}

impl Answered<'_> {
    /// The media type, and the value where it is JSON that can be read.
    pub(super) fn content(&self) -> Option<Typed> {
        let (essence, _) = media_type::essence(self.content_type?);
        if !is_media_type(&essence) {
            return None;
        }
        let body = self.body.filter(|body| !body.is_empty() && media_type::is_json(&essence));
        let node = body.and_then(|body| json::parse(body, &Limits::response()).ok());
        Some((essence, node))
    }
}

/// A media type, and the value that was read.
type Typed = (String, Option<Node>);

fn pair(pair: Pair) -> (String, String) {
    (pair.name, pair.value)
}

fn is_media_type(essence: &str) -> bool {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    essence.len() <= 100
        && essence.split_once('/').is_some_and(|(kind, name)| is_token(kind) && is_token(name))
}

fn field(part: &multipart::Part<'_>) -> Result<(String, String), &'static str> {
    Ok((part.name.clone(), part.text()?.to_owned()))
}
