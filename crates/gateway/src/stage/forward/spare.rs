//! What is needed to send a request again.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use ringwall_net::{Body, Interim};

/// A request that can be sent again: nothing of it streams.
#[derive(Debug)]
pub(super) struct Spare {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: Body,
    interim: Option<Interim>,
}

impl Spare {
    /// `None` when its body streams: what was read of it is gone.
    pub(super) fn of(request: &Request<Body>) -> Option<Box<Self>> {
        Some(Box::new(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
            body: request.body().spare()?,
            interim: request.extensions().get().cloned(),
        }))
    }

    /// RFC 9110 section 9.2.2. An `Idempotency-Key` makes a POST no safer: whether the service
    /// keeps what it promises is not known here.
    pub(super) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// The request once more. The service is told that it is: a second `PUT` in its log is no bug.
    pub(super) fn request(&self, attempt: u32) -> Box<Request<Body>> {
        let mut request = Box::new(Request::new(self.body.spare().unwrap_or_default()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(ATTEMPT, HeaderValue::from(attempt));
        if let Some(interim) = &self.interim {
            request.extensions_mut().insert(interim.clone());
        }
        request
    }
}

/// Counts from 2: a first attempt has no such field.
const ATTEMPT: HeaderName = HeaderName::from_static("ringwall-attempt");
