//! Where access requests are kept, on the lead: each is on the disk before it is answered with its number.
//!
//! The lead's own callers come here through the door, which accounts for them; those of a follower come over its session, and
//! are written into the lead's journal here.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::board::Board;
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::journal::Journal;
use crate::model::access::{AccessRequest, Asker, Listed, Wish};
use crate::model::actions::Action;
use crate::model::event::Event;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::principal::Principal;
use crate::model::time::Clock;
use crate::policy::access::{Full, Noted, Requests, is_granted};
use crate::store::blob::BlobName;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// Why a request was not taken in, or the list not given.
#[derive(Debug, thiserror::Error)]
pub enum AccessRefused {
    /// There is no room.
    #[error(transparent)]
    Full(#[from] Full),
    /// What was kept before the lead was started cannot be read, and is not written over.
    #[error("the access requests that are kept cannot be read")]
    Unreadable,
    /// The journal cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The desk.
pub struct AccessDesk {
    /// `None` if what is on the disk cannot be read.
    requests: Mutex<Option<Requests>>,
    board: Arc<Board>,
    store: Store,
    journal: Journal,
    clock: Arc<dyn Clock>,
}

impl AccessDesk {
    /// A desk with what was kept before the lead was started.
    #[must_use]
    pub fn new(kept: Option<&[u8]>, board: Arc<Board>, store: Store, journal: Journal, clock: Arc<dyn Clock>) -> Self {
        let requests = kept.map(Requests::parse).transpose();
        let requests = requests.map(Option::unwrap_or_default).inspect_err(|error| {
            tracing::error!(%error, "no access requests are taken in until the store is restored");
        });
        Self { requests: Mutex::new(requests.ok()), board, store, journal, clock }
    }

    /// Takes in what a caller of the lead asks for; the door has written it down.
    ///
    /// # Errors
    /// [`AccessRefused`]; then nothing is kept.
    pub async fn ask(
        &self,
        asker: Asker,
        environment: EnvironmentName,
        wish: Wish,
        reason: String,
    ) -> Result<Noted, AccessRefused> {
        self.take_in(asker, environment, wish, reason, None).await
    }

    /// The same of a caller of a follower, which is written into the journal here.
    ///
    /// # Errors
    /// [`AccessRefused`]; then nothing is kept.
    pub(super) async fn ask_from(
        &self,
        asker: Asker,
        environment: EnvironmentName,
        wish: Wish,
        reason: String,
    ) -> Result<Noted, AccessRefused> {
        let line = Entry {
            principal: format!("node:{}", asker.node).into(),
            established: "certificate",
            secret: Some(wish.secret.clone()),
            environment: Some(environment.clone()),
            company: wish.company.clone(),
            rule: "roster".into(),
            ..Entry::of_node(Action::EventPublish.as_str(), asked(&asker, &wish, &reason))
        };
        self.take_in(asker, environment, wish, reason, Some(line)).await
    }

    async fn take_in(
        &self,
        asker: Asker,
        environment: EnvironmentName,
        wish: Wish,
        reason: String,
        line: Option<Entry>,
    ) -> Result<Noted, AccessRefused> {
        let now = self.clock.now().wall;
        let mut requests = self.requests.lock().await;
        let known = requests.as_ref().ok_or(AccessRefused::Unreadable)?;
        let mut next = known.clone();
        next.forget_old(now);
        let request = AccessRequest { number: 0, asker, environment, wish, reason, at: now };
        let mut told = request.clone();
        let rules = self.board.rules.load_full();
        let noted = next.ask(request, |known| is_granted(&rules, known, now))?;
        if noted.is_new {
            if let Some(line) = line {
                self.journal.append(line).await?;
            }
            self.store.commit(vec![Mutation::PutBlob(BlobName::AccessRequests, next.to_bytes())]).await?;
            *requests = Some(next);
            told.number = noted.number;
            self.board.events.tell(Event::AccessRequested(Box::new(told.clone())));
            let AccessRequest { asker, wish, .. } = told;
            tracing::info!(event = "access.requested", number = noted.number, node = %asker.node, by = %asker.principal(),
                "somebody asks to be allowed something, see aurora access list");
            tracing::debug!(number = noted.number, secret = %wish.secret, "an access request");
        }
        Ok(noted)
    }

    /// What waits, the oldest first: of one node, of one principal, or all.
    ///
    /// # Errors
    /// [`AccessRefused::Unreadable`].
    pub async fn list(
        &self,
        node: Option<&NodeName>,
        principal: Option<&Principal>,
    ) -> Result<Vec<Listed>, AccessRefused> {
        let now = self.clock.now().wall;
        let requests = self.requests.lock().await;
        let mut known = requests.as_ref().ok_or(AccessRefused::Unreadable)?.clone();
        drop(requests);
        known.forget_old(now);
        let rules = self.board.rules.load();
        let wanted = |request: &&AccessRequest| {
            node.is_none_or(|node| request.asker.node == *node)
                && principal.is_none_or(|principal| request.asker.principal() == principal)
        };
        let listed =
            |request: &AccessRequest| Listed { granted: is_granted(&rules, request, now), request: request.clone() };
        Ok(known.all().filter(wanted).map(listed).collect())
    }

    /// Takes a request out; `None` when there is none of that number.
    ///
    /// # Errors
    /// [`AccessRefused`]; then it stays.
    pub async fn dismiss(&self, number: u64) -> Result<Option<AccessRequest>, AccessRefused> {
        let mut requests = self.requests.lock().await;
        let mut next = requests.as_ref().ok_or(AccessRefused::Unreadable)?.clone();
        let Some(dismissed) = next.dismiss(number) else { return Ok(None) };
        self.store.commit(vec![Mutation::PutBlob(BlobName::AccessRequests, next.to_bytes())]).await?;
        *requests = Some(next);
        Ok(Some(dismissed))
    }
}

/// What the journal says of a request, besides the secret: who, what, and why.
fn asked(asker: &Asker, wish: &Wish, reason: &str) -> String {
    format!("{} asks for {}: {reason}", asker.principal(), wish.capability.as_str())
}
