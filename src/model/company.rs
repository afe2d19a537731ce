//! Which companies a node may speak for.

use std::collections::BTreeSet;

use super::name::CompanyId;

/// The companies of one roster entry. Absence never grants: the default is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Companies {
    /// Every company, present and future: the lead, which holds them all anyway.
    All,
    /// These and no others.
    Only(BTreeSet<CompanyId>),
}

impl Default for Companies {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Companies {
    /// Whether the company is among them.
    #[must_use]
    pub fn contains(&self, company: &CompanyId) -> bool {
        match self {
            Self::All => true,
            Self::Only(companies) => companies.contains(company),
        }
    }
}
