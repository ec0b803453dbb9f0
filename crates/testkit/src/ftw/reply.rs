//! What the backend of the tests answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::Deserialize;

use super::Request;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// 200.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What follows the head.
    pub body: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Reflect {
    status: Option<u16>,
    #[serde(default)]
    headers: IndexMap<String, String>,
    body: Option<String>,
    #[serde(rename = "encodedBody")]
    encoded_body: Option<String>,
}

impl Reply {
    /// The answer to a request.
    ///
    /// # Panics
    /// When a test asks for an answer that cannot be read.
    pub fn to(request: &Request) -> Self {
        let plain = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        let hello = Self { status: 200, headers: plain, body: Vec::new() };
        if !request.target.starts_with(b"/reflect") {
            return hello;
        }
        let Ok(reflect) = serde_json::from_slice::<Reflect>(&request.body) else { return hello };
        let decoded = reflect.encoded_body.map(|encoded| STANDARD.decode(encoded).unwrap());
        let body = reflect.body.map(String::into_bytes).or(decoded).unwrap_or_default();
        let headers = if reflect.headers.is_empty() {
            hello.headers
        } else {
            reflect.headers.into_iter().collect()
        };
        Self { status: reflect.status.unwrap_or(200), headers, body }
    }
}
