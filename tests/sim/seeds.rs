//! Runs of the simulation: a slice in every test run, one seed again, and as many as one likes.
//!
//! `AURORA_SIM_SEED=n` runs that seed and prints its trace; `AURORA_SIM_SEEDS=count` and `AURORA_SIM_FIRST=n` run many, in
//! as many threads as there are processors (`scripts/simulate.sh`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::shrink::{run_caught, shrink, wrong};
use crate::world::{Figures, Settings, run};

/// Seeds of an ordinary test run.
const SLICE: u64 = 1_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// One line on standard error, past the test runner's capture: a campaign reads it.
pub fn tell(line: &str) {
    use std::io::Write;
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}

fn settings(seed: u64) -> Settings {
    Settings { seed, ..Settings::default() }
}

/// What a failing run comes to when it is made small, with its trace.
pub fn report(failing: &Settings, step: Option<u64>, what: &str) -> String {
    let steps = step.unwrap_or_else(|| run_caught(failing).map_or(300, |outcome| outcome.figures.steps));
    let smallest = shrink(failing, steps);
    let (lines, found) = match run_caught(&smallest) {
        Ok(outcome) => (outcome.lines, outcome.violation.map(|(_, what)| what)),
        Err(panic) => (Vec::new(), Some(panic)),
    };
    let seed = failing.seed;
    let left = smallest.steps.saturating_sub(u64::try_from(smallest.without.len()).expect("few"));
    format!(
        "seed {seed}: {what}\n  again: AURORA_SIM_SEED={seed} cargo test --test sim -- a_seed\n  made small, {left} steps are left: {}\n    {}",
        found.unwrap_or_default(),
        lines.join("\n    ")
    )
}

/// What many runs came to.
#[derive(Default)]
struct Sum {
    figures: Figures,
    meshes: u64,
    failures: Vec<(u64, Option<u64>, String)>,
}

impl Sum {
    /// One mesh more.
    fn take(&mut self, figures: &Figures) {
        self.figures.add(figures);
        self.meshes += 1;
    }

    /// What another thread came to.
    fn join(&mut self, mut other: Self) {
        self.figures.add(&other.figures);
        self.meshes += other.meshes;
        self.failures.append(&mut other.failures);
    }
}

/// Runs so many seeds from this one on; stops soon after the first that fails.
fn run_many(first: u64, count: u64) -> Sum {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut own = Sum::default();
        loop {
            let taken = next.fetch_add(1, Ordering::Relaxed);
            if taken >= count || !sum.lock().expect("no thread panics").failures.is_empty() {
                break;
            }
            let seed = first + taken;
            match run_caught(&settings(seed)) {
                Ok(outcome) => {
                    own.take(&outcome.figures);
                    own.failures.extend(outcome.violation.map(|(step, what)| (seed, Some(step), what)));
                }
                Err(panic) => own.failures.push((seed, None, format!("panicked: {panic}"))),
            }
            if !own.failures.is_empty() {
                break;
            }
        }
        sum.lock().expect("no thread panics").join(own);
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    sum.into_inner().expect("no thread panics")
}

#[test]
fn every_invariant_holds_in_every_mesh() {
    let count = number("AURORA_SIM_SEEDS").unwrap_or(SLICE);
    let first = number("AURORA_SIM_FIRST").unwrap_or(0);
    let sum = run_many(first, count);
    if let Some((seed, step, what)) = sum.failures.iter().min() {
        panic!("{}", report(&settings(*seed), *step, what));
    }
    assert_eq!(sum.meshes, count);
    let Figures {
        steps,
        acknowledged,
        given_out,
        refused,
        crashes,
        breaks,
        reigns,
        ghosts,
        clock_jumps,
        longest_history,
    } = sum.figures;
    if number("AURORA_SIM_SEEDS").is_some() {
        tell(&format!(
            "{count} meshes from seed {first}: {steps} steps, {acknowledged} acknowledged changes, {given_out} values given out, \
             {refused} refused, {crashes} crashes, {breaks} broken connections, {reigns} restores, {ghosts} old leads, \
             {clock_jumps} clocks set, longest history {longest_history}; nothing lost, nothing wrong"
        ));
    }
    assert!(
        acknowledged > 0 && given_out > 0 && crashes > 0 && breaks > 0 && reigns > 0 && ghosts > 0 && clock_jumps > 0
    );
}

#[test]
fn a_seed_is_run_again_with_its_trace() {
    let seed = number("AURORA_SIM_SEED").unwrap_or(7);
    let outcome = run(&Settings { keep_trace: true, ..settings(seed) });
    if number("AURORA_SIM_SEED").is_some() {
        outcome.lines.iter().for_each(|line| tell(line));
        tell(&format!("seed {seed}: trace {:016x}, {:?}", outcome.hash, outcome.figures));
    }
    if let Some((step, what)) = outcome.violation {
        panic!("{}", report(&settings(seed), Some(step), &what));
    }
    assert!(!outcome.lines.is_empty());
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    for seed in [1, 2, 3, 500] {
        let (first, again) = (run(&settings(seed)), run(&Settings { keep_trace: true, ..settings(seed) }));
        assert_eq!((first.hash, first.figures), (again.hash, again.figures), "seed {seed}");
        assert_ne!(first.hash, run(&settings(seed + 1)).hash);
    }
}

/// A run that is left out of steps is still the run of its seed: what is wrong in few steps is found in few.
#[test]
fn a_run_with_steps_left_out_is_a_run() {
    let whole = run(&settings(11));
    let half = Settings { without: (0..whole.figures.steps).step_by(2).collect(), ..settings(11) };
    assert_eq!(wrong(&half), None);
    assert!(run(&half).figures.steps < whole.figures.steps);
}
