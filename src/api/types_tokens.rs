//! Join tokens, for whoever manages nodes on the lead.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::types_nodes::{companies, entitlement};
use crate::model::glob::SecretGlob;
use crate::model::name::{EnvironmentName, NodeName};
use crate::vault::answer_nodes::{RevokedToken, TokenLine, TokenState};
use crate::vault::request::TokenRequest;

/// The body of `POST /api/tokens`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    node: String,
    environment: Option<String>,
    #[serde(default)]
    companies: Vec<String>,
    allow: Option<Vec<String>>,
    #[serde(default)]
    approve: bool,
    valid_for: Option<u64>,
}

impl TokenBody {
    /// The request it stands for: no companies unless named, every secret of its scopes unless narrowed.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self, own: &EnvironmentName) -> Result<TokenRequest, ApiError> {
        let environment = self.environment.as_deref().map(EnvironmentName::parse).transpose()?;
        let allow = self.allow.unwrap_or_else(|| vec![SecretGlob::everything().to_string()]);
        Ok(TokenRequest {
            node: NodeName::parse(&self.node)?,
            entitlement: entitlement(environment.unwrap_or_else(|| own.clone()), &self.companies, &allow)?,
            approve: self.approve,
            valid_for: self.valid_for.map(Duration::from_secs),
        })
    }
}

/// A new join token, shown once.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TokenView<'a> {
    /// What it is called in lists.
    pub(super) id: &'a str,
    /// The text to hand to the new node.
    pub(super) token: &'a str,
    /// The node it admits.
    pub(super) node: &'a str,
    /// Whether that node stays pending until somebody has compared its key.
    pub(super) approve: bool,
    /// When it stops admitting.
    pub(super) expires_at: String,
}

/// `GET /api/tokens`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TokensView<'a> {
    /// Every token that is remembered; those that end first first.
    pub(super) tokens: Vec<TokenLineView<'a>>,
    /// Now, on the node's clock.
    pub(super) timestamp: String,
}

/// One token. Its secret was shown once, and is not kept.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TokenLineView<'a> {
    id: &'a str,
    node: &'a str,
    state: &'static str,
    approve: bool,
    environment: &'a str,
    companies: Vec<&'a str>,
    allow: Vec<&'a str>,
    issued_at: Option<String>,
    expires_at: String,
}

impl<'a> From<&'a TokenLine> for TokenLineView<'a> {
    fn from(line: &'a TokenLine) -> Self {
        let TokenLine { id, node, entitlement, approve, state: told, issued_at, expires_at } = line;
        Self {
            id,
            node: node.as_str(),
            state: state(*told),
            approve: *approve,
            environment: entitlement.environment.as_str(),
            companies: companies(entitlement),
            allow: entitlement.globs.iter().map(SecretGlob::as_str).collect(),
            issued_at: issued_at.map(|at| at.to_string()),
            expires_at: expires_at.to_string(),
        }
    }
}

/// A token that admits nobody any more.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TokenRevoked"))]
pub(super) struct RevokedView<'a> {
    success: bool,
    id: &'a str,
    node: &'a str,
    /// What had become of it before.
    state: &'static str,
}

impl<'a> From<&'a RevokedToken> for RevokedView<'a> {
    fn from(revoked: &'a RevokedToken) -> Self {
        Self { success: true, id: &revoked.id, node: revoked.node.as_str(), state: state(revoked.state) }
    }
}

fn state(state: TokenState) -> &'static str {
    match state {
        TokenState::Open => "open",
        TokenState::Consumed => "consumed",
        TokenState::Expired => "expired",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::company::Companies;

    #[test]
    fn a_token_admits_to_no_company_unless_one_is_named() {
        let own = EnvironmentName::parse("prod").expect("environment");
        let body: TokenBody = serde_json::from_str(r#"{"node":"runpod-tx"}"#).expect("json");
        let request = body.into_request(&own).expect("good");
        assert_eq!(request.entitlement.companies, Companies::default());
        assert_eq!(request.entitlement.globs, [SecretGlob::everything()]);
        assert_eq!(request.entitlement.environment, own);
        let body: TokenBody = serde_json::from_str(r#"{"node":"a","companies":["*"]}"#).expect("json");
        assert!(matches!(body.into_request(&own), Err(ApiError::Name(_))));
        let body: TokenBody = serde_json::from_str(r#"{"node":"a","allow":["openai"]}"#).expect("json");
        assert!(matches!(body.into_request(&own), Err(ApiError::Glob(_))));
    }
}
