//! What the rules of the firewall see of an answer: the beginning of its body, undone if packed.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{Method, Response, StatusCode};
use ringwall_net::Body;
use ringwall_openapi::decode;
use tokio::time::timeout;

use super::{ANSWER_BYTES_MAX, Content};
use crate::Refusal;
use crate::firewall::Held;
use crate::record::Record;
use crate::stage::route::Route;

/// Shows the body, and lets it go on as it came. Streams without end are not held back.
pub(super) async fn show(
    response: Response<Body>,
    wanted: usize,
    route: &Route,
    record: &mut Record<'_>,
) -> Result<Response<Body>, Refusal> {
    let fields = response.headers();
    let is_stream = Content::of(fields) == Content::Stream
        || route.operation().is_grpc(fields)
        || response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if is_stream || *record.method() == Method::HEAD || response.body().is_empty() {
        record.look(|guard| guard.answer_body(Bytes::new()))?;
        return Ok(response);
    }
    let coding =
        fields.get(CONTENT_ENCODING).map(|coding| coding.to_str().unwrap_or("?").to_owned());
    let (head, body) = response.into_parts();
    let bytes_max = if coding.is_some() { ANSWER_BYTES_MAX } else { wanted };
    let mut held = Held::new(body);
    // What takes longer is written bit by bit, and somebody waits for the first of it.
    if let Ok(Err(error)) = timeout(HOLD_MAX, held.fill(bytes_max)).await {
        held.break_off(error);
    }
    let is_whole = held.is_whole();
    let (bytes, body) = held.split();
    let shown = match coding {
        None => Some(bytes),
        Some(coding) if is_whole => {
            decode(Some(&coding), &bytes, ANSWER_BYTES_MAX).ok().map(Bytes::from)
        }
        Some(_) => None,
    };
    match shown {
        Some(shown) => record.look(|guard| guard.answer_body(shown))?,
        None => record.look(|_guard| Some(unseen()))?,
    }
    Ok(Response::from_parts(head, body))
}

/// What cannot be read cannot be judged.
pub(super) fn unseen() -> Refusal {
    Refusal::Leak { why: "packed, and cannot be looked through".to_owned() }
}

/// Longer than a page takes that is made at once.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(2);
