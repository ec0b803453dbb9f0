//! Firewall: judges requests and answers by rules that are written in `SecLang`.
//!
//! The engine is `ringwall_waf`; here is what of a request it sees, and when. The rules look at what
//! the client sent, before anything was removed: a copy of the head is kept for them, and none where
//! the firewall is off. What they say becomes a refusal only where the mode says so.

mod commons;
mod desk;
mod guard;
mod hold;
mod proved;
mod report;
mod room;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ringwall_manifest::{Model, Waf};
use ringwall_waf::{Arena, Ruleset};

use crate::snapshot::BuildError;
pub(crate) use commons::Commons;
pub(crate) use desk::Desk;
pub(crate) use guard::Guard;
pub(crate) use hold::Held;
use room::Room;

/// Rules, and what they remember of earlier requests.
#[derive(Debug)]
pub(crate) struct Firewall {
    rules: Arc<Ruleset>,
    commons: Arc<Commons>,
    /// For what no operation is found of, and for our own pages.
    mode: Waf,
    /// Whether rules that look for attacks pass over what a schema proved.
    skips_proven: bool,
    port: u16,
    /// Pages where people type something in.
    pages: [String; 2],
    /// Names of fields whose values are never written down, in lower case.
    hidden: BTreeSet<String>,
    arenas: Mutex<Vec<Arena>>,
    room: Room,
    /// Whether it is off for some operation.
    is_partial: bool,
}

impl Firewall {
    /// The firewall of a manifest, if it has one. What was remembered outlives the rules.
    pub(crate) fn build(
        model: &Model,
        rules: Option<&Arc<Ruleset>>,
        commons: &Arc<Commons>,
    ) -> Result<Option<Arc<Self>>, BuildError> {
        if !model.has_waf() {
            return Ok(None);
        }
        let fields = model.data.values().flat_map(|class| &class.fields);
        let gateway = &model.gateway;
        Ok(Some(Arc::new(Self {
            rules: Arc::clone(rules.ok_or(BuildError::NoRules)?),
            commons: Arc::clone(commons),
            mode: gateway.waf,
            skips_proven: model.waf.skips_proven,
            port: gateway.port,
            pages: [gateway.login_path.clone(), gateway.account_path.clone()],
            hidden: fields.map(|field| field.to_lowercase()).collect(),
            arenas: Mutex::default(),
            room: Room::new(HELD_BYTES_MAX),
            is_partial: is_partial(model),
        })))
    }

    /// Whether the head of a request is to be kept: it is not where the operation is known and off.
    pub(crate) fn watches(&self, may_watch: impl FnOnce(Waf) -> bool) -> bool {
        !self.is_partial || may_watch(self.mode)
    }

    /// Whether a page of our own takes what people type in.
    fn is_page(&self, path: &str) -> bool {
        let is_below = |page: &String| {
            let rest = path.strip_prefix(page.as_str());
            !page.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.pages.iter().any(is_below)
    }

    fn arena(&self) -> Arena {
        self.arenas.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes memory back for the next request.
    fn put_back(&self, mut arena: Arena) {
        if arena.allocated_bytes() > KEPT_BYTES_MAX {
            return;
        }
        arena.reset();
        let mut arenas = self.arenas.lock().unwrap_or_else(PoisonError::into_inner);
        if arenas.len() < ARENAS_MAX {
            arenas.push(arena);
        }
    }
}

fn is_partial(model: &Model) -> bool {
    let is_off = |modes: &ringwall_manifest::WafModes| {
        modes.service == Some(Waf::Off) || modes.operations.values().any(|mode| *mode == Waf::Off)
    };
    model.gateway.waf == Waf::Off || model.services.values().any(|service| is_off(&service.waf))
}

/// Bodies that are held for rules, in all requests: 256 of the usual limit, and as much memory as a
/// gateway may need for it.
const HELD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A request with a form takes less; what a large body took is given back.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// As many requests as are judged at once on a large machine: 16 MiB at most.
const ARENAS_MAX: usize = 64;
