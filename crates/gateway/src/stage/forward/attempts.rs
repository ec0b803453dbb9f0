//! Attempts: which endpoint, how long, and whether once more.
//!
//! A request is sent again only where that can do no harm: when no byte of it was taken, or when
//! its method is idempotent; never when its body streams. What was not taken is no extra load, so
//! it is not charged; everything else is charged to the service's budget, so that a service in
//! trouble does not get twice the requests for it.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_balance::{Ask, Dice, Outcome};
use ringwall_base::Clock;
use ringwall_net::{Body, Pool, SendError};
use tokio::time::{sleep, timeout};

use super::spare::Spare;
use crate::Refusal;
use crate::upstreams::{Endpoint, Failing, Placed, Roster, TRIES_MAX, Tries, Upstreams};

/// The attempts at one request.
pub(super) struct Attempts<'a> {
    pool: Pool,
    clock: &'a dyn Clock,
    upstreams: &'a Upstreams,
    roster: Arc<Roster>,
    tries: Tries,
    key: Option<u64>,
    seed: u64,
    /// Who is asked now: when the time of the whole request is over, it was too slow.
    asked: Cell<Option<usize>>,
}

/// An attempt that failed.
pub(super) enum Failed {
    /// Without an answer.
    Error(SendError),
    /// With an answer of the service that says so.
    Status(Box<Response<Body>>),
    /// There is nobody to ask.
    Nobody,
}

/// What came of sending.
type Sent = Result<Response<Body>, SendError>;

/// Who was asked already.
#[derive(Default)]
pub(super) struct Asked {
    places: [usize; ASKED_MAX],
    count: usize,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        (pool, clock): (Pool, &'a dyn Clock),
        upstreams: &'a Upstreams,
        tries: Tries,
        key: Option<u64>,
    ) -> Self {
        let (roster, seed) = (upstreams.roster(), upstreams.seed());
        Self { pool, clock, upstreams, roster, tries, key, seed, asked: Cell::new(None) }
    }

    /// Sends the request, as often as may be.
    pub(super) async fn run(&self, request: Box<Request<Body>>) -> Result<Response<Body>, Refusal> {
        let is_repeated = self.tries.max > 1 && (self.roster.has_choice() || self.tries.repeats);
        let spare = if is_repeated { Spare::of(&request) } else { None };
        let mut asked = Asked::default();
        let is_hedged = spare.as_ref().is_some_and(|spare| spare.is_idempotent());
        let first = match (&spare, self.tries.hedge) {
            // What few requests need is on the heap, so that the many stay small.
            (Some(spare), Some(after)) if is_hedged => {
                Box::pin(self.hedged(&mut asked, request, spare, after)).await
            }
            _ => self.attempt(&mut asked, request).await,
        };
        match (first, spare) {
            (Ok(response), _) => Ok(response),
            (Err(failed), None) => failed.end(),
            (Err(failed), Some(spare)) => Box::pin(self.again(asked, failed, spare)).await,
        }
    }

    async fn again(
        &self,
        mut asked: Asked,
        mut failed: Failed,
        spare: Box<Spare>,
    ) -> Result<Response<Body>, Refusal> {
        for attempt in 2..=self.tries.max {
            if !failed.allows(&spare) {
                break;
            }
            let charged = if failed.is_not_sent() { None } else { self.charge() };
            if charged.is_none() && !failed.is_not_sent() {
                break;
            }
            self.pause(&asked, attempt).await;
            failed = match self.attempt(&mut asked, spare.request(attempt)).await {
                Ok(response) => return Ok(response),
                // Who has nobody else to ask keeps the answer that is there.
                Err(Failed::Nobody) => break,
                Err(failed) => failed,
            };
        }
        failed.end()
    }

    /// The time of the whole request is over.
    pub(super) fn time_out(&self) {
        if let Some(place) = self.asked.get() {
            self.upstreams.counts().fail(Failing::Time);
            self.roster.report(place, Outcome::Failure, self.clock.monotonic());
        }
    }

    async fn attempt(
        &self,
        asked: &mut Asked,
        request: Box<Request<Body>>,
    ) -> Result<Response<Body>, Failed> {
        let is_first = asked.count == 0;
        let Some((place, endpoint)) = self.pick(asked) else { return Err(Failed::Nobody) };
        asked.push(place);
        if !is_first {
            self.upstreams.counts().retries.up();
        }
        self.ask(place, endpoint, request).await
    }

    pub(super) fn pick(&self, asked: &mut Asked) -> Option<Placed<'_>> {
        let now = self.clock.monotonic();
        let bits = self.seed.wrapping_add(u64::try_from(asked.count).unwrap_or(0));
        let ask = |tried: &[usize]| self.roster.pick(&Ask { now, bits, key: self.key, tried });
        let another = ask(asked.places());
        if another.is_some() || !self.tries.repeats {
            return another;
        }
        asked.count = 0;
        ask(&[])
    }

    /// Asks one endpoint, and notes how that ended.
    pub(super) async fn ask(
        &self,
        place: usize,
        endpoint: &Endpoint,
        request: Box<Request<Body>>,
    ) -> Result<Response<Body>, Failed> {
        let _busy = endpoint.state().enter();
        self.asked.set(Some(place));
        // Pinned, so that both ways to wait share its memory.
        let mut sent = pin!(self.pool.send(endpoint.target(), request));
        let sent = match self.tries.per_try {
            None => sent.as_mut().await,
            Some(limit) => timeout(limit, sent.as_mut()).await.unwrap_or(Err(SendError::Time)),
        };
        self.asked.set(None);
        self.note(place, endpoint, sent)
    }

    fn note(
        &self,
        place: usize,
        endpoint: &Endpoint,
        sent: Sent,
    ) -> Result<Response<Body>, Failed> {
        let (mut outcome, mut how) = judge(&sent);
        // An earlier answer broke off when its head was long counted as a success: one success less
        // for each, so that those which break off together do not count as one. Who is on trial is
        // judged by what it does now.
        if !endpoint.state().is_sound() {
            endpoint.target().forget_broken();
        } else if outcome == Some(Outcome::Success) && endpoint.target().take_broken() {
            (outcome, how) = (Some(Outcome::Failure), Some(Failing::Lost));
        }
        if let Some(how) = how {
            self.upstreams.counts().fail(how);
        }
        if let Some(outcome) = outcome {
            self.roster.report(place, outcome, self.clock.monotonic());
        }
        match sent {
            Ok(response) if is_elsewhere_better(response.status()) => {
                Err(Failed::Status(Box::new(response)))
            }
            Ok(response) => Ok(response),
            Err(error) => Err(Failed::Error(error)),
        }
    }

    /// Room in the budget for an attempt that may do work twice.
    pub(super) fn charge(&self) -> Option<ringwall_balance::Retrying<'_>> {
        let charged = self.upstreams.load().retry(self.tries.budget);
        if charged.is_none() {
            self.upstreams.counts().budget_exhausted.up();
        }
        charged
    }

    /// Waits before an endpoint is asked again, never before another one is. With jitter: those
    /// who failed together must not come back together.
    async fn pause(&self, asked: &Asked, attempt: u32) {
        if asked.count < self.roster.endpoints().len() {
            return;
        }
        let doublings = attempt.saturating_sub(2).min(PAUSE_DOUBLINGS_MAX);
        let longest = PAUSE.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(1));
        let percent = Dice::new(self.seed ^ u64::from(attempt)).below(100);
        let percent = u32::try_from(percent).unwrap_or(0).saturating_add(50);
        sleep(longest.saturating_mul(percent).checked_div(100).unwrap_or(PAUSE)).await;
    }

    pub(super) const fn upstreams(&self) -> &Upstreams {
        self.upstreams
    }

    pub(super) fn is_alone(&self) -> bool {
        !self.roster.has_choice()
    }
}

impl Failed {
    /// Whether no byte of the request was taken.
    fn is_not_sent(&self) -> bool {
        matches!(self, Self::Error(error) if error.is_not_sent())
    }

    fn allows(&self, spare: &Spare) -> bool {
        match self {
            Self::Error(error) => error.is_not_sent() || spare.is_idempotent(),
            Self::Status(_) => spare.is_idempotent(),
            Self::Nobody => false,
        }
    }

    /// What the client gets, when that was the last attempt.
    fn end(self) -> Result<Response<Body>, Refusal> {
        match self {
            Self::Status(response) => Ok(*response),
            Self::Nobody => {
                Err(Refusal::Unavailable { why: "the service has no endpoint", source: None })
            }
            Self::Error(SendError::Overflow) => Err(Refusal::Overloaded {
                why: "the service has as many connections and waiting requests as it may have",
            }),
            Self::Error(error) if error.is_timeout() => Err(Refusal::Timeout),
            Self::Error(error) => Err(Refusal::unavailable("no answer from the service", error)),
        }
    }
}

impl Asked {
    pub(super) fn push(&mut self, place: usize) {
        if let Some(free) = self.places.get_mut(self.count) {
            *free = place;
            self.count = self.count.saturating_add(1);
        }
    }

    fn places(&self) -> &[usize] {
        self.places.get(..self.count).unwrap_or(&self.places)
    }
}

/// What an attempt says about the endpoint, if anything.
fn judge(sent: &Sent) -> (Option<Outcome>, Option<Failing>) {
    let error = match sent {
        Ok(response) if is_failure(response.status()) => {
            return (Some(Outcome::Failure), Some(Failing::Status));
        }
        Ok(_) => return (Some(Outcome::Success), None),
        Err(error) => error,
    };
    match error {
        SendError::Connect(_) | SendError::ConnectTime | SendError::Handshake(_) => {
            (Some(Outcome::Unreachable), Some(Failing::Connect))
        }
        SendError::NotSent(_) | SendError::RefusedStream(_) | SendError::Lost(_) => {
            (Some(Outcome::Failure), Some(Failing::Lost))
        }
        SendError::Malformed(_) => (Some(Outcome::Failure), Some(Failing::Malformed)),
        // Nor does what the client did.
        SendError::GivenUp => (None, None),
        // Our own limit: it says nothing about the endpoint.
        SendError::Overflow => (None, Some(Failing::Overflow)),
        SendError::Time => (Some(Outcome::Failure), Some(Failing::Time)),
    }
}

/// A method that the service does not know says nothing about its health.
fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

/// Whether the answer says that another endpoint may do better. A 500 does not: the same code runs
/// there.
const fn is_elsewhere_better(status: StatusCode) -> bool {
    matches!(status.as_u16(), 502..=504)
}

/// The first pause, half to one and a half times as long.
const PAUSE: Duration = Duration::from_millis(25);

const PAUSE_DOUBLINGS_MAX: u32 = 4;

/// One for each attempt, and one hedge.
const ASKED_MAX: usize = 6;
const _: () = assert!(TRIES_MAX < 6, "every attempt has its place in `Asked`");
