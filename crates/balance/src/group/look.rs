//! One look for a member.

use super::{Ask, Group, Method};
use crate::dice::{Dice, mix};
use crate::member::Member;
use crate::state::RAMP_FULL;
use crate::tier::Tier;

/// One look.
pub(super) struct Look<'a> {
    group: &'a Group,
    ask: &'a Ask<'a>,
    now: u64,
    slow_start: u64,
    dice: Dice,
    key: u64,
    level: Level,
}

/// How good a member has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    /// Found healthy, and not ejected.
    Open,
    /// Something may listen there.
    Reachable,
    /// Anybody.
    Any,
}

impl<'a> Look<'a> {
    pub(super) fn new(group: &'a Group, ask: &'a Ask<'a>, now: u64, mut dice: Dice) -> Self {
        let key = ask.key.unwrap_or_else(|| dice.roll());
        let level = if group.is_panicking() { Level::Reachable } else { Level::Open };
        let slow_start = crate::state::micros(group.settings().slow_start);
        Self { group, ask, now, slow_start, dice, key, level }
    }

    /// 0 to 99: the same for the same key.
    pub(super) fn roll(&self) -> u32 {
        u32::try_from(mix(self.key) % 100).unwrap_or(0)
    }

    /// A member of this tier, by the method.
    pub(super) fn inside(&mut self, tier: &Tier) -> Option<usize> {
        match self.group.settings().method {
            Method::Least => self.less_busy_of_two(tier),
            Method::RoundRobin => self.in_turn(tier),
            Method::Hash => self.by_key(tier),
        }
    }

    /// The best of all tiers, with less and less to ask of it.
    pub(super) fn everywhere(&mut self) -> Option<usize> {
        [Level::Open, Level::Reachable, Level::Any].into_iter().find_map(|level| {
            self.level = level;
            self.group.tiers.iter().find_map(|tier| self.best(tier))
        })
    }

    fn best(&mut self, tier: &Tier) -> Option<usize> {
        match self.group.settings().method {
            Method::Hash => self.next_by_key(tier, |_| true),
            Method::Least | Method::RoundRobin => self.least_busy(tier),
        }
    }

    fn less_busy_of_two(&mut self, tier: &Tier) -> Option<usize> {
        let mut first: Option<(usize, &Member)> = None;
        for _ in 0..DRAWS_MAX {
            match (first, self.draw(tier)) {
                (_, None) => {}
                (None, drawn) => first = drawn,
                (Some((known, _)), Some((drawn, _))) if known == drawn => {}
                (Some((_, other)), Some((drawn, one))) if self.is_lighter(one, other) => {
                    return Some(drawn);
                }
                (Some((known, _)), Some(_)) => return Some(known),
            }
        }
        first.map(|(index, _)| index)
    }

    fn draw(&mut self, tier: &Tier) -> Option<(usize, &'a Member)> {
        let drawn = tier.draw(u32::try_from(self.dice.roll() >> 32).unwrap_or(0))?;
        Some((drawn, self.ready(drawn)?))
    }

    // One that is left out gives its turn to nobody in particular: the counter goes on. Would its
    // neighbour take it, that one would have double the work.
    fn in_turn(&mut self, tier: &Tier) -> Option<usize> {
        let group = self.group;
        let mut turns = (0..TURNS_MAX).map_while(|_| tier.turn(group.load.turn()));
        turns.find(|index| self.ready(*index).is_some())
    }

    /// The member, when it can be asked and the ramp of its slow start lets it.
    fn ready(&mut self, index: usize) -> Option<&'a Member> {
        let member = self.group.members.get(index)?;
        (self.admits(index, member) && self.is_warm(member)).then_some(member)
    }

    // Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, 2018).
    fn by_key(&mut self, tier: &Tier) -> Option<usize> {
        let index = tier.hashed(self.key)?;
        let member = self.group.members.get(index)?;
        let is_admitted = self.admits(index, member);
        if is_admitted && self.has_room(tier, member) && self.is_warm(member) {
            return Some(index);
        }
        let next = self.next_by_key(tier, |member| self.has_room(tier, member));
        next.or_else(|| is_admitted.then_some(index)).or_else(|| self.next_by_key(tier, |_| true))
    }

    // Rendezvous hashing (Thaler, Ravishankar, 1998), which moves no key that need not move.
    fn next_by_key(&self, tier: &Tier, suits: impl Fn(&Member) -> bool) -> Option<usize> {
        let members = tier.indexes().iter().filter_map(|index| {
            let member = self.group.members.get(*index)?;
            (self.admits(*index, member) && suits(member)).then_some((*index, member))
        });
        let score = |member: &Member| {
            let drawn = mix(self.key ^ mix(member.state.key())) >> 32;
            drawn.saturating_mul(u64::from(member.weight()))
        };
        members.max_by_key(|(_, member)| score(member)).map(|(index, _)| index)
    }

    fn least_busy(&mut self, tier: &Tier) -> Option<usize> {
        let indexes = tier.indexes();
        // From anywhere, so that equals take turns.
        let (after, before) = indexes.split_at_checked(self.dice.below(indexes.len()))?;
        let mut best: Option<(usize, &Member)> = None;
        for index in before.iter().chain(after) {
            let Some(member) = self.group.members.get(*index) else { continue };
            let is_better = best.is_none_or(|(_, known)| self.is_lighter(member, known));
            if is_better && self.admits(*index, member) {
                best = Some((*index, member));
            }
        }
        best.map(|(index, _)| index)
    }

    fn admits(&self, index: usize, member: &Member) -> bool {
        let is_good = match self.level {
            Level::Open => member.state.is_open(self.now),
            Level::Reachable => member.state.is_reachable(),
            Level::Any => true,
        };
        is_good && !self.ask.tried.contains(&index)
    }

    fn is_warm(&mut self, member: &Member) -> bool {
        let ramp = member.state.ramp(self.now, self.slow_start);
        ramp == RAMP_FULL || self.dice.happens(ramp)
    }

    /// Whether one is less busy than the other for its weight. Failures weigh too: a member that
    /// refuses at once is never busy, and would draw all requests into its hole.
    fn is_lighter(&self, one: &Member, other: &Member) -> bool {
        let weigh = |member: &Member, other: &Member| {
            self.cost(member).saturating_mul(u64::from(other.weight()))
        };
        weigh(one, other) < weigh(other, one)
    }

    fn cost(&self, member: &Member) -> u64 {
        let streak = u64::from(member.state.recent_streak(self.now).min(STREAK_MAX));
        let busy = u64::from(member.state.in_flight()).saturating_add(streak);
        busy.saturating_mul(streak.saturating_add(1))
    }

    fn has_room(&self, tier: &Tier, member: &Member) -> bool {
        let busy = u64::from(member.state.in_flight());
        if busy < ROOM_MIN {
            return true;
        }
        let all = u64::from(self.group.load.active()).saturating_add(1);
        let share = all.saturating_mul(u64::from(member.weight())).saturating_mul(BOUND_PERCENT);
        let sum = u64::from(tier.weight()).saturating_mul(100);
        busy < share.div_ceil(sum.max(1))
    }
}

/// Draws until two that can be asked are found. With half of them out, one look in thirty takes
/// the long way.
const DRAWS_MAX: u8 = 8;

/// Turns that are passed on before the long way is taken.
const TURNS_MAX: u8 = 16;

/// More failures in a row make it no worse: it must be able to come back.
const STREAK_MAX: u32 = 8;

/// A member takes a quarter more than its share before keys move on: the bound that the paper's
/// authors run, and HAProxy's advice.
const BOUND_PERCENT: u64 = 125;

/// Below it shares are noise, and one key's requests stay together.
const ROOM_MIN: u64 = 8;
