//! The seam to the fleet's own pages: sign-in, tokens, keys.

use std::fmt::Debug;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, HeaderValue, Request, Response};
use ringwall_net::{Body, CollectError, Peer};

use crate::Refusal;
use crate::firewall::Guard;
use crate::record::Record;
use crate::stage::normalize::{Normal, SESSION_COOKIE};
use crate::stage::throttle::Visit;

/// A page on its way. It stays on the thread that asked.
pub type Answered<'a> = Pin<Box<dyn Future<Output = Response<Bytes>> + 'a>>;

/// Answers the fleet's own paths on the public door.
pub trait Local: Debug + Send + Sync {
    /// Whether a path, decoded once, is one of the fleet's own.
    fn claims(&self, path: &str) -> bool;

    /// Whether a request that was answered so counts for the address that it came from. It does
    /// not when whoever asked has proved to be known, or the answer lay ready.
    fn counts(&self, response: &Response<Bytes>) -> bool;

    /// Answers one request. Its fields are those of the client, session cookie included. The
    /// certificate that the connection showed is an extension of it, `Arc<ClientCertificate>`: no
    /// field can say one.
    fn answer(&self, peer: IpAddr, request: Request<Bytes>) -> Answered<'_>;
}

/// Asks for one of the fleet's own pages.
pub(crate) async fn ask(
    local: &dyn Local,
    peer: &Peer,
    request: Normal,
    visit: Visit<'_>,
    record: &mut Record<'_>,
) -> Result<Response<Body>, Refusal> {
    record.own_page(request.path());
    record.recall(&[]).await;
    record.look(Guard::head)?;
    let session = request.session().map(|value| format!("{SESSION_COOKIE}={value}"));
    let pages = request.page_cookies().map(|value| value.to_str().map(str::to_owned)).transpose();
    let pages = pages.map_err(|_other| Refusal::malformed(NO_TEXT))?;
    let own: Vec<String> = session.into_iter().chain(pages).collect();
    let (request, host) = request.into_request();
    let (mut parts, body) = request.into_parts();
    // The one reading of it, by which the request was let in: some pages have two names.
    parts.headers.insert(HOST, host.value().clone());
    if !own.is_empty() {
        // Taken out for services; the fleet's own pages are the one place that it is for.
        let others = parts.headers.get(COOKIE).and_then(|others| others.to_str().ok());
        let all: Vec<&str> = own.iter().map(String::as_str).chain(others).collect();
        let joined = HeaderValue::from_str(&all.join("; "));
        let joined = joined.map_err(|_other| Refusal::malformed(NO_TEXT))?;
        parts.headers.insert(COOKIE, joined);
    }
    let body = body.collect(BODY_BYTES_MAX).await.map_err(|error| match error {
        CollectError::TooLarge(_) => {
            Refusal::TooLarge { bytes_max: u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX) }
        }
        CollectError::Body(_) => Refusal::malformed("the body broke off"),
    })?;
    if record.rules().is_some() {
        record.look(|guard| guard.body(without_secrets(&parts.headers, &body.bytes)))?;
    }
    if let Some(certificate) = peer.client() {
        parts.extensions.insert(Arc::clone(certificate));
    }
    let request = Request::from_parts(parts, body.bytes);
    let response = local.answer(peer.address.ip().to_canonical(), request).await;
    if !local.counts(&response) {
        visit.forgive();
    }
    Ok(response.map(Body::from))
}

/// The form as rules see it. A password may be anything, is compared and hashed, and never becomes
/// part of another language: rules would keep people out whose password looks like an attack.
fn without_secrets(fields: &HeaderMap, body: &Bytes) -> Bytes {
    let content_type = fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let kind = content_type.trim_ascii().get(..FORM.len()).unwrap_or_default();
    if !kind.eq_ignore_ascii_case(FORM) {
        return body.clone();
    }
    let is_shown = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        !SECRETS.contains(&name)
    };
    let shown: Vec<&[u8]> = body.split(|byte| *byte == b'&').filter(is_shown).collect();
    shown.join(&b'&').into()
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// Fields of our forms in which passwords are typed.
const SECRETS: [&[u8]; 4] = [b"again", b"current", b"new", b"password"];

const NO_TEXT: &str = "cookies are not text";
/// A form with a password, or a client's assertion: 64 KiB is far above both.
const BODY_BYTES_MAX: usize = 64 * 1024;
