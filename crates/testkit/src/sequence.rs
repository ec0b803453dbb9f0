//! Predictable bytes in the place of randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use ringwall_base::Entropy;

/// Gives the bytes of a seeded generator (SplitMix64): different, and the same on every run.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Sequence {
    /// Starts at `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for Sequence {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), std::io::Error> {
        for chunk in buffer.chunks_mut(8) {
            let step = 0x9e37_79b9_7f4a_7c15_u64;
            let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for (target, source) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *target = source;
            }
        }
        Ok(())
    }
}
