//! What a tool says when it cannot do what it was asked: a result that is marked as an error, with our code, what failed and
//! what to do next. The protocol's own errors are for what is no call of a tool.

use rmcp::handler::server::tool::IntoCallToolResult;
use rmcp::model::{CallToolResponse, CallToolResult};
use serde_json::json;

use super::texts::Foreign;
use crate::cli::error::CliError;

/// Why a tool did not do it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: String,
    message: Foreign,
    hint: Foreign,
}

impl Refusal {
    /// An argument that cannot be.
    pub(super) fn of_argument(message: &str, hint: &str) -> Self {
        Self { code: "bad_value".to_owned(), message: Foreign::new(message), hint: Foreign::new(hint) }
    }
}

impl From<CliError> for Refusal {
    fn from(error: CliError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: Foreign::new(&error.to_string()),
            hint: Foreign::new(&error.hint()),
        }
    }
}

impl IntoCallToolResult for Refusal {
    fn into_call_tool_result(self) -> Result<CallToolResponse, rmcp::ErrorData> {
        let Self { code, message, hint } = self;
        Ok(CallToolResult::structured_error(json!({"error": {"code": code, "message": message, "hint": hint}})).into())
    }
}
