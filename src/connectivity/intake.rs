//! What the lead believes of a follower: what it says of itself, about services it may hold credentials of, for companies
//! it may speak for, within bounds. The rest is passed over; a peer that breaks the bounds of a session is cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::matrix::Row;
use crate::model::api_check::{Cell, KeyCheck, SERVICES_MAX};
use crate::model::entitlement::Entitlement;
use crate::model::name::{NodeName, ServiceName};
use crate::model::secret::Scope;
use crate::model::time::Timestamp;

/// Most checks of credentials of one node, over all services: a few megabytes of the lead's memory. A node that may speak
/// for as many companies as a node can has 33 for each service; what is beyond is not kept.
pub const KEYS_OF_NODE_MAX: usize = 4_096;

/// Some of what a follower told.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Whether it is all the follower knows.
    pub whole: bool,
    /// Whether more of it follows.
    pub more: bool,
    /// Cells, each with its serial number.
    pub cells: Vec<(u64, Cell)>,
    /// Services of which it knows nothing any more.
    pub gone: Vec<ServiceName>,
}

impl Incoming {
    /// How many cells, keys in them, and services that are gone.
    #[must_use]
    pub fn count(&self) -> usize {
        let keys: usize = self.cells.iter().map(|(_, cell)| cell.keys.len()).sum();
        self.cells.len().saturating_add(keys).saturating_add(self.gone.len())
    }
}

/// All of what belongs together of what a follower told.
#[derive(Debug, Default)]
pub struct News {
    whole: bool,
    cells: BTreeMap<ServiceName, Cell>,
    gone: BTreeSet<ServiceName>,
}

/// Why a follower is not listened to any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// More services than a node has.
    #[error("more than {SERVICES_MAX} services")]
    TooManyServices,
    /// A part of all, and a part of changes, as if they belonged together.
    #[error("parts that do not belong together")]
    Mixed,
}

/// Who reports.
#[derive(Debug, Clone, Copy)]
pub struct Reporter<'roster> {
    /// Its name, by its certificate.
    pub node: &'roster NodeName,
    /// What it may hold, by the roster.
    pub entitlement: &'roster Entitlement,
}

/// What one session of a follower told.
#[derive(Debug, Default)]
pub struct Intake {
    serials: BTreeMap<ServiceName, u64>,
    staged: Option<News>,
}

impl Intake {
    /// Takes in one message; gives what it completes.
    ///
    /// # Errors
    /// [`IntakeError`]: the session is to be ended.
    pub fn take(&mut self, incoming: Incoming) -> Result<Option<News>, IntakeError> {
        let Incoming { whole, more, cells, gone } = incoming;
        if whole && self.staged.is_none() {
            self.serials.clear();
        }
        let mut news = self.staged.take().unwrap_or_else(|| News { whole, ..News::default() });
        if news.whole != whole {
            return Err(IntakeError::Mixed);
        }
        for service in gone {
            self.serials.remove(&service);
            news.cells.remove(&service);
            news.gone.insert(service);
        }
        for (serial, cell) in cells {
            self.serials.insert(cell.service.clone(), serial);
            news.gone.remove(&cell.service);
            news.put(cell);
        }
        if self.serials.len().max(news.gone.len()) > SERVICES_MAX {
            return Err(IntakeError::TooManyServices);
        }
        if more {
            self.staged = Some(news);
            return Ok(None);
        }
        Ok(Some(news))
    }

    /// Whether the follower has told what its digest says it has: so many cells, with this sum of serial numbers.
    #[must_use]
    pub fn fits(&self, cells: u32, serials: u64) -> bool {
        let sum = self.serials.values().fold(0_u64, |sum, serial| sum.wrapping_add(*serial));
        self.staged.is_none() && u32::try_from(self.serials.len()) == Ok(cells) && sum == serials
    }
}

impl News {
    fn put(&mut self, mut cell: Cell) {
        let service = cell.service.clone();
        self.cells.remove(&service);
        let others = self.cells.values().map(|cell| cell.keys.len()).sum::<usize>();
        cell.keys.truncate(KEYS_OF_NODE_MAX.saturating_sub(others));
        self.cells.insert(service, cell);
    }

    /// The row of the reporter, with what is believed of this.
    #[must_use]
    pub fn onto(self, row: Option<&Row>, reporter: Reporter<'_>, now: Timestamp) -> Row {
        let environment = &reporter.entitlement.environment;
        let row = row.filter(|row| row.environment == *environment);
        let mut cells = row.filter(|_| !self.whole).map(|row| row.cells.clone()).unwrap_or_default();
        cells.retain(|service, _| !self.gone.contains(service) && !self.cells.contains_key(service));
        let mut keys: usize = cells.values().map(|cell| cell.keys.len()).sum();
        for (service, cell) in self.cells {
            let Some(mut cell) = believed(cell, reporter, now) else { continue };
            cell.keys.truncate(KEYS_OF_NODE_MAX.saturating_sub(keys));
            keys = keys.saturating_add(cell.keys.len());
            if cells.len() < SERVICES_MAX {
                cells.insert(service, Arc::new(cell));
            }
        }
        let checked = cells.values().filter_map(|cell| cell.path.as_ref()).map(|path| path.checked_at).max();
        let confirmed_at = row.map_or(checked.unwrap_or(now), |row| row.confirmed_at);
        Row { environment: environment.clone(), cells, confirmed_at }
    }
}

/// What is still believed of a row, now that its node may hold something else.
#[must_use]
pub fn still_believed(row: &Row, reporter: Reporter<'_>, now: Timestamp) -> Row {
    let cells = row.cells.iter().filter_map(|(service, cell)| {
        let believed = believed(Cell::clone(cell), reporter, now)?;
        let same = believed == **cell;
        Some((service.clone(), if same { Arc::clone(cell) } else { Arc::new(believed) }))
    });
    Row { environment: row.environment.clone(), cells: cells.collect(), confirmed_at: row.confirmed_at }
}

/// What of a cell can be true. A time to come is now: clocks differ.
fn believed(mut cell: Cell, reporter: Reporter<'_>, now: Timestamp) -> Option<Cell> {
    cell.keys.retain(|key| can_hold(key, reporter));
    let entitlement = reporter.entitlement;
    let holds_one = cell.keys.iter().any(|key| key.key.is_some());
    if !holds_one && !entitlement.covers_service(&cell.service) {
        return None;
    }
    if let Some(path) = &mut cell.path {
        path.checked_at = path.checked_at.min(now);
    }
    for key in &mut cell.keys {
        key.checked_at = key.checked_at.map(|at| at.min(now));
    }
    for monitor in &mut cell.monitors {
        monitor.at = monitor.at.min(now);
    }
    Some(cell)
}

/// Whether the node may hold what it says it checked, and for whom.
fn can_hold(check: &KeyCheck, reporter: Reporter<'_>) -> bool {
    let Reporter { node, entitlement } = reporter;
    let speaks = check.company.as_ref().is_none_or(|company| entitlement.companies.contains(company));
    let holds = check.key.as_ref().is_none_or(|key| {
        entitlement.covers_name(&key.secret)
            && match &key.scope {
                Scope::Global => true,
                Scope::Company(company) => check.company.as_ref() == Some(company),
                Scope::Node(name) => name == node,
            }
    });
    speaks && holds
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, entitled, key_of, monitor, node, row, service};
    use super::*;
    use crate::model::connectivity::Verdict;

    fn told(cells: Vec<(u64, Cell)>) -> Incoming {
        Incoming { cells, ..Incoming::default() }
    }

    fn whole(cells: Vec<(u64, Cell)>, more: bool) -> Incoming {
        Incoming { whole: true, more, ..told(cells) }
    }

    fn taken(intake: &mut Intake, incoming: Incoming) -> News {
        intake.take(incoming).expect("within bounds").expect("complete")
    }

    fn onto(news: News, before: Option<&Row>, globs: &[&str]) -> Row {
        let entitlement = entitled("prod", &["acme"], globs);
        news.onto(before, Reporter { node: &node("alpha"), entitlement: &entitlement }, Timestamp(5))
    }

    fn services(row: &Row) -> Vec<&str> {
        row.cells.keys().map(ServiceName::as_str).collect()
    }

    #[test]
    fn parts_of_all_replace_the_row_together_and_changes_change_it() {
        let mut intake = Intake::default();
        let before = row("prod", [cell("stripe")]);
        assert!(intake.take(whole(vec![(1, cell("openai"))], true)).expect("taken").is_none());
        assert!(!intake.fits(1, 1), "more is to come");
        let news = taken(&mut intake, whole(vec![(2, cell("slack"))], false));
        let after = onto(news, Some(&before), &["*"]);
        assert_eq!(services(&after), ["openai", "slack"]);
        assert!(intake.fits(2, 3) && !intake.fits(2, 4) && !intake.fits(1, 3));
        let mut change = told(vec![(3, cell("gmail"))]);
        change.gone = vec![service("slack")];
        let after = onto(taken(&mut intake, change), Some(&after), &["*"]);
        assert_eq!(services(&after), ["gmail", "openai"]);
        assert!(intake.fits(2, 4));
    }

    #[test]
    fn a_node_is_believed_about_what_it_may_hold_and_about_nothing_else() {
        let keys = |keys: Vec<KeyCheck>| Cell { keys, ..cell("openai") };
        let key = |secret, scope| key_of(secret, scope, Verdict::Rejected);
        let believable =
            [key("openai/api_key", "global"), key("openai/api_key", "company:acme"), key("openai/x", "node:alpha")];
        let hostile = [
            key("openai/api_key", "company:globex"),
            key("openai/api_key", "node:beta"),
            key("slack/bot_token", "global"),
            KeyCheck { company: None, ..key("openai/api_key", "company:acme") },
        ];
        let all = believable.iter().chain(&hostile).cloned().collect();
        let mut intake = Intake::default();
        let news = taken(&mut intake, whole(vec![(1, keys(all)), (2, cell("slack"))], false));
        let after = onto(news, None, &["openai/*"]);
        assert_eq!(services(&after), ["openai"], "slack is none of its business");
        assert_eq!(after.cells[&service("openai")].keys, believable);
        assert!(intake.fits(2, 3), "what is not believed was told all the same");
    }

    /// A secret may bear any name and still be one of a provider, by what is said about it.
    #[test]
    fn a_service_is_believed_by_the_name_of_its_secret_too() {
        let crm = |name| Cell { keys: vec![key_of(name, "global", Verdict::Accepted)], ..cell("hubspot") };
        let believed = |cell| {
            let news = taken(&mut Intake::default(), told(vec![(1, cell)]));
            onto(news, None, &["crm/*"]).cells.len()
        };
        assert_eq!((believed(crm("crm/api_key")), believed(crm("other/api_key"))), (1, 0));
    }

    #[test]
    fn times_to_come_are_now() {
        let mut late = Cell { monitors: vec![monitor("user:uptime", 99)], ..cell("openai") };
        late.path.as_mut().expect("a path").checked_at = Timestamp(i64::MAX);
        let news = taken(&mut Intake::default(), told(vec![(1, late)]));
        let after = onto(news, None, &["*"]);
        let cell = &after.cells[&service("openai")];
        assert_eq!(cell.path.as_ref().expect("a path").checked_at, Timestamp(5));
        assert_eq!((cell.monitors[0].at, after.confirmed_at), (Timestamp(5), Timestamp(5)));
    }

    #[test]
    fn more_than_a_node_has_ends_the_session_or_is_not_kept() {
        let named = |number: usize| cell(&format!("s{number}"));
        let many = (0..=SERVICES_MAX).map(|number| (1, named(number))).collect();
        assert_eq!(Intake::default().take(told(many)).expect_err("too many"), IntakeError::TooManyServices);
        let mut intake = Intake::default();
        for number in 0..SERVICES_MAX {
            drop(
                intake
                    .take(Incoming { more: true, ..told(vec![(1, named(number))]) })
                    .expect("as many as there can be"),
            );
        }
        assert_eq!(intake.take(whole(Vec::new(), false)).expect_err("mixed"), IntakeError::Mixed);
        let keys = vec![key_of("a/b", "global", Verdict::Accepted); KEYS_OF_NODE_MAX - 1];
        let cells = vec![(1, Cell { keys: keys.clone(), ..cell("a") }), (2, Cell { keys, ..cell("b") })];
        let row = onto(taken(&mut Intake::default(), told(cells)), None, &["*"]);
        assert_eq!(row.cells.values().map(|cell| cell.keys.len()).sum::<usize>(), KEYS_OF_NODE_MAX);
    }

    #[test]
    fn what_a_node_may_not_hold_any_more_leaves_its_row() {
        let keys = vec![key_of("openai/api_key", "company:acme", Verdict::Accepted)];
        let before = row("prod", [Cell { keys, ..cell("openai") }, cell("slack")]);
        let less = entitled("prod", &[], &["openai/*"]);
        let after = still_believed(&before, Reporter { node: &node("alpha"), entitlement: &less }, Timestamp(5));
        assert_eq!(services(&after), ["openai"]);
        assert!(after.cells[&service("openai")].keys.is_empty());
    }
}
