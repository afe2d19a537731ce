//! The ids of requests: 128 bits each that nobody can predict, drawn many at a time, because a draw is a call of the system.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::hex::hex;
use crate::model::time::{Entropy, EntropyUnavailable};

const ID_BYTES: usize = 16;

/// Ids of one draw.
const STOCK: usize = 64;

/// Where ids come from.
pub(super) struct RequestIds {
    entropy: Arc<dyn Entropy>,
    stock: Mutex<Stock>,
}

struct Stock {
    bytes: [u8; STOCK * ID_BYTES],
    /// Bytes from the front that were not given out.
    left: usize,
}

impl RequestIds {
    /// None is drawn yet.
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, stock: Mutex::new(Stock { bytes: [0; STOCK * ID_BYTES], left: 0 }) }
    }

    /// An id that was never given out, in hexadecimal.
    ///
    /// # Errors
    /// When none is left and none can be drawn.
    pub(super) fn next(&self) -> Result<Arc<str>, EntropyUnavailable> {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        let Stock { bytes, left } = &mut *stock;
        if *left == 0 {
            self.entropy.fill(bytes)?;
            *left = bytes.len();
        }
        *left = left.saturating_sub(ID_BYTES);
        Ok(hex(&bytes[*left..][..ID_BYTES]).into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Gives bytes that differ from place to place, so many times.
    struct Times(AtomicUsize);

    impl Entropy for Times {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
            let left = self.0.load(Ordering::SeqCst).checked_sub(1).ok_or(EntropyUnavailable)?;
            self.0.store(left, Ordering::SeqCst);
            for (at, id) in buffer.chunks_exact_mut(ID_BYTES).enumerate() {
                id.fill(u8::try_from(at + left * STOCK).expect("small"));
            }
            Ok(())
        }
    }

    #[test]
    fn no_id_is_given_twice_and_without_randomness_none_is() {
        let ids = RequestIds::new(Arc::new(Times(AtomicUsize::new(2))));
        let given: HashSet<Arc<str>> = (0..2 * STOCK).map(|_| ids.next().expect("drawn")).collect();
        assert!(given.len() == 2 * STOCK && given.iter().all(|id| id.len() == 2 * ID_BYTES));
        assert!(ids.next().is_err());
    }
}
