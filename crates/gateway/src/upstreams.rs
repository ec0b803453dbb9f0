//! Who answers for a service: one or several endpoints, taken in turn.
//!
//! An endpoint that cannot be reached is left out for a while. That knowledge belongs to the
//! endpoint and outlives a reload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ringwall_net::Target;

/// The endpoints of one service, as one door reaches them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    endpoints: Vec<Arc<Endpoint>>,
    next: AtomicUsize,
}

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    target: Arc<Target>,
    failures: AtomicU32,
    /// Monotonic microseconds; before it the endpoint is left out.
    out_until: AtomicU64,
}

impl Upstreams {
    pub(crate) const fn new(endpoints: Vec<Arc<Endpoint>>) -> Self {
        Self { endpoints, next: AtomicUsize::new(0) }
    }

    /// Whether there is another one to try.
    pub(crate) const fn has_choice(&self) -> bool {
        self.endpoints.len() > 1
    }

    /// The next endpoint in turn that is not left out. When all are, the next one in turn: a wrong
    /// guess about health must not become an outage.
    pub(crate) fn pick(
        &self,
        now: Duration,
        except: Option<&Arc<Endpoint>>,
    ) -> Option<&Arc<Endpoint>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.endpoints.len();
        let turn = |step: usize| {
            let index = start.wrapping_add(step).checked_rem(count)?;
            let endpoint = self.endpoints.get(index)?;
            except.is_none_or(|known| !Arc::ptr_eq(known, endpoint)).then_some(endpoint)
        };
        let in_turn = || (0..count).filter_map(turn);
        in_turn().find(|endpoint| endpoint.is_in(now)).or_else(|| in_turn().next())
    }
}

impl Endpoint {
    pub(crate) const fn new(target: Arc<Target>) -> Self {
        Self { target, failures: AtomicU32::new(0), out_until: AtomicU64::new(0) }
    }

    /// Where it is.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// It answered.
    pub(crate) fn succeed(&self) {
        // Read first: on the usual path no cache line moves between cores.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.out_until.store(0, Ordering::Relaxed);
        }
    }

    /// It could not be reached: it is left out, longer each time.
    pub(crate) fn fail(&self, now: Duration) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(OUT_DOUBLINGS_MAX);
        let out = OUT_FIRST.saturating_mul(1_u32.checked_shl(failures).unwrap_or(1));
        let until = u64::try_from(now.saturating_add(out).as_micros()).unwrap_or(u64::MAX);
        self.out_until.store(until, Ordering::Relaxed);
    }

    fn is_in(&self, now: Duration) -> bool {
        Duration::from_micros(self.out_until.load(Ordering::Relaxed)) <= now
    }
}

/// A service that restarts is back within a second.
const OUT_FIRST: Duration = Duration::from_secs(1);

/// Half a minute at most.
const OUT_DOUBLINGS_MAX: u32 = 5;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use ringwall_net::DialTcp;

    use super::*;

    fn upstreams(count: u16) -> Upstreams {
        let endpoint = |port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            Arc::new(Endpoint::new(Target::new(Arc::new(DialTcp(address)), None)))
        };
        Upstreams::new((0..count).map(endpoint).collect())
    }

    fn turn(upstreams: &Upstreams, now: Duration) -> Option<usize> {
        let picked = upstreams.pick(now, None)?;
        upstreams.endpoints.iter().position(|known| Arc::ptr_eq(known, picked))
    }

    #[test]
    fn endpoints_take_turns_and_a_failed_one_is_left_out_for_a_while() {
        let (three, now) = (upstreams(3), Duration::from_secs(10));
        assert_eq!([0; 4].map(|_| turn(&three, now).unwrap()), [0, 1, 2, 0]);
        three.endpoints[1].fail(now);
        assert!(!(0..6).any(|_| turn(&three, now + Duration::from_millis(999)) == Some(1)));
        assert!((0..3).any(|_| turn(&three, now + Duration::from_secs(1)) == Some(1)));
        assert_eq!(turn(&upstreams(0), now), None);
    }

    #[test]
    fn when_all_are_out_one_is_tried_and_a_retry_takes_another() {
        let (two, now) = (upstreams(2), Duration::from_secs(10));
        two.endpoints.iter().for_each(|endpoint| endpoint.fail(now));
        let first = two.pick(now, None).unwrap();
        let second = two.pick(now, Some(first)).unwrap();
        assert!(!Arc::ptr_eq(first, second));
        assert!(upstreams(1).pick(now, None).is_some());
    }
}
