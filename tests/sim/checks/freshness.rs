//! The freshness contract: what is given out as fresh was vouched for within `ttl`, what is given out at all within
//! `ttl + max_stale`, by true time. Only a wall clock that was set back across a boot can deceive a node, by that much.

use crate::follower::FRESHNESS;

/// What was given out, in true time and milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// When the node asked the lead for the beacon that vouches for it.
    pub vouched: u64,
    /// When it was decided.
    pub decided: u64,
    /// When it was given out.
    pub given: u64,
    /// What the node's clocks take off the age.
    pub underrated: u64,
    /// Whether it was called fresh.
    pub fresh: bool,
}

/// The longest time after which anything may be given out.
pub fn bound() -> u64 {
    milliseconds(FRESHNESS.ttl + FRESHNESS.max_stale)
}

/// Whether it might be given out.
pub fn check(given: Given) -> Result<(), String> {
    let age = |at: u64| at.saturating_sub(given.vouched).saturating_sub(given.underrated);
    if given.fresh && age(given.decided) > milliseconds(FRESHNESS.ttl) {
        return Err(format!("called fresh at an age of {} ms: {given:?}", age(given.decided)));
    }
    if age(given.given) > bound() {
        return Err(format!("given out at an age of {} ms: {given:?}", age(given.given)));
    }
    Ok(())
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("short")
}

#[test]
fn what_is_too_old_is_found_at_the_moment_it_is_given_out() {
    let given = Given { vouched: 1_000, decided: 6_000, given: 16_000, underrated: 0, fresh: true };
    assert_eq!(check(given), Ok(()));
    assert!(check(Given { decided: 6_001, ..given }).is_err(), "no longer fresh");
    assert!(check(Given { given: 16_001, ..given }).is_err(), "its time was over while it was written");
    assert_eq!(check(Given { given: 16_100, underrated: 100, ..given }), Ok(()), "the wall clock was set back");
}
