//! Which routes answer: those of a sealed node until it is opened, those of an open one from then on, and never back. Also
//! on connections that are there already, so that nobody has to connect again and nobody finds no socket meanwhile.

use std::sync::OnceLock;

use axum::Router;

use crate::vault::parts::Vault;

/// The routes of a node through its life.
pub(super) struct Stage {
    first: Router,
    then: OnceLock<Open>,
}

/// What a node has from when it is open.
pub(super) struct Open {
    /// Its routes.
    pub(super) routes: Router,
    /// The door behind them.
    pub(super) vault: Vault,
}

impl Stage {
    /// These routes answer until [`Stage::advance`], or for ever.
    pub(super) fn new(first: Router) -> Self {
        Self { first, then: OnceLock::new() }
    }

    /// A node that is open from the start.
    pub(super) fn open(open: Open) -> Self {
        Self { first: Router::new(), then: OnceLock::from(open) }
    }

    /// From here on these routes answer. What is under way ends where it began. Only the first call counts.
    pub(super) fn advance(&self, then: Open) {
        // A node is opened once: there are no third routes to be lost.
        drop(self.then.set(then));
    }

    /// The routes that answer now.
    pub(super) fn routes(&self) -> &Router {
        self.then.get().map_or(&self.first, |open| &open.routes)
    }

    /// Whether any rule tells the bytes of the program at this path from others. None does on a sealed node.
    pub(super) fn wants_digest(&self, path: &str) -> bool {
        self.then.get().is_some_and(|open| open.vault.wants_digest(path))
    }
}
