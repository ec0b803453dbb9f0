//! Random bits drawn out of a few given ones, and stable hashes.

/// Draws numbers from one seed. The same seed draws the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Begins at a seed. Seeds may be consecutive.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (`SplitMix64`: Steele, Lea, Flood, 2014).
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, or 0. The bias is below `bound / 2^32`.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        let product = (self.roll() >> 32).wrapping_mul(bound);
        usize::try_from(product >> 32).unwrap_or(0)
    }

    /// Whether something of this chance, in 1,024ths, happens.
    pub(crate) const fn happens(&mut self, chance: u32) -> bool {
        // Widening: `From` is not const.
        (self.roll() & 1_023) < widen(chance)
    }
}

/// The finalizer of `SplitMix64`: every input bit changes every output bit with even chance.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash that is the same in every process and version, so that several gateways send one key to
/// one endpoint. Not keyed: whoever picks keys that collide loads one endpoint up to its bound
/// (see [`crate::Method::Hash`]) and nothing more.
pub fn hash(bytes: &[u8]) -> u64 {
    // FNV-1a, then mixed: its low bits alone are weak.
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

const fn widen(value: u32) -> u64 {
    let [a, b, c, d] = value.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_never_changes_because_other_gateways_know_it() {
        assert_eq!(hash(b""), mix(0xcbf2_9ce4_8422_2325));
        assert_eq!(hash(b"alice"), hash(b"alice"));
        assert_ne!(hash(b"alice"), hash(b"alicf"));
    }

    #[test]
    fn numbers_below_a_bound_come_evenly() {
        let (mut dice, mut counts) = (Dice::new(1), [0_u32; 7]);
        for _ in 0..70_000 {
            counts[dice.below(7)] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert_eq!(Dice::new(1).below(0), 0);
        assert!((0..100).all(|_| dice.happens(1_024) && !dice.happens(0)));
    }
}
