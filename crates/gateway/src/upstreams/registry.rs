//! All upstreams by name, over reloads. What no manifest in force names is forgotten.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Name, Upstreams};
use crate::Reach;

/// Held by the manifests that use them.
type ByName = BTreeMap<Name, Weak<Upstreams>>;

/// All upstreams.
#[derive(Debug)]
pub(crate) struct Registry {
    reach: Arc<dyn Reach>,
    known: Mutex<ByName>,
}

impl Registry {
    pub(crate) fn new(reach: Arc<dyn Reach>) -> Self {
        Self { reach, known: Mutex::default() }
    }

    /// The upstreams of this name: those that are in use, or new ones without endpoints.
    pub(crate) fn open(&self, name: Name) -> Arc<Upstreams> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = known.get(&name).and_then(Weak::upgrade) {
            return open;
        }
        known.retain(|_, one| one.strong_count() > 0);
        let fresh = Arc::new(Upstreams::new(name.clone(), Arc::clone(&self.reach)));
        known.insert(name, Arc::downgrade(&fresh));
        fresh
    }

    /// Those in use, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Upstreams>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().filter_map(Weak::upgrade).collect()
    }

    /// Those of a service: its app, its canary and its mirror.
    pub(crate) fn of(&self, service: &str) -> Vec<Arc<Upstreams>> {
        let is_its = |one: &Arc<Upstreams>| one.name.service == service && one.name.kind != "door";
        self.all().into_iter().filter(is_its).collect()
    }
}
