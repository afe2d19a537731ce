//! What somebody could have read, for whoever may read the whole journal.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::query::{self, given};
use super::types_exposure::{ExposureQuery, ExposureView};
use crate::model::caller::Caller;
use crate::model::name::{CompanyId, NodeName};
use crate::vault::request::ExposureOf;

/// Longest name of a caller: more than any path of a program.
const PRINCIPAL_BYTES_MAX: usize = 4200;

/// `GET /api/exposure?of=node:NAME`.
pub(super) async fn exposure(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let ExposureQuery { of } = query::parameters(&uri)?;
    let of = whose(&given(of).unwrap_or_default())?;
    let exposure = desk.vault.exposure(&caller, &of).await?;
    json::answer(&ExposureView::new(&of.to_string(), &exposure, desk.clock.now().wall.to_string()))
}

fn whose(text: &str) -> Result<ExposureOf, ApiError> {
    let unknown = ApiError::BadValue {
        field: "of",
        wanted: "node:NAME, company:ID, or a caller: user:UID, group:GID, unit:NAME, exe:PATH, agent:NAME or admin",
    };
    if text.len() > PRINCIPAL_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(unknown);
    }
    match text.split_once(':') {
        Some(("node", name)) => Ok(ExposureOf::Node(NodeName::parse(name)?)),
        Some(("company", id)) => Ok(ExposureOf::Company(CompanyId::parse(id)?)),
        Some(("user" | "group" | "unit" | "exe" | "agent", id)) if !id.is_empty() => {
            Ok(ExposureOf::Principal(text.to_owned()))
        }
        None if text == "admin" => Ok(ExposureOf::Principal(text.to_owned())),
        Some(_) | None => Err(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_a_company_and_a_caller_are_told_apart_and_nothing_else_is_one() {
        assert!(matches!(whose("node:vengeance"), Ok(ExposureOf::Node(_))));
        assert!(matches!(whose("company:acme"), Ok(ExposureOf::Company(_))));
        for caller in ["user:1000", "agent:robot", "exe:/opt/a:b", "admin"] {
            assert!(matches!(whose(caller), Ok(ExposureOf::Principal(text)) if text == caller));
        }
        for text in ["", "user:", "robot", "root:0", "node:", "user:1\n2", &format!("exe:/{}", "x".repeat(5000))] {
            assert!(whose(text).is_err(), "{text}");
        }
    }
}
