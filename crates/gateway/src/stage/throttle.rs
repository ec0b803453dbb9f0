//! Throttle: nobody asks too often.
//!
//! A limit per address is counted before any cryptography, because an attacker's work must cost
//! less than ours; a limit per person is counted as soon as the person is known. Both come from
//! the operation's line; a plan counts all operations of a person together. Proves nothing.
//!
//! Whom an address counts for is the other end of the connection, or what a listed proxy said in
//! front of it: never a header such as `X-Forwarded-For`, which every client can write.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use ringwall_manifest::RateKey;

use crate::Refusal;
use crate::exchange::Notes;
use crate::limit::{Left, Limit, Plans, whole_secs};
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
    notes: Arc<Notes>,
    plans: Plans,
}

/// Where and when a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct From {
    /// The client's address.
    pub(crate) address: IpAddr,
    /// Monotonic: read once for each request.
    pub(crate) at: Duration,
}

/// What a request was counted as.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// What is left of each limit, in the order of counting.
    pub(crate) quotas: Quotas,
    /// The limit that is used up.
    pub(crate) over: Option<Refusal>,
}

/// What is left for whoever asked, for the draft `RateLimit` fields.
#[derive(Debug, Default)]
pub(crate) struct Quotas([Option<Quota>; LIMITS_MAX]);

/// One limit, and what is left of it.
type Quota = (Arc<Limit>, Left);

/// Whom a request is counted for.
#[derive(Clone, Copy, Debug)]
enum Who<'a> {
    Address([u8; 16]),
    Person(&'a str),
    Service(&'a str),
}

impl Throttle {
    /// Counts by the limits of operations, and by these plans.
    pub(crate) fn new(rates: Arc<Rates>, notes: Arc<Notes>, plans: Plans) -> Self {
        Self { counts: Some(Counts { rates, notes, plans }) }
    }

    /// For a door whose other side counts.
    pub(crate) const fn off() -> Self {
        Self { counts: None }
    }

    /// Counts a request against the limits per address.
    pub(crate) fn address(&self, from: From, route: &Route) -> Counted {
        let mut counted = Counted::default();
        let limit = route.operation().rate.as_ref().filter(|rate| rate.key == RateKey::Ip);
        if let (Some(counts), Some(limit)) = (&self.counts, limit) {
            let who = Who::Address(network(from.address));
            let request = (who, route.operation().cost, from.at);
            counts.count(limit, request, &mut counted);
        }
        counted
    }

    /// Counts a request against the limits per person, program or service, and against the plan.
    pub(crate) fn caller(&self, caller: &Caller, from: From, route: &Route) -> Counted {
        let mut counted = Counted::default();
        let Some(counts) = &self.counts else { return counted };
        let own = route.operation().rate.as_ref().filter(|rate| rate.key != RateKey::Ip);
        let plan = counts.plans.best(caller.person().map_or(&[], |person| &person.roles));
        if own.is_none() && plan.is_empty() {
            return counted;
        }
        let who = match (caller.subject(), caller.service()) {
            (Some(subject), _) => Who::Person(subject),
            (None, Some(service)) => Who::Service(service),
            (None, None) => Who::Address(network(from.address)),
        };
        let request = (who, route.operation().cost, from.at);
        for limit in own.into_iter().chain(plan) {
            counts.count(limit, request, &mut counted);
            if counted.over.is_some() {
                break;
            }
        }
        counted
    }
}

impl Counts {
    fn count(
        &self,
        limit: &Arc<Limit>,
        (who, cost, now): (Who<'_>, u32, Duration),
        counted: &mut Counted,
    ) {
        let key = match &who {
            Who::Address(network) => limit.key_of(0, network),
            Who::Person(subject) => limit.key_of(1, subject.as_bytes()),
            Who::Service(name) => limit.key_of(2, name.as_bytes()),
        };
        let left = match self.rates.count(key, &limit.pace, cost, now) {
            Verdict::Pass { remaining, reset } => {
                if self.notes.is_open() {
                    let name = || limit.shared_name(&who.to_string());
                    self.notes.note((key, limit), cost, now, name);
                }
                Left { remaining, reset }
            }
            Verdict::Wait(time) => {
                let retry_after_secs = whole_secs(time).max(1);
                let limit = limit.name.clone();
                counted.over = Some(Refusal::TooMany { limit, retry_after_secs });
                Left { remaining: 0, reset: time }
            }
        };
        counted.quotas.put(Arc::clone(limit), left);
    }
}

impl Quotas {
    /// Adds what another count left.
    pub(crate) fn extend(&mut self, other: Self) {
        other.0.into_iter().flatten().for_each(|(limit, left)| self.put(limit, left));
    }

    /// Adds the `RateLimit` fields to an answer.
    pub(crate) fn tell(&self, fields: &mut HeaderMap) {
        self.0.iter().flatten().for_each(|(limit, left)| limit.tell(*left, fields));
    }

    fn put(&mut self, limit: Arc<Limit>, left: Left) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some((limit, left));
        }
    }
}

impl fmt::Display for Who<'_> {
    /// The same in all gateways, and different for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(network) => write!(f, "ip:{:032x}", u128::from_be_bytes(*network)),
            Self::Person(subject) => write!(f, "person:{subject}"),
            Self::Service(name) => write!(f, "service:{name}"),
        }
    }
}

/// What counts as one address: an IPv6 client has a whole /64 (RFC 6177).
fn network(address: IpAddr) -> [u8; 16] {
    let bits = match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) >> 64 << 64,
    };
    bits.to_be_bytes()
}

/// The operation's own limit, and the rate and the quota of a plan.
const LIMITS_MAX: usize = 3;

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
