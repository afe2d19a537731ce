//! `/v1/…`: secrets for clients of HashiCorp Vault, as its KV engine of version 2 has them. Method by method, because `LIST`
//! is one that no router knows.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};

use super::body;
use super::context::context;
use super::desk::Desk;
use super::error::ApiError;
use super::kv_custom::Unmentioned;
use super::kv_data::{self, Write};
use super::kv_metadata::{self, Deed};
use super::kv_path::{Target, target};
use super::kv_system;
use super::kv_types::ListQuery;
use super::query;
use crate::model::caller::Caller;
use crate::model::name::ServiceName;
use crate::vault::path_request::PathPlace;

const NO_TOKENS: &str =
    "tokens are API keys here: aurora apikey makes, renews and revokes them (terraform: skip_child_token = true)";

const WRAPPED: &str = "answers are not wrapped here: ask without X-Vault-Wrap-TTL (-wrap-ttl)";

const DEEPER: &str = "secret/SERVICE, one name: its fields are the keys of the service, and nothing lies deeper";

/// For how long an answer is to lie wrapped until somebody takes it out.
const X_VAULT_WRAP_TTL: HeaderName = HeaderName::from_static("x-vault-wrap-ttl");

/// What came, and where it goes.
struct Asked {
    desk: Arc<Desk>,
    caller: Arc<Caller>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
}

/// Everything below `/v1/`.
pub(super) async fn kv(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Path(path) = path.map_err(|_| ApiError::PathEncoding)?;
    let target = target(&path)?;
    if target.is_of_secrets() && wants_wrapping(&headers) {
        return Err(ApiError::NotOffered(WRAPPED));
    }
    let methods = target.methods();
    let asked = Asked { desk, caller, method, uri, headers, body };
    match asked.answer(target).await {
        Err(ApiError::WrongMethod) => Ok(wrong_method(methods)),
        answered => answered,
    }
}

/// Whether the answer is to be wrapped: then a value in it is for nobody but who unwraps it. For no time is not at all.
fn wants_wrapping(headers: &HeaderMap) -> bool {
    headers.get_all(X_VAULT_WRAP_TTL).iter().any(|ttl| !matches!(ttl.as_bytes().trim_ascii(), b"" | b"0" | b"0s"))
}

/// Sees to it that a `DELETE` says nothing but its path: whoever names versions means those, and would lose all.
async fn says_no_more(uri: &Uri, sent: Body) -> Result<(), ApiError> {
    const WANTED: &str = "empty: versions are named to secret/delete/SERVICE and secret/destroy/SERVICE";
    query::none(uri)?;
    body::none(sent).await.map_err(|refused| {
        let is_something = matches!(refused, ApiError::BadValue { .. });
        if is_something { ApiError::BadValue { field: "the body", wanted: WANTED } } else { refused }
    })
}

/// The refusal of a method, with those that are taken, as the router's own has them.
fn wrong_method(methods: &'static str) -> Response {
    let mut response = ApiError::WrongMethod.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// A truth as Vault reads one, in each way that Go's `strconv.ParseBool` knows: hvac's own `list` says `True`.
fn is_true(text: &str) -> Result<bool, ApiError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ApiError::BadValue { field: "list", wanted: "true or false" }),
    }
}

impl Asked {
    async fn answer(self, target: Target) -> Result<Response, ApiError> {
        let Self { desk, caller, method, uri, headers, .. } = &self;
        match (target, method.as_str()) {
            (Target::Health, "GET" | "HEAD") => kv_system::health(false, desk.clock.now().wall, uri),
            (Target::Init, "GET" | "HEAD") => kv_system::init(),
            (Target::SealStatus, "GET" | "HEAD") => kv_system::seal_status(false),
            (Target::Mount(is_ours), "GET") => kv_system::mount(desk, caller, is_ours).await,
            (Target::LookupSelf, "GET") => kv_system::lookup_self(desk, caller).await,
            (Target::RenewSelf, "POST" | "PUT") => kv_system::renew_self(desk, caller).await,
            (Target::OtherToken, _) => Err(ApiError::NotOffered(NO_TOKENS)),
            (Target::Services, "LIST") => kv_metadata::services(desk, caller, context(headers)?).await,
            (Target::Services, "GET") if self.lists()? => kv_metadata::services(desk, caller, context(headers)?).await,
            (Target::Data(service), _) => self.data(service).await,
            (Target::Metadata(service), _) => self.metadata(service).await,
            (Target::DeleteVersions(service), "POST" | "PUT") => self.versions(service, Deed::Delete).await,
            (Target::UndeleteVersions(service), "POST" | "PUT") => self.versions(service, Deed::Undelete).await,
            (Target::DestroyVersions(service), "POST" | "PUT") => self.versions(service, Deed::Destroy).await,
            (Target::Deeper, "POST" | "PUT" | "PATCH") => Err(ApiError::BadValue { field: "the path", wanted: DEEPER }),
            (Target::Deeper, _) => Err(ApiError::UnknownRoute),
            _ => Err(ApiError::WrongMethod),
        }
    }

    async fn data(self, service: ServiceName) -> Result<Response, ApiError> {
        let place = self.place(service)?;
        let Self { desk, caller, method, uri, headers, body } = self;
        match method.as_str() {
            "GET" => kv_data::read(&desk, &caller, &place, &uri).await,
            "POST" | "PUT" => kv_data::write(&desk, caller, place, Write::Whole, &headers, body).await,
            "PATCH" => kv_data::write(&desk, caller, place, Write::Part, &headers, body).await,
            "DELETE" => {
                says_no_more(&uri, body).await?;
                kv_metadata::delete_current(&desk, caller, place).await
            }
            _ => Err(ApiError::WrongMethod),
        }
    }

    async fn metadata(self, service: ServiceName) -> Result<Response, ApiError> {
        let place = self.place(service)?;
        let lists = self.method.as_str() == "LIST" || (self.method == Method::GET && self.lists()?);
        let Self { desk, caller, method, uri, headers, body } = self;
        match method.as_str() {
            // Below a path there is nothing to be listed.
            _ if lists => Err(ApiError::UnknownRoute),
            "GET" => kv_metadata::history(&desk, &caller, &place).await,
            "POST" | "PUT" => kv_metadata::describe(&desk, caller, place, Unmentioned::Go, &headers, body).await,
            "PATCH" => kv_metadata::describe(&desk, caller, place, Unmentioned::Stay, &headers, body).await,
            "DELETE" => {
                says_no_more(&uri, body).await?;
                kv_metadata::destroy_all(&desk, caller, place).await
            }
            _ => Err(ApiError::WrongMethod),
        }
    }

    async fn versions(self, service: ServiceName, deed: Deed) -> Result<Response, ApiError> {
        let place = self.place(service)?;
        let Self { desk, caller, headers, body, .. } = self;
        kv_metadata::versions(&desk, caller, place, deed, &headers, body).await
    }

    fn place(&self, service: ServiceName) -> Result<PathPlace, ApiError> {
        Ok(PathPlace { service, context: context(&self.headers)? })
    }

    /// Whether a `GET` stands for a `LIST`, as clients that know only plain methods ask.
    fn lists(&self) -> Result<bool, ApiError> {
        let ListQuery { list } = query::parameters(&self.uri)?;
        is_true(list.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_to_be_wrapped_is_told_from_one_that_is_not() {
        let wants = |ttl: &'static str| {
            wants_wrapping(&HeaderMap::from_iter([(X_VAULT_WRAP_TTL, HeaderValue::from_static(ttl))]))
        };
        assert!(!wants_wrapping(&HeaderMap::new()));
        for none in ["", "0", "0s"] {
            assert!(!wants(none), "{none}");
        }
        for some in ["60", "5m", "1s", "00", "-1", "never"] {
            assert!(wants(some), "{some}");
        }
    }

    #[test]
    fn a_list_is_asked_for_in_every_way_that_vault_reads() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(is_true(text), Ok(true), "{text}");
        }
        for text in ["", "0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(is_true(text), Ok(false), "{text}");
        }
        for text in ["yes", "tRUE", "2", " true"] {
            assert!(is_true(text).is_err(), "{text}");
        }
    }
}
