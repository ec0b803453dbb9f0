//! Copies of requests for a version that nobody waits for.
//!
//! A copy says nothing about who asked: no cookie, no token, no identity. It has no body that
//! streams, none that is large, and nothing of an operation that handles declared data classes but
//! its path. Its answer is thrown away, and what becomes of it touches no request.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION};
use http::{HeaderName, HeaderValue, Request};
use ringwall_balance::{Ask, Dice, Outcome};
use ringwall_base::Clock;
use ringwall_net::{Body, Pool};

use super::{Mirroring, Upstreams};

/// What a copy is made of.
pub(crate) struct Original<'a> {
    pub(crate) request: &'a Request<Body>,
    pub(crate) host: &'a str,
    /// Whether the operation handles declared data classes.
    pub(crate) is_classified: bool,
}

impl Mirroring {
    /// Sends a copy of some requests, and does not wait.
    pub(crate) fn copy(&self, original: &Original<'_>, pool: Pool, clock: &Arc<dyn Clock>) {
        let seed = self.upstreams.seed();
        if Dice::new(seed).below(100) >= usize::from(self.percent) {
            return;
        }
        let is_full = self.upstreams.load().active() >= COPIES_MAX;
        let Some(copy) = (!is_full).then(|| original.copy()).flatten() else {
            self.upstreams.counts().mirror_dropped.up();
            return;
        };
        let (upstreams, clock) = (Arc::clone(&self.upstreams), Arc::clone(clock));
        // Owned by nobody who waits: it ends by its own time limit, and there are few of them.
        tokio::task::spawn_local(async move { send(&upstreams, pool, &*clock, copy, seed).await });
    }
}

impl Original<'_> {
    fn copy(&self) -> Option<Request<Body>> {
        let body = match self.request.body() {
            Body::Empty => Body::Empty,
            Body::Full(Some(bytes)) if bytes.len() <= BODY_BYTES_MAX => {
                Body::Full(Some(bytes.clone()))
            }
            Body::Full(Some(_)) => return None,
            Body::Boxed(_)
            | Body::Channel(_)
            | Body::Client(_)
            | Body::Full(None)
            | Body::Incoming(_)
            | Body::Stream(_)
            | Body::Upstream(_) => self.request.body().is_empty().then_some(Body::Empty)?,
        };
        if self.is_classified && !(body.is_empty() && self.request.uri().query().is_none()) {
            return None;
        }
        let mut copy = Request::new(body);
        *copy.method_mut() = self.request.method().clone();
        *copy.uri_mut() = self.request.uri().clone();
        let fields = copy.headers_mut();
        *fields = self.request.headers().clone();
        for name in [AUTHORIZATION, COOKIE, DPOP, PROXY_AUTHORIZATION] {
            fields.remove(name);
        }
        fields.insert(HOST, HeaderValue::from_str(self.host).ok()?);
        fields.insert(MIRROR, HeaderValue::from_static("1"));
        Some(copy)
    }
}

async fn send(
    upstreams: &Upstreams,
    pool: Pool,
    clock: &dyn Clock,
    copy: Request<Body>,
    bits: u64,
) {
    let (roster, now) = (upstreams.roster(), clock.monotonic());
    let place = upstreams.load().enter(COPIES_MAX);
    let picked = roster.pick(&Ask { now, bits, ..Ask::default() }).filter(|_| place.is_some());
    let Some((index, endpoint)) = picked else {
        upstreams.counts().mirror_dropped.up();
        return;
    };
    upstreams.counts().mirrored.up();
    let answer = async {
        let answer = pool.send(endpoint.target(), Box::new(copy)).await.ok()?;
        // Read, so that the connection can be used again; what it says is nobody's business.
        answer.into_body().collect(ANSWER_BYTES_MAX).await.ok()
    };
    let answered = tokio::time::timeout(TIME, answer).await;
    let is_good = answered.is_ok_and(|answer| answer.is_some());
    let outcome = if is_good { Outcome::Success } else { Outcome::Failure };
    roster.report(index, outcome, clock.monotonic());
}

/// Tells the version that gets it that nobody waits.
const MIRROR: HeaderName = HeaderName::from_static("ringwall-mirror");
/// A proof of the key that a token is bound to (RFC 9449).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Copies under way at a time, each with a body of this size: 4 MiB in all.
const COPIES_MAX: u32 = 64;
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// A larger answer costs its connection.
const ANSWER_BYTES_MAX: usize = 1_024 * 1_024;

/// A slow copy makes room for the next.
const TIME: Duration = Duration::from_secs(10);
