//! Messages leave the node: each credential that one needs is read by the node for itself, as `node:NAME`, and accounted for
//! before anything is sent. What is frozen, or too old to be given out, is not used, and the message waits.

use super::account::Account;
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::resolve::{CompanyChoice, resolve};
use super::send_message::{Sealed, Way, deliver};
use super::subscriptions::secret_of;
use crate::actors::courier::{Carried, Carrying, Courier, Destination, Message};
use crate::audit::entry::Ruling;
use crate::crypto::fields::select;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::webhook::WebhookKey;
use crate::events::retry::Outcome;
use crate::model::actions::Action;
use crate::model::article::ArticleId;
use crate::model::channel::{Channel, Means};
use crate::model::principal::Principal;
use crate::model::record::Record;
use crate::model::reference::Reference;
use crate::model::secret::{ScopedSecret, SecretAddress};

/// The outcome of a line about a credential that is about to be used to send something.
const USED: &str = "used";

impl Courier for Vault {
    fn carry(&self, message: Message) -> Carrying {
        let vault = self.clone();
        Box::pin(async move {
            match vault.way(&message).await {
                Ok(way) => {
                    let (egress, now) = (&vault.parts.egress, vault.parts.clock.now().wall);
                    deliver(egress, now, message, way).await
                }
                Err(error) => {
                    let told = not_sent(&error);
                    Carried { outcome: Outcome::NotTaken { why: told.clone(), retry_after: None }, told }
                }
            }
        })
    }
}

/// Why nothing was sent, in words that may be shown: a freeze may name what only some may hear of.
fn not_sent(error: &VaultError) -> String {
    if let VaultError::Frozen(_) = error {
        return "not sent: the use of its credential is frozen".to_owned();
    }
    format!("not sent: {error}")
}

impl Vault {
    /// What a message is sent with.
    async fn way(&self, message: &Message) -> Result<Way, VaultError> {
        let now = self.parts.clock.now();
        let mut account = Account::of_node(&self.parts.node, Action::CredentialApply, now);
        let private = |place: &str| self.parts.notify.allow_private.iter().any(|known| known == place);
        match &message.to {
            Destination::Subscriber { name, url, both_sign } => {
                account.reason(Some(&format!("an event for the subscription {name}")));
                let record = self.record_of(&Reference::to(secret_of(name)))?;
                let key = self.used(&record, None, &mut account).await?;
                let mut keys = vec![signing_key(&key)?];
                if *both_sign {
                    keys.extend(self.key_before(&record).await?);
                }
                Ok(Way::Webhook { url: url.clone(), allow_private: private(&url.place()), keys })
            }
            Destination::Channel { name, channel } => {
                account.reason(Some(&format!("an event for the channel {name}")));
                let credential = match &channel.credential {
                    Some(reference) => Some(self.credential(reference, &mut account).await?),
                    None => None,
                };
                self.way_of(channel, credential, &private)
            }
        }
    }

    fn way_of(
        &self,
        channel: &Channel,
        credential: Option<Plaintext>,
        private: &dyn Fn(&str) -> bool,
    ) -> Result<Way, VaultError> {
        if let Means::Webhook { url } = &channel.means {
            let keys = credential.as_ref().map(signing_key).transpose()?.into_iter().collect();
            return Ok(Way::Webhook { url: url.clone(), allow_private: private(&url.place()), keys });
        }
        let place = match &channel.means {
            Means::Telegram { api, .. } | Means::SlackApp { api, .. } => api.place(),
            Means::SlackHook { host, port } => crate::model::web_address::place(host, *port),
            Means::Email(route) => crate::model::web_address::place(&route.host, route.port),
            Means::Webhook { url } => url.place(),
        };
        Ok(Way::Channel(Box::new(Sealed { means: channel.means.clone(), credential, allow_private: private(&place) })))
    }

    async fn credential(&self, reference: &Reference, account: &mut Account) -> Result<Plaintext, VaultError> {
        let record = self.record_of(reference)?;
        account.company(reference.company.as_ref());
        self.used(&record, Some(reference), account).await
    }

    /// The value this node would read: its own, else the company's, else the global one.
    fn record_of(&self, reference: &Reference) -> Result<std::sync::Arc<Record>, VaultError> {
        self.check_standing()?;
        let held = self.parts.board.held.load_full();
        let secret = SecretAddress { environment: self.parts.environment.clone(), name: reference.name.clone() };
        let company = match &reference.company {
            None => CompanyChoice::NotNamed,
            Some(company) if held.entitlement.companies.contains(company) => CompanyChoice::Honoured(company),
            Some(_) => return Err(VaultError::Denied { rule: "roster".to_owned() }),
        };
        let resolution = resolve(&held.view, &secret, &self.parts.node, company);
        let tried = resolution.scopes();
        resolution.winner.ok_or(VaultError::NotFound { name: reference.name.clone(), tried })
    }

    /// A value that may be used now, once it is accounted for.
    async fn used(
        &self,
        record: &Record,
        reference: Option<&Reference>,
        account: &mut Account,
    ) -> Result<Plaintext, VaultError> {
        let ScopedSecret { secret, scope } = &record.at;
        account.about(&secret.name, &secret.environment);
        account.scope(scope);
        account.version(record.version);
        let who = Identified::new(vec![Principal::Node(self.parts.node.clone())], Vec::new(), None, None);
        let company = reference.and_then(|reference| reference.company.as_ref());
        let object = Object { company, ..Object::in_scope(&secret.name, scope, &secret.environment) };
        if let Some(freeze) = self.freeze_of(&who, Action::CredentialApply, object) {
            account.decided(Ruling::Deny, ArticleId::Freeze(freeze.target.clone()).to_string());
            let frozen = VaultError::Frozen(Box::new(freeze));
            self.note(account, frozen.code()).await?;
            return Err(frozen);
        }
        self.freshness(&secret.name, &record.options, &self.parts.clock.now())?;
        let value = self.open(record)?;
        let value = match reference.and_then(|reference| reference.field.as_ref()) {
            Some(field) => select(&value, field)?,
            None => value,
        };
        self.note(account, USED).await?;
        Ok(value)
    }

    /// The signing secret before the current one, while it signs too. One that is gone signs no more.
    async fn key_before(&self, current: &Record) -> Result<Option<WebhookKey>, VaultError> {
        let kept = self.kept(&current.at).await?;
        let before = kept.iter().find(|record| record.version < current.version && record.sealed().is_some());
        before.map(|record| signing_key(&self.open(record)?)).transpose()
    }
}

fn signing_key(text: &Plaintext) -> Result<WebhookKey, VaultError> {
    WebhookKey::parse(text).map_err(|error| VaultError::Internal(error.to_string()))
}
