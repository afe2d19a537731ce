//! One rule of a policy, and whether it speaks about a question.

use std::collections::BTreeSet;

use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::name::EnvironmentName;
use crate::model::time::Timestamp;

use super::actions::Capability;
use super::decide::Question;
use super::principal::Principal;

/// Whether a grant opens or closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Opens, unless another grant closes.
    Allow,
    /// Closes, whatever else is granted.
    Deny,
}

/// Until when a grant holds. There is no default: a grant without an end says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Until it is taken away.
    Never,
    /// Not at this time, and not later.
    At(Timestamp),
}

/// The environments a grant speaks about. Absence never grants: the default is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environments {
    /// Every environment the node could be in.
    All,
    /// These and no others.
    Only(BTreeSet<EnvironmentName>),
}

impl Default for Environments {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// One rule: whom it is about, what it allows or denies, on which secrets, for whom, until when, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The name of the rule: what an audit line and an explanation show.
    pub name: String,
    /// Whom it is about.
    pub principal: Principal,
    /// What it is about.
    pub capabilities: BTreeSet<Capability>,
    /// The secrets it is about; empty means none.
    pub globs: Vec<SecretGlob>,
    /// The companies it is about. A question that names no company is about none of them.
    pub companies: Companies,
    /// The environments it is about.
    pub environments: Environments,
    /// Until when it holds.
    pub expires_at: Expiry,
    /// Whether it opens or closes.
    pub effect: Effect,
    /// Who wrote it.
    pub granted_by: String,
    /// Why.
    pub reason: String,
}

impl Grant {
    /// Whether this rule speaks about the question at all.
    ///
    /// A question may name no secret (a list) or no company (a global value). An allow then speaks, because what is
    /// found is asked about one by one; a deny speaks only if it is about every secret and every company, so that
    /// closing one service does not close the list of the others.
    #[must_use]
    pub fn speaks_about(&self, question: &Question<'_>) -> bool {
        question.principals.contains(&self.principal)
            && self.capabilities.contains(&question.action.capability())
            && self.holds_at(question.now)
            && self.covers_environment(question.environment)
            && self.covers_secret(question)
            && self.covers_company(question)
    }

    fn holds_at(&self, now: Timestamp) -> bool {
        match self.expires_at {
            Expiry::Never => true,
            Expiry::At(end) => now < end,
        }
    }

    fn covers_environment(&self, environment: &EnvironmentName) -> bool {
        match &self.environments {
            Environments::All => true,
            Environments::Only(names) => names.contains(environment),
        }
    }

    fn covers_secret(&self, question: &Question<'_>) -> bool {
        match (question.secret, self.effect) {
            (Some(name), _) => self.globs.iter().any(|glob| glob.matches(name)),
            (None, Effect::Allow) => !self.globs.is_empty(),
            (None, Effect::Deny) => self.globs.iter().any(covers_everything),
        }
    }

    fn covers_company(&self, question: &Question<'_>) -> bool {
        match (question.company, self.effect) {
            (Some(company), _) => self.companies.contains(company),
            (None, Effect::Allow) => true,
            (None, Effect::Deny) => self.companies == Companies::All,
        }
    }
}

/// The two spellings of "every secret".
fn covers_everything(glob: &SecretGlob) -> bool {
    matches!(glob.as_str(), "*" | "*/*")
}
