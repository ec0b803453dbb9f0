//! What the manifest says about endpoints, in the words of the engine.

use std::sync::Arc;
use std::time::Duration;

use ringwall_balance::{EjectSettings, Method, Settings};
use ringwall_manifest::{Address, Balance, Eject, Service, Upstream};
use ringwall_net::{Protocol, Target, TargetSettings};

use super::Found;
use super::roster::RANKS;

/// The endpoints that a manifest asks for, and how they are used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) members: Vec<Planned>,
    pub(crate) settings: Settings,
    pub(crate) target: TargetSettings,
}

/// A line of the manifest that stands for one endpoint or several.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) source: Source,
    pub(crate) weight: u32,
    /// Its place in the order of zones.
    pub(crate) zone: u8,
}

/// Where an endpoint comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The manifest has its address.
    Address(String),
    /// It is a door of our own.
    Door(Arc<Target>),
    /// A name stands for it, and for others.
    Name(String),
}

impl Plan {
    /// The app of a service.
    pub(crate) fn app(service: &Service) -> Self {
        Self::of(service, &service.upstreams)
    }

    /// Endpoints that are used as those of the service.
    pub(crate) fn of(service: &Service, upstreams: &[Upstream]) -> Self {
        let method = match service.balance {
            Balance::Least => Method::Least,
            Balance::RoundRobin => Method::RoundRobin,
            Balance::Hash(_) => Method::Hash,
        };
        let slow_start = service.slow_start.unwrap_or(Duration::ZERO);
        let eject = service.eject.as_ref().map_or_else(EjectSettings::default, eject);
        Self {
            members: upstreams.iter().map(|one| planned(one, &service.zones)).collect(),
            settings: Settings { method, slow_start, eject },
            target: target(service),
        }
    }

    /// A door of our own.
    pub(crate) fn door(target: Option<Arc<Target>>) -> Self {
        let member = |target| Planned { source: Source::Door(target), weight: 1, zone: 0 };
        Self { members: target.into_iter().map(member).collect(), ..Self::default() }
    }

    /// Names whose addresses change.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter_map(|planned| match &planned.source {
            Source::Name(name) => Some(name.as_str()),
            Source::Address(_) | Source::Door(_) => None,
        })
    }
}

impl Planned {
    /// An endpoint that its name stands for: weights multiply, ranks count within the zone.
    pub(super) fn place(&self, found: &Found) -> Found {
        Found {
            address: found.address.clone(),
            weight: found.weight.max(1).saturating_mul(self.weight),
            rank: self.zone.saturating_mul(RANKS).saturating_add(found.rank.min(RANKS - 1)),
        }
    }
}

fn planned(upstream: &Upstream, zones: &[String]) -> Planned {
    let text = upstream.address.to_string();
    let source = match upstream.address {
        Address::Tcp(_) | Address::Unix(_) => Source::Address(text),
        Address::Dns(_) | Address::File(_) | Address::Srv(_) => Source::Name(text),
    };
    // Those without a zone, or with one that is not in the order, come after those with one.
    let zone = upstream.zone.as_ref().and_then(|zone| zones.iter().position(|one| one == zone));
    let zone = zone.unwrap_or(zones.len());
    Planned { source, weight: upstream.weight, zone: u8::try_from(zone).unwrap_or(u8::MAX) }
}

fn eject(rule: &Eject) -> EjectSettings {
    EjectSettings {
        after: rule.after.max(1),
        stay: rule.duration,
        max_percent: u32::from(rule.percent_max),
    }
}

fn target(service: &Service) -> TargetSettings {
    let protocol = match service.protocol {
        ringwall_manifest::Protocol::Http1 => Protocol::Http1,
        ringwall_manifest::Protocol::Http2 => Protocol::Http2,
    };
    let defaults = TargetSettings { protocol, ..TargetSettings::default() };
    service.breaker.as_ref().map_or(defaults, |breaker| TargetSettings {
        connections_max: usize::try_from(breaker.connections_max).unwrap_or(usize::MAX),
        pending_max: usize::try_from(breaker.pending_max).unwrap_or(usize::MAX),
        ..defaults
    })
}
