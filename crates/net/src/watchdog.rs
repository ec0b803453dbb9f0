//! Ends what does not move: one coarse timer a connection, so that a request costs none.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::Settings;
use crate::guard::{Cue, Stand};

/// Watches one HTTP/1 connection.
#[derive(Debug)]
pub(crate) struct Watchdog {
    times: Times,
    cue: Arc<Cue>,
    ticks: Interval,
    /// What was seen last, and since when it has not changed.
    last: Seen,
    since: Instant,
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
}

#[derive(Debug)]
struct Times {
    head: Duration,
    idle: Duration,
    body: Duration,
    write: Duration,
}

/// A number that grows when the connection moves, in its present stand.
type Seen = (Stand, u64);

impl Watchdog {
    pub(crate) fn new(settings: &Settings, cue: Arc<Cue>) -> Self {
        let times = Times {
            head: settings.head_time,
            idle: settings.idle_time,
            body: settings.body_idle_time,
            write: settings.write_idle_time,
        };
        let shortest = times.head.min(times.idle).min(times.body).min(times.write);
        // A limit is held to a quarter of the shortest, or to a second.
        let quarter = shortest.checked_div(4).unwrap_or(shortest);
        let period = quarter.clamp(Duration::from_millis(10), Duration::from_secs(1));
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { times, cue, ticks, last: (Stand::Between, 0), since: Instant::now() }
    }

    /// Waits until something must be done. Cancel-safe.
    pub(crate) async fn finding(&mut self) -> Finding {
        loop {
            let now = self.ticks.tick().await;
            let seen = self.see();
            if seen != self.last {
                self.last = seen;
                self.since = now;
            }
            if let Some(finding) = self.judge(now.duration_since(self.since)) {
                // Not again before another whole time has passed.
                self.since = now;
                return finding;
            }
        }
    }

    fn see(&self) -> Seen {
        let stand = self.cue.stand();
        let moved = match stand {
            // Bytes do not count here: a head must be whole in time.
            Stand::Between | Stand::Head | Stand::Busy => self.cue.messages(),
            Stand::Body => self.cue.reads(),
            Stand::Blocked => self.cue.writes(),
        };
        (stand, moved)
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
}
