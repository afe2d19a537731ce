//! One secret: read it, store it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AGE, CACHE_CONTROL, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use axum::response::Response;

use super::context::{Named, context, known, node, reason, tag};
use super::desk::Desk;
use super::error::ApiError;
use super::routes_life::door;
use super::types_change::StoredView;
use super::types_put::PutBody;
use super::types_record::{FieldView, MetadataView, served};
use super::types_secret::{PutQuery, SecretView};
use super::{body, json, query};
use crate::model::caller::Caller;
use crate::model::name::FieldName;
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};
use crate::vault::answer::{Freshness, ReadAnswer, ReadOutcome};
use crate::vault::answer_validation::StoredAndChecked;
use crate::vault::request::{Context, ReadRequest};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const X_SECRET_VERSION: HeaderName = HeaderName::from_static("x-secret-version");
const X_FRESH_UNTIL: HeaderName = HeaderName::from_static("x-fresh-until");

/// `GET /api/secrets/{service}/{key}`.
pub(super) async fn read(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    Named(name): Named,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    read_named(&desk, &caller, name, request.into_parts().0).await
}

/// The same of a secret whose name is known. The answer is complete before the vault is asked, last of all, whether it may
/// still be given. Its headers are put where those of the request were: that map has room, so that none is allocated.
pub(super) async fn read_named(
    desk: &Desk,
    caller: &Caller,
    name: SecretName,
    Parts { uri, mut headers, .. }: Parts,
) -> Result<Response, ApiError> {
    let request = asked(name, &uri, &headers)?;
    headers.clear();
    match desk.vault.read(caller, request).await? {
        ReadOutcome::Value(answer) => {
            let mut response = json::answer_in(headers, &view(&answer)?)?;
            tell(response.headers_mut(), answer.record.secret_id, answer.record.version, &answer.freshness);
            desk.vault.confirm(&answer)?;
            Ok(response)
        }
        ReadOutcome::NotModified { secret_id, version, freshness } => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.headers_mut() = headers;
            tell(response.headers_mut(), secret_id, version, &freshness);
            Ok(response)
        }
    }
}

/// Which value is asked for. Nothing of the request is needed behind this.
fn asked(name: SecretName, uri: &Uri, headers: &HeaderMap) -> Result<ReadRequest, ApiError> {
    let wanted = query::wanted(query::parameters(uri)?)?;
    let context = Context { environment: wanted.environment, ..context(headers)? };
    Ok(ReadRequest {
        name,
        context,
        scope: wanted.scope,
        version: wanted.version,
        field: wanted.field,
        refresh: wanted.refresh,
        known: known(headers),
    })
}

/// `POST /api/secrets`.
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let PutQuery { dry_run } = query::parameters(&uri)?;
    let (vault, run) = door(&desk, dry_run.as_deref())?;
    let (node, reason) = (node(&headers)?, reason(&headers)?);
    let budget = desk.budget.of(&caller);
    let body: PutBody = body::read_json(&headers, body, desk.value_bytes_max, budget).await?;
    const DONE: &str = "Secret stored successfully";
    let check = body.check()?;
    let request = body.into_request(node, reason)?;
    let Some(refused) = check else {
        let stored = desk.changes.make(async move { vault.put(&caller, request).await }).await?;
        return json::answer(&StoredView::new(&stored, run, DONE));
    };
    let stored = desk.changes.make(async move { vault.put_checked(&caller, request, refused).await }).await?;
    let StoredAndChecked { stored, validated } = stored;
    json::answer(&StoredView::new(&stored, run, DONE).validated(validated))
}

/// A value as it is told.
///
/// # Errors
/// [`ApiError::NotText`] when it is not UTF-8.
pub(super) fn view(answer: &ReadAnswer) -> Result<SecretView<'_>, ApiError> {
    let at = &answer.record.at;
    let not_text = |_| ApiError::NotText { name: at.secret.name.clone() };
    Ok(SecretView {
        service: at.secret.name.service.as_str(),
        key_name: at.secret.name.key.as_str(),
        key_value: std::str::from_utf8(answer.value.expose()).map_err(not_text)?,
        scope: at.scope.kind(),
        scope_id: at.scope.id(),
        metadata: MetadataView::from(&*answer.record.metadata),
        override_applied: match &at.scope {
            Scope::Global => None,
            Scope::Company(_) | Scope::Node(_) => answer.resolved.then(|| at.scope.kind()),
        },
        version: answer.record.version.get(),
        environment: at.secret.environment.as_str(),
        field: answer.field.as_ref().map(FieldName::as_str),
        fields: answer.record.fields.iter().map(FieldView::from).collect(),
        expires_at: answer.record.options.expires_at.map(|at| at.to_string()),
    })
}

/// The headers every answer about a secret has.
pub(super) fn tell(headers: &mut HeaderMap, secret_id: u64, version: Version, freshness: &Freshness) {
    tell_freshness(headers, freshness);
    headers.insert(X_SECRET_VERSION, HeaderValue::from(version.get()));
    if let Ok(tag) = HeaderValue::try_from(tag(secret_id, version)) {
        headers.insert(ETAG, tag);
    }
}

/// The headers that say how old an answer is, and how long it may be believed.
pub(super) fn tell_freshness(headers: &mut HeaderMap, freshness: &Freshness) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CACHE, HeaderValue::from_static(served(freshness.served)));
    headers.insert(AGE, HeaderValue::from(freshness.age.as_secs()));
    if let Ok(fresh_until) = HeaderValue::try_from(freshness.fresh_until.to_string()) {
        headers.insert(X_FRESH_UNTIL, fresh_until);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::crypto::plaintext::Plaintext;
    use crate::model::change::ChangeKind;
    use crate::model::fields::Fields;
    use crate::model::metadata::{Metadata, SecretOptions};
    use crate::model::name::EnvironmentName;
    use crate::model::number::Revision;
    use crate::model::record::{Record, RecordBody};
    use crate::model::secret::{SecretAddress, SecretName};
    use crate::model::time::{Moment, Timestamp};
    use crate::vault::answer::Served;
    use crate::vault::frozen::Behalf;

    fn answer(scope: &str, value: &[u8], resolved: bool) -> ReadAnswer {
        let secret = SecretAddress {
            environment: EnvironmentName::parse("prod").expect("environment"),
            name: SecretName::parse("hubspot/api_key").expect("name"),
        };
        let record = Record {
            at: secret.within(Scope::parse(scope).expect("scope")),
            secret_id: 2,
            version: Version::FIRST,
            revision: Revision(1),
            change: ChangeKind::Deleted,
            purged: None,
            body: RecordBody::Deleted { kept: None },
            metadata: Metadata { description: Some("Own".into()), ..Metadata::default() }.into(),
            options: SecretOptions::default().into(),
            fields: Fields::default().into(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        ReadAnswer {
            record: Arc::new(record),
            value: Plaintext::new(value.to_vec()),
            field: None,
            freshness: freshness(),
            decided_at: Moment::default(),
            resolved,
            behalf: Behalf::default(),
        }
    }

    fn freshness() -> Freshness {
        let age = Duration::from_millis(2_900);
        Freshness { served: Served::Stale, age, fresh_until: Timestamp(0), servable_for: None }
    }

    fn text(answer: &ReadAnswer) -> String {
        serde_json::to_string(&view(answer).expect("text")).expect("json")
    }

    #[test]
    fn a_read_has_the_published_shape() {
        assert_eq!(
            text(&answer("company:company-town-foods", b"pat-na1-xyz789", true)),
            concat!(
                r#"{"service":"hubspot","key_name":"api_key","key_value":"pat-na1-xyz789","scope":"company","#,
                r#""scope_id":"company-town-foods","metadata":{"description":"Own"},"override_applied":"company","#,
                r#""version":1,"environment":"prod"}"#
            )
        );
        assert!(text(&answer("global", b"x", true)).contains(r#""scope_id":null"#));
        assert!(text(&answer("global", b"x", true)).contains(r#""override_applied":null"#));
    }

    #[test]
    fn a_credential_that_expires_says_when() {
        let mut expiring = answer("global", b"x", true);
        let options = SecretOptions { expires_at: Some(Timestamp(0)), ..SecretOptions::default() };
        Arc::make_mut(&mut expiring.record).options = options.into();
        assert!(text(&expiring).ends_with(r#""environment":"prod","expires_at":"1970-01-01T00:00:00.000Z"}"#));
    }

    #[test]
    fn a_scope_that_was_asked_for_overrides_nothing() {
        assert!(text(&answer("node:vengeance", b"x", true)).contains(r#""override_applied":"node""#));
        assert!(text(&answer("node:vengeance", b"x", false)).contains(r#""override_applied":null"#));
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_and_not_mangled() {
        assert!(matches!(view(&answer("global", b"\xff\xfe", true)), Err(ApiError::NotText { .. })));
    }

    #[test]
    fn the_headers_tell_version_and_freshness() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, 7, Version::FIRST.next(), &freshness());
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("x-cache"), Some("STALE"));
        assert_eq!(header("age"), Some("2"));
        assert_eq!(header("x-secret-version"), Some("2"));
        assert_eq!(header("etag"), Some("\"7.2\""));
        assert_eq!(header("x-fresh-until"), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(header("cache-control"), Some("no-store"));
    }
}
