//! Answers beside requests, where a file has them.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::text;

/// What was answered.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    /// `None`: it was not kept.
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    /// A `response` of HAR. A request that was broken off has the status 0.
    pub(super) fn of_har(value: &Value) -> Result<Self> {
        let body = match text(value, "/content/text")? {
            Some(packed) if text(value, "/content/encoding")?.as_deref() == Some("base64") => {
                Some(STANDARD.decode(packed).context("an answer's `content` is no base64")?)
            }
            body => body.map(String::into_bytes),
        };
        let content_type = text(value, "/content/mimeType")?;
        Ok(Self { status: status(value, "/status")?.unwrap_or(0), content_type, body })
    }

    /// Of a line of JSON: `status` beside the request, or a `response` with `status`,
    /// `content_type` and `body`.
    pub(super) fn of_json(value: &Value) -> Result<Option<Self>> {
        let content_type = text(value, "/response/content_type")?;
        let body = match value.pointer("/response/body") {
            Some(body @ (Value::Object(_) | Value::Array(_))) => Some(body.to_string()),
            _ => text(value, "/response/body")?,
        };
        let status = status(value, "/response/status")?.or(status(value, "/status")?);
        let body = body.map(String::into_bytes);
        Ok(status.map(|status| Self { status, content_type, body }))
    }
}

fn status(value: &Value, place: &str) -> Result<Option<u16>> {
    match value.pointer(place) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => {
            let status = number.as_u64().and_then(|status| u16::try_from(status).ok());
            let Some(status) = status else { bail!("a `status` is no status") };
            Ok(Some(status))
        }
    }
}
