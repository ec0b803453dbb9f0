//! What runs beside the doors, once for the process: looking names up, and checking endpoints.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringwall_gateway::{Checks, Core, Discovery};
use ringwall_net::{Resolver, ResolverSettings};
use tokio::task::{JoinHandle, spawn_local};

use super::Ground;
use crate::paths::Place;

/// Tasks that end with it.
#[derive(Debug)]
pub(crate) struct Beside([JoinHandle<()>; 2]);

impl Beside {
    /// Looks up what the manifest names, then goes on. Runs inside a `LocalSet`.
    pub(crate) async fn start(core: &Arc<Core>, ground: &Ground, place: &Place) -> Self {
        let mut settings = ResolverSettings::system();
        if let Some(conf) = std::env::var_os("RINGWALL_RESOLV_CONF") {
            settings.conf = PathBuf::from(conf);
        }
        let resolver = Resolver::new(settings, Arc::clone(&ground.entropy));
        let mut discovery = Discovery::new(Arc::clone(core), resolver, place.folder());
        // Clients come right after this, and a service without an address has no answer for them.
        discovery.settle(SETTLE_TIME).await;
        Self([spawn_local(discovery.run()), spawn_local(Checks::new(Arc::clone(core)).run())])
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// A name server that is away must not keep the other services down.
const SETTLE_TIME: Duration = Duration::from_secs(5);
