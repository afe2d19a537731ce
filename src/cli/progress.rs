//! How far long work has come, on standard error: a bar while something is counted, then a mark that turns. Shown only to
//! a person who watches a terminal and did not ask for quiet.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work on fewer things than this is over before a bar could be read.
const SHOWN_ABOVE: usize = 100;

/// Between two turns of the mark.
const TURN: Duration = Duration::from_millis(120);

/// A bar, or nothing. Clones show the same bar.
#[derive(Debug, Clone)]
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Nothing is shown.
    pub(super) fn hidden() -> Self {
        Self(None)
    }

    /// A bar over so many things, if there are enough to be worth one.
    pub(super) fn over(count: usize, what: &'static str) -> Self {
        if count <= SHOWN_ABOVE {
            return Self::hidden();
        }
        let length = u64::try_from(count).ok();
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {human_pos}/{human_len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        Self(Some(bar))
    }

    /// So many more are done.
    pub(super) fn advance(&self, count: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(u64::try_from(count).unwrap_or_default());
        }
    }

    /// What is left cannot be counted.
    pub(super) fn wait(&self, what: &'static str) {
        let Some(bar) = &self.0 else { return };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(TURN);
    }

    /// Takes it off the screen.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
