//! Makes a failing run small: leaves out steps, half of them at a time, then fewer, as long as something is still wrong.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::world::{Outcome, Settings, run};

/// Runs until a run is as small as this makes it.
const RUNS_MAX: u32 = 2_000;

/// Runs, and takes a panic for a violation.
pub fn run_caught(settings: &Settings) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(|| run(settings))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// What is wrong with a run, and after how many steps, if that is known.
pub fn wrong(settings: &Settings) -> Option<(Option<u64>, String)> {
    match run_caught(settings) {
        Ok(outcome) => outcome.violation.map(|(step, what)| (Some(step), what)),
        Err(panic) => Some((None, format!("panicked: {panic}"))),
    }
}

/// The smallest run it finds in which something is wrong, given one of this many steps.
pub fn shrink(settings: &Settings, steps: u64) -> Settings {
    let mut smallest = Settings { steps, keep_trace: false, ..settings.clone() };
    if wrong(&smallest).is_none() {
        // Only the steps after it made it visible.
        return Settings { keep_trace: true, ..settings.clone() };
    }
    let (mut chunk, mut runs) = (steps.div_ceil(2).max(1), 0);
    loop {
        let mut shrunk = false;
        let kept: Vec<u64> = (0..steps).filter(|step| !smallest.without.contains(step)).collect();
        for part in kept.chunks(usize::try_from(chunk).expect("few")).rev() {
            runs += 1;
            let mut without: BTreeSet<u64> = smallest.without.clone();
            without.extend(part);
            let candidate = Settings { without, ..smallest.clone() };
            if wrong(&candidate).is_some() {
                smallest = candidate;
                shrunk = true;
            }
        }
        if runs > RUNS_MAX || (chunk == 1 && !shrunk) {
            return Settings { keep_trace: true, ..smallest };
        }
        chunk = (chunk / 2).max(1);
    }
}
