//! What another node may see of a row. The lead decides before it sends: what a node is told of the APIs of others is about
//! credentials it could hold, and companies it may speak for.

use std::sync::Arc;

use super::matrix::Row;
use crate::model::api_check::{Cell, KeyCheck};
use crate::model::entitlement::Entitlement;
use crate::model::secret::Scope;

/// The part of a row that a node of this entitlement may see: of its own environment, of services that it may hold a secret
/// of, of credentials that it may hold by their name, and of companies that it may speak for. `None` if the row is of another
/// environment. A cell of which all may be seen is the same one, not a copy.
#[must_use]
pub fn seen_by(row: &Row, entitlement: &Entitlement) -> Option<Row> {
    if row.environment != entitlement.environment {
        return None;
    }
    let seen = row.cells.iter().filter(|(service, _)| entitlement.covers_service(service));
    let cells = seen.map(|(service, cell)| (service.clone(), as_seen(cell, entitlement))).collect();
    Some(Row { environment: row.environment.clone(), cells, confirmed_at: row.confirmed_at })
}

fn as_seen(cell: &Arc<Cell>, entitlement: &Entitlement) -> Arc<Cell> {
    if cell.keys.iter().all(|key| visible(key, entitlement)) {
        return Arc::clone(cell);
    }
    let mut seen = Cell::clone(cell);
    seen.keys.retain(|key| visible(key, entitlement));
    Arc::new(seen)
}

/// Its name must be one that the node may hold, and both the company it was asked for and the one it belongs to among those
/// it may speak for.
fn visible(key: &KeyCheck, entitlement: &Entitlement) -> bool {
    let owner = key.key.as_ref().and_then(|mark| match &mark.scope {
        Scope::Company(company) => Some(company),
        Scope::Global | Scope::Node(_) => None,
    });
    key.key.as_ref().is_none_or(|mark| entitlement.covers_name(&mark.secret))
        && key.company.iter().chain(owner).all(|company| entitlement.companies.contains(company))
}

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::super::testing::{accepted, checked, entitled, key, path, row_at};
    use super::*;
    use crate::model::connectivity::{ApiState, Verdict};
    use crate::model::time::Timestamp;

    fn sample() -> Row {
        let own = accepted("openai/api_key", "global", 1);
        let company = key("openai/api_key", "company:acme", 2, Verdict::Rejected);
        row_at("prod", [checked(path(None, 1), [own, company])], Timestamp(7))
    }

    fn seen(environment: &str, glob: &str, companies: &[&str]) -> Option<Row> {
        seen_by(&sample(), &entitled(environment, companies, &[glob]))
    }

    #[test]
    fn a_row_of_another_environment_is_not_seen() {
        assert_eq!(seen("dev", "*", &["acme"]), None);
        assert_eq!(seen("prod", "*", &["acme"]), Some(sample()));
    }

    #[test]
    fn a_service_none_of_whose_secrets_the_node_may_hold_is_not_seen() {
        let row = seen("prod", "hubspot/*", &["acme"]).expect("of the same environment");
        assert!(row.cells.is_empty());
        assert_eq!(row.confirmed_at, Timestamp(7));
    }

    #[test]
    fn what_is_said_of_a_company_goes_only_to_those_who_may_speak_for_it() {
        let states =
            |row: Row| row.cells.values().map(|cell| fold(cell).map(|folded| folded.state)).collect::<Vec<_>>();
        let stranger = seen("prod", "openai/*", &["other"]).expect("same environment");
        assert!(stranger.cells.values().all(|cell| cell.keys.len() == 1 && cell.keys[0].company.is_none()));
        assert_eq!(states(stranger), [Some(ApiState::Healthy)], "nor does the state betray it");
        let member = seen("prod", "openai/*", &["acme"]).expect("same environment");
        assert_eq!(states(member), [Some(ApiState::Degraded)]);
    }

    #[test]
    fn a_credential_that_the_node_may_not_hold_is_not_named_to_it() {
        let own = accepted("openai/api_key", "global", 1);
        let admin = key("openai/admin_key", "global", 2, Verdict::Rejected);
        let row = row_at("prod", [checked(path(None, 1), [own.clone(), admin])], Timestamp(7));
        let seen = seen_by(&row, &entitled("prod", &[], &["openai/api_*"])).expect("same environment");
        assert!(seen.cells.values().all(|cell| cell.keys == [own.clone()]), "{seen:?}");
    }

    #[test]
    fn a_company_key_under_another_name_is_not_seen_either() {
        let hidden = KeyCheck { company: None, ..key("openai/api_key", "company:acme", 2, Verdict::Accepted) };
        let row = row_at("prod", [checked(None, [hidden])], Timestamp(0));
        let seen = seen_by(&row, &entitled("prod", &[], &["*"])).expect("same environment");
        assert!(seen.cells.values().all(|cell| cell.keys.is_empty()));
    }
}
