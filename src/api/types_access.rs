//! Access requests as the API tells of them: who asks for what, and the grant that would give it.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::model::access::{AccessRequest, Listed, Wish, askable};
use crate::model::actions::Capability;
use crate::model::name::{CompanyId, NodeName};
use crate::model::secret::SecretName;
use crate::policy::access_grant::grant_text;
use crate::vault::access::{AccessAnswer, AccessAsk, AccessList};

/// What is done with the grant that is shown.
const NEXT: &str =
    "an admin of the lead adds the grant to the policy file and applies it: aurora policy apply policy.toml";

/// The body of `POST /api/access-requests`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct AccessBody {
    name: String,
    reason: String,
    capability: Option<String>,
    company: Option<String>,
}

impl AccessBody {
    /// The request it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_ask(self, node: Option<NodeName>) -> Result<AccessAsk, ApiError> {
        const WANTED: &str = "data_query, data_read, data_write or integration_execute";
        let capability = self.capability.map_or(Some(Capability::DataRead), |text| askable(&text));
        let wish = Wish {
            secret: SecretName::parse(&self.name)?,
            capability: capability.ok_or(ApiError::BadValue { field: "capability", wanted: WANTED })?,
            company: self.company.as_deref().map(CompanyId::parse).transpose()?,
        };
        Ok(AccessAsk { wish, reason: self.reason, node })
    }
}

/// The answer of `POST /api/access-requests`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AskedView {
    status: &'static str,
    /// What the request is called; `null` when nothing has to be asked for.
    id: Option<u64>,
    /// Whether it was not there before.
    new: bool,
    /// The rule that allows it already.
    rule: Option<String>,
    /// Lines for the policy file.
    grant: Option<String>,
    next: &'static str,
}

impl From<&AccessAnswer> for AskedView {
    fn from(answer: &AccessAnswer) -> Self {
        match answer {
            AccessAnswer::AlreadyAllowed { rule } => Self {
                status: "already_allowed",
                id: None,
                new: false,
                rule: Some(rule.clone()),
                grant: None,
                next: "nothing: policy allows it already; if it is refused all the same, aurora explain says why",
            },
            AccessAnswer::Pending { request, is_new } => Self {
                status: "pending",
                id: Some(request.number),
                new: *is_new,
                rule: None,
                grant: Some(grant_text(request)),
                next: NEXT,
            },
        }
    }
}

/// `GET /api/access-requests`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AccessListView {
    requests: Vec<AccessView>,
    of: &'static str,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AccessView {
    id: u64,
    status: &'static str,
    name: String,
    capability: &'static str,
    company: Option<String>,
    environment: String,
    principal: String,
    node: String,
    reason: String,
    requested_at: String,
    grant: String,
}

impl AccessListView {
    /// The list, as of now.
    pub(super) fn new(list: &AccessList, timestamp: String) -> Self {
        let requests = list.requests.iter().map(AccessView::from).collect();
        Self { requests, of: list.of.as_str(), timestamp }
    }
}

impl From<&Listed> for AccessView {
    fn from(Listed { request, granted }: &Listed) -> Self {
        let AccessRequest { number, asker, environment, wish, reason, at } = request;
        Self {
            id: *number,
            status: if *granted { "granted" } else { "pending" },
            name: wish.secret.to_string(),
            capability: wish.capability.as_str(),
            company: wish.company.as_ref().map(ToString::to_string),
            environment: environment.to_string(),
            principal: asker.principal().to_string(),
            node: asker.node.to_string(),
            reason: reason.clone(),
            requested_at: at.to_string(),
            grant: grant_text(request),
        }
    }
}

/// `DELETE /api/access-requests/{id}`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DismissedView {
    success: bool,
    message: &'static str,
    id: u64,
    name: String,
    principal: String,
}

impl From<&AccessRequest> for DismissedView {
    fn from(request: &AccessRequest) -> Self {
        let (name, principal) = (request.wish.secret.to_string(), request.asker.principal().to_string());
        Self { success: true, message: "Dismissed", id: request.number, name, principal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Result<AccessAsk, ApiError> {
        serde_json::from_str::<AccessBody>(text).expect("a body").into_ask(None)
    }

    #[test]
    fn to_read_is_asked_for_unless_something_else_is_and_only_what_is_about_a_secret_can_be() {
        let plain = ask(r#"{"name":"openai/api_key","reason":"x"}"#).expect("good");
        assert_eq!((plain.wish.capability, plain.wish.company), (Capability::DataRead, None));
        let write = ask(r#"{"name":"a/b","reason":"x","capability":"data_write","company":"acme"}"#).expect("good");
        assert_eq!(write.wish.capability, Capability::DataWrite);
        let admin = ask(r#"{"name":"a/b","reason":"x","capability":"system_admin"}"#).expect_err("no secret");
        assert!(matches!(admin, ApiError::BadValue { field: "capability", .. }));
        assert!(matches!(ask(r#"{"name":"../b","reason":"x"}"#), Err(ApiError::Name(_))));
        assert!(matches!(ask(r#"{"name":"a/b","reason":"x","company":"A"}"#), Err(ApiError::Name(_))));
        let empty = ask(r#"{"name":"a/b","reason":"x","capability":""}"#).expect_err("an empty text is no name");
        assert!(matches!(empty, ApiError::BadValue { field: "capability", .. }));
    }
}
