//! One coarse timer a connection: what is idle, old, stalled or gone.

use std::rc::Rc;
use std::task::{Context, Waker};

use h2::{Ping, PingPong};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::exchange::Exchanges;
use super::mark::Mark;
use super::meter::Meter;

/// Watches one connection of a client.
pub(super) struct Watch {
    exchanges: Rc<Exchanges>,
    pings: Option<PingPong>,
    ticks: Interval,
    opened: Instant,
    /// Since when there is no request.
    idle: Mark,
    /// Since when nothing came.
    silent: Mark,
    /// Since when nothing was taken of what we write.
    stuck: Mark,
    leaving: Option<Instant>,
}

/// What must be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Finding {
    /// Nobody is there: close without a word.
    Dead,
    /// Enough of it: say so, and finish what was begun.
    Old,
    /// It takes nothing of what we write.
    Stalled,
}

impl Watch {
    pub(super) fn new(exchanges: &Rc<Exchanges>, pings: Option<PingPong>) -> Self {
        let settings = &exchanges.settings;
        let shortest = [
            settings.connection_age,
            settings.idle_time,
            settings.write_idle_time,
            settings.head_time,
        ];
        let shortest = shortest.into_iter().min().unwrap_or_default();
        let mut ticks = interval(Meter::period(shortest));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let opened = Instant::now();
        let mark = || Mark::at(opened);
        let exchanges = Rc::clone(exchanges);
        let (idle, silent, stuck) = (mark(), mark(), mark());
        Self { exchanges, pings, ticks, opened, idle, silent, stuck, leaving: None }
    }

    /// The connection was told to end.
    pub(super) fn leave(&mut self) {
        self.leaving.get_or_insert_with(Instant::now);
    }

    /// Waits until something must be done. Cancel-safe.
    pub(super) async fn finding(&mut self) -> Finding {
        loop {
            let now = self.ticks.tick().await;
            let Some(finding) = self.judge(now) else { continue };
            if finding == Finding::Old {
                self.leave();
            }
            return finding;
        }
    }

    fn judge(&mut self, now: Instant) -> Option<Finding> {
        let exchanges = Rc::clone(&self.exchanges);
        let (settings, meter) = (&exchanges.settings, &exchanges.meter);
        let (begun, is_open) = (exchanges.begun.get(), exchanges.open.get() > 0);
        let idle = self.idle.see(begun, is_open, now);
        let silent = self.silent.see(meter.reads(), false, now);
        let stuck = self.stuck.see(meter.writes(), !meter.is_blocked(), now);
        if stuck >= settings.write_idle_time {
            return Some(Finding::Stalled);
        }
        // One that does not even answer a PING is gone.
        if silent >= settings.idle_time.saturating_add(settings.head_time) {
            return Some(Finding::Dead);
        }
        if silent >= settings.idle_time {
            self.ping();
        }
        if let Some(leaving) = self.leaving {
            // A client that is told to go and has nothing open goes within this time.
            let is_late = now.duration_since(leaving) >= settings.head_time;
            return (is_late && !is_open && idle >= settings.head_time).then_some(Finding::Dead);
        }
        let is_old = begun >= settings.requests_per_connection_max
            || now.duration_since(self.opened) >= settings.connection_age
            || idle >= settings.idle_time;
        is_old.then_some(Finding::Old)
    }

    /// Asks for a sign of life; the answer is a read like any other.
    fn ping(&mut self) {
        let Some(pings) = self.pings.as_mut() else { return };
        let answered = pings.poll_pong(&mut Context::from_waker(Waker::noop()));
        if answered.is_ready() || pings.send_ping(Ping::opaque()).is_ok() {
            tracing::trace!("silent connection");
        }
    }
}
