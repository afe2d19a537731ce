//! Bugs that are put in on purpose, to see that a checker finds them. Compiled only with the feature `seeded_bugs`, which
//! an optimised build refuses; without it neither this file nor any line that asks it is part of the program.
//!
//! All of them are in one build, and `AURORA_SEED_BUG=NN` chooses at most one for the life of the process: a build for each
//! would take an hour. The numbers are those of the list in `scripts/seeded-bugs.sh`.

use std::sync::LazyLock;

#[cfg(not(debug_assertions))]
compile_error!(
    "the feature `seeded_bugs` puts bugs in on purpose: it is for tests, and no release may be built with it"
);

static CHOSEN: LazyLock<Option<u32>> = LazyLock::new(|| std::env::var("AURORA_SEED_BUG").ok()?.parse().ok());

/// Whether this is the bug that was chosen.
#[must_use]
pub fn bug(number: u32) -> bool {
    *CHOSEN == Some(number)
}
