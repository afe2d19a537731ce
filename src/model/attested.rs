//! What the system says about a local process besides its ids, and whether it is still there.

use std::fmt;
use std::sync::Arc;

use super::name::LocalName;
use super::principal::{Executable, UnitName};

/// How surely the rest belongs to the process that connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strength {
    /// By its pidfd: the kernel's own handle on exactly that process.
    Strong,
    /// By its pid and start time: an older kernel.
    #[default]
    Weak,
}

impl Strength {
    /// The word of the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
        }
    }
}

/// A process as the system describes it. What could not be learnt is absent, and absence never grants.
/// Nor does it let anyone past a deny: see [`Attested::is_unseen`].
#[derive(Debug, Clone, Default)]
pub struct Attested {
    /// How surely.
    pub strength: Strength,
    /// What the machine calls its user.
    pub user: Option<LocalName>,
    /// What the machine calls its groups, the supplementary ones included.
    pub groups: Vec<LocalName>,
    /// Whether its groups or its unit could not be seen: what is denied to any group or unit is then denied to it.
    pub is_unseen: bool,
    /// The systemd unit whose cgroup it is in.
    pub unit: Option<UnitName>,
    /// The program it runs, with the digest of the file if that was taken.
    pub executable: Option<Executable>,
    /// Whether it is still there.
    pub presence: Presence,
}

/// Tells whether a process is still there. The default says that it is: for callers that are no process.
#[derive(Clone, Default)]
pub struct Presence(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Presence {
    /// A presence that is asked so.
    #[must_use]
    pub fn new(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// Whether the process is still there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.as_ref().is_none_or(|ask| ask())
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Presence(asked)" } else { "Presence(always)" })
    }
}
