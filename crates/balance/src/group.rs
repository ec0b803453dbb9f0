//! The members of one service, and which of them answers next.
//!
//! INVARIANT (never empty): a group with members always has an answer. A wrong guess about health
//! must not become an outage.

mod look;
mod survey;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::dice::Dice;
use crate::member::Member;
use crate::outlier::EjectSettings;
use crate::state::micros;
use crate::tier::Tier;
use crate::{Load, State};
use look::Look;

/// How members are chosen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Method {
    /// The less busy of two that are drawn by weight. Two are enough: the longest queue grows with
    /// the logarithm of a logarithm (Mitzenmacher, 2001), and nobody herds to one idle member.
    #[default]
    Least,
    /// In turn, by weight.
    RoundRobin,
    /// The same key to the same member, unless that one has a quarter more than its share.
    Hash,
}

/// How a group works.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// How members are chosen.
    pub method: Method,
    /// How long a newcomer, or one that came back, gets less than its weight.
    pub slow_start: Duration,
    /// When a member is left out.
    pub eject: EjectSettings,
}

/// A question for a member.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The monotonic time.
    pub now: Duration,
    /// Random bits, new for each question.
    pub bits: u64,
    /// What consistent hashing goes by. Without it, hashing goes by the random bits.
    pub key: Option<u64>,
    /// Members that were tried already.
    pub tried: &'a [usize],
}

/// Members, in the order of the manifest.
#[derive(Debug)]
pub struct Group {
    members: Vec<Member>,
    tiers: Vec<Tier>,
    settings: Settings,
    load: Arc<Load>,
    /// When availability is counted again, in microseconds.
    survey_at: AtomicU64,
    /// When success rates are compared again.
    pub(crate) judge_at: AtomicU64,
    is_panicking: AtomicBool,
    /// Held while members are counted before one is ejected: never on the path of a good answer.
    pub(crate) ejecting: Mutex<()>,
}

impl Group {
    /// A group. `load` is the service's, the same over reloads.
    pub fn new(members: Vec<Member>, settings: Settings, load: Arc<Load>) -> Self {
        Self {
            tiers: Tier::all(&members, settings.method),
            members,
            settings,
            load,
            survey_at: AtomicU64::new(0),
            judge_at: AtomicU64::new(0),
            is_panicking: AtomicBool::new(false),
            ejecting: Mutex::default(),
        }
    }

    /// The place of the member to ask, or `None` when all were tried.
    pub fn pick(&self, ask: &Ask<'_>) -> Option<usize> {
        if let [_only] = self.members.as_slice() {
            return ask.tried.is_empty().then_some(0);
        }
        let now = micros(ask.now);
        if now >= self.survey_at.load(Ordering::Relaxed) {
            self.survey(now);
        }
        let dice = Dice::new(ask.bits);
        let mut look = Look::new(self, ask, now, dice);
        let tier = match self.tiers.as_slice() {
            [only] => only,
            many => {
                let roll = look.roll();
                many.iter().find(|tier| tier.takes(roll))?
            }
        };
        look.inside(tier).or_else(|| look.everywhere())
    }

    /// How many members there are.
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What is known of the member at a place.
    pub fn state(&self, index: usize) -> Option<&Arc<State>> {
        self.members.get(index).map(|member| &member.state)
    }

    /// Whether health is ignored, because hardly anybody would be left.
    pub fn is_panicking(&self) -> bool {
        self.is_panicking.load(Ordering::Relaxed)
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }
}
