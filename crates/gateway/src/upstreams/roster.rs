//! The endpoints of the moment, replaced whole.

use std::sync::Arc;
use std::time::Duration;

use ringwall_balance::{Ask, Group, Load, Member, Outcome, Settings, State, hash};

use super::plan::Source;
use super::{Endpoint, Found, Known, Upstreams};

/// The endpoints of the moment.
#[derive(Debug)]
pub(crate) struct Roster {
    group: Group,
    endpoints: Vec<Arc<Endpoint>>,
}

/// An endpoint, and its place.
pub(crate) type Placed<'a> = (usize, &'a Arc<Endpoint>);

/// A roster in the making.
pub(super) struct Build<'a> {
    pub(super) upstreams: &'a Upstreams,
    pub(super) known: &'a Known,
    pub(super) before: &'a Roster,
    pub(super) now: Duration,
}

/// An endpoint to have, and where it comes from.
struct Place<'a> {
    found: Found,
    source: &'a Source,
}

impl Roster {
    pub(super) fn empty(load: &Arc<Load>) -> Self {
        let group = Group::new(Vec::new(), Settings::default(), Arc::clone(load));
        Self { group, endpoints: Vec::new() }
    }

    /// The endpoint to ask, and its place.
    pub(crate) fn pick(&self, ask: &Ask<'_>) -> Option<Placed<'_>> {
        let index = self.group.pick(ask)?;
        Some((index, self.endpoints.get(index)?))
    }

    /// Notes how an attempt at the endpoint at a place ended.
    pub(crate) fn report(&self, index: usize, outcome: Outcome, now: Duration) {
        // Whether it is left out now shows in the endpoint's counts.
        let _is_out = self.group.report(index, outcome, now);
    }

    /// Whether there is another one to try.
    pub(crate) fn has_choice(&self) -> bool {
        self.endpoints.len() > 1
    }

    pub(crate) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    pub(crate) fn is_panicking(&self) -> bool {
        self.group.is_panicking()
    }
}

impl Build<'_> {
    pub(super) fn roster(&self) -> Roster {
        let mut endpoints: Vec<Arc<Endpoint>> = Vec::new();
        let mut members = Vec::new();
        for place in self.places().take(ENDPOINTS_MAX) {
            // An address twice is one endpoint: the first line or name has it.
            if endpoints.iter().any(|one| one.address == place.found.address) {
                continue;
            }
            let endpoint = self.endpoint(&place);
            let Found { weight, rank, .. } = place.found;
            members.push(Member { state: Arc::clone(&endpoint.state), weight, rank });
            endpoints.push(endpoint);
        }
        let settings = self.known.plan.settings;
        let group = Group::new(members, settings, Arc::clone(&self.upstreams.load));
        Roster { group, endpoints }
    }

    fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.known.plan.members.iter().flat_map(|planned| {
            let one = |address: &str| {
                vec![Found {
                    address: address.to_owned(),
                    weight: planned.weight,
                    rank: planned.zone.saturating_mul(RANKS),
                }]
            };
            let found = match &planned.source {
                Source::Address(address) => one(address),
                Source::Door(_) => one("door"),
                Source::Name(name) => {
                    let found = self.known.found.get(name).map(Vec::as_slice).unwrap_or_default();
                    found.iter().map(|found| planned.place(found)).collect()
                }
            };
            found.into_iter().map(|found| Place { found, source: &planned.source })
        })
    }

    fn endpoint(&self, place: &Place<'_>) -> Arc<Endpoint> {
        let address = &place.found.address;
        let old = self.before.endpoints.iter().find(|one| one.address == *address);
        let settings = self.known.plan.target;
        match (old, place.source) {
            (Some(old), Source::Door(_)) => return Arc::clone(old),
            (Some(old), _) if old.settings == settings => return Arc::clone(old),
            _ => {}
        }
        let name = &self.upstreams.name;
        let target = match place.source {
            Source::Door(target) => Arc::clone(target),
            Source::Address(_) | Source::Name(_) => {
                self.upstreams.reach.app(&name.service, address, settings)
            }
        };
        // Endpoints of the beginning have their weight at once: there is nobody to spare them.
        let joined = (!self.before.endpoints.is_empty()).then_some(self.now);
        let fresh = || Arc::new(State::new(hash(address.as_bytes()), joined));
        let state = old.map_or_else(fresh, |old| Arc::clone(&old.state));
        Arc::new(Endpoint { address: address.clone(), target, settings, state })
    }
}

/// A zone's share of the 256 ranks: as many priorities of an SRV record are told apart in it.
pub(super) const RANKS: u8 = 16;

/// More than that is no service but a mistake in its name.
const ENDPOINTS_MAX: usize = 4_096;
