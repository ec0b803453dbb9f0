//! One question to one endpoint.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use ringwall_manifest::{Health, HealthCheck};
use ringwall_net::{Body, Pool};
use tokio::time::timeout;

use crate::upstreams::Endpoint;

/// Asks once. What is wrong goes to the audit log, not to clients.
pub(super) async fn run(pool: &Pool, endpoint: &Endpoint, rule: &Health) -> Result<(), String> {
    let asked = async {
        match &rule.check {
            HealthCheck::Http(path) => http(pool, endpoint, path).await,
            HealthCheck::Grpc(service) => grpc(pool, endpoint, service).await,
            HealthCheck::Tcp => endpoint.target().knock().await.map_err(|error| error.to_string()),
        }
    };
    timeout(rule.timeout, asked)
        .await
        .unwrap_or_else(|_elapsed| Err("no answer in time".to_owned()))
}

async fn http(pool: &Pool, endpoint: &Endpoint, path: &str) -> Result<(), String> {
    let request = question(Method::GET, path, endpoint, Body::Empty)?;
    let (status, _) = answer(pool, endpoint, request).await?;
    if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
}

/// The gRPC health checking protocol, `grpc.health.v1`.
async fn grpc(pool: &Pool, endpoint: &Endpoint, service: &str) -> Result<(), String> {
    let body = Body::full(health_request(service).ok_or("the name of the service is too long")?);
    let mut request = question(Method::POST, "/grpc.health.v1.Health/Check", endpoint, body)?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    let (status, bytes) = answer(pool, endpoint, request).await?;
    if status != StatusCode::OK {
        return Err(format!("status {}", status.as_u16()));
    }
    if is_serving(&bytes) { Ok(()) } else { Err("it does not say that it serves".to_owned()) }
}

fn question(
    method: Method,
    path: &str,
    endpoint: &Endpoint,
    body: Body,
) -> Result<Request<Body>, String> {
    let uri: Uri = path.parse().map_err(|_text| "the path is not one".to_owned())?;
    let address = endpoint.address();
    let host = if address.starts_with("unix:") { "localhost" } else { address };
    let host = HeaderValue::from_str(host).map_err(|_text| "the address is not one".to_owned())?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("ringwall-health"));
    Ok(request)
}

async fn answer(
    pool: &Pool,
    endpoint: &Endpoint,
    request: Request<Body>,
) -> Result<(StatusCode, Bytes), String> {
    let answer = pool.send(endpoint.target(), Box::new(request)).await;
    let (parts, body) = answer.map_err(|error| error.to_string())?.into_parts();
    // Read to its end, so that the connection is used again: few connections for many checks.
    let collected = body.collect(ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())?;
    Ok((parts.status, collected.bytes))
}

/// `HealthCheckRequest { string service = 1; }` in one frame.
fn health_request(service: &str) -> Option<Bytes> {
    let length = u8::try_from(service.len()).ok().filter(|length| *length < 0x7e)?;
    let mut message = Vec::new();
    if length > 0 {
        message.extend([0x0a, length]);
        message.extend(service.as_bytes());
    }
    let mut frame = vec![0, 0, 0, 0, u8::try_from(message.len()).ok()?];
    frame.extend(message);
    Some(frame.into())
}

/// `HealthCheckResponse { ServingStatus status = 1; }` with `SERVING`, which is one.
fn is_serving(bytes: &[u8]) -> bool {
    bytes == [0, 0, 0, 0, 2, 0x08, 0x01]
}

/// A health page that is longer is something else.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_of_grpc_is_framed_and_only_serving_is_well() {
        assert_eq!(health_request("").unwrap(), &[0, 0, 0, 0, 0][..]);
        assert_eq!(health_request("ab").unwrap(), &[0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b'][..]);
        assert!(health_request(&"x".repeat(126)).is_none());
        assert!(is_serving(&[0, 0, 0, 0, 2, 8, 1]));
        for other in [&[0, 0, 0, 0, 2, 8, 2][..], &[0, 0, 0, 0, 0], &[], &[1, 0, 0, 0, 2, 8, 1]] {
            assert!(!is_serving(other));
        }
    }
}
