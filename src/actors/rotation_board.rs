//! Where the rotation of scope keys is asked for, and what is seen of it from outside.

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::change::KeyTarget;

/// Shared by whoever asks and by the part that does the work.
#[derive(Debug)]
pub struct RotationBoard {
    /// The audit line that asked last. Told after the change that left something to do was committed; what there is to do,
    /// the data says.
    asked: watch::Sender<Option<u64>>,
    progress: ArcSwapOption<Progress>,
}

/// How far the work is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The scopes and the generations their values are sealed under.
    pub targets: Vec<KeyTarget>,
    /// What is being done.
    pub phase: Phase,
    /// Values sealed anew in this phase since it began, or since the node started.
    pub resealed: u64,
    /// How many there were to do; of older versions that is not known.
    pub total: Option<u64>,
    /// Why it stands still; it is tried again.
    pub failure: Option<String>,
}

/// The steps of a rotation, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Current values are sealed anew.
    Current,
    /// Older versions are sealed anew.
    Older,
    /// The old keys are dropped, and the file is written without what they sealed.
    Finishing,
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Older => "older",
            Self::Finishing => "finishing",
        }
    }
}

impl Default for RotationBoard {
    fn default() -> Self {
        Self { asked: watch::Sender::new(None), progress: ArcSwapOption::empty() }
    }
}

impl RotationBoard {
    /// Something may be left to do, announced in this audit line.
    pub fn ask(&self, audit_seq: u64) {
        self.asked.send_replace(Some(audit_seq));
    }

    /// The work under way, or the work that stands still; `None` when there is none.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.progress.load().as_deref().cloned()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<u64>> {
        self.asked.subscribe()
    }

    pub(super) fn publish(&self, progress: Option<Progress>) {
        self.progress.store(progress.map(std::sync::Arc::new));
    }
}
