//! Randomness from the operating system: what production passes wherever an [`Entropy`] is asked for.

use crate::model::time::{Entropy, EntropyUnavailable};

/// `getrandom(2)`: blocks until the kernel's pool is initialised, never afterwards.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
        getrandom::fill(buffer).map_err(|_| EntropyUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let (mut first, mut second) = ([0_u8; 32], [0_u8; 32]);
        SystemEntropy.fill(&mut first).expect("random bytes");
        SystemEntropy.fill(&mut second).expect("random bytes");
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
