//! Clients of HashiCorp Vault need no change: the protocol of its KV engine, byte for byte where they look at it, and the
//! clients themselves against a real node.

mod clients;
mod paths;
mod permissions;
mod protocol;
mod stage;
mod staleness;
