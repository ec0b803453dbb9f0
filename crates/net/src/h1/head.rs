//! Heads: from bytes that were checked to a request or response, and back to bytes.
//!
//! Values are slices of the one buffer that was read; only names that are not of the standard set
//! are copied.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, EXPECT, HOST, PROXY_AUTHENTICATE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};

use crate::date;
use crate::guard::{Head, Span, Violation};

/// How the end of a body is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// So many bytes are left.
    Length(u64),
    Chunked,
    /// By the end of the connection: to a client of HTTP/1.0.
    UntilClose,
}

/// Takes the request out of its bytes.
pub(crate) fn request(head: Head, bytes: &Bytes, spans: &[Span]) -> Result<Request<()>, Violation> {
    let method = bytes.get(..head.method).unwrap_or_default();
    let method = Method::from_bytes(method).map_err(|_malformed| Violation::StartLine)?;
    let from = head.method.saturating_add(1);
    let to = from.saturating_add(head.target).min(bytes.len());
    // Stricter than the machine about bytes that a URI must not have, such as quotes.
    let target = Uri::from_maybe_shared(bytes.slice(from.min(to)..to));
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = target.map_err(|_malformed| Violation::StartLine)?;
    *request.version_mut() = version(head);
    *request.headers_mut() = fields(bytes, spans, ADDED)?;
    Ok(request)
}

/// Takes the response out of its bytes.
pub(crate) fn response(
    head: Head,
    bytes: &Bytes,
    spans: &[Span],
) -> Result<Response<()>, Violation> {
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(head.status).map_err(|_malformed| Violation::StartLine)?;
    *response.version_mut() = version(head);
    *response.headers_mut() = fields(bytes, spans, ADDED_TO_ANSWERS)?;
    Ok(response)
}

fn version(head: Head) -> Version {
    if head.is_1_0 { Version::HTTP_10 } else { Version::HTTP_11 }
}

/// The fields of a section, values not copied. There is room for as many as will be `added`.
pub(crate) fn fields(bytes: &Bytes, spans: &[Span], added: usize) -> Result<HeaderMap, Violation> {
    if spans.is_empty() {
        return Ok(HeaderMap::new());
    }
    let mut fields = HeaderMap::with_capacity(spans.len().saturating_add(added));
    for span in spans {
        let name = bytes.get(span.start..span.colon).unwrap_or_default();
        let name = HeaderName::from_bytes(name).map_err(|_malformed| Violation::FieldName)?;
        let end = span.end.min(bytes.len());
        let value = HeaderValue::from_maybe_shared(bytes.slice(span.value.min(end)..end));
        let value = value.map_err(|_malformed| Violation::ControlByte)?;
        fields.append(name, value);
    }
    Ok(fields)
}

/// Writes the head of a request in origin form.
pub(crate) fn write_request<B>(out: &mut Vec<u8>, request: &Request<B>, framing: Framing) {
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    match request.uri().path_and_query() {
        Some(target) => out.extend_from_slice(target.as_str().as_bytes()),
        None => out.push(b'/'),
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let headers = request.headers();
    let mut has_host = false;
    for (name, value) in headers {
        has_host |= name == HOST;
        if !is_framing(name) && name != EXPECT {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    // RFC 9112 section 3.2: a request without one is refused by the other side.
    if !has_host {
        let host = request.uri().authority().map_or("", http::uri::Authority::as_str);
        field(out, HOST.as_str(), host.as_bytes());
    }
    write_framing(out, framing);
    // What has a meaning for its body says that there is none (RFC 9110 section 8.6).
    let wants_body = [&Method::POST, &Method::PUT, &Method::PATCH].contains(&request.method());
    if framing == Framing::None && wants_body {
        out.extend_from_slice(b"content-length: 0\r\n");
    }
}

/// Writes the head of an answer, all but its last line.
pub(crate) fn write_response(
    out: &mut Vec<u8>,
    response: &Response<()>,
    framing: Framing,
    has_length: bool,
) {
    status_line(out, response.status());
    let is_switch = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let mut has_date = false;
    for (name, value) in response.headers() {
        has_date |= name == DATE;
        let ends_here = is_framing(name) || (name == CONNECTION && !is_switch);
        // To HEAD, and with 304, the length is that of what is not sent.
        if !ends_here || (has_length && name == CONTENT_LENGTH) {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    write_framing(out, framing);
    if !response.status().is_informational() && !has_date {
        date::write(out);
    }
}

/// Writes an interim answer, whole.
pub(crate) fn write_interim(out: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) {
    status_line(out, status);
    for (name, value) in headers {
        if !is_framing(name) && !is_hop(name) {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the last chunk and the trailers.
pub(crate) fn write_last_chunk(out: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        // RFC 9110 section 6.5.1: none that frames, routes or authenticates.
        if !is_framing(name) && !is_hop(name) && !is_kept_out_of_trailers(name) {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the size line of a chunk.
pub(crate) fn write_chunk_size(out: &mut Vec<u8>, size: usize) {
    let mut line = Line::default();
    // A number fits, and this writer does not fail.
    write!(line, "{size:x}").ok();
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_framing(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Length(length) => {
            let mut line = Line::default();
            // A number fits, and this writer does not fail.
            write!(line, "{length}").ok();
            field(out, CONTENT_LENGTH.as_str(), line.as_bytes());
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::UntilClose => {}
    }
}

fn status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.reserve(name.len().saturating_add(value.len()).saturating_add(4));
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Fields that say where a message ends: we write our own.
fn is_framing(name: &HeaderName) -> bool {
    name == CONTENT_LENGTH || name == TRANSFER_ENCODING
}

/// Fields of one connection.
fn is_hop(name: &HeaderName) -> bool {
    [&CONNECTION, &TE, &UPGRADE, &PROXY_AUTHENTICATE].contains(&name)
}

fn is_kept_out_of_trailers(name: &HeaderName) -> bool {
    use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
    [&AUTHORIZATION, &COOKIE, &SET_COOKIE, &HOST, &TRAILER].contains(&name)
}

/// Room for a number.
#[derive(Default)]
struct Line {
    bytes: [u8; 24],
    length: usize,
}

impl Line {
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl std::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let to = self.length.saturating_add(text.len());
        let room = self.bytes.get_mut(self.length..to).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = to;
        Ok(())
    }
}

/// Fields that a gateway adds to a request.
const ADDED: usize = 6;

/// Those that protect a browser, the request's name, and what is left of the limits.
const ADDED_TO_ANSWERS: usize = 12;
