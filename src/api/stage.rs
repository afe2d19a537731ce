//! Which routes answer: those of a sealed node until it is opened, those of an open one from then on, and never back. Also
//! on connections that are there already, so that nobody has to connect again and nobody finds no socket meanwhile.

use std::sync::OnceLock;

use axum::Router;

/// The routes of a node through its life.
pub(super) struct Stage {
    first: Router,
    then: OnceLock<Router>,
}

impl Stage {
    /// These routes answer until [`Stage::advance`], or for ever.
    pub(super) fn new(first: Router) -> Self {
        Self { first, then: OnceLock::new() }
    }

    /// From here on these routes answer. What is under way ends where it began. Only the first call counts.
    pub(super) fn advance(&self, then: Router) {
        // A node is opened once: there are no third routes to be lost.
        drop(self.then.set(then));
    }

    /// The routes that answer now.
    pub(super) fn routes(&self) -> &Router {
        self.then.get().unwrap_or(&self.first)
    }
}
