//! What of a row another node may know: of its own environment, of services it may hold credentials of, and of companies
//! it may speak for.

use std::sync::Arc;

use super::matrix::Row;
use crate::model::api_check::Cell;
use crate::model::company::Companies;
use crate::model::name::{EnvironmentName, ServiceName};

/// The part of a row that a node of this environment may know; none of a row of another one.
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
    let cells = row.cells.iter().filter(|(service, _)| covers_service(service)).map(|(service, cell)| {
        let hidden = cell.keys.iter().any(|key| key.company.as_ref().is_some_and(|id| !companies.contains(id)));
        if !hidden {
            return (service.clone(), Arc::clone(cell));
        }
        let mut cell = Cell::clone(cell);
        cell.keys.retain(|key| key.company.as_ref().is_none_or(|company| companies.contains(company)));
        (service.clone(), Arc::new(cell))
    });
    Some(Row { environment: row.environment.clone(), cells: cells.collect(), confirmed_at: row.confirmed_at })
}
