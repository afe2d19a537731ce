//! A message to a channel, from a program or a person that may publish events.

use std::sync::PoisonError;
use std::time::Duration;

use crate::actors::delivery_sorting::Sent;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::channel::Priority;
use crate::model::name::KeyName;

use super::account::Account;
use super::authorise::Object;
use super::delivery_error::DeliveryError;
use super::error::VaultError;
use super::notice_pace::MESSAGES_MAX;
use super::parts::Vault;
use super::subscriptions::failed;

/// Longest message: what a chat shows without folding it.
pub const MESSAGE_BYTES_MAX: usize = 2000;

/// How long a caller waits for its message to be taken; after that it is told that it will be.
const PATIENCE: Duration = Duration::from_secs(5);

impl Vault {
    /// Tells a channel of this node something.
    ///
    /// # Errors
    /// [`VaultError`]; then nothing is sent.
    pub async fn notify(
        &self,
        caller: &Caller,
        channel: KeyName,
        message: &str,
        priority: Priority,
    ) -> Result<Sent, VaultError> {
        let mut account = Account::open(caller, Action::EventPublish, self.parts.clock.now());
        account.reason(Some(&format!("message to the channel {channel}")));
        let taken = self.try_notify(caller, &channel, message, &mut account).await;
        let by = self.settle(&account, taken).await?;
        let urgent = priority == Priority::Urgent;
        self.deliveries().tell_channel(&channel, (message, &by), urgent, PATIENCE).await.map_err(failed)
    }

    async fn try_notify(
        &self,
        caller: &Caller,
        channel: &KeyName,
        message: &str,
        account: &mut Account,
    ) -> Result<String, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_standing()?;
        self.authorise(&who, Action::EventPublish, Object::of_node(&self.parts.environment), account)?;
        let is_odd = |one: char| one.is_control() && one != '\n';
        if message.trim().is_empty() || message.len() > MESSAGE_BYTES_MAX || message.chars().any(is_odd) {
            return Err(DeliveryError::Message(MESSAGE_BYTES_MAX).into());
        }
        self.deliveries().channel(channel).ok_or_else(|| DeliveryError::NoSuchChannel(channel.clone()))?;
        let (by, now) = (who.author(), self.parts.clock.now().boot);
        let taken = self.parts.notice_pace.lock().unwrap_or_else(PoisonError::into_inner).take(&by, now);
        taken.map_err(|retry_after| DeliveryError::Pace { limit: MESSAGES_MAX, retry_after })?;
        self.announce(account).await?;
        Ok(by)
    }
}
