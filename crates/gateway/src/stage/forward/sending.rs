//! Who is asked for one request, and within which limits.

use std::time::Duration;

use http::{HeaderMap, Request, Response};
use ringwall_balance::{Admitted, Priority};
use ringwall_base::Clock;
use ringwall_net::{Body, Pool};

use super::attempts::Attempts;
use crate::Refusal;
use crate::overload::priority;
use crate::record::Record;
use crate::stage::authenticate::Caller;
use crate::upstreams::{Asker, Backend, Upstreams};

/// Who is asked.
pub(super) struct Sending<'a> {
    backend: &'a Backend,
    upstreams: &'a Upstreams,
    key: Option<u64>,
    priority: Priority,
}

impl<'a> Sending<'a> {
    /// Chooses by who asks, and by what the client said.
    pub(super) fn choose(
        backend: &'a Backend,
        fields: &HeaderMap,
        caller: &Caller,
        record: &Record<'_>,
    ) -> Self {
        let subject = caller.subject().or(caller.service());
        let asker = Asker { subject, address: record.address() };
        let upstreams = backend.choose(fields, &asker);
        Self { backend, upstreams, key: backend.key(fields, &asker), priority: priority(caller) }
    }

    /// Sends the request, if there is room for it. `limit` is for all attempts together.
    pub(super) async fn send(
        &self,
        request: Box<Request<Body>>,
        limit: Duration,
        (pool, clock): (Pool, &dyn Clock),
    ) -> Result<Response<Body>, Refusal> {
        let admitted = self.admit()?;
        let Some(_place) = self.upstreams.load().enter(self.backend.requests_max) else {
            self.upstreams.counts().overflows.up();
            return Err(Refusal::Overloaded {
                why: "the service has as many requests under way as it may have",
            });
        };
        let started = admitted.is_some().then(|| clock.monotonic());
        let tries = self.backend.tries;
        let attempts = Attempts::new((pool, clock), self.upstreams, tries, self.key);
        let answer = tokio::time::timeout(limit, attempts.run(request)).await;
        if let (Some(admitted), Some(started)) = (admitted, started) {
            // Also when there was none: a service that hangs is as slow as it can be.
            let now = clock.monotonic();
            admitted.answered(now.saturating_sub(started), now);
        }
        answer.unwrap_or_else(|_elapsed| {
            attempts.time_out();
            Err(Refusal::Timeout)
        })
    }

    fn admit(&self) -> Result<Option<Admitted<'_>>, Refusal> {
        let Some(settings) = self.backend.limit else { return Ok(None) };
        let admitted = self.upstreams.limiter().enter(self.priority, settings);
        if admitted.is_none() {
            self.upstreams.counts().shed.up();
            return Err(Refusal::Overloaded { why: "the service has as much to do as it can do" });
        }
        Ok(admitted)
    }
}
