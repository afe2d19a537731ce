//! Which APIs work from where, told to callers as far as each may know of it; and what monitors say about them, taken in.
//!
//! A caller hears of a service if it may know of a credential of it, and of each credential by itself: those of companies it
//! may not act for are left out, and the state of a node is made of what is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::connectivity::matrix::{Matrix, Row};
use crate::connectivity::own_row::counts;
use crate::connectivity::summary::summary;
use crate::model::actions::Action;
use crate::model::api_check::{Cell, MONITORS_MAX, MonitorReport, SERVICES_MAX, cut};
use crate::model::caller::Caller;
use crate::model::connectivity::ApiState;
use crate::model::name::{EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

use super::account::Account;
use super::answer_connectivity::Connectivity;
use super::authorise::Object;
use super::connectivity_seen::{Asked, Seen};
use super::error::VaultError;
use super::parts::Vault;
use super::request::Context;

/// A monitor says how an API does.
#[derive(Debug, Clone)]
pub struct StatusReport {
    /// Which API.
    pub service: ServiceName,
    /// How it does.
    pub state: ApiState,
    /// How long an answer took.
    pub response_time: Option<Duration>,
    /// What went wrong; cut to what a check may say.
    pub detail: Option<String>,
    /// How often it means to report.
    pub interval: Duration,
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
    /// Kept in the audit.
    pub reason: Option<String>,
}

impl Vault {
    /// What the nodes say about one API, or about all the caller may hear of.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not ask at all; an API it may not know of is absent.
    pub async fn connectivity(
        &self,
        caller: &Caller,
        context: &Context,
        service: Option<&ServiceName>,
    ) -> Result<Connectivity, VaultError> {
        let mut account = Account::open(caller, Action::IntegrationHealth, self.parts.clock.now());
        account.reason(context.reason.as_deref());
        let told = self.try_connectivity(caller, context, service, &mut account);
        self.settle(&account, told).await
    }

    /// Takes in what a monitor says. It stands beside what the nodes find out themselves, marked as the monitor's, until
    /// [three of its intervals](counts) have passed without another.
    ///
    /// # Errors
    /// [`VaultError`]; `TooManyServices` when the node keeps as many services as it can.
    pub async fn report_connectivity(&self, caller: &Caller, report: StatusReport) -> Result<(), VaultError> {
        let mut account = Account::open(caller, Action::EventPublish, self.parts.clock.now());
        account.reason(report.reason.as_deref());
        let permitted = self.try_report(caller, &report, &mut account);
        let by = self.settle(&account, permitted).await?;
        let (service, state) = (report.service.clone(), report.state);
        let taken = self.note_report(by, report);
        if taken.is_ok() && state != ApiState::Healthy {
            self.parts.board.connectivity.report_failure(service);
        }
        taken
    }

    fn try_connectivity(
        &self,
        caller: &Caller,
        context: &Context,
        service: Option<&ServiceName>,
        account: &mut Account,
    ) -> Result<Connectivity, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(context)?;
        self.check_standing()?;
        self.authorise(&who, Action::IntegrationHealth, Object::of_node(&self.parts.environment), account)?;
        let matrix = self.parts.board.connectivity.matrix();
        let held = self.parts.board.held.load();
        let everywhere = self.parts.lead.is_some() && who.is_admin();
        let seen = Seen {
            may: &|Asked { secret, scope, company, environment }| {
                let object = Object { secret: Some(secret), scope, company, environment };
                self.is_allowed(&who, Action::IntegrationHealth, object)
            },
            names: &|service, environment| self.credentials_of(service, environment),
            companies: Some(&held.entitlement.companies).filter(|_| !everywhere),
            environment: Some(&self.parts.environment).filter(|_| !everywhere),
        };
        let rows: Vec<(&NodeName, Row)> = seen.rows(&matrix, service).collect();
        let now = self.parts.clock.now().wall;
        let services = summary(rows.iter().map(|(node, row)| (*node, row)), now);
        let environment = |(node, row): &(&NodeName, Row)| ((*node).clone(), row.environment.clone());
        let environments = everywhere.then(|| rows.iter().map(environment).collect::<BTreeMap<_, _>>());
        Ok(Connectivity { services, environments, now })
    }

    /// Whether the caller may report, and as whom.
    fn try_report(&self, caller: &Caller, report: &StatusReport, account: &mut Account) -> Result<String, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(&Context::on(report.node.as_ref()))?;
        self.check_standing()?;
        let environment = &self.parts.environment;
        let names = self.credentials_of(&report.service, environment);
        // A grant about one credential of a service lets report on the service.
        let object = |name| Object::of_secret(name, environment);
        let granted = names.iter().find(|name| self.is_allowed(&who, Action::EventPublish, object(name)));
        let usual = usual(&report.service);
        let name = granted.or(names.first()).unwrap_or(&usual);
        account.about(name, environment);
        self.authorise(&who, Action::EventPublish, object(name), account)?;
        has_room(&self.parts.board.connectivity.matrix(), &self.parts.node, &report.service, self.now())?;
        Ok(who.author())
    }

    fn note_report(&self, by: String, report: StatusReport) -> Result<(), VaultError> {
        let (now, node) = (self.now(), &self.parts.node);
        let mut taken = Ok(());
        self.parts.board.connectivity.change(|matrix| {
            taken = has_room(matrix, node, &report.service, now);
            if taken.is_err() {
                return;
            }
            let empty =
                || Row { environment: self.parts.environment.clone(), cells: BTreeMap::new(), confirmed_at: now };
            let mut row = matrix.row(node).map_or_else(empty, |row| row.as_ref().clone());
            let cell = row.cells.entry(report.service.clone());
            let cell = cell.or_insert_with(|| Arc::new(Cell::new(report.service.clone())));
            take_in(Arc::make_mut(cell), by, report, now);
            row.cells.retain(|_, cell| says_something(cell, now));
            matrix.put(node.clone(), row);
        });
        taken
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now().wall
    }

    /// What the credentials of a service are called, as far as this node knows: by the catalogue, and by what it holds. At
    /// least one.
    fn credentials_of(&self, service: &ServiceName, environment: &EnvironmentName) -> Vec<SecretName> {
        let fields = self.parts.catalogue.provider(service).into_iter().flat_map(|provider| &provider.fields);
        let mut names: Vec<SecretName> =
            fields.map(|field| SecretName { service: service.clone(), key: field.name.clone() }).collect();
        let held = self.parts.board.held.load();
        let records = held.view.within(environment, Some(service), None);
        names.extend(
            records.take_while(|record| record.at.secret.name.service == *service).map(|it| it.at.secret.name.clone()),
        );
        names.dedup();
        if names.is_empty() {
            names.push(usual(service));
        }
        names
    }
}

/// What a credential is called where nothing is known of any: a grant about all of a service is about this one too.
fn usual(service: &ServiceName) -> SecretName {
    let key = KeyName::parse("api_key").expect("a word of our own is a name");
    SecretName { service: service.clone(), key }
}

/// Whether a service can be kept besides those that are.
fn has_room(matrix: &Matrix, node: &NodeName, service: &ServiceName, now: Timestamp) -> Result<(), VaultError> {
    let kept = |row: &Arc<Row>| row.cells.values().filter(|cell| says_something(cell, now)).count();
    let fits = |row: &Arc<Row>| row.cells.contains_key(service) || kept(row) < SERVICES_MAX;
    if matrix.row(node).is_none_or(fits) { Ok(()) } else { Err(VaultError::TooManyServices { max: SERVICES_MAX }) }
}

/// Whether there is anything in a cell but reports that count no more.
fn says_something(cell: &Cell, now: Timestamp) -> bool {
    cell.path.is_some()
        || !cell.keys.is_empty()
        || cell.spent_today > 0
        || cell.monitors.iter().any(|it| counts(it, now))
}

/// Puts a report in the place of the last one of the same monitor; the oldest goes when there are too many.
fn take_in(cell: &mut Cell, by: String, report: StatusReport, now: Timestamp) {
    cell.monitors.retain(|known| known.by != by && counts(known, now));
    cell.monitors.sort_by_key(|known| known.at);
    let beyond = (cell.monitors.len() + 1).saturating_sub(MONITORS_MAX);
    cell.monitors.drain(..beyond);
    cell.monitors.push(MonitorReport {
        by,
        state: report.state,
        response_time: report.response_time,
        detail: report.detail.as_deref().map(cut).map(str::to_owned),
        at: now,
        interval: report.interval,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_check::PathCheck;

    fn service(name: &str) -> ServiceName {
        ServiceName::parse(name).expect(name)
    }

    fn report(seconds: u64) -> StatusReport {
        StatusReport {
            service: service("openai"),
            state: ApiState::Down,
            response_time: None,
            detail: Some("é".repeat(300)),
            interval: Duration::from_secs(seconds),
            node: None,
            reason: None,
        }
    }

    fn who(cell: &Cell) -> Vec<&str> {
        cell.monitors.iter().map(|known| known.by.as_str()).collect()
    }

    #[test]
    fn a_report_takes_the_place_of_the_last_one_and_the_oldest_goes_when_there_are_too_many() {
        let mut cell = Cell::new(service("openai"));
        for (second, by) in (0..).zip(["a", "b", "a", "c", "d", "e", "f", "g", "h", "i"]) {
            take_in(&mut cell, by.to_owned(), report(300), Timestamp(second * 1000));
        }
        assert_eq!(who(&cell), ["a", "c", "d", "e", "f", "g", "h", "i"], "b was the oldest");
        assert!(cell.monitors.iter().all(|known| known.detail.as_ref().is_some_and(|text| text.len() == 256)));
        take_in(&mut cell, "j".to_owned(), report(300), Timestamp(10_000_000));
        assert_eq!(who(&cell), ["j"], "the others count no more");
    }

    #[test]
    fn there_is_room_for_a_known_service_and_for_a_new_one_until_it_is_full() {
        let node = NodeName::parse("aurora").expect("name");
        let path = PathCheck { fault: None, detail: String::new(), response_time: None, checked_at: Timestamp(0) };
        let cell = |number: usize| Cell { path: Some(path.clone()), ..Cell::new(service(&format!("s{number}"))) };
        let mut row = Row {
            environment: EnvironmentName::parse("prod").expect("name"),
            cells: (0..SERVICES_MAX).map(cell).map(|cell| (cell.service.clone(), Arc::new(cell))).collect(),
            confirmed_at: Timestamp(0),
        };
        let mut matrix = Matrix::default();
        let room = |matrix: &Matrix, name: &str| has_room(matrix, &node, &service(name), Timestamp(0));
        assert_eq!(room(&matrix, "new"), Ok(()));
        matrix.put(node.clone(), row.clone());
        assert_eq!(room(&matrix, "s1"), Ok(()));
        assert_eq!(room(&matrix, "new"), Err(VaultError::TooManyServices { max: SERVICES_MAX }));
        row.cells.insert(service("s1"), Arc::new(Cell::new(service("s1"))));
        matrix.put(node.clone(), row);
        assert_eq!(room(&matrix, "new"), Ok(()), "one of them says nothing any more");
    }
}
