//! The one door: decide, audit, act. Every secret that leaves a node, and every change of the store, passes here.
//!
//! The order is fixed. A read is identified, authorised, resolved and opened, and its audit line is written before the
//! value is handed out. A write is identified, authorised and announced in the audit before anything is sealed. Denials
//! are audited like answers; a journal that cannot be written closes the door.

pub mod access;
pub mod access_error;
pub mod account;
pub mod admin;
pub mod agent_error;
mod agent_plan;
#[cfg(test)]
mod agent_plan_tests;
pub mod agent_request;
pub mod agents;
pub mod answer;
pub mod answer_connectivity;
pub mod answer_exposure;
pub mod answer_freezes;
pub mod answer_keys;
pub mod answer_nodes;
pub mod answer_validation;
pub mod answer_whoami;
mod api_key_plan;
pub mod api_keys;
mod asking;
pub mod audit_search;
pub mod authorise;
pub mod browse;
mod checking;
pub mod connectivity;
mod connectivity_seen;
pub mod credentials;
mod deliver;
pub mod delivery_error;
pub mod environment_check;
pub mod environments;
pub mod error;
mod established;
pub mod event_error;
pub mod event_stream;
pub mod events;
pub mod expiring;
pub mod explain;
pub mod export;
pub mod exposure;
pub mod filter;
mod flights;
pub mod follow;
pub mod freezes;
pub mod frozen;
pub mod health;
pub mod holdings;
pub mod identity;
#[cfg(test)]
mod identity_tests;
pub mod import;
mod key_uses;
pub mod keys;
pub mod limits;
pub mod metrics;
pub mod nodes;
pub mod notice_pace;
pub mod notices;
mod off_thread;
pub mod parts;
mod path_life;
mod path_look;
mod path_read;
pub mod path_request;
mod path_write;
pub mod policy;
mod probe_call;
#[cfg(test)]
mod probe_call_tests;
pub mod providers;
mod put_checked;
pub mod read;
mod refusal;
pub mod request;
pub mod resolve;
pub mod roster_error;
mod rule_change;
mod rules;
pub mod sealed;
pub mod sealed_parts;
mod send_message;
pub mod signing;
pub mod signing_keys;
pub mod subscriptions;
pub mod units;
pub mod unused;
pub mod validate;
pub mod watch;
pub mod watched;
pub mod whoami;
pub mod workload;
pub mod write;
