//! The one source of chance of a simulated mesh: the same seed gives the same numbers on every machine and for ever.
//!
//! xoshiro256** (Blackman and Vigna, 2018), begun by SplitMix64, written out here: a library may change what a seed means.

use std::sync::atomic::{AtomicU64, Ordering};

use aurora_mesh::model::time::{Entropy, EntropyUnavailable};

/// A sequence of numbers.
#[derive(Debug, Clone)]
pub struct Random([u64; 4]);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        let state = &mut self.0;
        let drawn = state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        drawn
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The bias of at most end / 2^64 is of no matter here.
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).expect("below a u64")
    }

    /// A place in a list of so many.
    pub fn place(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).expect("small");
        usize::try_from(self.below(length)).expect("small")
    }

    /// Whether something happens that does so `times` in a thousand.
    pub fn happens(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Keys and nonces of a simulated mesh: numbered, so that they are the same each time and never the same twice.
#[derive(Debug, Default)]
pub struct Numbered(AtomicU64);

impl Numbered {
    /// Numbers from this one on.
    pub fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }
}

impl Entropy for Numbered {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
        let mut state = self.0.fetch_add(1, Ordering::Relaxed);
        for chunk in buffer.chunks_mut(8) {
            let drawn = split_mix(&mut state).to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
        Ok(())
    }
}

#[test]
fn a_seed_means_these_numbers_for_ever() {
    let mut random = Random::new(1);
    let drawn: Vec<u64> = (0..3).map(|_| random.next()).collect();
    assert_eq!(drawn, [12_966_619_160_104_079_557, 9_600_361_134_598_540_522, 10_590_380_919_521_690_900]);
    let mut again = Random::new(1);
    assert!((0..100).all(|_| again.below(7) < 7));
}
