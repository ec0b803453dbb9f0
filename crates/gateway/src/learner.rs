//! Learner: keeps shapes of what services take and give, where the manifest says `learn = true`.
//!
//! A request is shown when it was answered and nobody objected: what was refused, withheld, cut or
//! matched by a rule of the firewall teaches nothing. Nothing waits here: who finds the learner busy
//! goes on.

mod lesson;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ringwall_manifest::Model;
use ringwall_openapi::{Lens, Lessons, Needed};

pub(crate) use lesson::{Lesson, answered, holds};

/// Whether shapes of requests are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Learning {
    Off,
    On,
}

/// What was learned, by service.
#[derive(Debug, Default)]
pub struct Learner {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// `None` until what was learned before was given back: nothing is learned until then.
    salt: Option<u64>,
    services: BTreeMap<String, Pupil>,
    /// Names of fields of which no value is kept.
    hidden: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Pupil {
    lessons: Lessons,
    is_changed: bool,
}

impl Learner {
    /// Begins, with what was learned before. The salt makes callers numbers, the same ones as long
    /// as it is the same.
    pub fn begin(&self, salt: u64, before: BTreeMap<String, Lessons>) {
        let mut kept = self.kept();
        kept.salt = Some(salt);
        let pupil = |(name, lessons)| (name, Pupil { lessons, is_changed: false });
        kept.services = before.into_iter().map(pupil).collect();
    }

    /// What changed since it was asked last, to be written down.
    pub fn changed(&self) -> Vec<(String, Lessons)> {
        let mut kept = self.kept();
        let changed = kept.services.iter_mut().filter(|(_, pupil)| pupil.is_changed);
        changed
            .map(|(name, pupil)| {
                pupil.is_changed = false;
                (name.clone(), pupil.lessons.clone())
            })
            .collect()
    }

    /// Takes over which fields are hidden.
    pub(crate) fn hide(&self, model: &Model) {
        let fields = model.data.values().flat_map(|class| &class.fields);
        self.kept().hidden = fields.map(|field| field.to_lowercase()).collect();
    }

    /// Notes an exchange that nobody objected to.
    pub(crate) fn note(&self, lesson: &Lesson, service: &str, status: u16) {
        let Ok(mut kept) = self.kept.try_lock() else { return };
        let Kept { salt: Some(salt), services, hidden } = &mut *kept else { return };
        if !services.contains_key(service) && services.len() >= SERVICES_MAX {
            return;
        }
        let pupil = services.entry(service.to_owned()).or_default();
        let lens = Lens { needed: Needed::default(), hidden, salt: *salt };
        lesson.show(&mut pupil.lessons, &lens, status);
        pupil.is_changed = true;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More services than anybody learns at once; each is some MiB at most.
const SERVICES_MAX: usize = 64;
