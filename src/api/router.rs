//! Which path leads to which route. The same for every door: the vault knows the door a caller came through.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, delete, get, post};

use super::desk::Desk;
use super::error::ApiError;
use super::routes_audit_proof::of_audit_proof;
use super::routes_snapshots::of_snapshots;
use super::{
    kv_routes, openapi, routes_access, routes_agents, routes_api_keys, routes_audit, routes_aws, routes_back,
    routes_bulk, routes_connectivity, routes_credentials, routes_diagnosis, routes_environments, routes_events,
    routes_expiring, routes_exposure, routes_freezes, routes_health, routes_keys, routes_life, routes_lists,
    routes_metrics, routes_nodes, routes_policy, routes_providers, routes_secret, routes_signing, routes_subscriptions,
    routes_unseal, routes_watch, routes_whoami, unread_query,
};

/// All routes.
pub(super) fn build(desk: Arc<Desk>) -> Router {
    let routes = Router::new()
        .route("/openapi.json", get(openapi::openapi))
        .route("/api/status", get(routes_health::status))
        .route("/metrics", get(routes_metrics::metrics))
        .route("/api/secrets", get(routes_lists::list).post(routes_secret::put))
        // A plain `GET` of it does not come by here (`Stage::answer`), so no path of these two parts may be a route of its own.
        .route(
            "/api/secrets/{service}/{key}",
            get(routes_secret::read).patch(routes_life::describe).delete(routes_life::delete),
        )
        .route("/api/secrets/{service}/{key}/undelete", post(routes_life::undelete))
        .route("/api/secrets/{service}/{key}/destroy", post(routes_life::destroy))
        .route("/api/secrets/{service}/{key}/rollback", post(routes_life::rollback))
        .route("/api/secrets/{service}/{key}/versions", get(routes_lists::versions))
        .route("/api/secrets/{service}/{key}/watch", get(routes_watch::watch_one))
        .route("/api/watch", get(routes_watch::watch_all))
        .route("/api/import", post(routes_bulk::import))
        .route("/api/rollback", post(routes_back::back))
        .route("/api/export", get(routes_bulk::export))
        .route("/api/explain/{service}/{key}", get(routes_lists::explain))
        .route("/api/environments", get(routes_environments::list))
        .route("/api/environments/mirror", post(routes_environments::mirror))
        .route("/api/environments/check", post(routes_environments::check))
        .route("/api/connectivity/status", get(routes_connectivity::status).post(routes_connectivity::report))
        .route("/api/connectivity/health", get(routes_connectivity::health))
        .route("/api/connectivity/best", get(routes_connectivity::best))
        .route("/api/expiring", get(routes_expiring::expiring))
        .route("/api/unused", get(routes_expiring::unused))
        .route("/api/tokens", get(routes_nodes::tokens).post(routes_nodes::issue_token))
        .route("/api/tokens/{id}", delete(routes_nodes::revoke_token))
        .route("/api/nodes", get(routes_nodes::nodes))
        .route("/api/nodes/{name}", delete(routes_nodes::remove))
        .route("/api/nodes/{name}/entitlement", post(routes_nodes::entitle))
        .route("/api/nodes/{name}/approve", post(routes_nodes::approve))
        .route("/api/nodes/{name}/ban", post(routes_nodes::ban))
        .route("/api/unseal", get(routes_unseal::is_open).post(routes_unseal::not_sealed))
        .route("/api/leave", post(routes_nodes::leave))
        .route("/api/diagnosis", get(routes_diagnosis::diagnosis))
        .route("/api/keys", get(routes_keys::status))
        .route("/api/keys/rotate", post(routes_keys::rotate))
        .route("/api/keys/rotate-root", post(routes_keys::rotate_root))
        .route("/api/whoami", get(routes_whoami::whoami))
        .route(
            "/api/freezes",
            get(routes_freezes::list).post(routes_freezes::freeze).delete(routes_freezes::unfreeze_named),
        )
        .route("/api/freezes/holders", get(routes_freezes::holders))
        .route("/api/freezes/{target}", delete(routes_freezes::unfreeze))
        .route("/api/policy", get(routes_policy::list))
        .route("/api/policy/grants/{name}", get(routes_policy::show))
        .route("/api/policy/plan", post(routes_policy::plan))
        .route("/api/policy/apply", post(routes_policy::apply))
        .route("/api/policy/test", post(routes_policy::test))
        .route("/api/exposure", get(routes_exposure::exposure))
        .merge(of_audit());
    let routes = routes.merge(of_agents()).merge(of_subscriptions()).merge(of_events()).merge(of_requests());
    let ours = routes.merge(of_providers()).merge(of_audit_proof()).merge(of_snapshots());
    // What is added behind the layer does not come by it.
    let ours = ours.layer(from_fn(unread_query::refuse));
    with_refusals(ours.merge(of_others())).with_state(desk)
}

/// The routes about agents and their keys.
fn of_agents() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/agents", get(routes_agents::list).post(routes_agents::create))
        .route("/api/agents/{name}", get(routes_agents::show).patch(routes_agents::update))
        .route("/api/agents/{name}/suspend", post(routes_agents::suspend))
        .route("/api/agents/{name}/activate", post(routes_agents::activate))
        .route("/api/agents/{name}/archive", post(routes_agents::archive))
        .route("/api/agents/{name}/signing-key", post(routes_signing::set).delete(routes_signing::remove))
        .route("/api/agents/{name}/keys", post(routes_api_keys::create))
        .route("/api/agents/{name}/keys/{key}", delete(routes_api_keys::revoke))
        .route("/api/agents/{name}/keys/{key}/rotate", post(routes_api_keys::rotate))
        .route("/api/apikeys", get(routes_api_keys::list))
}

/// The routes about what happens.
fn of_events() -> Router<Arc<Desk>> {
    Router::new()
        .route("/events", post(routes_events::publish))
        .route("/api/events", get(routes_events::stream).post(routes_events::publish))
        .route("/api/events/history", get(routes_events::history))
        .route("/api/events/types", get(routes_events::types))
}

/// The routes about the journal.
fn of_audit() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/audit", get(routes_audit::search))
        .route("/api/audit/export", get(routes_audit::export))
        .route("/api/audit/follow", get(routes_audit::follow))
        .route("/credentials/usage", get(routes_audit::usage))
}

/// The routes about what somebody asks to be allowed.
fn of_requests() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/access-requests", get(routes_access::list).post(routes_access::ask))
        .route("/api/access-requests/{id}", delete(routes_access::dismiss))
}

/// The routes about who is told of what happens, and how.
fn of_subscriptions() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/subscriptions", get(routes_subscriptions::list).post(routes_subscriptions::subscribe))
        .route("/api/subscriptions/{name}", delete(routes_subscriptions::unsubscribe))
        .route("/api/subscriptions/{name}/pause", post(routes_subscriptions::pause))
        .route("/api/subscriptions/{name}/resume", post(routes_subscriptions::resume))
        .route("/api/subscriptions/{name}/rotate", post(routes_subscriptions::rotate))
        .route("/api/subscriptions/{name}/test", post(routes_subscriptions::test))
        .route("/api/subscriptions/{name}/replay", post(routes_subscriptions::replay))
        .route("/api/deliveries", get(routes_subscriptions::delivered))
        .route("/api/dead-letters", get(routes_subscriptions::dead))
        .route("/notify", post(routes_subscriptions::notify))
}

/// The routes about providers, and the credentials they were asked about.
fn of_providers() -> Router<Arc<Desk>> {
    Router::new()
        .route("/credentials/status", get(routes_credentials::status))
        .route("/credentials/{service}/validate", post(routes_credentials::validate))
        .route("/providers", get(routes_providers::list))
        .route("/providers/{name}", get(routes_providers::show))
}

/// The routes of other systems, whose clients work here: HashiCorp Vault, and the AWS Secrets Manager Agent. They say themselves
/// what becomes of a query. And the health of the node, which is told to whoever asks, however he asks.
fn of_others() -> Router<Arc<Desk>> {
    Router::new()
        .route("/health", get(routes_health::health))
        .route("/v1/{*path}", any(kv_routes::kv))
        .route("/ping", get(routes_aws::ping))
        .route("/secretsmanager/get", get(routes_aws::get))
}

/// What leads nowhere is refused in the shape of every other refusal.
pub(super) fn with_refusals<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes.fallback(unknown_route).method_not_allowed_fallback(wrong_method)
}

async fn unknown_route() -> ApiError {
    ApiError::UnknownRoute
}

async fn wrong_method() -> ApiError {
    ApiError::WrongMethod
}
