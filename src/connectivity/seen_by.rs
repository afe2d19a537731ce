//! What another node may see of a row. The lead decides before it sends: what a node is told of the APIs of others is about
//! credentials it could hold, and companies it may speak for.

use std::sync::Arc;

use super::matrix::Row;
use crate::model::api_check::{Cell, KeyCheck};
use crate::model::company::Companies;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::secret::Scope;

/// The part of a row that a node of this environment, these services and these companies may see; `None` if the row is of
/// another environment. A cell of which all may be seen is the same one, not a copy.
#[must_use]
pub fn seen_by(
    row: &Row,
    environment: &EnvironmentName,
    covers_service: &dyn Fn(&ServiceName) -> bool,
    companies: &Companies,
) -> Option<Row> {
    if row.environment != *environment {
        return None;
    }
    let seen = row.cells.iter().filter(|(service, _)| covers_service(service));
    let cells = seen.map(|(service, cell)| (service.clone(), of_companies(cell, companies))).collect();
    Some(Row { environment: environment.clone(), cells, confirmed_at: row.confirmed_at })
}

fn of_companies(cell: &Arc<Cell>, companies: &Companies) -> Arc<Cell> {
    if cell.keys.iter().all(|key| visible(key, companies)) {
        return Arc::clone(cell);
    }
    let mut seen = Cell::clone(cell);
    seen.keys.retain(|key| visible(key, companies));
    Arc::new(seen)
}

/// Both the company it was asked for and the one it belongs to must be among them.
fn visible(key: &KeyCheck, companies: &Companies) -> bool {
    let owner = key.key.as_ref().and_then(|mark| match &mark.scope {
        Scope::Company(company) => Some(company),
        Scope::Global | Scope::Node(_) => None,
    });
    key.company.iter().chain(owner).all(|company| companies.contains(company))
}

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::super::testing::{accepted, checked, key, path, row_at};
    use super::*;
    use crate::model::connectivity::{ApiState, Verdict};
    use crate::model::name::CompanyId;
    use crate::model::time::Timestamp;

    fn sample() -> Row {
        let own = accepted("openai/api_key", "global", 1);
        let company = key("openai/api_key", "company:acme", 2, Verdict::Rejected);
        row_at("prod", [checked(path(None, 1), [own, company])], Timestamp(7))
    }

    fn seen(environment: &str, service: &str, companies: &Companies) -> Option<Row> {
        let environment = EnvironmentName::parse(environment).expect("name");
        seen_by(&sample(), &environment, &|name| name.as_str() == service, companies)
    }

    #[test]
    fn a_row_of_another_environment_is_not_seen() {
        assert_eq!(seen("dev", "openai", &Companies::All), None);
        assert_eq!(seen("prod", "openai", &Companies::All), Some(sample()));
    }

    #[test]
    fn a_service_none_of_whose_secrets_the_node_may_hold_is_not_seen() {
        let row = seen("prod", "hubspot", &Companies::All).expect("of the same environment");
        assert!(row.cells.is_empty());
        assert_eq!(row.confirmed_at, Timestamp(7));
    }

    #[test]
    fn what_is_said_of_a_company_goes_only_to_those_who_may_speak_for_it() {
        let companies = |name: &str| Companies::Only([CompanyId::parse(name).expect("company")].into());
        let states =
            |row: Row| row.cells.values().map(|cell| fold(cell).map(|folded| folded.state)).collect::<Vec<_>>();
        let stranger = seen("prod", "openai", &companies("other")).expect("same environment");
        assert!(stranger.cells.values().all(|cell| cell.keys.len() == 1 && cell.keys[0].company.is_none()));
        assert_eq!(states(stranger), [Some(ApiState::Healthy)], "nor does the state betray it");
        let member = seen("prod", "openai", &companies("acme")).expect("same environment");
        assert_eq!(states(member), [Some(ApiState::Degraded)]);
    }

    #[test]
    fn a_company_key_under_another_name_is_not_seen_either() {
        let hidden = KeyCheck { company: None, ..key("openai/api_key", "company:acme", 2, Verdict::Accepted) };
        let row = row_at("prod", [checked(None, [hidden])], Timestamp(0));
        let environment = EnvironmentName::parse("prod").expect("name");
        let seen = seen_by(&row, &environment, &|_| true, &Companies::default()).expect("same environment");
        assert!(seen.cells.values().all(|cell| cell.keys.is_empty()));
    }
}
