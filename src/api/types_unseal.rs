//! What a sealed node is asked and answers.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::crypto::text::ValueText;
use crate::vault::sealed_parts::{Awaits, Offer, SealedHealth};

/// The body of `POST /api/unseal`: one of its fields. `Debug` shows no share because [`ValueText`] shows nothing.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(description = "What is brought: one of its fields."))]
#[serde(deny_unknown_fields)]
pub(super) struct UnsealBody {
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    share: Option<ValueText>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    passphrase: Option<ValueText>,
    reset: Option<bool>,
}

impl UnsealBody {
    /// What is brought.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] unless it is one thing.
    pub(super) fn into_offer(self) -> Result<Offer, ApiError> {
        match (self.share, self.passphrase, self.reset) {
            (Some(share), None, None) => Ok(Offer::Share(share.into_plaintext())),
            (None, Some(passphrase), None) => Ok(Offer::Passphrase(passphrase.into_plaintext())),
            (None, None, Some(true)) => Ok(Offer::Reset),
            (_, _, _) => Err(ApiError::BadValue {
                field: "the body",
                wanted: r#"one of {"share":"…"}, {"passphrase":"…"} and {"reset":true}"#,
            }),
        }
    }
}

/// `GET /api/unseal`, and the answer to what was brought.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UnsealView {
    sealed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<SharesView>,
    message: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SharesView {
    provided: u8,
    threshold: u8,
    /// How many there are.
    total: u8,
    /// Which ones fit.
    set: String,
}

impl UnsealView {
    /// A node that serves.
    pub(super) fn open() -> Self {
        Self { sealed: false, source: None, shares: None, message: "the node is not sealed".to_owned() }
    }
}

impl From<&SealedHealth> for UnsealView {
    fn from(health: &SealedHealth) -> Self {
        let provided = match health.awaits {
            Awaits::Shares(progress) => progress.provided,
            Awaits::Passphrase | Awaits::Start => 0,
        };
        let shares = health.shares.map(|shares| SharesView {
            provided,
            threshold: shares.quorum().threshold(),
            total: shares.quorum().shares(),
            set: shares.set().to_string(),
        });
        let source = if health.shares.is_some() { "shamir" } else { "passphrase" };
        Self { sealed: true, source: Some(source), shares, message: health.awaits.to_string() }
    }
}

/// `GET /health` of a sealed node: the fields it always has, and how far its unsealing is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SealedHealthView<'a> {
    status: &'static str,
    node: &'a str,
    role: &'static str,
    epoch: u64,
    revision: u64,
    lead: Option<&'a str>,
    lead_last_heard_ms: Option<u64>,
    freshness: &'static str,
    timestamp: String,
    sealed: bool,
    shares: Option<ProgressView>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UnsealProgress"))]
struct ProgressView {
    provided: u8,
    threshold: u8,
}

impl<'a> From<&'a SealedHealth> for SealedHealthView<'a> {
    fn from(health: &'a SealedHealth) -> Self {
        let shares = match health.awaits {
            Awaits::Shares(progress) => {
                Some(ProgressView { provided: progress.provided, threshold: progress.threshold })
            }
            Awaits::Passphrase | Awaits::Start => None,
        };
        Self {
            status: "sealed",
            node: health.node.as_str(),
            role: health.role.as_str(),
            epoch: health.position.epoch.get(),
            revision: health.position.revision.get(),
            lead: None,
            lead_last_heard_ms: None,
            freshness: "closed",
            timestamp: health.now.to_string(),
            sealed: true,
            shares,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::gathering::Progress;
    use crate::crypto::shares::ShareParameters;
    use crate::model::identity::Role;
    use crate::model::name::NodeName;
    use crate::model::number::{Epoch, Position, Revision};
    use crate::model::time::Timestamp;

    fn offer(text: &str) -> Result<Offer, ApiError> {
        serde_json::from_str::<UnsealBody>(text).expect(text).into_offer()
    }

    fn health(awaits: Awaits, shares: Option<ShareParameters>) -> SealedHealth {
        let node = NodeName::parse("aurora").expect("name");
        let position = Position { epoch: Epoch(1), revision: Revision(17) };
        SealedHealth { node, role: Role::Lead, position, awaits, shares, now: Timestamp(1_795_248_000_123) }
    }

    fn json(view: &impl Serialize) -> String {
        serde_json::to_string(view).expect("json")
    }

    #[test]
    fn exactly_one_thing_is_brought_at_a_time() {
        assert!(matches!(offer(r#"{"share":"x"}"#), Ok(Offer::Share(_))));
        assert!(matches!(offer(r#"{"passphrase":"x"}"#), Ok(Offer::Passphrase(_))));
        assert!(matches!(offer(r#"{"reset":true}"#), Ok(Offer::Reset)));
        for text in ["{}", r#"{"reset":false}"#, r#"{"share":"x","passphrase":"y"}"#, r#"{"share":"x","reset":true}"#] {
            assert!(matches!(offer(text), Err(ApiError::BadValue { .. })), "{text}");
        }
        assert!(!format!("{:?}", serde_json::from_str::<UnsealBody>(r#"{"share":"canary"}"#)).contains("canary"));
    }

    #[test]
    fn a_sealed_node_has_these_shapes() {
        let parameters = ShareParameters::decode(&[1, 0xa0, 1, 2, 3, 4, 5, 6, 7, 3, 5]).expect("parameters");
        let awaits = Awaits::Shares(Progress { provided: 1, threshold: 3 });
        let sealed = health(awaits, Some(parameters));
        assert_eq!(
            json(&SealedHealthView::from(&sealed)),
            concat!(
                r#"{"status":"sealed","node":"aurora","role":"lead","epoch":1,"revision":17,"lead":null,"#,
                r#""lead_last_heard_ms":null,"freshness":"closed","timestamp":"2026-11-21T08:00:00.123Z","#,
                r#""sealed":true,"shares":{"provided":1,"threshold":3}}"#
            )
        );
        assert_eq!(
            json(&UnsealView::from(&sealed)),
            concat!(
                r#"{"sealed":true,"source":"shamir","shares":{"provided":1,"threshold":3,"total":5,"#,
                r#""set":"a001020304050607"},"message":"the node is sealed: it has 1 of 3 shares"}"#
            )
        );
        assert_eq!(
            json(&UnsealView::from(&health(Awaits::Passphrase, None))),
            r#"{"sealed":true,"source":"passphrase","message":"the node is sealed: it waits for its passphrase"}"#
        );
        assert_eq!(json(&UnsealView::open()), r#"{"sealed":false,"message":"the node is not sealed"}"#);
    }
}
