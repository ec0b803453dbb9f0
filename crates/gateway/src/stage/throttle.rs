//! Throttle: nobody asks too often.
//!
//! A limit per address is counted before any cryptography, because an attacker's work must cost
//! less than ours; a limit per person is counted as soon as the person is known. Both come from
//! the operation's line. Proves nothing.

use std::net::IpAddr;
use std::sync::Arc;

use ringwall_base::Clock;
use ringwall_manifest::RateKey;

use crate::Refusal;
use crate::operation::NamedRate;
use crate::rates::{Rates, Verdict};
use crate::stage::authenticate::Caller;
use crate::stage::route::Route;

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Throttle {
    counts: Option<Counts>,
}

#[derive(Debug)]
struct Counts {
    rates: Arc<Rates>,
    clock: Arc<dyn Clock>,
}

/// What is left for whoever asked, for the draft `RateLimit` fields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Quota {
    /// The limit's name.
    pub(crate) name: String,
    /// So many in its time.
    pub(crate) count: u32,
    /// Its time in seconds.
    pub(crate) window_secs: u64,
    /// So many are left.
    pub(crate) remaining: u64,
    /// All are back after so many seconds.
    pub(crate) reset_secs: u64,
}

impl Throttle {
    pub(crate) fn new(rates: Arc<Rates>, clock: Arc<dyn Clock>) -> Self {
        Self { counts: Some(Counts { rates, clock }) }
    }

    /// For a door whose other side counts.
    pub(crate) const fn off() -> Self {
        Self { counts: None }
    }

    /// Counts a request against the limits per address.
    pub(crate) fn address(&self, address: IpAddr, route: &Route) -> Result<Option<Quota>, Refusal> {
        match &route.operation().rate {
            Some(rate) if rate.key == RateKey::Ip => self.count(rate, ("ip", network(address))),
            _ => Ok(None),
        }
    }

    /// Counts a request against the limits per person, program or service.
    pub(crate) fn caller(
        &self,
        caller: &Caller,
        address: IpAddr,
        route: &Route,
    ) -> Result<Option<Quota>, Refusal> {
        match &route.operation().rate {
            Some(rate) if rate.key != RateKey::Ip => match (caller.subject(), caller.service()) {
                (Some(subject), _) => self.count(rate, ("person", subject)),
                (None, Some(service)) => self.count(rate, ("service", service)),
                (None, None) => self.count(rate, ("ip", network(address))),
            },
            _ => Ok(None),
        }
    }

    fn count(&self, rate: &NamedRate, who: impl std::hash::Hash) -> Result<Option<Quota>, Refusal> {
        let Some(Counts { rates, clock }) = &self.counts else { return Ok(None) };
        let key = rates.key((&rate.name, who));
        match rates.count(key, rate.pace, clock.monotonic()) {
            Verdict::Pass { remaining, reset } => Ok(Some(Quota {
                name: rate.name.clone(),
                count: rate.pace.count,
                window_secs: rate.pace.per.as_secs(),
                remaining,
                reset_secs: reset.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
            })),
            Verdict::Wait(time) => Err(Refusal::TooMany {
                limit: rate.name.clone(),
                // Rounded up: who comes back in time must pass.
                retry_after_secs: time
                    .as_millis()
                    .div_ceil(1_000)
                    .max(1)
                    .try_into()
                    .unwrap_or(u64::MAX),
            }),
        }
    }
}

/// What counts as one address: an IPv6 client has a whole /64 (RFC 6177).
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_and_a_mapped_ipv4_address_count_once() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
