//! Our randomness in the shape that libraries take theirs.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::model::time::{Entropy, EntropyUnavailable};

/// Draws for a library. It cannot be told of a failure, so the failure is kept and asked for after.
pub(super) struct Draw<'a> {
    entropy: &'a dyn Entropy,
    failed: Option<EntropyUnavailable>,
}

impl<'a> Draw<'a> {
    /// Draws from this source.
    pub(super) fn from(entropy: &'a dyn Entropy) -> Self {
        Self { entropy, failed: None }
    }

    /// Whether every draw was good. Asked before the library's result is looked at: what was made without randomness must
    /// not leave.
    ///
    /// # Errors
    /// [`EntropyUnavailable`] if one was not.
    pub(super) fn finish(self) -> Result<(), EntropyUnavailable> {
        self.failed.map_or(Ok(()), Err)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0_u8; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        if let Err(error) = self.entropy.fill(buffer) {
            self.failed = Some(error);
        }
    }
}

impl TryRng for Draw<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Draw<'_> {}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;

    #[test]
    fn draws_are_the_source_s_and_a_failure_is_not_forgotten() {
        let source = CountingEntropy::from(1);
        let mut draw = Draw::from(&source);
        let mut bytes = [0; 2];
        assert_eq!(draw.try_next_u32(), Ok(0x0403_0201));
        assert_eq!(draw.try_next_u64(), Ok(0x0c0b_0a09_0807_0605));
        draw.try_fill_bytes(&mut bytes).expect("infallible");
        assert_eq!(bytes, [13, 14]);
        assert_eq!(draw.finish(), Ok(()));
        let mut failing = Draw::from(&NoEntropy);
        assert_eq!(failing.try_next_u32(), Ok(0));
        assert_eq!(failing.finish(), Err(EntropyUnavailable));
    }
}
