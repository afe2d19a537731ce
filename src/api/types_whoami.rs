//! What a caller is, as the API tells it.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::query::{self, given};
use crate::model::actions::Action;
use crate::model::hex::hex;
use crate::model::name::CompanyId;
use crate::model::principal::{Executable, Principal};
use crate::model::secret::SecretName;
use crate::vault::answer_whoami::Whoami;
use crate::vault::request::Context;
use crate::vault::whoami::MayRequest;

/// `GET /api/whoami?action=&secret=&scope=&scope_id=&company=&environment=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct WhoamiQuery {
    action: Option<String>,
    secret: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    company: Option<String>,
    environment: Option<String>,
}

impl WhoamiQuery {
    /// What is asked, with what the headers say: nothing, or whether an action is allowed.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn into_request(self, mut context: Context) -> Result<Option<MayRequest>, ApiError> {
        let action = given(self.action).map(|text| action(&text)).transpose()?;
        let secret = given(self.secret).as_deref().map(SecretName::parse).transpose()?;
        let (kind, id) = (given(self.scope), given(self.scope_id));
        let scope = query::scope(kind.as_deref(), id.as_deref())?;
        let company = given(self.company).as_deref().map(CompanyId::parse).transpose()?;
        if company.is_some() && context.company.is_some() {
            return Err(ApiError::GivenTwice { field: "company".to_owned() });
        }
        context.company = context.company.or(company);
        context.environment = query::environment(given(self.environment).as_deref())?;
        match action {
            Some(action) => Ok(Some(MayRequest { action, secret, scope, context })),
            None if secret.is_none() && scope.is_none() => Ok(None),
            None => Err(ApiError::BadValue {
                field: "action",
                wanted: "given together with what the action is to be about",
            }),
        }
    }
}

fn action(text: &str) -> Result<Action, ApiError> {
    Action::parse(text).ok_or(ApiError::BadValue { field: "action", wanted: "one of the actions, such as secret.read" })
}

/// `GET /api/whoami`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WhoamiView<'a> {
    door: &'static str,
    uid: u32,
    user: Option<&'a str>,
    gid: u32,
    groups: &'a [u32],
    group_names: Vec<&'a str>,
    pid: Option<i32>,
    unit: Option<&'a str>,
    executable: Option<&'a str>,
    sha256: Option<String>,
    attest: &'static str,
    agent: Option<&'a str>,
    key: Option<&'a str>,
    principals: Vec<String>,
    besides: Vec<String>,
    may: Option<MayView<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct MayView<'a> {
    action: &'static str,
    allowed: bool,
    rule: &'a str,
}

impl<'a> From<&'a Whoami> for WhoamiView<'a> {
    fn from(told: &'a Whoami) -> Self {
        let attested = &told.attested;
        let texts = |principals: &[Principal]| principals.iter().map(Principal::to_string).collect();
        let digest = attested.executable.as_ref().and_then(Executable::sha256);
        Self {
            door: told.door.as_str(),
            uid: told.uid,
            user: attested.user.as_ref().map(|name| name.as_str()),
            gid: told.gid,
            groups: &told.groups,
            group_names: attested.groups.iter().map(|name| name.as_str()).collect(),
            pid: told.pid,
            unit: attested.unit.as_ref().map(|unit| unit.as_str()),
            executable: attested.executable.as_ref().map(Executable::path),
            sha256: digest.map(|digest| hex(digest)),
            attest: attested.strength.as_str(),
            agent: told.agent.as_ref().map(|name| name.as_str()),
            key: told.key.as_deref(),
            principals: texts(&told.principals),
            besides: texts(&told.besides),
            may: told.allowed.as_ref().map(|allowed| MayView {
                action: allowed.action.as_str(),
                allowed: true,
                rule: &allowed.rule,
            }),
        }
    }
}
