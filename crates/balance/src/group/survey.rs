//! Counts, every now and then, who can be asked: which zone takes how much, and whether so few are
//! left that health is ignored.

use std::sync::atomic::Ordering;

use super::Group;
use crate::tier::Tier;

/// What was counted in a tier.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    sound: u32,
    reachable: u32,
    all: u32,
    /// Of the sound ones.
    weight: u32,
}

impl Group {
    /// Counts. One thread does it, the others go by the last count.
    pub(super) fn survey(&self, now: u64) {
        let due = self.survey_at.load(Ordering::Relaxed);
        let next = now.saturating_add(SURVEY_EVERY);
        let turn = self.survey_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if turn.is_err() {
            return;
        }
        let counts: Vec<Count> = self.tiers.iter().map(|tier| self.count(tier)).collect();
        let sum = |of: fn(&Count) -> u32| counts.iter().map(of).sum::<u32>();
        let (sound, reachable) = (sum(|count| count.sound), sum(|count| count.reachable));
        // Unreachable members do not count: to ask them helps nobody.
        let is_panicking =
            sound.saturating_mul(100) < reachable.saturating_mul(PANIC_PERCENT) || sound == 0;
        self.is_panicking.store(is_panicking, Ordering::Relaxed);
        let shares = if is_panicking { by_size(&counts) } else { by_failover(&counts) };
        let mut below = 0_u32;
        for ((tier, share), count) in self.tiers.iter().zip(shares).zip(&counts) {
            below = below.saturating_add(share);
            tier.note(below, count.weight.max(1));
        }
        // Rounding leaves no roll without a tier.
        if let (Some(tier), Some(count)) = (self.tiers.last(), counts.last()) {
            tier.note(100, count.weight.max(1));
        }
        self.judge_if_due(now);
    }

    fn count(&self, tier: &Tier) -> Count {
        let mut count = Count::default();
        for member in tier.indexes().iter().filter_map(|index| self.members.get(*index)) {
            let is_sound = member.state.is_sound();
            count.all = count.all.saturating_add(1);
            count.sound = count.sound.saturating_add(u32::from(is_sound));
            count.reachable =
                count.reachable.saturating_add(u32::from(member.state.is_reachable()));
            if is_sound {
                count.weight = count.weight.saturating_add(member.weight());
            }
        }
        count
    }
}

/// The first tier takes all while five sevenths of it are sound; what it cannot take, the next does.
fn by_failover(counts: &[Count]) -> Vec<u32> {
    let fit = |count: &Count| {
        let percent = count.sound.saturating_mul(SPARE_PERCENT).checked_div(count.all);
        percent.unwrap_or(0).min(100)
    };
    let sum: u32 = counts.iter().map(fit).sum();
    let mut left = 100_u32;
    let mut take = |count: &Count| {
        // All together too weak: each in proportion.
        let wanted =
            if sum < 100 { fit(count).saturating_mul(100) / sum.max(1) } else { fit(count) };
        let taken = wanted.min(left);
        left = left.saturating_sub(taken);
        taken
    };
    counts.iter().map(&mut take).collect()
}

fn by_size(counts: &[Count]) -> Vec<u32> {
    let reachable: u32 = counts.iter().map(|count| count.reachable).sum();
    let share = |count: &Count| {
        let size = if reachable == 0 { count.all } else { count.reachable };
        let sum = if reachable == 0 { counts.iter().map(|one| one.all).sum() } else { reachable };
        size.saturating_mul(100).checked_div(sum).unwrap_or(0)
    };
    counts.iter().map(share).collect()
}

/// A member that is out is not asked from the next moment on; only how much goes to which zone may
/// be this old.
const SURVEY_EVERY: u64 = 100_000;

/// Fewer than half sound: the checks are wrong, or the rest would fall under the load of all. As
/// Envoy.
const PANIC_PERCENT: u32 = 50;

/// A zone is given 1.4 times the members that it needs, so two sevenths may fail before others
/// help. As Envoy's overprovisioning factor.
const SPARE_PERCENT: u32 = 140;
