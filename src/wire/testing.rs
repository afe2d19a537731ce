//! What the tests of this room share: golden bytes, and bytes nobody meant.

use std::fmt::Debug;

use proptest::prelude::{ProptestConfig, any, prop};
use proptest::test_runner::TestRunner;

use super::frame::{Frame, decode, encode};
use crate::model::hex::hex;

/// The frame has exactly these bytes, and they read back as it.
pub(super) fn golden<F: Frame + Debug + PartialEq>(frame: &F, golden: &str) {
    let bytes = encode(frame).expect("encodes");
    assert_eq!(hex(&bytes), golden, "golden bytes of {frame:?}");
    assert_eq!(&decode::<F>(&bytes[4..]).expect("decodes"), frame);
}

/// Neither random bytes nor a damaged frame panics or reads back as something that encodes to other bytes.
pub(super) fn survives_anything<F: Frame + Debug + PartialEq>(sample: &F) {
    let whole = encode(sample).expect("encodes");
    let number = sample.number();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() });
    let strategy = (prop::collection::vec(any::<u8>(), 0..512), any::<prop::sample::Index>(), any::<u8>());
    let outcome = runner.run(&strategy, |(noise, at, byte)| {
        let mut headed = vec![1];
        headed.extend_from_slice(&number.to_be_bytes());
        headed.extend_from_slice(&noise);
        let mut damaged = whole[4..].to_vec();
        let place = at.index(damaged.len());
        damaged[place] = byte;
        for bytes in [&noise, &headed, &damaged] {
            if let Ok(frame) = decode::<F>(bytes) {
                // Integers have more than one spelling in this codec, so only the meaning has to come back.
                let again = encode(&frame).expect("what was read can be written");
                assert_eq!(decode::<F>(&again[4..]).expect("and read"), frame);
            }
        }
        Ok(())
    });
    outcome.expect("no input panics");
}
