//! One rule of a policy: whom it is about, what it allows or denies, how far it reaches, until when, and who said so.

use std::collections::BTreeSet;

use super::actions::Capability;
use super::name::GrantName;
use super::principal::Principal;
use super::reach::Reach;
use super::time::Timestamp;

/// Whether a grant opens or closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Opens, unless another grant closes.
    Allow,
    /// Closes, whatever else is granted.
    Deny,
}

impl Effect {
    /// `allow` or `deny`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// Until when something holds. There is no default: what has no end says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Until it is taken away.
    Never,
    /// Not at this time, and not later.
    At(Timestamp),
}

impl Expiry {
    /// Whether it has not come yet.
    #[must_use]
    pub fn is_after(self, now: Timestamp) -> bool {
        match self {
            Self::Never => true,
            Self::At(end) => now < end,
        }
    }

    /// Whichever comes first.
    #[must_use]
    pub fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, end) | (end, Self::Never) => end,
            (Self::At(one), Self::At(other)) => Self::At(one.min(other)),
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The name of the rule: what an audit line and an explanation show.
    pub name: GrantName,
    /// Whom it is about.
    pub principal: Principal,
    /// What it is about; empty means nothing.
    pub capabilities: BTreeSet<Capability>,
    /// On what. A question that names no company is about none of them.
    pub reach: Reach,
    /// Until when it holds.
    pub expires_at: Expiry,
    /// Whether it opens or closes.
    pub effect: Effect,
    /// Who wrote it.
    pub granted_by: String,
    /// When.
    pub granted_at: Timestamp,
    /// Why.
    pub reason: String,
}
