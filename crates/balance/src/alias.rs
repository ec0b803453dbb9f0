//! Draws members by weight in constant time (Walker's alias method, built as by Vose).

/// A weighted draw.
#[derive(Debug)]
pub(crate) struct Alias(Vec<Column>);

/// One of the columns, all equally likely: below the edge itself, else its alias.
#[derive(Clone, Copy, Debug)]
struct Column {
    edge: u32,
    alias: u16,
}

impl Alias {
    pub(crate) fn new(weights: &[u32]) -> Self {
        let count = u64::try_from(weights.len()).unwrap_or(u64::MAX);
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum::<u64>().max(1);
        // Scaled so that the average column holds `sum`.
        let mut rest: Vec<u64> =
            weights.iter().map(|weight| u64::from(*weight).saturating_mul(count)).collect();
        let mut columns: Vec<Column> = (0..weights.len())
            .map(|index| Column { edge: u32::MAX, alias: narrow(index) })
            .collect();
        let (mut low, mut high): (Vec<usize>, Vec<usize>) =
            (0..rest.len()).partition(|index| rest.get(*index).is_some_and(|left| *left < sum));
        while let (Some(poor), Some(rich)) = (low.pop(), high.last().copied()) {
            let own = rest.get(poor).copied().unwrap_or(sum);
            if let Some(column) = columns.get_mut(poor) {
                *column = Column { edge: fraction(own, sum), alias: narrow(rich) };
            }
            let Some(left) = rest.get_mut(rich) else { continue };
            *left = left.saturating_sub(sum.saturating_sub(own));
            if *left < sum {
                high.pop();
                low.push(rich);
            }
        }
        Self(columns)
    }

    /// A member for 32 random bits.
    pub(crate) fn draw(&self, bits: u32) -> Option<usize> {
        let count = u64::try_from(self.0.len()).unwrap_or(0);
        let product = u64::from(bits).wrapping_mul(count);
        let index = usize::try_from(product >> 32).ok()?;
        let within = u32::try_from(product & u64::from(u32::MAX)).ok()?;
        let column = self.0.get(index)?;
        Some(if within <= column.edge { index } else { usize::from(column.alias) })
    }
}

fn fraction(part: u64, whole: u64) -> u32 {
    let scaled = u128::from(part).wrapping_mul(u128::from(u32::MAX));
    u32::try_from(scaled.checked_div(u128::from(whole)).unwrap_or(0)).unwrap_or(u32::MAX)
}

fn narrow(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dice;

    #[test]
    fn members_are_drawn_by_their_weight() {
        let (alias, mut dice) = (Alias::new(&[1, 2, 7]), Dice::new(3));
        let mut counts = [0_u32; 3];
        for _ in 0..100_000 {
            counts[alias.draw(u32::try_from(dice.roll() >> 32).unwrap()).unwrap()] += 1;
        }
        for (count, wanted) in counts.into_iter().zip([10_000_i64, 20_000, 70_000]) {
            assert!((i64::from(count) - wanted).abs() < 700, "{counts:?}");
        }
        assert_eq!(Alias::new(&[]).draw(0), None);
        assert_eq!(Alias::new(&[5]).draw(u32::MAX), Some(0));
    }
}
