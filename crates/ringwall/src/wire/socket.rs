//! The control socket: metrics, health, and what the command line asks. Only its owner can open it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringwall_api::Reply;
use ringwall_net::{Reserve, is_exhausted};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::execute::{execute, failed};
use super::server::Shared;
use crate::paths::Place;

/// What only the main loop can do.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Read the manifest again.
    Reload(oneshot::Sender<Reply>),
    /// Say how the server is.
    Status(oneshot::Sender<Reply>),
    /// Let a new process take over.
    Upgrade(oneshot::Sender<Reply>),
}

/// Listens for the command line, until it is aborted.
pub(crate) fn listen(
    place: &Place,
    shared: &Arc<Shared>,
    asks: mpsc::Sender<Ask>,
) -> Result<AbortHandle> {
    let path = place.socket();
    // The store's lock is ours, so nobody listens on what was left behind.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove the old {}", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    Ok(tokio::spawn(accept(listener, Arc::clone(shared), asks)).abort_handle())
}

async fn accept(listener: UnixListener, shared: Arc<Shared>, asks: mpsc::Sender<Ask>) {
    // When clients have taken every descriptor, the operator still gets in.
    let mut reserve = Reserve::take();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&shared), asks.clone()));
            }
            Err(error) if is_exhausted(&error) && reserve.give_up() => {
                if let Ok(Ok((stream, _))) = tokio::time::timeout(PAUSE, listener.accept()).await {
                    serve(stream, Arc::clone(&shared), asks.clone()).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket does not accept");
                tokio::time::sleep(PAUSE).await;
            }
        }
        reserve.refill();
    }
}

async fn serve(stream: UnixStream, shared: Arc<Shared>, asks: mpsc::Sender<Ask>) {
    let service = service_fn(move |request| {
        let (shared, asks) = (Arc::clone(&shared), asks.clone());
        async move { Ok::<_, Infallible>(answer(request, shared, asks).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a control connection broke off");
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    asks: mpsc::Sender<Ask>,
) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => metrics(&shared),
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") => {
            let is_ready = shared.is_ready();
            let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            text(status, if is_ready { "ready\n" } else { "not ready\n" })
        }
        (&Method::POST, "/v1/do") => act(request, shared, asks).await,
        _ => text(StatusCode::NOT_FOUND, "there is /metrics, /healthz, /readyz and /v1/do\n"),
    }
}

fn metrics(shared: &Shared) -> Response<Full<Bytes>> {
    match shared.metrics() {
        Ok(found) => {
            let mut response = text(StatusCode::OK, found);
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
            response
        }
        Err(_unwritable) => text(StatusCode::INTERNAL_SERVER_ERROR, "no metrics\n"),
    }
}

async fn act(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    asks: mpsc::Sender<Ask>,
) -> Response<Full<Bytes>> {
    let Ok(body) = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large\n");
    };
    let reply = match serde_json::from_slice(&body.to_bytes()) {
        Ok(ringwall_api::Request::Reload) => in_loop(&asks, Ask::Reload).await,
        Ok(ringwall_api::Request::Status) => in_loop(&asks, Ask::Status).await,
        Ok(ringwall_api::Request::Upgrade) => in_loop(&asks, Ask::Upgrade).await,
        Ok(request) => {
            let work = move || execute(&shared.ground, Some(&shared.model()), &request);
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or_else(|_panicked| failed("it failed", None))
        }
        Err(error) => failed(
            &format!("the request is not understood: {error}"),
            Some("is it another version?"),
        ),
    };
    match serde_json::to_vec(&reply) {
        Ok(body) => text(StatusCode::OK, body),
        Err(_unwritable) => text(StatusCode::INTERNAL_SERVER_ERROR, "no reply\n"),
    }
}

async fn in_loop(
    asks: &mpsc::Sender<Ask>,
    ask: impl FnOnce(oneshot::Sender<Reply>) -> Ask,
) -> Reply {
    let (sender, reply) = oneshot::channel();
    if asks.send(ask(sender)).await.is_err() {
        return failed("the server is stopping", None);
    }
    reply.await.unwrap_or_else(|_dropped| failed("the server is stopping", None))
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

/// How long it rests when the system refuses.
const PAUSE: Duration = Duration::from_millis(100);

/// A secret of 1 MiB in JSON, with room for escapes.
const REQUEST_BYTES_MAX: usize = 7 * 1024 * 1024;
