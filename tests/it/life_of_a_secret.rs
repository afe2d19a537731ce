//! The whole life of secrets against a model: whatever is done to them, in whatever order, with restarts and new keys in
//! between, every read on the lead and on a follower is what the model says.
//!
//! Sequences run side by side in batches, each on a secret of its own, so that group commit carries them as it would carry
//! real writers. `scripts/campaign-life.sh` runs ten thousand of them.

mod model;
mod stage;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use model::Op;
use stage::{Batch, Event, Stage};

/// Sequences of one batch.
const BATCH: usize = 100;

/// Set by the campaign: how many sequences, in all.
const SEQUENCES: &str = "AURORA_LIFE_SEQUENCES";

fn op() -> impl Strategy<Value = Op> {
    let value = || 0_u8..3;
    let number = || 0_u8..8;
    prop_oneof![
        6 => value().prop_map(Op::Put),
        2 => (0_u8..3, value()).prop_map(|(expected, value)| Op::Cas { expected, value }),
        2 => value().prop_map(Op::Describe),
        3 => Just(Op::Delete),
        3 => Just(Op::Undelete),
        1 => Just(Op::DestroyAll),
        2 => number().prop_map(Op::Destroy),
        3 => number().prop_map(Op::Rollback),
        2 => number().prop_map(Op::Read),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Nothing),
        1 => Just(Event::RestartLead),
        1 => Just(Event::RestartFollower),
        2 => Just(Event::RotateKey),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let sequence = proptest::collection::vec((op(), any::<bool>()), 0..14);
    let sequences = proptest::collection::vec(sequence, BATCH);
    (sequences, event(), event()).prop_map(|(sequences, first, second)| Batch::new(sequences, [first, second]))
}

#[test]
fn every_read_of_every_sequence_is_what_the_model_says() {
    let wanted: usize = std::env::var(SEQUENCES).map_or(500, |text| text.parse().expect("a number"));
    let cases = u32::try_from(wanted.div_ceil(BATCH)).expect("few");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let stage = runtime.block_on(Stage::start());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&batch(), |batch| runtime.block_on(stage.play(batch)).map_err(TestCaseError::fail));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
