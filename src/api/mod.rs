//! HTTP on the agent and admin sockets: who asks, what, and one error-to-status table.
//!
//! A connection that `callers` let in passes, in this order: [`server`] · [`connection`] (HTTP/1 with timeouts) · [`front`]
//! (request id, refusals) · [`stage`] (sealed or open) · [`router`] and the routes, which parse into model types and ask
//! the vault. Nothing here decides whether a caller may do something: both sockets have the same routes, and the vault
//! knows the door.

mod deed;
mod desk;
mod digesting;
pub mod error;
pub mod reception;
mod server;

mod body;
mod budget;
mod changes;
mod connection;
mod context;
mod dialect;
mod front;
mod json;
mod limit_headers;
mod lines;
mod query;
mod router;
mod routes_access;
mod routes_admin;
mod routes_agents;
mod routes_api_keys;
mod routes_bulk;
mod routes_connectivity;
mod routes_credentials;
mod routes_environments;
mod routes_expiring;
mod routes_exposure;
mod routes_freezes;
mod routes_health;
mod routes_keys;
mod routes_life;
mod routes_lists;
mod routes_nodes;
mod routes_policy;
mod routes_providers;
mod routes_secret;
mod routes_signing;
mod routes_unseal;
mod routes_watch;
mod routes_whoami;
mod shown;
mod signed;
mod stage;
mod stalled;
mod table;
mod table_access;
mod table_agents;
mod table_hints;
mod table_nodes;
mod types_access;
mod types_admin;
mod types_agents;
mod types_api_keys;
mod types_bulk;
mod types_change;
mod types_connectivity;
mod types_environments;
mod types_error;
mod types_expiring;
mod types_explain;
mod types_exposure;
mod types_freezes;
mod types_health;
mod types_keys;
mod types_list;
mod types_nodes;
mod types_patch;
mod types_policy;
mod types_providers;
mod types_put;
mod types_reach;
mod types_record;
mod types_secret;
mod types_tokens;
mod types_unseal;
mod types_validation;
mod types_watch;
mod types_whoami;
