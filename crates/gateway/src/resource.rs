//! Protected resource metadata (RFC 9728): where tokens for what is behind the public door come from,
//! and the challenges that name it.
//!
//! The documents are made with the snapshot. One is for the door as a whole, one for each service
//! that stands under a mount: a client asks for the one that a challenge named.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Response};
use ringwall_jose::DpopProof;
use ringwall_net::Body;
use serde_json::json;

use crate::Refusal;
use crate::refusal::Challenge;
use crate::stage::normalize::Normal;

/// What can be known of the public door before anybody signs in.
#[derive(Debug)]
pub(crate) struct Resources {
    origin: String,
    /// By mount; the door as a whole has none.
    documents: BTreeMap<String, Bytes>,
}

/// A document, or why not.
type Told = Result<Response<Body>, Refusal>;

impl Resources {
    /// Of the door at this origin, and of what stands under these mounts.
    pub(crate) fn new<'a>(origin: String, mounts: impl Iterator<Item = &'a str>) -> Self {
        let mounts = mounts.chain(std::iter::once("")).map(str::to_owned);
        let documents = mounts.map(|mount| (mount.clone(), document(&origin, &mount))).collect();
        Self { origin, documents }
    }

    /// The answer, if a document is asked for.
    pub(crate) fn answer(&self, request: &Normal) -> Option<Told> {
        let mount = request.path().strip_prefix(WELL_KNOWN)?;
        if !mount.is_empty() && !mount.starts_with('/') {
            return None;
        }
        // Section 3.1: a resource of `https://host/` may be asked for with its slash or without.
        let document = self.documents.get(mount.trim_end_matches('/'));
        let Some(document) = document else { return Some(Err(Refusal::NoRoute)) };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(Err(Refusal::Method { allow: "GET, HEAD".to_owned() }));
        }
        let mut response = Response::new(Body::full(document.clone()));
        let fields = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "public, max-age=300"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Nothing in it is secret, and applications in browsers read it, too.
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ] {
            fields.insert(name, HeaderValue::from_static(value));
        }
        Some(Ok(response))
    }

    /// `WWW-Authenticate` for a refusal that a credential, or a better one, would change.
    pub(crate) fn challenge(&self, refusal: &Refusal, mount: Option<&str>) -> Option<HeaderValue> {
        let challenge = Challenge::of(refusal)?;
        let mount = mount.filter(|mount| self.documents.contains_key(*mount)).unwrap_or_default();
        let metadata = format!("{}{WELL_KNOWN}{mount}", self.origin);
        HeaderValue::try_from(challenge.text(Some(&metadata))).ok()
    }
}

fn document(origin: &str, mount: &str) -> Bytes {
    let document = json!({
        "resource": format!("{origin}{mount}"),
        "authorization_servers": [origin],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": DpopProof::ALGORITHMS,
    });
    Bytes::from(document.to_string())
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
