//! Providers as the API tells of them: what their files say, and no more.

use serde::Serialize;

use crate::catalogue::probe::{AnswerRule, Codes, Host, Probe};
use crate::catalogue::provider::{Credential, Provider};
use crate::model::connectivity::Verdict;

/// `GET /providers`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ProvidersView<'a> {
    pub(super) providers: Vec<ProviderView<'a>>,
}

/// `GET /providers/{name}`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ProviderView<'a> {
    name: &'a str,
    title: &'a str,
    r#type: &'static str,
    /// Where calls go; with a `{field}` in it for a host of each customer; `null` for a provider that is never called.
    base_url: Option<String>,
    auth_url: Option<&'a str>,
    token_url: Option<String>,
    docs: Option<&'a str>,
    scopes: &'a [String],
    fields: Vec<FieldView<'a>>,
    /// `none` where there are no probes, and then `why`.
    probe: Option<&'static str>,
    why: Option<&'a str>,
    probes: Vec<ProbeView<'a>>,
    check_every_seconds: u64,
    calls_per_day: Option<u32>,
    source: &'static str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ProviderField"))]
struct FieldView<'a> {
    name: &'a str,
    kind: &'static str,
    required: bool,
    variables: &'a [String],
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProbeView<'a> {
    credential: &'a str,
    authenticate: &'static str,
    method: &'static str,
    /// Where the call goes, if not to the provider's own host.
    base_url: Option<String>,
    /// With the names of fields where their values would stand.
    path: String,
    expected: Vec<CodesView>,
    answers: Vec<AnswerView<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AnswerView<'a> {
    status: Vec<CodesView>,
    /// What must be true of the answer besides.
    when: Vec<String>,
    means: &'static str,
    note: Option<&'a str>,
}

/// A number, or `5xx`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum CodesView {
    One(u16),
    Family(String),
}

impl<'a> From<&'a Provider> for ProviderView<'a> {
    fn from(provider: &'a Provider) -> Self {
        Self {
            name: provider.name.as_str(),
            title: &provider.title,
            r#type: provider.kind.as_str(),
            base_url: provider.host.as_ref().map(Host::to_string),
            auth_url: provider.auth_url.as_deref(),
            token_url: provider.token.as_ref().map(|token| token.origin.to_string()),
            docs: provider.docs.as_deref(),
            scopes: &provider.scopes,
            fields: provider.fields.iter().map(FieldView::from).collect(),
            probe: provider.probes.is_empty().then_some("none"),
            why: provider.unprobed.as_deref(),
            probes: provider.probes.iter().filter_map(|probe| ProbeView::new(provider, probe)).collect(),
            check_every_seconds: provider.check_every.as_secs(),
            calls_per_day: provider.calls_per_day,
            source: provider.source.as_str(),
        }
    }
}

impl<'a> From<&'a Credential> for FieldView<'a> {
    fn from(field: &'a Credential) -> Self {
        let Credential { name, kind, required, variables } = field;
        Self { name: name.as_str(), kind: kind.as_str(), required: *required, variables }
    }
}

impl<'a> ProbeView<'a> {
    /// What is asked last, and so decides: the request, or without one the token endpoint.
    fn new(provider: &'a Provider, probe: &'a Probe) -> Option<Self> {
        let (method, base_url, path, rules) = match (&probe.request, &provider.token) {
            (Some(request), _) => {
                let base_url = request.origin.as_ref().map(ToString::to_string);
                (request.method.as_str(), base_url, request.path.to_string(), &probe.answers)
            }
            (None, Some(token)) => {
                let mut origin = token.origin.clone();
                let path = std::mem::take(&mut origin.prefix);
                ("POST", Some(origin.to_string()), path, &token.answers)
            }
            (None, None) => return None,
        };
        let good = rules.iter().filter(|rule| rule.means == Verdict::Accepted);
        let mut expected: Vec<Codes> = good.flat_map(|rule| rule.status.iter().copied()).collect();
        expected.dedup();
        Some(Self {
            credential: probe.credential.as_str(),
            authenticate: probe.authenticate.as_str(),
            method,
            base_url,
            path,
            expected: expected.into_iter().map(CodesView::from).collect(),
            answers: rules.iter().map(AnswerView::from).collect(),
        })
    }
}

impl<'a> From<&'a AnswerRule> for AnswerView<'a> {
    fn from(rule: &'a AnswerRule) -> Self {
        Self {
            status: rule.status.iter().copied().map(CodesView::from).collect(),
            when: rule.conditions.iter().map(ToString::to_string).collect(),
            means: rule.word(),
            note: rule.note.as_deref(),
        }
    }
}

impl From<Codes> for CodesView {
    fn from(codes: Codes) -> Self {
        match codes {
            Codes::One(code) => Self::One(code),
            Codes::Family(_) => Self::Family(codes.to_string()),
        }
    }
}
