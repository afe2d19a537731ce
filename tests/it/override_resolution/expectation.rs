//! What a person expects of a read, worked out from the table alone: the first scope of the list that holds a value.

use aurora_mesh::model::secret::Scope;

use super::stage::Seat;
use super::{OTHER_COMPANY, OWN_COMPANY};
use crate::support::callers::{company, node};

/// What one scope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Absent,
    Present,
    Deleted,
}

/// What the three scopes of one secret hold; the values of a scope are numbered, and a wider scope has had fewer.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub node: Cell,
    pub company: Cell,
    pub global: Cell,
}

/// Which company the caller names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    Nobody,
    Own,
    Other,
}

/// What should come of it.
#[derive(Debug)]
pub enum Expected {
    Value { value: String, scope: Scope, version: u64 },
    NotFound { tried: Vec<Scope> },
    Denied,
}

const CELLS: [Cell; 3] = [Cell::Absent, Cell::Present, Cell::Deleted];

impl Case {
    /// Every combination, once.
    pub fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for node in CELLS {
            for company in CELLS {
                for global in CELLS {
                    cases.push(Self { node, company, global });
                }
            }
        }
        cases
    }

    /// The secret that holds this combination.
    pub fn name(&self) -> String {
        let letter = |cell| match cell {
            Cell::Absent => 'a',
            Cell::Present => 'p',
            Cell::Deleted => 'd',
        };
        format!("svc/n{}-c{}-g{}", letter(self.node), letter(self.company), letter(self.global))
    }

    /// What was stored in a scope. The other company and every node's own scope are always filled like their kind.
    pub fn cell(&self, scope: &Scope) -> Cell {
        match scope {
            Scope::Global => self.global,
            Scope::Company(company) if company.as_str() == OTHER_COMPANY => Cell::Present,
            Scope::Company(_) => self.company,
            Scope::Node(_) => self.node,
        }
    }
}

impl Named {
    pub fn company(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Own => Some(OWN_COMPANY),
            Self::Other => Some(OTHER_COMPANY),
        }
    }
}

/// Every combination for every kind of caller.
pub fn all_cases() -> impl Iterator<Item = (Case, Named)> {
    Case::all().into_iter().flat_map(|case| [Named::Nobody, Named::Own, Named::Other].map(|named| (case, named)))
}

/// The version a scope stands at, if it ever had one: three of a node, two of a company, one that is global.
pub fn version(cell: Cell, scope: &Scope) -> u64 {
    match (cell, scope) {
        (Cell::Absent, _) => 0,
        (Cell::Present | Cell::Deleted, Scope::Node(_)) => 3,
        (Cell::Present | Cell::Deleted, Scope::Company(_)) => 2,
        (Cell::Present | Cell::Deleted, Scope::Global) => 1,
    }
}

/// The text of a value says where it was stored.
pub fn value(environment: &str, name: &str, scope: &Scope, version: u64) -> String {
    format!("{name} of {scope} in {environment}, version {version}")
}

/// The scopes a read looks at, narrowest first.
pub fn tried_scopes(named: Named, seat: &Seat<'_>) -> Vec<Scope> {
    let of_company = named.company().map(|id| Scope::Company(company(id)));
    [Some(Scope::Node(node(seat.node()))), of_company, Some(Scope::Global)].into_iter().flatten().collect()
}

/// The table. Followers may not speak for the other company; the lead may speak for all.
pub fn expected(case: &Case, named: Named, seat: &Seat<'_>) -> Expected {
    if named == Named::Other && !seat.is_lead() {
        return Expected::Denied;
    }
    let tried = tried_scopes(named, seat);
    for scope in &tried {
        if case.cell(scope) == Cell::Present {
            let version = version(Cell::Present, scope);
            let value = value(seat.environment(), &case.name(), scope, version);
            return Expected::Value { value, scope: scope.clone(), version };
        }
    }
    Expected::NotFound { tried }
}
