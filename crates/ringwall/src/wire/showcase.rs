//! What the public door shows and whom it believes: certificates from files, from the local
//! authority and from an ACME server; client certificates; ticket keys.
//!
//! Everything is read again at a reload, and every minute where a file has changed. What is broken
//! then is said, and the last good one stays.

mod sources;
mod believed;
mod order;
mod report;
mod staples;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_base::Timestamp;
use ringwall_manifest::{Model, TlsVersion};
use ringwall_net::{
    Certificate, Certificates, Challenges, HostTls, Hosts, MinVersion, ServerTls, Staple, Tickets,
};

use super::Ground;
use super::server::Options;
use believed::Believed;
use order::Ordering;
use sources::{Local, Source};
use staples::{Staples, Stapling};

/// The public door's side of TLS.
#[derive(Debug)]
pub(crate) struct Showcase {
    certificates: Arc<Certificates>,
    hosts: Arc<Hosts>,
    challenges: Arc<Challenges>,
    tickets: Arc<Tickets>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sources: Vec<Source>,
    local: Option<Local>,
    ordered: Option<Ordered>,
    ordering: Option<Ordering>,
    believed: Believed,
    staples: Staples,
    stapling: Option<Stapling>,
    turned: Duration,
}

/// What an ACME server gave, and what it says about more.
#[derive(Debug)]
struct Ordered {
    names: Vec<String>,
    certificate: Option<Certificate>,
    problem: Option<String>,
}

impl Showcase {
    /// Reads everything. A file that cannot be used stops the start.
    pub(crate) fn open(ground: &Ground, model: &Model, options: &Options) -> Result<Arc<Self>> {
        let certificates = Arc::new(Certificates::default());
        let challenges = Arc::new(Challenges::default());
        let tickets = Tickets::new(model.gateway.tls.tickets.unwrap_or(TICKETS))?;
        let hosts = Hosts::new(
            Arc::clone(&certificates),
            Arc::clone(&challenges),
            Arc::clone(&tickets),
            &HostTls::default(),
            &BTreeMap::new(),
        )?;
        let state = State { turned: ground.clock.monotonic(), ..State::default() };
        let state = Mutex::new(state);
        let showcase = Arc::new(Self { certificates, hosts, challenges, tickets, state });
        showcase.tell(ground, model, options)?;
        Ok(showcase)
    }

    /// How the public door speaks TLS.
    pub(crate) fn tls(&self) -> ServerTls {
        ServerTls::by_name(Arc::clone(&self.hosts))
    }

    /// Where proofs for ACME servers are, for the plain door.
    pub(crate) fn challenges(&self) -> Arc<Challenges> {
        Arc::clone(&self.challenges)
    }

    /// Puts a manifest in force. Fails, and changes nothing, when it names a file for the first
    /// time that cannot be used.
    pub(crate) fn tell(
        self: &Arc<Self>,
        ground: &Ground,
        model: &Model,
        options: &Options,
    ) -> Result<()> {
        let tls = &model.gateway.tls;
        let mut state = self.locked();
        let sources = sources::read(&state.sources, ground, model, options)?;
        let believed = state.believed.read(ground, model)?;
        let (default, names) = rules(model, &believed)?;
        self.hosts.replace(&default, &names)?;
        (state.sources, state.believed) = (sources, believed);
        self.tickets.set_interval(tls.tickets.unwrap_or(TICKETS));
        let wanted = model.gateway.acme.as_ref();
        if state.ordering.as_ref().map(Ordering::acme) != wanted {
            (state.ordered, state.ordering) = (None, None);
            if let Some(acme) = wanted {
                let (ordering, certificate) = order::start(self, ground, acme)?;
                state.ordering = Some(ordering);
                let names = acme.names.clone();
                state.ordered = Some(Ordered { names, certificate, problem: None });
            }
        }
        state.local = sources::local(&state, ground, model)?;
        if !tls.has_ocsp {
            (state.stapling, state.staples) = (None, Staples::default());
        } else if state.stapling.is_none() {
            state.stapling = Some(staples::start(self, Arc::clone(&ground.clock)));
        }
        self.show(&mut state, ground.clock.now());
        Ok(())
    }

    /// Looks at the files again, turns ticket keys, renews what is due.
    pub(crate) fn look(&self, ground: &Ground, model: &Model) -> Result<()> {
        let mut state = self.locked();
        for source in &mut state.sources {
            source.look(ground);
        }
        state.believed.look(ground);
        let now = ground.clock.monotonic();
        if now.saturating_sub(state.turned) >= self.tickets.interval() {
            state.turned = now;
            self.tickets.turn()?;
        }
        let is_due = state.local.as_ref().is_some_and(|local| local.renew_at <= ground.clock.now());
        if is_due {
            state.local = sources::local(&state, ground, model)?;
        }
        self.show(&mut state, ground.clock.now());
        Ok(())
    }

    /// Certificates whose responder is to be asked.
    fn unstapled(&self, now: Timestamp) -> Vec<Certificate> {
        let state = self.locked();
        let all = brought(&state);
        all.filter(|one| state.staples.is_due(one, now)).cloned().collect()
    }

    /// Takes a responder's answer, or why there is none.
    fn staple(&self, to: &Certificate, answer: Result<Staple, String>, now: Timestamp) {
        let mut state = self.locked();
        state.staples.take(to, answer, now);
        self.show(&mut state, now);
    }

    /// Takes what an ACME server gave.
    fn take(&self, certificate: Option<&Certificate>, problem: Option<&str>, now: Timestamp) {
        let mut state = self.locked();
        if let Some(ordered) = &mut state.ordered {
            ordered.problem = problem.map(str::to_owned);
            if let Some(certificate) = certificate {
                ordered.certificate = Some(certificate.clone());
            }
        }
        self.show(&mut state, now);
    }

    /// Of two for one name the later one wins: what the operator brought is shown before what was ordered, and that before
    /// what nobody outside trusts.
    fn show(&self, state: &mut State, now: Timestamp) {
        let dressed: Vec<_> = brought(state).map(|one| state.staples.dress(one, now)).collect();
        let local = state.local.iter().map(|local| local.certificate.clone());
        let all: Vec<_> = local.chain(dressed.iter().rev().cloned()).collect();
        self.certificates.replace(&all, dressed.first());
        state.staples.keep(&dressed);
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What others vouch for: first the operator's own, in their order.
fn brought(state: &State) -> impl Iterator<Item = &Certificate> {
    let ordered = state.ordered.as_ref().and_then(|ordered| ordered.certificate.as_ref());
    state.sources.iter().map(Source::certificate).chain(ordered)
}

/// For all names, and for those that have their own.
type Rules = (HostTls, BTreeMap<String, HostTls>);

fn rules(model: &Model, believed: &Believed) -> Result<Rules> {
    let tls = &model.gateway.tls;
    let rule = |min, client| -> Result<HostTls> {
        let clients = match client {
            Some(client) => Some(believed.find(client).context("client certificates")?),
            None => None,
        };
        Ok(HostTls { min: version(min), clients })
    };
    let default = rule(tls.min, tls.client.as_ref())?;
    let names = tls.hosts.iter().map(|(name, host)| {
        let client = host.client.as_ref().or(tls.client.as_ref());
        Ok((name.clone(), rule(host.min.unwrap_or(tls.min), client)?))
    });
    Ok((default, names.collect::<Result<_>>()?))
}

const fn version(version: TlsVersion) -> MinVersion {
    match version {
        TlsVersion::V12 => MinVersion::Tls12,
        TlsVersion::V13 => MinVersion::Tls13,
    }
}

/// How often ticket keys turn unless the manifest says otherwise.
const TICKETS: Duration = Duration::from_hours(12);
