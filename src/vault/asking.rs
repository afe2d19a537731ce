//! A provider is asked about a credential, and its answer is judged. What is told of it is made of our words, of the path with
//! the names of fields, and of the code: nothing that the provider wrote, and no part of the credential.

use std::time::Duration;

use super::probe_call::{self, Fields, Unfit};
use crate::catalogue::answer::{Answer, expiry, judge};
use crate::catalogue::probe::{AnswerRule, Authenticate, Host, Probe};
use crate::catalogue::provider::{Provider, TokenEndpoint};
use crate::crypto::assertion::{access_token, jwt_expiry};
use crate::crypto::plaintext::Plaintext;
use crate::egress::call::{Call, Reply};
use crate::egress::client::Egress;
use crate::egress::error::EgressError;
use crate::model::api_check::{ExpirySource, KeyExpiry, cut};
use crate::model::connectivity::Verdict;
use crate::model::time::{Clock, Timestamp};

/// What was found out about a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What it came to.
    pub(super) verdict: Verdict,
    /// What was asked: the path with the names of fields. Empty if nothing was.
    pub(super) asked: String,
    /// What was asked, and what came back.
    pub(super) detail: String,
    /// From the call to its answer, if one came.
    pub(super) response_time: Option<Duration>,
    /// When.
    pub(super) checked_at: Timestamp,
    /// When the credential stops working by itself, if that is known.
    pub(super) expires: Option<KeyExpiry>,
}

impl Finding {
    /// What is known without asking anybody.
    pub(super) fn unasked(verdict: Verdict, detail: &str, now: Timestamp) -> Self {
        let (asked, detail) = (String::new(), cut(detail).to_owned());
        Self { verdict, asked, detail, response_time: None, checked_at: now, expires: None }
    }
}

/// A credential with all that its check needs.
pub(super) struct Question {
    /// Whose credential it is.
    pub(super) provider: Provider,
    /// How it is checked.
    pub(super) probe: Probe,
    /// The values.
    pub(super) fields: Fields,
}

/// What one call came to.
struct Outcome {
    verdict: Verdict,
    told: String,
    reply: Option<Reply>,
}

impl Question {
    /// Asks the provider.
    pub(super) async fn ask(&self, egress: &Egress, clock: &dyn Clock) -> Finding {
        let now = clock.now().wall;
        let Self { provider, probe, fields } = self;
        let mut asked = probe_call::asked(provider, probe);
        let mut expires = None;
        let mut token = None;
        let outcome = match self.token_call(now) {
            Some((endpoint, call)) => {
                let granted = self.granted(egress, endpoint, call).await;
                expires = granted.reply.as_ref().and_then(|reply| expiry(&probe.expires, &answer(reply), now));
                if granted.verdict == Verdict::Accepted {
                    token = granted.reply.as_ref().and_then(|reply| access_token(&reply.body));
                } else {
                    asked = probe_call::asked_of(endpoint);
                }
                granted
            }
            None => Outcome { verdict: Verdict::Accepted, told: String::new(), reply: None },
        };
        let outcome = match probe.request.as_ref().filter(|_| outcome.verdict == Verdict::Accepted) {
            Some(request) => {
                let call = probe_call::probe_call(provider, probe, request, fields, token.as_ref());
                self.answered(egress, &asked, call, &probe.answers).await
            }
            None => outcome,
        };
        let answered = outcome.reply.as_ref().and_then(|reply| expiry(&probe.expires, &answer(reply), now));
        let jwt = || {
            let at = fields.get(&probe.credential).and_then(jwt_expiry)?;
            Some(KeyExpiry { at, source: ExpirySource::Jwt })
        };
        Finding {
            verdict: outcome.verdict,
            detail: cut(&outcome.told).to_owned(),
            asked,
            response_time: outcome.reply.as_ref().map(|reply| reply.time),
            checked_at: now,
            expires: answered.or(expires).or_else(jwt),
        }
    }

    /// The call for an access token, if the probe begins with one.
    fn token_call(&self, now: Timestamp) -> Option<(&TokenEndpoint, Result<Call, Unfit>)> {
        let Self { provider, probe, fields } = self;
        let endpoint = provider.token.as_ref();
        match &probe.authenticate {
            Authenticate::RefreshToken => endpoint
                .map(|endpoint| (endpoint, probe_call::refresh_call(endpoint, probe, fields, provider.allow_private))),
            Authenticate::ServiceAccount => {
                endpoint.map(|endpoint| (endpoint, probe_call::assertion_call(provider, endpoint, probe, fields, now)))
            }
            Authenticate::Header { .. }
            | Authenticate::Query { .. }
            | Authenticate::Path
            | Authenticate::Basic { .. } => None,
        }
    }

    /// Whether an access token is given out. A token that comes is proof enough where no rule knows the answer; a rule may
    /// still say that it is not for what is wanted.
    async fn granted(&self, egress: &Egress, endpoint: &TokenEndpoint, call: Result<Call, Unfit>) -> Outcome {
        let asked = probe_call::asked_of(endpoint);
        let outcome = self.answered(egress, &asked, call, &endpoint.answers).await;
        let Some(reply) = &outcome.reply else { return outcome };
        let given = reply.status == 200 && access_token(&reply.body).is_some();
        let told = |what: &str| format!("{asked}: {}{what}", reply.status);
        match (given, outcome.verdict == Verdict::Accepted, outcome.verdict == Verdict::Fault) {
            (true, _, true) => Outcome { verdict: Verdict::Accepted, told: told(""), ..outcome },
            (false, true, _) => Outcome { verdict: Verdict::Fault, told: told(" without a token"), ..outcome },
            (true, _, false) | (false, false, _) => outcome,
        }
    }

    async fn answered(&self, egress: &Egress, asked: &str, call: Result<Call, Unfit>, rules: &[AnswerRule]) -> Outcome {
        let call = match call {
            Ok(call) => call,
            Err(unfit) => {
                let told = format!("{}/{}: {unfit}", self.provider.name, self.probe.credential);
                return Outcome { verdict: Verdict::NoCredential, told, reply: None };
            }
        };
        match egress.send(call).await {
            Ok(reply) => {
                let judged = judge(rules, &answer(&reply));
                let note = judged.note.map(|note| format!(", {note}")).unwrap_or_default();
                let told = format!("{asked}: {}{note}", reply.status);
                Outcome { verdict: judged.verdict, told, reply: Some(reply) }
            }
            Err(error) => Outcome {
                verdict: error.fault().map_or(Verdict::NoCredential, Verdict::NoPath),
                told: format!("{asked}: {}", self.told(&error)),
                reply: None,
            },
        }
    }

    /// An error in words. It names the host, which is said only if it is no part of the credential.
    fn told(&self, error: &EgressError) -> String {
        match (&self.provider.host, error.fault()) {
            (Some(Host::OfField { .. }), Some(fault)) => format!("no answer ({})", fault.as_str()),
            (Some(Host::OfField { .. }), None) => "the credential cannot be sent".to_owned(),
            (Some(Host::Fixed(_)) | None, _) => error.to_string(),
        }
    }
}

fn answer(reply: &Reply) -> Answer<'_> {
    Answer { status: reply.status, headers: &reply.headers, body: body(&reply.body) }
}

/// The body is read by the rules of the catalogue and kept nowhere.
fn body(body: &Plaintext) -> &[u8] {
    body.expose()
}
