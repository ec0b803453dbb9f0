//! How the server is, for `ringwall status`.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use ringwall_api::Status;
use ringwall_gateway::{Endpoint, Sharing};
use ringwall_manifest::{Mode, Model};

use super::{Running, connections};
use crate::wire::fleet::State;
use crate::wire::ground::issuer;

impl Running {
    pub(super) async fn status(&mut self) -> Status {
        let ground = &self.shared.ground;
        let stats = ground.log().stats();
        let model = self.shared.model();
        let counts = self.shared.census.look();
        let services = self.fleet.states().await.into_iter().map(|(name, state)| {
            let text = match state {
                State::Ended(how, _) => format!("ended: {how}"),
                State::Starting => "starting".to_owned(),
                State::Up => "up".to_owned(),
            };
            (name, text)
        });
        Status {
            audit_events: stats.events,
            audit_is_writable: stats.is_writable,
            certificates: self.doors.showcase.report(ground.clock.as_ref()),
            broken_manifest: self
                .shared
                .broken
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            connections: connections::sums(&counts),
            doors: self.doors.inbound(),
            gateway: issuer(&model),
            listeners: self.doors.public(),
            refused: connections::refused(&counts),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            manifest_version: self.version,
            mode: if model.gateway.mode == Mode::Observe { "observe" } else { "block" }.to_owned(),
            name: model.name.clone(),
            pid: std::process::id(),
            services: services.collect(),
            shared_collections: said(self.doors.core.collections_state()),
            shared_limits: said(self.doors.core.sharing_state()),
            stale_names: self.doors.core.stale_names().into_iter().collect(),
            upstreams: self.upstreams(&model),
            uptime_secs: ground.clock.monotonic().saturating_sub(self.started).as_secs(),
        }
    }

    fn upstreams(&self, model: &Model) -> Vec<(String, String, bool)> {
        let now = self.shared.ground.clock.monotonic();
        let state = |name: &String, endpoint: &Endpoint| {
            (name.clone(), endpoint.address().to_owned(), endpoint.is_available(now))
        };
        let of = |name: &String| -> Vec<_> {
            let groups = self.doors.core.upstreams(name);
            let endpoints = groups.iter().flat_map(|group| group.endpoints());
            endpoints.map(|endpoint| state(name, &endpoint)).collect()
        };
        let all: BTreeSet<_> = model.services.keys().flat_map(of).collect();
        all.into_iter().collect()
    }
}

/// How an exchange with other gateways goes, if there is one.
fn said(sharing: Sharing) -> Option<String> {
    match sharing {
        Sharing::Off => None,
        Sharing::Starting => Some("starting".to_owned()),
        Sharing::Up => Some("up".to_owned()),
        Sharing::Away(why) => Some(why),
    }
}
