//! A refusal as the client sees it: problem details (RFC 9457) for programs, a page for browsers,
//! a status for gRPC, and the fields that go with it.

mod grpc;

use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response};
use ringwall_base::RequestId;
use ringwall_net::Body;
use serde::Serialize;

use crate::Refusal;
use crate::asker::Tongue;
use crate::pages::{self, Pages};
use crate::refusal::Challenge;
pub(crate) use grpc::status as grpc_status;

/// The answer for a refused request, as this client reads it.
pub(crate) fn told(
    refusal: &Refusal,
    request_id: RequestId,
    (tongue, pages): (Tongue, Option<&Pages>),
    is_dev: bool,
) -> Response<Body> {
    match tongue {
        Tongue::Browser => {
            let public = refusal.public();
            let body = pages::page(pages, public, &request_id.to_string());
            let mut response = Response::new(Body::full(body));
            *response.status_mut() = public.status;
            let fields = response.headers_mut();
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            explain(refusal, fields);
            response
        }
        Tongue::Grpc(media_type) => grpc::response(refusal, media_type),
        Tongue::Program => response(refusal, request_id, is_dev),
    }
}

/// Problem details for a refused request. In development it says why and which line decided.
pub(crate) fn response(refusal: &Refusal, request_id: RequestId, is_dev: bool) -> Response<Body> {
    let public = refusal.public();
    let problem = Problem {
        r#type: format!("https://ringwall.dev/e/{}", public.code),
        title: public.title,
        status: public.status.as_u16(),
        code: public.code,
        request_id: request_id.to_string(),
        reason: is_dev.then(|| refusal.reason()),
        line: refusal.line().filter(|_| is_dev).map(ToString::to_string),
    };
    // A struct of texts and numbers always becomes JSON; if not, an empty body tells nothing.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = public.status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    explain(refusal, fields);
    response
}

#[derive(Serialize)]
struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
}

/// Fields that a refusal of this kind owes the client.
fn explain(refusal: &Refusal, fields: &mut HeaderMap) {
    let (name, value) = match refusal {
        Refusal::Method { allow } => (ALLOW, HeaderValue::from_str(allow)),
        Refusal::Moved { location } | Refusal::SignIn { location, .. } => {
            (LOCATION, HeaderValue::from_str(location))
        }
        Refusal::TooMany { retry_after_secs, .. } => {
            (RETRY_AFTER, Ok(HeaderValue::from(*retry_after_secs)))
        }
        Refusal::Overloaded { .. } => (RETRY_AFTER, Ok(HeaderValue::from_static("1"))),
        Refusal::NotSignedIn { .. } | Refusal::StepUp { .. } | Refusal::Unauthenticated { .. } => {
            let Some(challenge) = Challenge::of(refusal) else { return };
            (WWW_AUTHENTICATE, HeaderValue::from_str(&challenge.text(None)))
        }
        // What follows on this connection may be the rest of an attack, or of the body.
        Refusal::Attack { .. } | Refusal::Malformed { .. } | Refusal::TooLarge { .. } => {
            (CONNECTION, Ok(HeaderValue::from_static("close")))
        }
        Refusal::BadInput { .. }
        | Refusal::Content { .. }
        | Refusal::CrossSite { .. }
        | Refusal::Forbidden { .. }
        | Refusal::Leak { .. }
        | Refusal::LeakFound { .. }
        | Refusal::MediaType { .. }
        | Refusal::Message { .. }
        | Refusal::NoRoute
        | Refusal::NotOwned { .. }
        | Refusal::OwnerNotStated { .. }
        | Refusal::Timeout
        | Refusal::Unavailable { .. }
        | Refusal::Undecided { .. }
        | Refusal::WrongHost => return,
    };
    if let Ok(value) = value {
        fields.insert(name, value);
    }
}
