//! API keys: what is asked about them, and how they are shown. The key itself is shown once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::query::given;
use super::types_agents::page_limit;
use super::types_reach::{self, ReachView};
use crate::config::duration;
use crate::model::api_key::ApiKey;
use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::grant::Expiry;
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::reach::{Environments, Reach, Scopes};
use crate::model::time::Timestamp;
use crate::vault::agent_request::{ApiKeyLine, KeyLife, KeyRotation, NewApiKey, PageRequest};
use crate::vault::error::VaultError;

/// `POST /api/agents/{name}/keys`. What is left out does not narrow the agent.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct NewKeyBody {
    name: String,
    expires_at: Option<String>,
    expires_in: Option<String>,
    secrets: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    companies: Option<Vec<String>>,
    environments: Option<Vec<String>>,
    limit_rpm: Option<u32>,
}

impl NewKeyBody {
    /// The key it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self, agent: AgentName) -> Result<NewApiKey, ApiError> {
        let everything = || Ok(vec![SecretGlob::everything()]);
        Ok(NewApiKey {
            agent,
            name: ApiKeyName::parse(&self.name)?,
            reach: Reach {
                secrets: self.secrets.as_deref().map_or_else(everything, types_reach::secrets)?,
                scopes: self.scopes.as_deref().map_or(Ok(Scopes::All), types_reach::scopes)?,
                companies: self.companies.as_deref().map_or(Ok(Companies::All), types_reach::companies)?,
                environments: self.environments.as_deref().map_or(Ok(Environments::All), types_reach::environments)?,
            },
            limit_rpm: self.limit_rpm,
            life: life(self.expires_at.as_deref(), self.expires_in.as_deref())?,
        })
    }
}

fn life(at: Option<&str>, within: Option<&str>) -> Result<Option<KeyLife>, ApiError> {
    let bad = |wanted| ApiError::BadValue { field: "expires_at", wanted };
    match (at, within) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(bad("left out where expires_in is given")),
        (Some("never"), None) => Ok(Some(KeyLife::Endless)),
        (Some(text), None) => {
            let end =
                Timestamp::parse(text).ok_or(bad("never, or a time in RFC 3339, such as 2027-01-31T00:00:00Z"))?;
            Ok(Some(KeyLife::Until(end)))
        }
        (None, Some(text)) => span("expires_in", text).map(|life| Some(KeyLife::For(life))),
    }
}

fn span(field: &'static str, text: &str) -> Result<Duration, ApiError> {
    duration::parse(text).map_err(|_| ApiError::BadValue { field, wanted: "a duration, such as 24h or 90d" })
}

/// `POST /api/agents/{name}/keys/{key}/rotate`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RotateBody {
    grace: Option<String>,
}

impl RotateBody {
    /// The rotation it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self, agent: AgentName, name: ApiKeyName) -> Result<KeyRotation, ApiError> {
        let grace = self.grace.map(|text| span("grace", &text)).transpose()?;
        Ok(KeyRotation { agent, name, grace })
    }
}

/// `GET /api/apikeys?agent=&limit=&cursor=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct KeysQuery {
    agent: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// Where a page of keys begins: after this key.
type KeyPage = PageRequest<(AgentName, ApiKeyName)>;

impl KeysQuery {
    /// Of which agent, and the page it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn into_request(self) -> Result<(Option<AgentName>, KeyPage), ApiError> {
        let agent = given(self.agent).as_deref().map(AgentName::parse).transpose()?;
        let after = given(self.cursor).map(|text| parse_cursor(&text).ok_or(VaultError::BadCursor)).transpose()?;
        Ok((agent, PageRequest { limit: page_limit(self.limit)?, after }))
    }
}

fn parse_cursor(text: &str) -> Option<(AgentName, ApiKeyName)> {
    let (agent, name) = text.split_once('/')?;
    Some((AgentName::parse(agent).ok()?, ApiKeyName::parse(name).ok()?))
}

/// A key that was just made or given a new text. This is the only time its text is told.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ShownKeyView<'a> {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// For people.
    pub(super) message: &'static str,
    /// The key.
    pub(super) key: &'a str,
    /// What is kept of it.
    pub(super) api_key: ApiKeyView<'a>,
    /// The change.
    pub(super) revision: u64,
}

/// A key, without the key.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ApiKeyView<'a> {
    agent: &'a str,
    name: &'a str,
    hint: &'a str,
    created_by: &'a str,
    created_at: String,
    rotated_at: Option<String>,
    expires_at: Option<String>,
    expired: bool,
    previous_hint: Option<&'a str>,
    previous_until: Option<String>,
    #[serde(flatten)]
    reach: ReachView<'a>,
    limit_rpm: Option<u32>,
}

impl<'a> ApiKeyView<'a> {
    /// The key as it is now.
    pub(super) fn new(key: &'a ApiKey, now: Timestamp) -> Self {
        let previous = key.previous.as_ref().filter(|previous| now < previous.until);
        Self {
            agent: key.agent.as_str(),
            name: key.name.as_str(),
            hint: &key.current.hint,
            created_by: &key.created_by,
            created_at: key.created_at.to_string(),
            rotated_at: (key.current.made_at != key.created_at).then(|| key.current.made_at.to_string()),
            expires_at: match key.expires_at {
                Expiry::Never => None,
                Expiry::At(end) => Some(end.to_string()),
            },
            expired: !key.expires_at.is_after(now),
            previous_hint: previous.map(|previous| previous.text.hint.as_str()),
            previous_until: previous.map(|previous| previous.until.to_string()),
            reach: ReachView::from(&key.reach),
            limit_rpm: key.limit_rpm,
        }
    }
}

/// A line of a list of keys.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct KeyLineView<'a> {
    #[serde(flatten)]
    key: ApiKeyView<'a>,
    last_used_at: Option<String>,
}

impl<'a> KeyLineView<'a> {
    /// The line as it is now.
    pub(super) fn new(line: &'a ApiKeyLine, now: Timestamp) -> Self {
        Self { key: ApiKeyView::new(&line.key, now), last_used_at: line.last_used.map(|at| at.to_string()) }
    }
}

/// `GET /api/apikeys`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ApiKeys"))]
pub(super) struct KeysView<'a> {
    /// By agent and name.
    pub(super) keys: Vec<KeyLineView<'a>>,
    /// To ask for the next page with.
    pub(super) next_cursor: Option<String>,
    /// Now, on the node's clock.
    pub(super) timestamp: String,
}

/// A key that is gone.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ApiKeyRevoked"))]
pub(super) struct RevokedView<'a> {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// For people.
    pub(super) message: &'static str,
    /// Whose it was.
    pub(super) agent: &'a str,
    /// What it was called.
    pub(super) name: &'a str,
    /// The change.
    pub(super) revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<NewApiKey, ApiError> {
        let agent = AgentName::parse("robot").expect("name");
        serde_json::from_str::<NewKeyBody>(text).expect("json").into_request(agent)
    }

    #[test]
    fn what_is_left_out_does_not_narrow_the_agent() {
        let key = new(r#"{"name":"ci"}"#).expect("good");
        assert!(key.reach.is_everything() && key.life.is_none());
        let key = new(r#"{"name":"ci","companies":[],"secrets":["openai/*"]}"#).expect("good");
        assert_eq!(key.reach.companies, Companies::default());
        assert!(new(r#"{"name":"ci","secrets":[]}"#).is_err(), "a key to nothing");
    }

    #[test]
    fn an_end_is_a_time_a_duration_or_never_and_only_one_of_them() {
        let life = |text: &str| new(&format!(r#"{{"name":"ci",{text}}}"#)).map(|key| key.life);
        let day = Duration::from_secs(86_400);
        assert_eq!(life(r#""expires_in":"1d""#), Ok(Some(KeyLife::For(day))));
        assert_eq!(life(r#""expires_at":"never""#), Ok(Some(KeyLife::Endless)));
        assert_eq!(life(r#""expires_at":"1970-01-01T00:00:01Z""#), Ok(Some(KeyLife::Until(Timestamp(1000)))));
        for bad in [r#""expires_in":"never""#, r#""expires_at":"1d""#, r#""expires_at":"never","expires_in":"1d""#] {
            assert!(matches!(life(bad), Err(ApiError::BadValue { .. })), "{bad}");
        }
    }

    #[test]
    fn a_cursor_is_an_agent_and_a_key() {
        let query = |cursor: &str| KeysQuery { cursor: Some(cursor.to_owned()), ..KeysQuery::default() }.into_request();
        assert!(query("robot/ci").expect("good").1.after.is_some());
        for bad in ["robot", "robot/", "/ci", "Robot/ci", "robot/ci/x"] {
            assert_eq!(query(bad).map(drop), Err(VaultError::BadCursor.into()), "{bad}");
        }
    }
}
