//! Two connections that are one: how long they stay so, and how it ends.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};

use super::pipe::{Ended, Pipe};
use super::{End, Ending, Farewell};
use crate::Peer;
use crate::drain::Leave;
use crate::h2::mark::Mark;
use crate::h2::meter::Meter;

/// A tunnel.
pub(super) struct Joined {
    pub(super) client: End,
    pub(super) upstream: End,
    to_client: Pipe,
    to_upstream: Pipe,
}

/// Why a tunnel is ended here.
struct Parting {
    farewell: Farewell,
    by: Instant,
}

impl Joined {
    pub(super) fn new(mut client: End, mut upstream: End) -> Self {
        let to_upstream = Pipe::new(std::mem::take(&mut client.read));
        let to_client = Pipe::new(std::mem::take(&mut upstream.read));
        Self { client, upstream, to_client, to_upstream }
    }

    /// Carries bytes until a side has ended, or has to.
    pub(super) async fn run(mut self, peer: Arc<Peer>, idle: Duration, ending: Ending, at: u16) {
        let leaving = async {
            match peer.presence() {
                Some(presence) => presence.leave().await,
                None => std::future::pending().await,
            }
        };
        let mut ending = ending;
        let parting = tokio::select! {
            biased;
            farewell = ending.as_mut() => Parting { farewell, by: soon() },
            leave = leaving => {
                let Some(Leave { by, .. }) = leave else { return };
                let Some(parting) = self.stay(ending, by, at).await else { return };
                parting
            }
            is_idle = self.carry(idle) => {
                if !is_idle {
                    return;
                }
                Parting { farewell: Farewell::Away, by: soon() }
            }
        };
        self.part(parting).await;
    }

    /// Goes on for a part of a drain. Everybody told at once would come back at once.
    async fn stay(&mut self, mut ending: Ending, by: Instant, at: u16) -> Option<Parting> {
        let now = Instant::now();
        let spread = by.saturating_duration_since(now).checked_div(2).unwrap_or_default();
        let later = spread.mul_f64(f64::from(at) / f64::from(u16::MAX));
        let told = now.checked_add(later).unwrap_or(now);
        tokio::select! {
            biased;
            farewell = ending.as_mut() => return Some(Parting { farewell, by: soon().min(by) }),
            _ = self.carry(FOR_EVER) => return None,
            () = sleep_until(told) => {}
        }
        // A message that has begun may end.
        let between = poll_fn(|cx| {
            let ended = self.poll(cx).map(|()| false);
            if self.to_client.can_end() { Poll::Ready(true) } else { ended }
        });
        let is_between = tokio::select! {
            biased;
            farewell = ending.as_mut() => return Some(Parting { farewell, by: soon().min(by) }),
            is_between = timeout_at(by, between) => is_between.unwrap_or(false),
        };
        is_between.then_some(Parting { farewell: Farewell::Restart, by: soon().min(by) })
    }

    /// Carries bytes until a side has ended, or for so long nothing came. Whether it was that.
    async fn carry(&mut self, idle: Duration) -> bool {
        let mut ticks = interval(Meter::period(idle));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut mark = Mark::at(Instant::now());
        loop {
            tokio::select! {
                biased;
                () = poll_fn(|cx| self.poll(cx)) => return false,
                now = ticks.tick() => {
                    let moved = self.to_client.moved().saturating_add(self.to_upstream.moved());
                    if mark.see(moved, false, now) >= idle {
                        return true;
                    }
                }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (client, upstream) = (&mut *self.client.stream, &mut *self.upstream.stream);
        let up = self.to_upstream.poll(cx, client, upstream);
        let down = self.to_client.poll(cx, upstream, client);
        let is_broken = up == Poll::Ready(Ended::Broken) || down == Poll::Ready(Ended::Broken);
        let is_over = is_broken || (up.is_ready() && down.is_ready());
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Says why, and waits until the client has said that it knows (RFC 6455 section 7.1.1).
    async fn part(mut self, Parting { farewell, by }: Parting) {
        let is_told = self.to_client.can_end();
        tracing::debug!(?farewell, is_told, "a tunnel is ended");
        if !is_told {
            return;
        }
        self.to_client.end(&farewell.frame());
        // What the client says after its admission has ended must not arrive.
        let forwards = farewell == Farewell::Restart;
        let parted = poll_fn(|cx| {
            let (client, upstream) = (&mut *self.client.stream, &mut *self.upstream.stream);
            let written = self.to_client.poll_write(cx, client);
            let heard = if forwards && !self.to_upstream.frames().has_closed() {
                self.to_upstream.poll(cx, client, upstream).map(|_ended| ())
            } else {
                self.to_upstream.poll_discard(cx, client)
            };
            let is_heard = heard.is_ready() || self.to_upstream.frames().has_closed();
            match written {
                Poll::Ready(Ok(())) if is_heard => Poll::Ready(()),
                Poll::Ready(Err(_)) => Poll::Ready(()),
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            }
        });
        timeout_at(by, parted).await.ok();
        let ended = poll_fn(|cx| Pin::new(&mut self.client.stream).poll_shutdown(cx));
        timeout_at(by, ended).await.map_or(Ok(()), |ended| ended).ok();
    }
}

fn soon() -> Instant {
    let now = Instant::now();
    now.checked_add(FAREWELL_TIME).unwrap_or(now)
}

/// Time for a client at the other end of the world to answer a Close frame.
const FAREWELL_TIME: Duration = Duration::from_secs(2);

/// During a drain only the drain ends a tunnel that says nothing.
const FOR_EVER: Duration = Duration::MAX;
