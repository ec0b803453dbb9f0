//! What the gateway learned of services, written down from time to time.

use std::sync::Arc;

use ringwall_gateway::Core;

use crate::lessons;
use crate::paths::Place;

/// Gives back what was learned before. What cannot be read is said, and nothing is learned then: it
/// would be written over.
pub(super) fn begin(core: &Core, place: &Place) {
    let before = lessons::salt(place).and_then(|salt| Ok((salt, lessons::all(place)?)));
    match before {
        Ok((salt, before)) => core.learner().begin(salt, before),
        Err(error) => tracing::error!(error = format!("{error:#}"), "nothing is learned"),
    }
}

/// Writes what changed since the last time.
pub(super) fn write(core: &Core, place: &Place) {
    for (service, lessons) in core.learner().changed() {
        if let Err(error) = lessons::write(place, &service, &lessons) {
            tracing::error!(service, error = format!("{error:#}"), "lessons were not written");
        }
    }
}

/// The same, beside the work of the main loop.
pub(super) async fn write_beside(core: &Arc<Core>, place: &Place) {
    let (core, place) = (Arc::clone(core), place.clone());
    if let Err(error) = tokio::task::spawn_blocking(move || write(&core, &place)).await {
        tracing::error!(%error, "the writer of lessons panicked");
    }
}
