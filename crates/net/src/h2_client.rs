//! Requests to upstreams that speak HTTP/2.

use std::io;

use http::{Request, Response};

use crate::pool::PoolSettings;
use crate::{Body, SendError, Target};

/// Sends a request on a stream of a shared connection.
#[expect(clippy::unused_async, reason = "the caller awaits it")]
pub(crate) async fn send(
    _settings: &PoolSettings,
    _target: &Target,
    _request: Request<Body>,
) -> Result<Response<Body>, SendError> {
    Err(SendError::NotSent(io::Error::other("HTTP/2 to upstreams is not spoken yet")))
}
