//! Checks of credentials, as the API tells of them.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, rows};

/// The answer of `POST /credentials/{service}/validate`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ValidationView {
    provider: String,
    results: Vec<ValidatedView>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ValidatedView {
    credential: Option<String>,
    company: Option<String>,
    key: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    version: Option<u64>,
    validation_status: String,
    reason: String,
    asked: Option<String>,
    response_time_ms: Option<u64>,
    cause: Option<String>,
    path_fault: Option<String>,
    expires_at: Option<String>,
    expires_source: Option<String>,
    checked_at: String,
}

/// What came of several such requests.
#[derive(Debug, Default, Serialize)]
pub(super) struct ValidationsView {
    /// By service.
    pub(super) validations: Vec<ValidationView>,
}

impl ValidationView {
    /// How many of the results say this.
    pub(super) fn count(&self, status: &str) -> usize {
        self.results.iter().filter(|result| result.validation_status == status).count()
    }

    /// How many results there are.
    pub(super) fn len(&self) -> usize {
        self.results.len()
    }

    fn cells(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        self.results.iter().map(|result| result.cells(&self.provider, &self.timestamp))
    }
}

const HEADER: [&str; 6] = ["CREDENTIAL", "SCOPE", "STATUS", "TIME", "EXPIRES", "REASON"];

impl Shown for ValidationView {
    fn table(&self, style: Style) -> String {
        if self.results.is_empty() {
            // The error that follows says so.
            return String::new();
        }
        rows(style, &HEADER, self.cells())
    }
}

impl Shown for ValidationsView {
    fn table(&self, style: Style) -> String {
        if self.validations.iter().all(|one| one.results.is_empty()) {
            return "there is no credential of a provider on this node\n".to_owned();
        }
        rows(style, &HEADER, self.validations.iter().flat_map(ValidationView::cells))
    }
}

impl ValidatedView {
    fn cells(&self, provider: &str, now: &str) -> Vec<String> {
        let scope = |scope: &String| match &self.scope_id {
            Some(id) => format!("{scope}:{id}"),
            None => scope.clone(),
        };
        let none = || "-".to_owned();
        vec![
            self.key.clone().or_else(|| self.credential.clone()).unwrap_or_else(|| provider.to_owned()),
            self.scope.as_ref().map_or_else(none, scope),
            self.validation_status.clone(),
            self.response_time_ms.map_or_else(none, |time| format!("{time} ms")),
            self.expires_at.as_ref().map_or_else(none, |at| seen_from(now, at)),
            self.reason.clone(),
        ]
    }
}

/// What is needed of a page of `GET /credentials/status`.
#[derive(Debug, Deserialize)]
pub(super) struct CredentialsPage {
    pub(super) credentials: Vec<CredentialLine>,
    pub(super) next_cursor: Option<String>,
}

/// One credential.
#[derive(Debug, Deserialize)]
pub(super) struct CredentialLine {
    pub(super) service: String,
    pub(super) provider: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"provider":"telegram","results":[
        {"credential":"telegram/bot_token","company":null,"key":"telegram/bot_token","scope":"company","scope_id":"acme",
         "version":2,"validation_status":"rejected","reason":"GET https://api.telegram.org/bot{bot_token}/getMe: 401",
         "asked":"GET https://api.telegram.org/bot{bot_token}/getMe","response_time_ms":131,"cause":"key_rejected",
         "path_fault":null,"expires_at":null,"expires_source":null,"checked_at":"2026-11-21T08:00:00Z"}],
        "timestamp":"2026-11-21T08:00:00Z"}"#;

    #[test]
    fn a_result_says_what_was_asked_and_what_came_back() {
        let view: ValidationView = serde_json::from_str(ANSWER).expect("the answer of the API");
        assert_eq!((view.count("rejected"), view.count("valid"), view.len()), (1, 0, 1));
        assert_eq!(
            view.table(Style::Plain),
            "CREDENTIAL          SCOPE         STATUS    TIME    EXPIRES  REASON\n\
             telegram/bot_token  company:acme  rejected  131 ms  -        GET https://api.telegram.org/bot{bot_token}/getMe: 401\n"
        );
        let nothing = ValidationView { results: vec![], ..view };
        assert_eq!(nothing.table(Style::Plain), "");
    }
}
