//! Smooth weighted round robin, planned ahead: weights 5, 1, 1 give A A B A C A A, not A A A A A B C.

/// Whose turn it is, for a while; then from the beginning.
#[derive(Debug)]
pub(crate) struct Turns(Vec<u16>);

impl Turns {
    /// Plans one round, by the rule of nginx: everybody gains its weight, the richest goes and pays
    /// the sum.
    pub(crate) fn new(weights: &[u32]) -> Self {
        let weights = reduced(weights);
        let sum: u32 = weights.iter().sum();
        let mut current = vec![0_i64; weights.len()];
        let mut plan = Vec::new();
        for _ in 0..sum {
            for (purse, weight) in current.iter_mut().zip(&weights) {
                *purse = purse.saturating_add(i64::from(*weight));
            }
            // The first of equals, so that equal weights go in order.
            let richest = (0..current.len()).rev().max_by_key(|index| current.get(*index));
            let Some(purse) = richest.and_then(|index| current.get_mut(index)) else { break };
            *purse = purse.saturating_sub(i64::from(sum));
            plan.extend(richest.and_then(|index| u16::try_from(index).ok()));
        }
        Self(plan)
    }

    /// The member of this turn.
    pub(crate) fn at(&self, turn: u32) -> Option<usize> {
        // Of 32 bits: a division of 64 costs more than all the rest.
        let length = u32::try_from(self.0.len()).ok()?;
        let index = usize::try_from(turn.checked_rem(length)?).ok()?;
        self.0.get(index).copied().map(usize::from)
    }
}

/// By their greatest common divisor, then roughly, until a round is short enough to plan.
fn reduced(weights: &[u32]) -> Vec<u32> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let mut reduced: Vec<u32> = weights.iter().map(|weight| weight / divisor).collect();
    while reduced.iter().sum::<u32>() > ROUND_MAX && reduced.iter().any(|weight| *weight > 1) {
        reduced = reduced.iter().map(|weight| weight.div_ceil(2)).collect();
    }
    reduced
}

fn gcd(a: u32, b: u32) -> u32 {
    match a.checked_rem(b) {
        None => a,
        Some(rest) => gcd(b, rest),
    }
}

/// A plan of 16 KiB: a thousand endpoints of different weights.
const ROUND_MAX: u32 = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    fn round(weights: &[u32]) -> Vec<u16> {
        Turns::new(weights).0
    }

    #[test]
    fn heavy_members_are_spread_over_the_round() {
        assert_eq!(round(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(round(&[100, 100, 100]), [0, 1, 2]);
        assert_eq!(round(&[2, 4]), [1, 0, 1]);
        assert!(round(&[]).is_empty());
        assert_eq!(Turns::new(&[]).at(3), None);
    }

    #[test]
    fn a_round_is_never_longer_than_it_may_be() {
        let weights: Vec<u32> = (1..=1_000).collect();
        let round = round(&weights);
        assert!(round.len() <= 8_192, "{}", round.len());
        assert!((0..1_000).all(|index| round.contains(&index)));
    }
}
