//! `run`: a program gets its credentials as variables, and nobody sees them in what it prints.
//!
//! Where there is nothing left to do once the variables are set, this process becomes the program: then signals, job
//! control, the terminal and the exit code are the kernel's. Where output is masked or changes are followed it stays,
//! and [`super::run_supervise`] attends to the program.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::ago::span;
use super::arguments_run::RunArguments;
use super::error::CliError;
use super::run_child;
use super::run_read::{self, Rules, Values, environment, references};
use super::run_sources;
use super::run_supervise::{Job, OnChange, attend};
use super::run_watch::{Follower, Watching};
use super::session::Session;
use crate::crypto::plaintext::Plaintext;
use crate::delivery::mask_patterns::{MASKED_BYTES_MIN, Patterns};
use crate::model::secret::SecretName;

/// `aurora run`
pub(super) async fn run(session: &mut Session<'_>, arguments: &RunArguments) -> Result<(), CliError> {
    let plan = run_sources::variables(session, arguments).await?;
    let rules = Rules { offline: arguments.offline, max_age: arguments.max_age };
    let names: BTreeSet<SecretName> = references(&plan).into_iter().map(|reference| reference.name.clone()).collect();
    // Before the values are read, so that no change falls between.
    let watching = match names.is_empty() {
        false if arguments.watch => Some(Watching::open(session, names).await?),
        _ => None,
    };
    let values = Arc::new(run_read::values(session, &plan, rules).await?);
    tell_stale(session, &values);
    let patterns = if arguments.no_masking { Patterns::exact(&[]) } else { looked_for(session, &values) };
    if watching.is_none() && patterns.is_empty() {
        return Err(run_child::become_it(&arguments.command, &environment(&plan, &values)));
    }
    let on_change = arguments.signal.map_or(OnChange::Restart, OnChange::Signal);
    let job = Job { command: &arguments.command, plan: &plan, masks: !arguments.no_masking, on_change };
    let (changes, changed) = tokio::sync::mpsc::channel(1);
    let debounce = arguments.debounce;
    let attended = attend(&job, &values, Arc::new(patterns), changed);
    let code = match watching {
        Some(watching) => {
            let known = Arc::clone(&values);
            let follower = Follower { session: &mut *session, watching, plan: &plan, rules, debounce, known, changes };
            tokio::select! {
                code = Box::pin(attended) => code?,
                never = Box::pin(follower.follow()) => match never {},
            }
        }
        None => Box::pin(attended).await?,
    };
    session.output.end_as(code);
    Ok(())
}

/// One line if a value is older than it should be.
fn tell_stale(session: &mut Session<'_>, values: &Values) {
    let told = |(reference, age): (_, Duration)| format!("{reference} {} ago", span(age));
    let stale: Vec<String> = values.iter().filter_map(|(of, found)| Some((of, found.stale?))).map(told).collect();
    if !stale.is_empty() {
        session.output.note(&format!("the lead is away; it last confirmed {}", stale.join(", ")));
    }
}

/// What is masked; says so if something is not.
fn looked_for(session: &mut Session<'_>, values: &Values) -> Patterns {
    let (patterns, short) = Patterns::of_values(texts(values));
    if short > 0 {
        let are = if short == 1 { "1 value is".to_owned() } else { format!("{short} values are") };
        session.output.note(&format!("{are} not masked, having under {MASKED_BYTES_MIN} bytes"));
    }
    patterns
}

/// Everything that must not be seen.
pub(super) fn texts(values: &Values) -> impl Iterator<Item = &Plaintext> {
    values.values().flat_map(|found| std::iter::once(&found.value).chain(&found.fields))
}
