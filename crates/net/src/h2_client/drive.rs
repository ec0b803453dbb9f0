//! Drives one connection to an upstream: keeps it alive, and ends it in time.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::link::State;
use super::shelf::remove;
use crate::h2::mark::Mark;
use crate::h2::meter::Meter;
use crate::h2::metered::Metered;
use crate::pool::PoolSettings;

/// What a driver knows.
pub(super) struct Driver {
    pub(super) state: Rc<State>,
    pub(super) settings: PoolSettings,
    pub(super) target: u64,
    /// Free again when the connection has ended.
    pub(super) place: OwnedSemaphorePermit,
    pub(super) pings: Option<PingPong>,
    /// Told when the other side has answered the first PING.
    pub(super) ready: Option<oneshot::Sender<()>>,
}

pub(super) async fn drive<S>(connection: Connection<Metered<S>, Bytes>, mut driver: Driver)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = pin!(connection);
    let shortest = driver.settings.idle_time.min(driver.settings.age);
    let mut ticks = interval(Meter::period(shortest));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let now = Instant::now();
    let (mut idle, mut silent, mut stuck) = (Mark::at(now), Mark::at(now), Mark::at(now));
    driver.ping();
    let (queue, known) = (Arc::clone(driver.state.queue()), Rc::clone(&driver.state));
    let mut wanted = pin!(queue.wanted());
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "upstream connection ended");
                }
                break;
            }
            () = poll_fn(|cx| driver.poll_greeted(cx)), if driver.ready.is_some() => {}
            () = wanted.as_mut() => {
                wanted.set(queue.wanted());
                driver.make_room();
            }
            () = known.rest.notified() => driver.make_room(),
            now = ticks.tick() => {
                let (state, meter) = (&driver.state, &driver.state.meter);
                let is_open = state.open.get() > 0;
                let idle = idle.see(state.begun.get(), is_open, now);
                let silent = silent.see(meter.reads(), !is_open, now);
                let stuck = stuck.see(meter.writes(), !meter.is_blocked(), now);
                let limit = driver.settings.head_time;
                if meter.flood().is_some()
                    || stuck >= limit
                    || silent >= driver.settings.ping_every.saturating_add(limit)
                {
                    tracing::debug!("upstream connection given up");
                    break;
                }
                if silent >= driver.settings.ping_every {
                    driver.ping();
                }
                let age = now.duration_since(driver.state.opened);
                if idle >= driver.settings.idle_time || age >= driver.settings.age {
                    driver.retire();
                }
                driver.make_room();
            }
        }
    }
    // What waits for the first PING hears of the end by the sender that is dropped here.
    driver.retire();
    drop(driver.place);
}

impl Driver {
    /// Takes no more requests: when the last one is over, the connection ends with a GOAWAY.
    fn retire(&self) {
        self.state.is_retired.set(true);
        remove(self.target, &self.state);
    }

    /// Who waits on another thread cannot have it, but can have its place.
    fn make_room(&self) {
        if self.ready.is_none() && self.state.is_idle_and_wanted() {
            self.retire();
        }
    }

    fn ping(&mut self) {
        let Some(pings) = self.pings.as_mut() else { return };
        let answered = pings.poll_pong(&mut Context::from_waker(Waker::noop()));
        if answered.is_ready() || pings.send_ping(Ping::opaque()).is_ok() {
            tracing::trace!("silent upstream");
        }
    }

    fn poll_greeted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(pings) = self.pings.as_mut() else { return Poll::Pending };
        pings.poll_pong(cx).map(|answered| {
            let ready = self.ready.take().filter(|_| answered.is_ok());
            // Who asked for the connection may have given up.
            ready.map(|ready| ready.send(()));
        })
    }
}
