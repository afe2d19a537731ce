//! Following a value without reading it: what a read would come to now, and when that may have changed.
//!
//! For streams that hand on a value again when it changes. Nothing is opened and nothing is accounted for here, and nothing of
//! it is told to anybody: it only tells the stream when it is time to read, which is audited like every read.

use std::sync::Arc;

use tokio::sync::watch::Receiver;

use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::number::{Position, Version};

use super::account::Account;
use super::error::VaultError;
use super::parts::Vault;
use super::request::ReadRequest;

/// What a read would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// This value.
    Value {
        /// Serial number of the (secret, scope).
        secret_id: u64,
        /// Which version.
        version: Version,
    },
    /// A refusal, by its stable word.
    Refused(&'static str),
}

/// Tells when something changed on this node: a record, a rule, or the right to hold one.
pub struct Moves(Receiver<Position>);

impl Moves {
    /// Waits for the next change since the last call, or since these were asked for; several at once count as one. Dropping the
    /// returned future loses nothing. Never returns once the node has stopped.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Vault {
    /// Every change from here on. Tells nothing but that there was one, which `/health` tells everybody.
    #[must_use]
    pub fn moves(&self) -> Moves {
        Moves(match &self.parts.lead {
            Some(lead) => lead.board.moved.subscribe(),
            None => self.parts.board.moved.subscribe(),
        })
    }

    /// What reading this would come to now. Costs no disk and no audit line.
    #[must_use]
    pub fn glance(&self, caller: &Caller, ask: &ReadRequest) -> Glance {
        match self.try_glance(caller, ask) {
            Ok(glance) => glance,
            Err(error) => Glance::Refused(error.code()),
        }
    }

    fn try_glance(&self, caller: &Caller, ask: &ReadRequest) -> Result<Glance, VaultError> {
        // Never written: a glance decides nothing but whether to read.
        let mut account = Account::open(caller, Action::SecretRead, self.parts.clock.now());
        let who = Arc::new(self.identify(caller, &mut account)?);
        let environment = self.permitted(&who, ask, &mut account)?;
        let record = self.find(&who, ask, environment, &mut account)?;
        self.freshness(&ask.name, &record.options, &self.parts.clock.now())?;
        Ok(Glance::Value { secret_id: record.secret_id, version: ask.version.unwrap_or(record.version) })
    }
}
