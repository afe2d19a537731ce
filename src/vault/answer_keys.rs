//! What the door tells of keys: numbers and times, never a key.

use crate::actors::rotation_board::Progress;
use crate::model::number::Generation;
use crate::model::secret::KeyScope;
use crate::model::time::Timestamp;

/// The key of one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// What it covers.
    pub at: KeyScope,
    /// The newest generation.
    pub generation: Generation,
    /// When that was made, where it is known.
    pub made_at: Option<Timestamp>,
    /// Current values it seals, those a deletion keeps included.
    pub values: u64,
    /// Current values older generations still seal; `None` when there is no older one. Zero while only older versions, or
    /// the end of the old keys, are left to do.
    pub under_older: Option<u64>,
}

/// How the keys of the lead stand.
#[derive(Debug, Clone)]
pub struct KeyReport {
    /// Every scope that has a key.
    pub keys: Vec<KeyLine>,
    /// Since when the root key is the root key.
    pub root_since: Timestamp,
    /// What opens it at start.
    pub unseal: &'static str,
    /// The rotation under way, or standing still.
    pub rotation: Option<Progress>,
}
