//! What runs beside the doors, once for the process: looking names up, and checking endpoints.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringwall_gateway::{Checks, Core, Discovery};
use ringwall_net::{Resolver, ResolverSettings};
use tokio::task::{JoinHandle, JoinSet, spawn_local};

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
        let (entropy, folder) = (Arc::clone(&ground.entropy), place.folder());
        let known = Arc::clone(core);
        let begin = move || {
            let resolver = Resolver::new(settings.clone(), Arc::clone(&entropy));
            Discovery::new(Arc::clone(&known), resolver, folder.clone())
        };
        let mut discovery = begin();
        // Clients come right after this, and a service without an address has no answer for them.
        discovery.settle(SETTLE_TIME).await;
        let mut first = Some(discovery);
        let names = move || first.take().unwrap_or_else(&begin).run();
        let known = Arc::clone(core);
        let checks = move || Checks::new(Arc::clone(&known)).run();
        Self([spawn_local(kept("discovery", names)), spawn_local(kept("checks", checks))])
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Runs a task, and begins it again when it ends: without it addresses would never change any more,
/// and nobody would say so.
async fn kept<F: Future<Output = ()> + 'static>(what: &str, mut begin: impl FnMut() -> F) {
    loop {
        // Ends with this future, as the task would.
        let mut running = JoinSet::new();
        running.spawn_local(begin());
        if let Some(Err(error)) = running.join_next().await {
            tracing::error!(%error, what, "a task ended early; it is begun again");
        }
        tokio::time::sleep(BEGIN_AGAIN).await;
    }
}

/// A name server that is away must not keep the other services down.
const SETTLE_TIME: Duration = Duration::from_secs(5);

/// So that a task that cannot begin does not eat the core.
const BEGIN_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
