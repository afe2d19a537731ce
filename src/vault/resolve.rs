//! Override resolution: node, then company, then global; the first present value wins. Pure.

use std::sync::Arc;

use super::answer::{Tried, TriedScope};
use crate::model::name::{CompanyId, NodeName};
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{Scope, SecretAddress};
use crate::replication::view::View;

/// Which scopes a resolution may look at.
#[derive(Debug, Clone, Copy)]
pub enum CompanyChoice<'ask> {
    /// No company was named.
    NotNamed,
    /// A company was named and is honoured.
    Honoured(&'ask CompanyId),
    /// A company was named that the node or the caller may not speak for. A read is refused before it gets here; an
    /// explanation says so.
    Refused,
}

/// What a resolution found.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The record that won.
    pub winner: Option<Arc<Record>>,
    /// Every scope, narrowest first, and what became of it.
    pub tried: Vec<TriedScope>,
}

impl Resolution {
    /// The scopes that were really looked at, narrowest first.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        self.tried.iter().filter_map(|tried| tried.scope.clone()).collect()
    }
}

/// Resolves a secret for `node`, on behalf of a company if one is honoured.
#[must_use]
pub fn resolve(view: &View, secret: &SecretAddress, node: &NodeName, company: CompanyChoice<'_>) -> Resolution {
    let mut winner: Option<Arc<Record>> = None;
    let mut look = |scope: Scope| {
        let found = view.get(&secret.within(scope.clone()));
        let outcome = outcome(found, winner.is_some());
        if winner.is_none() {
            winner = found.filter(|record| record.sealed().is_some()).cloned();
        }
        TriedScope { kind: scope.kind(), scope: Some(scope), outcome }
    };
    let own = look(Scope::Node(node.clone()));
    let of_company = match company {
        CompanyChoice::Honoured(company) => look(Scope::Company(company.clone())),
        CompanyChoice::NotNamed => TriedScope { kind: "company", scope: None, outcome: Tried::NotNamed },
        CompanyChoice::Refused => TriedScope { kind: "company", scope: None, outcome: Tried::NotAllowed },
    };
    let global = look(Scope::Global);
    Resolution { winner, tried: vec![own, of_company, global] }
}

fn outcome(found: Option<&Arc<Record>>, overridden: bool) -> Tried {
    let Some(record) = found else { return Tried::Absent };
    let version = record.version;
    match (&record.body, overridden) {
        (RecordBody::Sealed(_), false) => Tried::Won { version },
        (RecordBody::Sealed(_), true) => Tried::Overridden { version },
        (RecordBody::Deleted { .. }, _) => Tried::Deleted { version },
        (RecordBody::Destroyed, _) => Tried::Destroyed { version },
        (RecordBody::Unset, _) => Tried::Unset,
    }
}
