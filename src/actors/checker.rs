//! The seam to the door: what a node would use, and the checks of it. The door decides and accounts for each use of a
//! credential; this room only says when.

use std::future::Future;
use std::pin::Pin;

use crate::connectivity::subject::{Subject, Watched};
use crate::model::api_check::{KeyCheck, PathCheck};
use crate::model::name::ServiceName;

/// A check that is being made.
pub type Checking<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the door does for the connectivity of a node.
pub trait Checker: Send + Sync + 'static {
    /// What this node would use now, by service.
    fn watched(&self) -> Vec<Watched>;

    /// Checks the path to a service, without a credential.
    fn check_path(&self, service: &ServiceName) -> Checking<PathCheck>;

    /// Checks one credential. The value leaves the node to its provider and nowhere else, and is accounted for before.
    fn check_key(&self, subject: &Subject) -> Checking<KeyCheck>;
}
