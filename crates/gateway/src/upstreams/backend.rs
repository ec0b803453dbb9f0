//! How one manifest wants a service to be asked: who, how often, and when a copy goes elsewhere.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use ringwall_balance::{Budget, LimiterSettings, hash, is_chosen};
use ringwall_manifest::{HashKey, Overload, Retry};

use super::Upstreams;

/// A service, as one manifest wants it to be asked.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) hash: Option<HashKey>,
    pub(crate) requests_max: u32,
    pub(crate) tries: Tries,
    pub(crate) canary: Option<Canary>,
    pub(crate) mirror: Option<Mirroring>,
    /// The limit that is found out from latency, where that is wanted.
    pub(crate) limit: Option<LimiterSettings>,
}

/// How often a request is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tries {
    /// In all.
    pub(crate) max: u32,
    pub(crate) budget: Budget,
    pub(crate) per_try: Option<Duration>,
    pub(crate) hedge: Option<Duration>,
    /// Whether the only endpoint is tried again.
    pub(crate) repeats: bool,
}

/// Who gets the new version.
#[derive(Debug)]
pub(crate) struct Canary {
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) percent: u8,
    pub(crate) header: Option<(String, String)>,
}

/// Who gets copies.
#[derive(Debug)]
pub(crate) struct Mirroring {
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) percent: u8,
}

/// Who asks: what is sticky sticks to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    /// The person, program or service.
    pub(crate) subject: Option<&'a str>,
    pub(crate) address: std::net::IpAddr,
}

impl Backend {
    /// A door of our own: it tries again for us.
    pub(crate) const fn door(upstreams: Arc<Upstreams>) -> Self {
        Self {
            upstreams,
            hash: None,
            requests_max: REQUESTS_MAX,
            tries: Tries::ONCE,
            canary: None,
            mirror: None,
            limit: None,
        }
    }

    /// Those that answer this request: the usual ones, or those of the new version.
    pub(crate) fn choose(&self, fields: &HeaderMap, asker: &Asker<'_>) -> &Arc<Upstreams> {
        let takes = |canary: &&Canary| canary.takes(fields, asker);
        self.canary.as_ref().filter(takes).map_or(&self.upstreams, |canary| &canary.upstreams)
    }

    /// What consistent hashing goes by.
    pub(crate) fn key(&self, fields: &HeaderMap, asker: &Asker<'_>) -> Option<u64> {
        let text = match self.hash.as_ref()? {
            HashKey::Ip => return Some(asker.at()),
            HashKey::Person => return Some(asker.hash()),
            HashKey::Header(name) => fields.get(name)?.as_bytes(),
            HashKey::Cookie(name) => cookie(fields, name)?.as_bytes(),
        };
        Some(hash(text))
    }
}

impl Canary {
    fn takes(&self, fields: &HeaderMap, asker: &Asker<'_>) -> bool {
        let is_named = self.header.as_ref().is_some_and(|(name, wanted)| {
            fields.get(name).is_some_and(|value| value.as_bytes() == wanted.as_bytes())
        });
        is_named || is_chosen(asker.hash(), self.percent)
    }
}

impl Asker<'_> {
    /// Of the subject, else of the address.
    pub(crate) fn hash(&self) -> u64 {
        self.subject.map_or_else(|| self.at(), |subject| hash(subject.as_bytes()))
    }

    fn at(&self) -> u64 {
        match self.address {
            std::net::IpAddr::V4(address) => hash(&address.octets()),
            std::net::IpAddr::V6(address) => hash(&address.octets()),
        }
    }
}

impl Tries {
    /// Never again.
    pub(crate) const ONCE: Self = Self {
        max: 1,
        budget: Budget { percent: 0, floor: 0 },
        per_try: None,
        hedge: None,
        repeats: false,
    };
}

impl From<Option<&Retry>> for Tries {
    fn from(rule: Option<&Retry>) -> Self {
        let budget = Budget::default();
        match rule {
            // Once more, at another endpoint.
            None => Self { max: 2, budget, per_try: None, hedge: None, repeats: false },
            Some(rule) => Self {
                max: rule.tries_max.clamp(1, TRIES_MAX),
                budget: Budget { percent: u32::from(rule.budget_percent), ..budget },
                per_try: rule.per_try,
                hedge: rule.hedge,
                repeats: true,
            },
        }
    }
}

/// The limit that is found out for each service, where the manifest asks for it.
pub(crate) fn limit(overload: Option<&Overload>) -> Option<LimiterSettings> {
    let overload = overload.filter(|overload| overload.is_adaptive)?;
    Some(LimiterSettings { max: overload.in_flight_max, is_adaptive: true })
}

fn cookie<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = fields.get_all(http::header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
    named.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Without a line in the manifest only connections and waiting requests are bounded, by `net`.
pub(crate) const REQUESTS_MAX: u32 = u32::MAX;

/// More tries than that help nobody who waits.
pub(crate) const TRIES_MAX: u32 = 5;
