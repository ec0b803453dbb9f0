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
use crate::limit::{Left, Limit, Plans};
use crate::rates::{Key, Pace, Rates, Verdict};
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
    visits: Arc<Limit>,
    witnessed: Arc<Limit>,
}

/// A request to one of the fleet's own pages, counted for the address that it came from.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    counted: Option<(&'a Counts, Key)>,
    at: Duration,
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
        let pace = Pace::rate(VISITS_PER_SEC, Duration::from_secs(1), VISITS_AT_ONCE);
        let visits = Arc::new(Limit::new(&rates, VISITS.to_owned(), pace, RateKey::Ip));
        let pace = Pace::rate(WITNESSED_PER_SEC, Duration::from_secs(1), WITNESSED_AT_ONCE);
        let witnessed = Arc::new(Limit::new(&rates, WITNESSED.to_owned(), pace, RateKey::Ip));
        Self { counts: Some(Counts { rates, notes, plans, visits, witnessed }) }
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

    /// Counts a request to one of the fleet's own pages, also where nothing is enforced: whom it
    /// keeps out is no decision of the manifest. A stranger's share of what these pages hold for
    /// all (forms, pushed requests, codes of devices) is bounded by it (attacks Q2 and V1).
    pub(crate) fn visit(&self, from: From) -> Result<Visit<'_>, Refusal> {
        let Some(counts) = &self.counts else { return Ok(Visit { counted: None, at: from.at }) };
        let limit = &counts.visits;
        let key = limit.key_of(0, &network(from.address));
        match counts.rates.count(key, &limit.pace, 1, from.at) {
            Verdict::Pass { .. } => Ok(Visit { counted: Some((counts, key)), at: from.at }),
            Verdict::Wait(time) => Err(limit.refusal(time)),
        }
    }

    /// Counts a request that was refused before its operation was known, and says whether the rules
    /// of the firewall may look at it. It has a count of its own: who follows dead links signs in.
    pub(crate) fn witness(&self, from: From) -> bool {
        let Some(counts) = &self.counts else { return true };
        let limit = &counts.witnessed;
        let key = limit.key_of(0, &network(from.address));
        matches!(counts.rates.count(key, &limit.pace, 1, from.at), Verdict::Pass { .. })
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
                counted.over = Some(limit.refusal(time));
                Left { remaining: 0, reset: time }
            }
        };
        counted.quotas.put(Arc::clone(limit), left);
    }
}

impl Visit<'_> {
    /// It was nobody's flood: who asked is known to the fleet, or the answer lay ready.
    pub(crate) fn forgive(self) {
        if let Some((counts, key)) = self.counted {
            counts.rates.give_back(key, &counts.visits.pace, 1, self.at);
        }
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

/// The name that the refusal has in the log.
const VISITS: &str = "own pages";

/// A sign-in is about six requests. 5,000 people behind one address who all begin their day within
/// half an hour make 17 a second.
const VISITS_PER_SEC: u32 = 50;

/// And come in crowds: one minute's worth at once.
const VISITS_AT_ONCE: u32 = 3_000;

/// The name of what is shown to rules after others refused it.
const WITNESSED: &str = "refused requests";

/// Each costs up to two phases of the rules, and nobody was asked who sends it.
const WITNESSED_PER_SEC: u32 = 10;

/// A page with its pictures after its address changed. A scanner is known by fewer.
const WITNESSED_AT_ONCE: u32 = 200;

/// The operation's own limit, and the rate and the quota of a plan.
const LIMITS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q2_a_stranger_waits_and_neither_the_known_nor_other_networks_do() {
        let throttle =
            Throttle::new(Arc::new(Rates::new()), Arc::new(Notes::new()), Plans::default());
        let at = |text: &str, secs: u64| From {
            address: text.parse().unwrap(),
            at: Duration::from_secs(1_000 + secs),
        };
        for _ in 0..VISITS_AT_ONCE {
            throttle.visit(at("2001:db8::1", 0)).unwrap();
        }
        // Whatever the last 64 bits are.
        let refused = throttle.visit(at("2001:db8::2", 0)).unwrap_err();
        assert!(matches!(refused, Refusal::TooMany { retry_after_secs: 1, .. }), "{refused:?}");
        throttle.visit(at("2001:db8:0:1::1", 0)).unwrap();
        throttle.visit(at("192.0.2.1", 0)).unwrap();
        for _ in 0..VISITS_PER_SEC {
            throttle.visit(at("2001:db8::1", 1)).unwrap();
        }
        throttle.visit(at("2001:db8::1", 1)).unwrap_err();
        for _ in 0..VISITS_AT_ONCE.saturating_mul(2) {
            throttle.visit(at("192.0.2.1", 1)).unwrap().forgive();
        }
        throttle.visit(at("192.0.2.1", 1)).unwrap();
    }

    #[test]
    fn an_ipv6_network_and_a_mapped_ipv4_address_count_once() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
