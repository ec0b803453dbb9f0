//! Ends what does not move: one coarse timer a connection, so that a request costs none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::session::{Session, Stand};
use crate::counts::Counts;
use crate::drain::{Leave, Phase, Presence};
use crate::{Curb, Settings};

/// Watches one connection of a client, and its door.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, which no state joins")]
pub(crate) struct Vigil {
    times: Times,
    period: Duration,
    tick: Pin<Box<Sleep>>,
    /// Whether the next tick is further away than a period, because the connection rests.
    is_resting: bool,
    /// Whether the task is woken for ticks and for its door. It stays so: it is one task for life.
    is_watching: bool,
    /// What was seen last, and since when it has not changed.
    last: Seen,
    since: Instant,
    pace: Pace,
    opened: Instant,
    door: Option<Door>,
    counts: Option<Arc<Counts>>,
    leave: Option<Leave>,
    is_idle_over: bool,
    is_old: bool,
}

/// What must be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Finding {
    /// Nobody is there, or nobody reads: close without a word.
    Dead,
    /// Idle: close in order.
    Idle,
    /// A head that trickles: refuse it.
    Slow,
    /// The door drains: close when the answer is out.
    Leaving,
}

#[derive(Debug)]
struct Times {
    head: Duration,
    idle: Duration,
    body: Duration,
    write: Duration,
    age: Duration,
    grace: Duration,
    bytes_per_second_min: u64,
}

/// The door, as its connection sees it.
struct Door {
    phase: watch::Receiver<Phase>,
    draining: Pin<Box<dyn Future<Output = ()>>>,
}

/// A number that grows when the connection moves, in its present stand.
type Seen = (Stand, u64);

/// How many bytes the client has moved since it is waited for.
#[derive(Debug)]
struct Pace {
    stand: Stand,
    since: Instant,
    from: u64,
}

impl Vigil {
    pub(crate) fn new(settings: &Settings, presence: Option<&Presence>) -> Self {
        let times = Times {
            head: settings.head_time,
            idle: settings.idle_time,
            body: settings.body_idle_time,
            write: settings.write_idle_time,
            age: settings.connection_age,
            grace: settings.pace_grace,
            bytes_per_second_min: settings.pace_min,
        };
        let shortest = times.head.min(times.idle).min(times.body).min(times.write);
        // A limit is held to a quarter of the shortest, or to a second.
        let quarter = shortest.checked_div(4).unwrap_or(shortest);
        let period = quarter.clamp(Duration::from_millis(10), Duration::from_secs(1));
        let now = Instant::now();
        Self {
            times,
            period,
            tick: Box::pin(sleep(period)),
            is_resting: false,
            is_watching: false,
            last: (Stand::Between, 0),
            since: now,
            pace: Pace { stand: Stand::Between, since: now, from: 0 },
            opened: now,
            door: presence.map(|presence| Door::new(presence.phase())),
            counts: presence.map(|presence| Arc::clone(presence.counts())),
            leave: None,
            is_idle_over: false,
            is_old: false,
        }
    }

    /// Whether the connection should end with the present answer.
    pub(crate) fn wants_end(&self) -> bool {
        self.leave.is_some() || self.is_old
    }

    /// Whether the door drains, and waits for idle connections no longer.
    pub(crate) fn is_idle_over(&self) -> bool {
        self.is_idle_over
    }

    /// The connection moves again after a rest.
    pub(crate) fn wake(&mut self) {
        if std::mem::take(&mut self.is_resting) {
            self.since = Instant::now();
            self.tick.as_mut().reset(after(self.since, self.period));
        }
    }

    /// Ready when something must be done. Costs next to nothing while there is nothing.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, session: &mut Session) -> Poll<Finding> {
        let is_open = self.leave.is_none();
        let is_news = is_open && self.door.as_ref().is_some_and(Door::has_news);
        if self.is_watching && !is_news && !self.tick.is_elapsed() {
            return Poll::Pending;
        }
        self.is_watching = true;
        if is_open
            && let Some(door) = &mut self.door
            && door.draining.as_mut().poll(cx).is_ready()
        {
            let leave = door.leave();
            self.leave = Some(leave);
            self.is_idle_over = leave.idle_until <= Instant::now();
            let tick = self.tick.deadline().min(leave.by).min(leave.idle_until);
            self.tick.as_mut().reset(tick);
            // The tick is not waited for yet.
            self.is_watching = false;
            return Poll::Ready(Finding::Leaving);
        }
        while self.tick.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let finding = self.look(now, session);
            let next = self.next(now);
            self.tick.as_mut().reset(next);
            if let Some(finding) = finding {
                self.is_watching = false;
                return Poll::Ready(finding);
            }
        }
        Poll::Pending
    }

    fn look(&mut self, now: Instant, session: &mut Session) -> Option<Finding> {
        self.is_old |= now.duration_since(self.opened) >= self.times.age;
        if let Some(leave) = self.leave {
            if now >= leave.by {
                return Some(Finding::Dead);
            }
            self.is_idle_over |= now >= leave.idle_until;
            if self.is_idle_over && session.stand() == Stand::Between {
                return Some(Finding::Idle);
            }
        }
        let seen = see(session);
        if seen != self.last {
            self.last = seen;
            self.since = now;
        } else if seen.0 == Stand::Between {
            session.link.rest();
            self.is_resting = true;
        }
        let finding = self.judge(now.duration_since(self.since));
        if finding.is_some() {
            // Not again before another whole time has passed.
            self.since = now;
        }
        let finding = finding.or_else(|| self.pace(now, session));
        if finding == Some(Finding::Dead) {
            self.count();
        }
        finding
    }

    /// Counts why the connection is cut off.
    fn count(&self) {
        let curb = match self.last.0 {
            Stand::Between | Stand::Head | Stand::Busy => Curb::Silent,
            Stand::Body => Curb::SlowBody,
            Stand::Blocked => Curb::SlowReader,
        };
        if let Some(counts) = &self.counts {
            counts.curb(curb);
        }
    }

    /// A connection that rests is looked at when its time is up.
    fn next(&self, now: Instant) -> Instant {
        let mut next = after(now, self.period);
        if self.is_resting {
            let limit = if self.last.1 == 0 { self.times.head } else { self.times.idle };
            next = next.max(after(self.since, limit));
        }
        match self.leave {
            Some(leave) if self.is_idle_over => next.min(leave.by),
            Some(leave) => next.min(leave.idle_until),
            None => next,
        }
    }

    fn judge(&self, unmoved: Duration) -> Option<Finding> {
        match self.last {
            // Connected, and never sent a request.
            (Stand::Between, 0) if unmoved >= self.times.head => Some(Finding::Dead),
            (Stand::Between, _) if unmoved >= self.times.idle => Some(Finding::Idle),
            (Stand::Head, _) if unmoved >= self.times.head => Some(Finding::Slow),
            (Stand::Body, _) if unmoved >= self.times.body => Some(Finding::Dead),
            (Stand::Blocked, _) if unmoved >= self.times.write => Some(Finding::Dead),
            (Stand::Between | Stand::Head | Stand::Body | Stand::Blocked | Stand::Busy, _) => None,
        }
    }

    /// A client that moves just enough not to stand still holds a connection, and perhaps one of
    /// the app's, as well as one that stands.
    fn pace(&mut self, now: Instant, session: &Session) -> Option<Finding> {
        let stand = session.stand();
        let moved = match stand {
            Stand::Body => session.link.read,
            Stand::Blocked => session.link.written,
            Stand::Between | Stand::Head | Stand::Busy => 0,
        };
        if stand != self.pace.stand {
            self.pace = Pace { stand, since: now, from: moved };
            return None;
        }
        let waited = now.duration_since(self.pace.since);
        let is_owed = matches!(stand, Stand::Body | Stand::Blocked) && waited >= self.times.grace;
        let least = self.times.bytes_per_second_min.saturating_mul(waited.as_secs());
        (is_owed && moved.saturating_sub(self.pace.from) < least).then_some(Finding::Dead)
    }
}

impl Door {
    fn new(mut phase: watch::Receiver<Phase>) -> Self {
        let mut watched = phase.clone();
        phase.mark_unchanged();
        let draining = Box::pin(async move {
            // A door whose owner is gone drains too.
            watched.wait_for(|phase| *phase != Phase::Open).await.ok();
        });
        Self { phase, draining }
    }

    fn has_news(&self) -> bool {
        self.phase.has_changed().unwrap_or(true)
    }

    fn leave(&self) -> Leave {
        let now = Instant::now();
        match *self.phase.borrow() {
            Phase::Draining(leave) => leave,
            // Its owner is gone.
            Phase::Open => Leave { idle_until: now, by: now },
        }
    }
}

fn see(session: &Session) -> Seen {
    let stand = session.stand();
    let moved = match stand {
        // Bytes do not count here: a head must be whole in time.
        Stand::Between | Stand::Head | Stand::Busy => session.exchanges,
        Stand::Body => session.link.read,
        Stand::Blocked => session.link.written,
    };
    (stand, moved)
}

fn after(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}
