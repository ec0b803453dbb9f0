//! Asker: what of a request its answer depends on, kept while the request goes on its way.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue, Request, Response};
use ringwall_net::Body;

use crate::compress::Wish;
use crate::manner::Manner;
use crate::stage::route::Route;

/// What a client of the public door understands and may read.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    tongue: Tongue,
    origin: Option<HeaderValue>,
    wish: Option<Wish>,
    manner: Option<Arc<Manner>>,
}

/// How a refusal is told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Tongue {
    /// As a page.
    Browser,
    /// As a status of gRPC, in the client's own media type.
    Grpc(&'static str),
    /// As problem details.
    #[default]
    Program,
}

impl Asker {
    /// Reads what has to be known at the end. `compresses`: whether the door does at all.
    pub(crate) fn of(request: &Request<Body>, compresses: bool) -> Self {
        let fields = request.headers();
        Self {
            tongue: Tongue::of(fields),
            origin: fields.get(ORIGIN).cloned(),
            wish: if compresses { Wish::of(request) } else { None },
            manner: None,
        }
    }

    /// Notes whose operation it is.
    pub(crate) fn route(&mut self, route: &Route) {
        self.manner = Some(Arc::clone(route.manner()));
    }

    /// How a refusal is told.
    pub(crate) const fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// Finishes an answer, whatever became of the request.
    pub(crate) fn finish(&self, response: &mut Response<Body>, operation: Option<&str>) {
        let Some(manner) = &self.manner else { return };
        if let (Some(wish), Some(operation)) = (self.wish, operation) {
            wish.apply(response, manner, operation);
        }
        if let Some(cors) = &manner.cors {
            cors.dress(self.origin.as_ref(), response.headers_mut());
        }
    }
}

impl Tongue {
    fn of(fields: &HeaderMap) -> Self {
        if let Some(media_type) = fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes)
            && let Some(rest) = media_type.strip_prefix(b"application/grpc")
        {
            return Self::Grpc(if rest.starts_with(b"-web-text") {
                "application/grpc-web-text"
            } else if rest.starts_with(b"-web") {
                "application/grpc-web"
            } else {
                "application/grpc"
            });
        }
        let wants_page = fields
            .get_all(ACCEPT)
            .iter()
            .any(|value| value.as_bytes().split(|byte| *byte == b',').any(is_page));
        if wants_page { Self::Browser } else { Self::Program }
    }
}

/// Whether a media range is that of pages. `*/*` is not: it is what programs send.
fn is_page(range: &[u8]) -> bool {
    let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"text/html"));
    is_named && !parts.any(|part| matches!(part, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000"))
}
