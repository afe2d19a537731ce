//! The values of a path: read, written, patched.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::kv_custom::custom;
use super::kv_types::{DataView, Envelope, FieldsView, VersionQuery, VersionView, WriteBody};
use super::routes_secret::tell_freshness;
use super::{body, json, query};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::text_map::Sent;
use crate::model::caller::Caller;
use crate::model::name::KeyName;
use crate::model::number::Version;
use crate::model::time::Timestamp;
use crate::vault::answer::{Freshness, ReadAnswer, Served};
use crate::vault::path_request::{Others, PathAnswer, PathOutcome, PathPlace, PathVersion, PathWrite};

/// The lease of values that are stale already: soon enough to notice that the lead is back, and no storm until then.
const STALE_LEASE: Duration = Duration::from_secs(10);

/// How a path is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// The fields that are sent are all there will be.
    Whole,
    /// The others stay, and those sent as `null` go (RFC 7396).
    Part,
}

/// `GET secret/data/SERVICE?version=`. The answer is complete before the vault is asked, last of all, whether it may still be
/// given.
pub(super) async fn read(desk: &Desk, caller: &Caller, place: &PathPlace, uri: &Uri) -> Result<Response, ApiError> {
    let version = query::parameters::<VersionQuery>(uri)?.version()?;
    match desk.vault.read_path(caller, place, version).await? {
        PathOutcome::Values(answer) => values(desk, caller, &answer),
        PathOutcome::Gone(version) => gone(caller, &version),
    }
}

/// `POST`, `PUT` and `PATCH secret/data/SERVICE`
pub(super) async fn write(
    desk: &Desk,
    caller: Arc<Caller>,
    place: PathPlace,
    write: Write,
    headers: &HeaderMap,
    sent: Body,
) -> Result<Response, ApiError> {
    let budget = desk.budget.of(&caller);
    let WriteBody { options, data } = body::read_json(headers, sent, desk.value_bytes_max, budget).await?;
    let wanted = "an object of at most 256 fields, each once, named by a-z, 0-9, dot, underscore and hyphen";
    let entries = data.entries().map_err(|_| ApiError::BadValue { field: "data", wanted })?;
    let (values, nulls) = sorted(entries, write)?;
    let others = match write {
        Write::Whole => Others::Deleted,
        Write::Part => Others::StayBut(nulls),
    };
    let ask = PathWrite { place, values, others, cas: options.unwrap_or_default().cas };
    let (vault, asking) = (desk.vault.clone(), caller.clone());
    let stored = desk.changes.make(async move { vault.write_path(&asking, ask).await }).await?;
    let version =
        PathVersion { version: stored.version, created_at: stored.written_at, deleted_at: None, destroyed: false };
    json::answer(&Envelope::new(&caller.request_id, VersionView::from(&version)))
}

/// Values by name, and the names that go.
type Sorted = (Vec<(KeyName, Plaintext)>, Vec<KeyName>);

/// The texts that are sent, and the names sent as `null`.
fn sorted(entries: Vec<(KeyName, Sent)>, write: Write) -> Result<Sorted, ApiError> {
    const TEXTS: &str = "an object of texts: write a number, a list or an object as a text, and leave null out";
    let (mut values, mut nulls) = (Vec::new(), Vec::new());
    for (name, sent) in entries {
        match (sent, write) {
            (Sent::Text(value), _) => values.push((name, value)),
            (Sent::Null, Write::Part) => nulls.push(name),
            (Sent::Null, Write::Whole) | (Sent::Other, _) => {
                return Err(ApiError::BadValue { field: "data", wanted: TEXTS });
            }
        }
    }
    match (values.is_empty(), write) {
        (true, Write::Whole) => {
            Err(ApiError::BadValue { field: "data", wanted: "one field or more: delete the path instead" })
        }
        (true, Write::Part) => Err(ApiError::BadValue {
            field: "data",
            wanted: "one text or more: to take fields away, write those that stay",
        }),
        (false, _) => Ok((values, nulls)),
    }
}

fn values(desk: &Desk, caller: &Caller, path: &PathAnswer) -> Result<Response, ApiError> {
    let answers = &path.answers;
    if let Some(binary) = answers.iter().find(|answer| !answer.value.is_text()) {
        return Err(ApiError::NotText { name: binary.record.at.secret.name.clone() });
    }
    let freshness = whole(answers).ok_or(ApiError::Unwritable)?;
    let written_at = answers.iter().map(|answer| answer.record.updated_at).max().unwrap_or_default();
    let field = |answer: &'_ ReadAnswer| answer.record.at.secret.name.key.clone();
    let names: Vec<KeyName> = answers.iter().map(field).collect();
    let fields = names.iter().zip(answers).map(|(name, answer)| (name.as_str(), &answer.value)).collect();
    let metadata = VersionView {
        created_time: written_at.to_string(),
        custom_metadata: answers.first().and_then(|answer| custom(&answer.record.metadata)),
        deletion_time: String::new(),
        destroyed: false,
        version: path.version.map_or(0, Version::get),
    };
    let data = DataView { data: Some(FieldsView(fields)), metadata };
    let envelope = Envelope::new(&caller.request_id, data);
    let (lease_duration, warnings) = (lease(&freshness, desk.clock.now().wall), warnings(path, &freshness));
    let mut response = json::answer(&Envelope { lease_duration, warnings, ..envelope })?;
    tell_freshness(response.headers_mut(), &freshness);
    answers.iter().try_for_each(|answer| desk.vault.confirm(answer))?;
    Ok(response)
}

fn gone(caller: &Caller, version: &PathVersion) -> Result<Response, ApiError> {
    let data = DataView { data: None, metadata: VersionView::from(version) };
    let mut response = json::answer(&Envelope::new(&caller.request_id, data))?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

/// A path is as fresh as the least fresh of its values.
fn whole(answers: &[ReadAnswer]) -> Option<Freshness> {
    let rank = |served: Served| match served {
        Served::Lead => 0,
        Served::Hit => 1,
        Served::Stale => 2,
    };
    answers.iter().map(|answer| answer.freshness).reduce(|one, other| Freshness {
        served: if rank(other.served) > rank(one.served) { other.served } else { one.served },
        age: one.age.max(other.age),
        fresh_until: one.fresh_until.min(other.fresh_until),
        servable_for: one.servable_for.min(other.servable_for),
    })
}

/// Seconds after which a client that renders files should ask again. It cannot be renewed.
fn lease(freshness: &Freshness, now: Timestamp) -> u64 {
    let left = match freshness.served {
        Served::Lead | Served::Hit => freshness.fresh_until.since(now).unwrap_or_default(),
        Served::Stale => STALE_LEASE,
    };
    left.as_secs().max(1)
}

fn warnings(path: &PathAnswer, freshness: &Freshness) -> Option<Vec<String>> {
    let mut warnings = Vec::new();
    if freshness.served == Served::Stale {
        let age = freshness.age.as_secs();
        warnings.push(format!("stale_cache: the lead last vouched for these values {age} s ago"));
    }
    warnings.extend(path.lost.iter().map(|key| format!("the field {key} of this version was deleted since")));
    (!warnings.is_empty()).then_some(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(json: &str, write: Write) -> Result<(usize, usize), ApiError> {
        let map: crate::crypto::text_map::TextMap = serde_json::from_str(json).expect("json");
        sorted(map.entries().expect("names"), write).map(|(values, nulls)| (values.len(), nulls.len()))
    }

    #[test]
    fn only_texts_are_stored_and_only_a_patch_takes_fields_away() {
        assert_eq!(sent(r#"{"a":"x","b":""}"#, Write::Whole), Ok((2, 0)));
        assert_eq!(sent(r#"{"a":"x","b":null}"#, Write::Part), Ok((1, 1)));
        for refused in [r#"{"a":1}"#, r#"{"a":true}"#, r#"{"a":{"b":"c"}}"#, r#"{"a":["b"]}"#, r#"{"a":null}"#, "{}"] {
            assert!(matches!(sent(refused, Write::Whole), Err(ApiError::BadValue { .. })), "{refused}");
        }
        assert!(sent(r#"{"b":null}"#, Write::Part).is_err() && sent(r#"{"b":1}"#, Write::Part).is_err());
    }

    #[test]
    fn the_lease_ends_when_the_values_are_no_longer_fresh() {
        let fresh = |served| Freshness {
            served,
            age: Duration::from_secs(2),
            fresh_until: Timestamp(60_000),
            servable_for: None,
        };
        assert_eq!(lease(&fresh(Served::Hit), Timestamp(0)), 60);
        assert_eq!(lease(&fresh(Served::Lead), Timestamp(59_999)), 1);
        assert_eq!(lease(&fresh(Served::Stale), Timestamp(90_000)), 10);
    }
}
