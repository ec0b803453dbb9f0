//! The answer to a message that was refused before it was one.

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use ringwall_base::RequestId;

use crate::{Body, Violation};

/// RFC 9457 with a fixed text, a code and the request id, and the end of the connection.
pub fn refusal_response(violation: Violation, id: RequestId) -> Response<Body> {
    let (status, code) = (violation.status(), violation.code());
    let title = match status {
        StatusCode::REQUEST_TIMEOUT => "Request too slow",
        StatusCode::URI_TOO_LONG => "Address too long",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "Request head too large",
        _other => "Malformed request",
    };
    let body = format!(
        r#"{{"type":"https://ringwall.dev/e/{code}","title":"{title}","status":{},"code":"{code}","request_id":"{id}"}}"#,
        status.as_u16()
    );
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    // The same field that every other answer has: an operator finds the event by it.
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST, id);
    }
    response
}

const REQUEST: HeaderName = HeaderName::from_static("ringwall-request");
