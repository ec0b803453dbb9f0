//! Carries the library's requests over our own client, and remembers what a server says about
//! coming back: the library keeps no `Retry-After` of a refusal.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use ringwall_net::Fetch;

/// One exchange's way to the server.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    fetch: Fetch,
    wait: Arc<Mutex<Option<Duration>>>,
}

impl Carrier {
    pub(crate) fn new(fetch: Fetch) -> Self {
        Self { fetch, wait: Arc::default() }
    }

    /// How long the last refusal wants us to wait.
    pub(crate) fn wait(&self) -> Option<Duration> {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpClient for Carrier {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let carrier = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(other)?.to_bytes();
            let answer =
                carrier.fetch.send(Request::from_parts(parts, body)).await.map_err(other)?;
            let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
            if busy.contains(&answer.status()) {
                // Seconds only: a date is rare, and our own pause is long enough then.
                let said = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let said = said.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
                *carrier.wait.lock().unwrap_or_else(PoisonError::into_inner) = said;
            }
            Ok(BytesResponse::from(answer.map(Full::new)))
        })
    }
}

fn other<E: std::error::Error + Send + Sync + 'static>(error: E) -> Error {
    Error::Other(Box::new(error))
}
