//! What the lead tells a follower of what the others found out: all of it at first, then what changed, and only what the
//! follower may know. A follower is only a cursor; nothing is queued for it, so one that is slow hears the newest state.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes::{Asked, Place};
use super::matrix::{Matrix, Row};
use super::seen_by::seen_by;
use crate::model::api_check::Cell;
use crate::model::entitlement::Entitlement;
use crate::model::name::{EnvironmentName, NodeName, ServiceName};
use crate::model::time::Timestamp;

/// Up to where a follower was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    great: u64,
    every: u64,
}

/// Who is told.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'roster> {
    /// Its name: its own row is its own.
    pub node: &'roster NodeName,
    /// What it may hold, and so what it may know.
    pub entitlement: &'roster Entitlement,
}

/// What is told of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub node: NodeName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// What it knows now.
    pub cells: Vec<Arc<Cell>>,
    /// Of what it knows nothing any more, or nothing that the follower may know.
    pub gone: Vec<ServiceName>,
    /// Until when it kept up its checks.
    pub confirmed_at: Timestamp,
}

impl Cursor {
    /// Where whoever was told all of this matrix stands.
    #[must_use]
    pub fn after(matrix: &Matrix) -> Self {
        let last = matrix.changes().last();
        Self { great: last, every: last }
    }
}

impl<'roster> Viewer<'roster> {
    /// All rows this viewer may know, as far as it may, one after the other: together they may be large.
    pub fn whole<'all>(&self, matrix: &'all Matrix) -> impl Iterator<Item = Told> + use<'all, 'roster> {
        let viewer = *self;
        matrix.rows().filter_map(move |(node, row)| {
            let row = viewer.sees(node, row)?;
            let cells = row.cells.into_values().collect();
            let (environment, confirmed_at) = (row.environment, row.confirmed_at);
            Some(Told { node: node.clone(), environment, cells, gone: Vec::new(), confirmed_at })
        })
    }

    /// What changed since the cursor, and the next cursor; `None` if that is not known any more, and all is to be told.
    #[must_use]
    pub fn changes(&self, matrix: &Matrix, cursor: Cursor, asked: Asked) -> Option<(Vec<Told>, Cursor)> {
        let last = matrix.changes().last();
        let (from, next) = match asked {
            Asked::Great => (cursor.great, Cursor { great: last, ..cursor }),
            Asked::Every => (cursor.every, Cursor { great: last, every: last }),
        };
        let mut places: BTreeMap<&NodeName, Vec<&Place>> = BTreeMap::new();
        let changed: Vec<&Place> = match asked {
            Asked::Great => matrix.changes().since(from, Asked::Great, 0)?.collect(),
            // A great change that was not told yet is among them.
            Asked::Every => matrix.changes().since(from, Asked::Every, cursor.great)?.collect(),
        };
        for place in changed.into_iter().filter(|place| self.may_know(place)) {
            places.entry(&place.node).or_default().push(place);
        }
        Some((places.into_iter().map(|(node, places)| self.told(matrix, node, &places)).collect(), next))
    }

    /// Until when the nodes this viewer may know of kept up their checks.
    #[must_use]
    pub fn confirmed(&self, matrix: &Matrix) -> Vec<(NodeName, Timestamp)> {
        let rows = matrix.rows().filter(|(node, row)| self.is_other(node, &row.environment));
        rows.map(|(node, row)| (node.clone(), row.confirmed_at)).collect()
    }

    fn told(&self, matrix: &Matrix, node: &NodeName, places: &[&Place]) -> Told {
        let environment = self.entitlement.environment.clone();
        let row = matrix.row(node).filter(|row| row.environment == environment);
        let cell = |place: &&Place| {
            let cell = row?.cells.get(&place.service)?;
            Some((place.service.clone(), Arc::clone(cell)))
        };
        let confirmed_at = row.map_or(Timestamp::default(), |row| row.confirmed_at);
        let changed = Row { environment, cells: places.iter().filter_map(cell).collect(), confirmed_at };
        let seen = self.sees(node, &changed).map(|row| row.cells).unwrap_or_default();
        let gone = places.iter().map(|place| &place.service).filter(|service| !seen.contains_key(*service));
        let (gone, environment) = (gone.cloned().collect(), changed.environment);
        Told { node: node.clone(), environment, gone, cells: seen.into_values().collect(), confirmed_at }
    }

    fn may_know(&self, place: &Place) -> bool {
        self.is_other(&place.node, &place.environment) && self.entitlement.covers_service(&place.service)
    }

    fn is_other(&self, node: &NodeName, environment: &EnvironmentName) -> bool {
        node != self.node && *environment == self.entitlement.environment
    }

    fn sees(&self, node: &NodeName, row: &Row) -> Option<Row> {
        seen_by(row, self.entitlement).filter(|row| node != self.node && !row.cells.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, company, entitled, key_of, node, row};
    use super::*;
    use crate::model::connectivity::Verdict;

    fn names(told: &[Told]) -> Vec<String> {
        let list = |told: &Told| {
            let cells = told.cells.iter().map(|cell| format!("+{}", cell.service));
            let gone = told.gone.iter().map(|service| format!("-{service}"));
            format!("{} {}", told.node, cells.chain(gone).collect::<Vec<_>>().join(" "))
        };
        told.iter().map(list).collect()
    }

    fn of_company(name: &str) -> Cell {
        let keys = ["global", name].map(|scope| key_of("openai/api_key", scope, Verdict::Accepted)).into();
        Cell { keys, ..cell("openai") }
    }

    fn mesh() -> Matrix {
        let mut matrix = Matrix::default();
        matrix.put(node("alpha"), row("prod", [of_company("company:acme"), cell("slack")]));
        matrix.put(node("beta"), row("prod", [of_company("company:globex")]));
        matrix.put(node("gamma"), row("dev", [cell("openai")]));
        matrix
    }

    #[test]
    fn a_follower_is_told_what_it_may_know_and_nothing_of_itself() {
        let matrix = mesh();
        let (alpha, delta) = (node("alpha"), node("delta"));
        let entitlement = entitled("prod", &["acme"], &["openai/*"]);
        let viewer = Viewer { node: &delta, entitlement: &entitlement };
        let told: Vec<_> = viewer.whole(&matrix).collect();
        assert_eq!(names(&told), ["alpha +openai", "beta +openai"]);
        let companies = |told: &Told| told.cells[0].keys.iter().map(|key| key.company.clone()).collect::<Vec<_>>();
        assert_eq!(companies(&told[0]), [None, Some(company("acme"))]);
        assert_eq!(companies(&told[1]), [None], "globex is none of its business");
        assert_eq!(viewer.confirmed(&matrix).len(), 2);
        let itself = Viewer { node: &alpha, entitlement: &entitlement };
        assert_eq!(names(&itself.whole(&matrix).collect::<Vec<_>>()), ["beta +openai"]);
        let none = entitled("test", &["acme"], &["*"]);
        let stranger = Viewer { node: &delta, entitlement: &none };
        assert!(stranger.whole(&matrix).next().is_none() && stranger.confirmed(&matrix).is_empty());
    }

    #[test]
    fn changes_are_told_once_great_ones_first() {
        let mut matrix = mesh();
        let (delta, entitlement) = (node("delta"), entitled("prod", &[], &["*"]));
        let viewer = Viewer { node: &delta, entitlement: &entitlement };
        let at = Cursor::after(&matrix);
        matrix.put(node("beta"), row("prod", [Cell { spent_today: 1, ..of_company("company:globex") }]));
        matrix.put(node("alpha"), row("prod", [of_company("company:acme")]));
        matrix.put(node("gamma"), row("dev", []));
        let (told, at) = viewer.changes(&matrix, at, Asked::Great).expect("known");
        assert_eq!(names(&told), ["alpha -slack"]);
        let (told, at) = viewer.changes(&matrix, at, Asked::Every).expect("known");
        assert_eq!(names(&told), ["beta +openai"]);
        assert!(viewer.changes(&matrix, at, Asked::Every).expect("known").0.is_empty());
        matrix.forget(&node("alpha"));
        let (told, _) = viewer.changes(&matrix, at, Asked::Great).expect("known");
        assert_eq!(names(&told), ["alpha -openai"]);
    }

    #[test]
    fn nothing_is_told_of_what_went_elsewhere() {
        let mut matrix = mesh();
        let (delta, entitlement) = (node("delta"), entitled("prod", &[], &["slack/*"]));
        let viewer = Viewer { node: &delta, entitlement: &entitlement };
        let at = Cursor::after(&matrix);
        matrix.retain(|_| false);
        let (told, _) = viewer.changes(&matrix, at, Asked::Great).expect("known");
        assert_eq!(
            names(&told),
            ["alpha -slack"],
            "not the services it may not know, nor gamma of another environment"
        );
    }
}
