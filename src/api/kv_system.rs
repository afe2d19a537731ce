//! What clients of HashiCorp Vault ask before they ask for secrets: whether the server is well, what a path is, and whether
//! their token works.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::kv_path::MOUNT;
use super::kv_types::{AuthView, Envelope};
use crate::model::caller::Caller;
use crate::model::principal::Principal;
use crate::model::time::Timestamp;
use crate::vault::answer_whoami::Whoami;
use crate::vault::error::VaultError;

/// The version of Vault whose API this is like: clients choose by it what to ask for. What follows says whose it is.
const VERSION: &str = concat!("1.18.0+aurora.", env!("CARGO_PKG_VERSION"));

/// The name of every cluster: before a token is shown nothing is told that could be of use to anybody.
const CLUSTER: &str = "aurora-mesh";

/// Whether a node serves.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultHealth"))]
pub(super) struct HealthView {
    /// Always true.
    initialized: bool,
    /// Whether the node waits to be unsealed.
    sealed: bool,
    /// Always false: a follower serves reads by itself.
    standby: bool,
    /// Always false.
    performance_standby: bool,
    /// Always `disabled`.
    replication_performance_mode: &'static str,
    /// Always `disabled`.
    replication_dr_mode: &'static str,
    /// Now, in seconds since 1970.
    server_time_utc: i64,
    /// The version of Vault whose API this is like, then that of this program.
    version: &'static str,
    /// The same for every mesh.
    cluster_name: &'static str,
    /// The same for every mesh.
    cluster_id: &'static str,
}

/// `sys/health`. Every node that is open answers 200, also a follower: it serves reads by itself. A sealed one answers 503, or
/// what `sealedcode` asks for.
pub(super) fn health(sealed: bool, now: Timestamp, uri: &Uri) -> Result<Response, ApiError> {
    let mut response = json::answer(&HealthView {
        initialized: true,
        sealed,
        standby: false,
        performance_standby: false,
        replication_performance_mode: "disabled",
        replication_dr_mode: "disabled",
        server_time_utc: now.0.div_euclid(1000),
        version: VERSION,
        cluster_name: CLUSTER,
        cluster_id: CLUSTER,
    })?;
    if sealed {
        *response.status_mut() = asked_status(uri).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(response)
}

/// What a client would have for a status instead of 503: those of Go ask for 299, so that none of them takes it for a fault.
fn asked_status(uri: &Uri) -> Option<StatusCode> {
    let asked = uri.query()?.split('&').find_map(|part| part.strip_prefix("sealedcode="))?;
    let status = StatusCode::from_bytes(asked.as_bytes()).ok()?;
    (!status.is_informational()).then_some(status)
}

/// Whether a node was made.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultInit"))]
pub(super) struct InitView {
    /// Always true.
    initialized: bool,
}

/// `sys/init`: a node that answers was made by `aurora init` or `aurora join`.
pub(super) fn init() -> Result<Response, ApiError> {
    json::answer(&InitView { initialized: true })
}

/// Whether a node is sealed. All else is the same of every node.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultSeal"))]
pub(super) struct SealView {
    /// Always `shamir`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Always true.
    initialized: bool,
    /// Whether the node waits to be unsealed.
    sealed: bool,
    /// Always 1, however many shares it takes.
    t: u8,
    /// Always 1, however many shares there are.
    n: u8,
    /// Always 0.
    progress: u8,
    /// Always empty.
    nonce: &'static str,
    /// The version of Vault whose API this is like, then that of this program.
    version: &'static str,
    /// Always empty.
    build_date: &'static str,
    /// Always false.
    migration: bool,
    /// The same for every mesh.
    cluster_name: &'static str,
    /// The same for every mesh.
    cluster_id: &'static str,
    /// Always false.
    recovery_seal: bool,
    /// Always `aurora`.
    storage_type: &'static str,
}

/// `sys/seal-status`. How a node is unsealed is told by `/api/unseal`.
pub(super) fn seal_status(sealed: bool) -> Result<Response, ApiError> {
    json::answer(&SealView {
        kind: "shamir",
        initialized: true,
        sealed,
        t: 1,
        n: 1,
        progress: 0,
        nonce: "",
        version: VERSION,
        build_date: "",
        migration: false,
        cluster_name: CLUSTER,
        cluster_id: CLUSTER,
        recovery_seal: false,
        storage_type: "aurora",
    })
}

/// The one mount there is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultMount"))]
pub(super) struct MountView {
    /// Always `secret/`.
    path: &'static str,
    /// Always `kv`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What it holds, for people.
    description: &'static str,
    /// `version`, which is `2`.
    options: BTreeMap<&'static str, &'static str>,
    /// Always false.
    local: bool,
    /// Always false.
    seal_wrap: bool,
    /// Always false.
    external_entropy_access: bool,
    /// The same for every mesh.
    accessor: &'static str,
    /// Always empty.
    uuid: &'static str,
}

/// `sys/internal/ui/mounts/…`: for callers who are somebody, and of the one mount there is.
pub(super) async fn mount(desk: &Desk, caller: &Caller, is_ours: bool) -> Result<Response, ApiError> {
    desk.vault.whoami(caller, None).await?;
    if !is_ours {
        return Err(VaultError::Denied { rule: format!("no mount but {MOUNT}") }.into());
    }
    let view = MountView {
        path: "secret/",
        kind: "kv",
        description: "the services of this mesh",
        options: BTreeMap::from([("version", "2")]),
        local: false,
        seal_wrap: false,
        external_entropy_access: false,
        accessor: "kv_aurora",
        uuid: "",
    };
    json::answer(&Envelope::new(&caller.request_id, view))
}

/// Who asks, as Vault tells of a token.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultToken"))]
pub(super) struct TokenView {
    /// The name of the API key, not the key; without one, whom the caller acts as.
    id: String,
    /// The same.
    accessor: String,
    /// Whom the caller acts as.
    policies: Vec<String>,
    /// Always empty.
    identity_policies: Vec<String>,
    /// Seconds until the key ends; 0 if it does not.
    ttl: u64,
    /// When the key ends; nothing if it does not.
    expire_time: Option<String>,
    /// Always `null`.
    issue_time: Option<String>,
    /// Always 0.
    creation_time: u64,
    /// The same as `ttl`.
    creation_ttl: u64,
    /// Always 0.
    explicit_max_ttl: u64,
    /// The same as `id`.
    display_name: String,
    /// Always empty.
    entity_id: &'static str,
    /// Always `null`.
    meta: Option<()>,
    /// Always 0: a key can be used as often as one likes.
    num_uses: u64,
    /// Always true.
    orphan: bool,
    /// Always `auth/token/create`.
    path: &'static str,
    /// Always false.
    renewable: bool,
    /// Always `service`.
    #[serde(rename = "type")]
    kind: &'static str,
}

/// `auth/token/lookup-self`: whoever asks, as `/api/whoami` knows it. In the place of the token is the name of the API key,
/// and in that of its policies is whom it acts as.
pub(super) async fn lookup_self(desk: &Desk, caller: &Caller) -> Result<Response, ApiError> {
    let told = desk.vault.whoami(caller, None).await?;
    let (name, ttl) = (name(&told), seconds_left(&told, desk.clock.now().wall));
    let view = TokenView {
        id: name.clone(),
        accessor: name.clone(),
        policies: policies(&told),
        identity_policies: Vec::new(),
        ttl,
        expire_time: told.key_until.map(|end| end.to_string()),
        issue_time: None,
        creation_time: 0,
        creation_ttl: ttl,
        explicit_max_ttl: 0,
        display_name: name,
        entity_id: "",
        meta: None,
        num_uses: 0,
        orphan: true,
        path: "auth/token/create",
        renewable: false,
        kind: "service",
    };
    json::answer(&Envelope::new(&caller.request_id, view))
}

/// `auth/token/renew-self`: an API key works until it ends, and is as it was. The token itself is not known here, so it is
/// not given back.
pub(super) async fn renew_self(desk: &Desk, caller: &Caller) -> Result<Response, ApiError> {
    let told = desk.vault.whoami(caller, None).await?;
    let auth = AuthView {
        client_token: "",
        accessor: name(&told),
        policies: policies(&told),
        token_policies: policies(&told),
        metadata: None,
        lease_duration: seconds_left(&told, desk.clock.now().wall),
        renewable: false,
        entity_id: "",
        token_type: "service",
        orphan: true,
        num_uses: 0,
    };
    json::answer(&Envelope { auth: Some(auth), ..Envelope::new(&caller.request_id, None::<()>) })
}

/// An answer that says that it is done, and nothing else.
pub(super) fn done() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn name(told: &Whoami) -> String {
    told.key.clone().or_else(|| told.principals.first().map(Principal::to_string)).unwrap_or_default()
}

fn policies(told: &Whoami) -> Vec<String> {
    told.principals.iter().map(Principal::to_string).collect()
}

/// Until the key ends; 0 for one that does not, as for a token of Vault that does not.
fn seconds_left(told: &Whoami, now: Timestamp) -> u64 {
    told.key_until.and_then(|end| end.since(now)).map_or(0, |left| left.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_node_is_unavailable_unless_the_client_would_have_it_otherwise() {
        let status = |sealed, target: &str| {
            let uri: Uri = target.parse().expect("a target");
            health(sealed, Timestamp(1_795_248_000_123), &uri).expect("an answer").status().as_u16()
        };
        assert_eq!((status(false, "/v1/sys/health"), status(true, "/v1/sys/health")), (200, 503));
        assert_eq!(status(true, "/v1/sys/health?uninitcode=298&sealedcode=299"), 299);
        for odd in ["sealedcode=", "sealedcode=99", "sealedcode=abc", "sealedcode=100", "sealedcode=1000"] {
            assert_eq!(status(true, &format!("/v1/sys/health?{odd}")), 503, "{odd}");
        }
    }
}
