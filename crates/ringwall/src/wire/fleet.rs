//! The services that `dev` starts: each in its cell, watched, with its output in a file.

mod plan;
mod output;
mod store;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_base::{Class, Event};
use ringwall_cell::Cell;
use ringwall_manifest::{Model, Service};

use tokio::task::JoinSet;

use self::output::Output;
pub(crate) use self::plan::is_passed;
use self::plan::{Leads, Plan, Site};
use super::Ground;
use super::doors::Doors;
use crate::paths::Place;

/// All running services.
#[derive(Debug)]
pub(crate) struct Fleet {
    site: Site,
    running: BTreeMap<String, Running>,
}

#[derive(Debug)]
struct Running {
    /// What it was started from; another one means another start.
    service: Service,
    cell: Cell,
    output: Output,
    /// The doors to its databases; dropping them closes every connection.
    _stores: JoinSet<()>,
    address: Option<SocketAddr>,
    was_up: bool,
    /// Whether its end was told already.
    end_is_told: bool,
}

/// A service, and what it is started with.
type Start<'a> = (&'a Service, Plan);

/// How a service is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It ended; how, and its last lines.
    Ended(String, Vec<String>),
    /// It does not listen yet.
    Starting,
    /// It accepts connections.
    Up,
}

impl Fleet {
    /// No service yet.
    pub(crate) fn new(place: &Place, is_isolated: bool) -> Result<Self> {
        let folder = place.folder().canonicalize().context("the manifest's folder is gone")?;
        let site = Site { place: place.clone(), folder, is_isolated };
        Ok(Self { site, running: BTreeMap::new() })
    }

    /// Starts what is new or changed, ends what is gone, leaves the rest alone.
    pub(crate) fn apply(
        &mut self,
        ground: &Ground,
        model: &Model,
        doors: &mut Doors,
    ) -> Result<()> {
        // Everything that can be wrong with a start is found before anything is ended.
        let plans = self.plans(ground, model)?;
        let gone: Vec<String> = self
            .running
            .keys()
            .filter(|name| !model.services.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            self.end(ground, doors, &name);
        }
        for name in model.services.keys() {
            doors.open_inbound(ground, model, name)?;
        }
        for (service, plan) in plans {
            self.end(ground, doors, &service.name);
            self.start(ground, model, doors, (service, plan))
                .with_context(|| format!("service `{}` cannot be started", service.name))?;
        }
        Ok(())
    }

    /// The services that are to be started, each with what it is started with.
    fn plans<'a>(&self, ground: &Ground, model: &'a Model) -> Result<Vec<Start<'a>>> {
        let is_same = |service: &Service| {
            self.running.get(&service.name).is_some_and(|running| {
                plan::starts_alike(&running.service, service) && running.cell.exit().is_none()
            })
        };
        let changed = model.services.values().filter(|one| one.run.is_some() && !is_same(one));
        let plan = |service: &'a Service| {
            let plan = Plan::of(service, model, ground, &self.site)
                .with_context(|| format!("service `{}` cannot be started", service.name))?;
            Ok((service, plan))
        };
        changed.map(plan).collect()
    }

    fn start(
        &mut self,
        ground: &Ground,
        model: &Model,
        doors: &Doors,
        (service, plan): (&Service, Plan),
    ) -> Result<()> {
        let (leads, spec, mut sockets) = plan.into_parts();
        let mut cell = Cell::spawn(spec)?;
        sockets.extend(cell.listeners());
        let mut stores = JoinSet::new();
        for (lead, socket) in leads.into_iter().zip(sockets) {
            match (&lead, model.partners.get_key_value(lead.name())) {
                (Leads::Service(callee), _) => {
                    doors.open_outbound(&service.name, callee, socket)?;
                }
                (Leads::Partner(_), Some(partner)) => {
                    doors.open_egress(&service.name, partner, socket)?;
                }
                (Leads::Partner(_), None) => {}
                (Leads::Store { name, target }, _) => {
                    stores.spawn(store::open(ground, &service.name, name, target, socket));
                }
            }
        }
        doors.paths.put_cell(&service.name, self.site.is_isolated.then(|| cell.dialer()));
        let folder = self.site.place.state().join("logs");
        let output = Output::start(&folder, &service.name, cell.lines())?;
        let address = service.upstreams.first().and_then(|one| one.host_port()?.parse().ok());
        let running = Running {
            service: service.clone(),
            cell,
            output,
            _stores: stores,
            address,
            was_up: false,
            end_is_told: false,
        };
        self.running.insert(service.name.clone(), running);
        record(ground, "service-started", &service.name);
        Ok(())
    }

    fn end(&mut self, ground: &Ground, doors: &Doors, name: &str) {
        if let Some(running) = self.running.remove(name) {
            doors.close_behind(name);
            // The shim is gone only when the service is gone as well.
            if running.cell.stop(GRACE).is_ok() {
                running.cell.wait_blocking(GRACE.saturating_add(Duration::from_secs(1)));
            }
            record(ground, "service-stopped", name);
        }
    }

    /// Ends all services, all at once.
    pub(crate) fn stop(&mut self) {
        for running in self.running.values() {
            drop(running.cell.stop(GRACE));
        }
        for running in self.running.values() {
            running.cell.wait_blocking(GRACE.saturating_add(Duration::from_secs(1)));
        }
        self.running.clear();
    }

    /// The services that ended since the last call.
    pub(crate) async fn fresh_ends(&mut self) -> Vec<(String, State)> {
        let mut ends = Vec::new();
        for (name, running) in &mut self.running {
            if !running.end_is_told && running.cell.exit().is_some() {
                running.end_is_told = true;
                ends.push((name.clone(), running.state().await));
            }
        }
        ends
    }

    /// How each service is now.
    pub(crate) async fn states(&mut self) -> Vec<(String, State)> {
        let mut states = Vec::new();
        for (name, running) in &mut self.running {
            states.push((name.clone(), running.state().await));
        }
        states
    }
}

impl Running {
    async fn state(&mut self) -> State {
        if let Some(exit) = self.cell.exit() {
            return State::Ended(exit.to_string(), self.output.last());
        }
        if !self.was_up {
            self.was_up = match self.address {
                Some(address) => self.cell.dial(address).await.is_ok(),
                None => true,
            };
        }
        if self.was_up { State::Up } else { State::Starting }
    }
}

fn record(ground: &Ground, action: &'static str, service: &str) {
    let event = Event {
        at: ground.clock.now(),
        action,
        class: Class::Group,
        service: Some(service.to_owned()),
        ..Event::default()
    };
    if let Err(error) = ground.sink.put(event) {
        tracing::error!(%error, "the audit log does not take events");
    }
}

/// How long a service may take to end.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
