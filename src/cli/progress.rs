//! How far long work has come, on standard error: a bar while something is counted, then a mark that turns. Shown only to
//! a person who watches a terminal and did not ask for quiet.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work on fewer things than this is over before a bar could be read.
const SHOWN_ABOVE: usize = 100;

/// Between two turns of the mark.
const TURN: Duration = Duration::from_millis(120);

const COUNTED: &str = "{msg} [{bar:40}] {human_pos}/{human_len}";
const UNCOUNTED: &str = "{spinner} {msg} {human_pos}";
const WAITING: &str = "{spinner} {msg} ({elapsed})";

/// A bar, or nothing. Clones show the same bar.
#[derive(Debug, Clone)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shown if somebody watches.
    pub fn new(watched: bool) -> Self {
        Self(watched.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())))
    }

    /// Nothing, if these are too few things to be worth a bar.
    pub fn worth(self, count: usize) -> Self {
        if count > SHOWN_ABOVE { self } else { Self(None) }
    }

    /// So much is done, of so much; of work whose end is not known, only what is done.
    pub fn at(&self, what: &str, done: u64, total: Option<u64>) {
        let Some(bar) = &self.0 else { return };
        styled(bar, if total.is_some() { COUNTED } else { UNCOUNTED }, what);
        total.map_or_else(|| bar.unset_length(), |total| bar.set_length(total));
        bar.set_position(done);
        bar.tick();
    }

    /// What is left cannot be counted.
    pub fn wait(&self, what: &str) {
        let Some(bar) = &self.0 else { return };
        styled(bar, WAITING, what);
        bar.enable_steady_tick(TURN);
    }

    /// Takes it off the screen: what comes now is the answer.
    pub fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A template that does not parse would leave the bar as it was: it is only decoration.
fn styled(bar: &ProgressBar, template: &str, what: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what.to_owned());
}
