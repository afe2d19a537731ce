//! All concurrency: the supervision tree, the restart table, and thin actors over the pure rooms.
//!
//! ```text
//! node (root supervisor)
//! ├─ secret       lead: group commit into the store, then publish · follower: apply changes, keep freshness
//! ├─ heartbeat    lead: who was heard when
//! ├─ certificate  lead: its own, renewed at half life
//! ├─ audit        lead: seals its own journal, and notices nodes that prove nothing of theirs
//! ├─ rotation     lead: seals values anew after a scope got a new key
//! ├─ snapshots    lead: saves itself by the calendar, and finds out whether what was saved could be restored
//! ├─ upkeep       packs closed files of the journal, and removes those whose time is over
//! ├─ connectivity checks the APIs this node would use, and publishes what that came to
//! ├─ peers        lead: one child session per connection · follower: dials the lead, one session at a time
//! ├─ reminders    lead: tells of credentials that end or are refused, and of APIs that do better or worse
//! ├─ deliveries   sends what happens to subscribers and channels
//! ├─ events       keeps what happens, under numbers, and lets everybody know that there is more
//! └─ discovery    mDNS: announces, or collects hints
//! ```
//!
//! Reads do not pass through here: actors publish on a `board`, and the door reads from it.

pub mod access_desk;
pub mod admission;
pub mod asked_checks;
pub mod audit_desk;
mod audit_frames;
mod audit_judge;
mod audit_tell;
pub mod audit_watch;
pub mod batch;
pub mod board;
pub mod certificate;
pub mod change;
pub mod checker;
pub mod committed;
pub mod confirm;
pub mod connectivity;
pub mod connectivity_board;
pub mod connectivity_frames;
mod connectivity_watch;
pub mod courier;
pub mod deliveries;
mod delivery_index;
pub mod delivery_queue;
pub mod delivery_sorting;
pub mod discovery;
pub mod draft;
mod draft_back;
mod draft_keys;
#[cfg(test)]
mod draft_keys_tests;
#[cfg(test)]
mod draft_life;
mod draft_nodes;
mod draft_paths;
mod draft_root;
mod draft_rules;
mod draft_secrets;
mod draft_signing;
mod draft_tokens;
mod draft_values;
pub mod error;
pub mod event_hub;
pub mod event_keeper;
pub mod event_log;
pub mod event_posts;
mod event_sources;
mod event_unused;
mod expulsion;
pub mod follower_audit;
pub mod follower_cache;
mod follower_connectivity;
pub mod follower_keys;
mod follower_requests;
pub mod follower_rules;
mod follower_sealed;
pub mod follower_session;
pub mod follower_succession;
mod follower_witness;
pub mod heartbeat;
pub mod join_desk;
pub mod join_rate;
pub mod key_rotation;
pub mod key_use;
mod lead_audit;
mod lead_connectivity;
mod lead_feed;
pub mod lead_line;
mod lead_requests;
mod lead_rules;
mod lead_session;
pub mod lead_sessions;
pub mod leave_desk;
pub mod limit_board;
mod next_batch;
pub mod node;
pub mod pace;
pub mod peers_follower;
pub mod peers_lead;
pub mod reminders;
pub mod restart;
pub mod roles;
pub mod rotation_board;
pub mod secret_follower;
pub mod secret_lead;
mod snapshot_command;
pub mod snapshot_desk;
pub mod snapshot_error;
pub mod snapshot_folder;
pub mod snapshot_keeper;
pub mod snapshot_make;
pub mod snapshot_proof;
mod snapshot_verify;
mod spent_calls;
pub mod subscription_book;
mod tally;
mod task;
pub mod throne;
mod unanswered;
pub mod upkeep;
