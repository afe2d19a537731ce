//! A bar for long work, on standard error, for a person who watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Between two turns of the mark of work that cannot be counted.
const TURN: Duration = Duration::from_millis(120);

/// How far long work is. Draws nothing for a program, or for a person who asked for quiet. Clones are the same bar.
#[derive(Debug, Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar that is seen.
    pub(super) fn shown() -> Self {
        Self(ProgressBar::new_spinner())
    }

    /// A bar that is not.
    pub(super) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// So much is done, of so much; of work whose end is not known, only what is done.
    pub(super) fn at(&self, what: &str, done: u64, total: Option<u64>) {
        // A template that does not parse leaves the bar as it was: it is only decoration.
        let template = if total.is_some() { "{msg} [{bar:32}] {pos}/{len}" } else { "{spinner} {msg} {pos}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("=> "));
        }
        self.0.set_message(what.to_owned());
        total.map_or_else(|| self.0.unset_length(), |total| self.0.set_length(total));
        self.0.set_position(done);
        self.0.tick();
    }

    /// What is left cannot be counted: a mark turns by itself until the end.
    pub(super) fn wait(&self, what: &str) {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            self.0.set_style(style);
        }
        self.0.set_message(what.to_owned());
        self.0.enable_steady_tick(TURN);
    }

    /// Takes the bar away: what comes now is the answer.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
