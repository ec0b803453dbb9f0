//! A refusal as a gRPC client sees it: a status in the head, and no body ("Trailers-Only").
//!
//! A client of gRPC throws away the body of an HTTP error and guesses a code from its status
//! (grpc/doc/http-grpc-status-mapping.md). We know better, so the answer is a 200 with the code.

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response};
use ringwall_net::Body;

use crate::Refusal;

/// The answer, in the media type that the client speaks.
pub(super) fn response(refusal: &Refusal, media_type: &'static str) -> Response<Body> {
    let public = refusal.public();
    let mut response = Response::new(Body::Empty);
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(GRPC_STATUS, HeaderValue::from(status(refusal)));
    // Fixed texts of plain letters: nothing has to be percent-encoded.
    fields.insert(GRPC_MESSAGE, HeaderValue::from_static(public.title));
    fields.insert(RINGWALL_CODE, HeaderValue::from_static(public.code));
    response
}

/// The code of gRPC that says the same. Exhaustive on purpose: a new refusal must choose.
pub(crate) const fn status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::BadInput { .. }
        | Refusal::Content { .. }
        | Refusal::Malformed { .. }
        | Refusal::MediaType { .. }
        | Refusal::Message { is_limit: false, .. } => 3,
        Refusal::Timeout => 4,
        Refusal::NotOwned { .. } => 5,
        Refusal::Attack { .. }
        | Refusal::CrossSite { .. }
        | Refusal::Forbidden { .. }
        | Refusal::NotSignedIn { .. } => 7,
        Refusal::Message { is_limit: true, .. }
        | Refusal::TooLarge { .. }
        | Refusal::TooMany { .. } => 8,
        Refusal::Method { .. } | Refusal::Moved { .. } | Refusal::NoRoute | Refusal::WrongHost => {
            12
        }
        Refusal::Leak { .. } | Refusal::LeakFound { .. } | Refusal::OwnerNotStated { .. } => 13,
        Refusal::Overloaded { .. } | Refusal::Unavailable { .. } | Refusal::Undecided { .. } => 14,
        Refusal::SignIn { .. } | Refusal::StepUp { .. } | Refusal::Unauthenticated { .. } => 16,
    }
}

const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const RINGWALL_CODE: HeaderName = HeaderName::from_static("ringwall-code");
