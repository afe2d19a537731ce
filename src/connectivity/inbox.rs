//! What a follower takes from its lead about the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::feed::Told;
use super::matrix::{Matrix, Row};
use crate::model::api_check::SERVICES_MAX;
use crate::model::name::{EnvironmentName, NodeName};

/// Most nodes a follower is told of: more than a lead can have.
pub const NODES_MAX: usize = 16_384;

/// Why a lead is not listened to any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// More than a mesh has.
    #[error("more than {NODES_MAX} nodes, or {SERVICES_MAX} services of one")]
    TooMany,
    /// What a node found out that is in another environment.
    #[error("a row of another environment")]
    OtherEnvironment,
    /// A part of all, and a part of changes, as if they belonged together.
    #[error("parts that do not belong together")]
    Mixed,
}

/// Some of what the lead told.
#[derive(Debug)]
pub struct Incoming {
    /// Whether it is all the lead tells.
    pub whole: bool,
    /// Whether more of it follows.
    pub more: bool,
    /// By node.
    pub rows: Vec<Told>,
}

/// All of what belongs together of what the lead told.
#[derive(Debug)]
pub struct News {
    whole: bool,
    rows: Vec<Told>,
}

/// What one session with a lead told.
#[derive(Debug, Default)]
pub struct Inbox {
    staged: Option<News>,
}

impl Inbox {
    /// Takes in one message; gives what it completes.
    ///
    /// # Errors
    /// [`InboxError`]: the session is to be ended.
    pub fn take(&mut self, incoming: Incoming, own: &EnvironmentName) -> Result<Option<News>, InboxError> {
        let Incoming { whole, more, rows } = incoming;
        let mut news = self.staged.take().unwrap_or(News { whole, rows: Vec::new() });
        if news.whole != whole {
            return Err(InboxError::Mixed);
        }
        if rows.iter().any(|row| row.environment != *own) {
            return Err(InboxError::OtherEnvironment);
        }
        // A row that does not fit one message comes in several.
        if news.rows.len().saturating_add(rows.len()) > 2 * NODES_MAX {
            return Err(InboxError::TooMany);
        }
        news.rows.extend(rows);
        if more {
            self.staged = Some(news);
            return Ok(None);
        }
        Ok(Some(news))
    }
}

impl News {
    /// Makes it what this node knows of the others. Its own row is its own.
    ///
    /// # Errors
    /// [`InboxError::TooMany`]; nothing was changed then.
    pub fn onto(self, matrix: &mut Matrix, own: &NodeName) -> Result<(), InboxError> {
        let mut rows: BTreeMap<NodeName, Row> = BTreeMap::new();
        for told in self.rows.into_iter().filter(|told| told.node != *own) {
            let before = || matrix.row(&told.node).filter(|_| !self.whole).map(|row| Row::clone(row));
            let row = rows.entry(told.node.clone()).or_insert_with(|| {
                let environment = told.environment.clone();
                let new = Row { environment, cells: BTreeMap::new(), confirmed_at: told.confirmed_at };
                before().filter(|before| before.environment == new.environment).unwrap_or(new)
            });
            told.gone.iter().for_each(|service| drop(row.cells.remove(service)));
            row.cells.extend(told.cells.into_iter().map(|cell| (cell.service.clone(), Arc::clone(&cell))));
            row.confirmed_at = told.confirmed_at;
            if row.cells.len() > SERVICES_MAX {
                return Err(InboxError::TooMany);
            }
        }
        let known = if self.whole { 0 } else { matrix.rows().count() };
        if known.max(rows.len()) > NODES_MAX {
            return Err(InboxError::TooMany);
        }
        if self.whole {
            matrix.retain(|node| node == own || rows.contains_key(node));
        }
        for (node, row) in rows {
            // Of a node that knows nothing there is no row.
            if row.cells.is_empty() { matrix.forget(&node) } else { matrix.put(node, row) }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, environment, node, row, service};
    use super::*;
    use crate::model::time::Timestamp;

    fn told(name: &str, cells: &[&str], gone: &[&str]) -> Told {
        Told {
            node: node(name),
            environment: environment("prod"),
            cells: cells.iter().map(|name| Arc::new(cell(name))).collect(),
            gone: gone.iter().map(|name| service(name)).collect(),
            confirmed_at: Timestamp(7),
        }
    }

    fn known(matrix: &Matrix) -> Vec<String> {
        let cells = |row: &Row| row.cells.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        matrix.rows().map(|(node, row)| format!("{node}: {}", cells(row))).collect()
    }

    fn take(inbox: &mut Inbox, matrix: &mut Matrix, whole: bool, more: bool, rows: Vec<Told>) {
        let news = inbox.take(Incoming { whole, more, rows }, &environment("prod")).expect("taken");
        assert_eq!(news.is_none(), more);
        news.into_iter().for_each(|news| news.onto(matrix, &node("own")).expect("fits"));
    }

    #[test]
    fn all_that_is_told_replaces_the_others_and_never_the_own_row() {
        let (mut inbox, mut matrix) = (Inbox::default(), Matrix::default());
        matrix.put(node("own"), row("prod", [cell("openai")]));
        matrix.put(node("left"), row("prod", [cell("openai")]));
        let first = vec![told("alpha", &["openai"], &[]), told("own", &["slack"], &["openai"])];
        take(&mut inbox, &mut matrix, true, true, first);
        assert_eq!(known(&matrix), ["left: openai", "own: openai"], "more is to come");
        take(&mut inbox, &mut matrix, true, false, vec![told("alpha", &["slack"], &[]), told("beta", &["gmail"], &[])]);
        assert_eq!(known(&matrix), ["alpha: openai slack", "beta: gmail", "own: openai"]);
        let changes = vec![told("alpha", &["stripe"], &["slack"]), told("beta", &[], &["gmail"])];
        take(&mut inbox, &mut matrix, false, false, changes);
        assert_eq!(known(&matrix), ["alpha: openai stripe", "own: openai"]);
    }

    #[test]
    fn what_no_lead_would_tell_is_refused() {
        let own = environment("prod");
        let other = Told { environment: environment("dev"), ..told("alpha", &["openai"], &[]) };
        let incoming = |whole, rows| Incoming { whole, more: true, rows };
        let refused = Inbox::default().take(incoming(true, vec![other]), &own).expect_err("refused");
        assert_eq!(refused, InboxError::OtherEnvironment);
        let mut inbox = Inbox::default();
        assert!(inbox.take(incoming(true, Vec::new()), &own).expect("taken").is_none());
        assert_eq!(inbox.take(incoming(false, Vec::new()), &own).expect_err("mixed"), InboxError::Mixed);
        let many = vec![told("alpha", &[], &[]); 2 * NODES_MAX + 1];
        assert_eq!(Inbox::default().take(incoming(true, many), &own).expect_err("many"), InboxError::TooMany);
    }
}
