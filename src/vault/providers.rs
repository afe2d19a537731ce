//! The providers this node knows. Nothing here is secret; who asks is written down all the same.

use std::sync::Arc;

use crate::catalogue::lookup::Catalogue;
use crate::catalogue::provider::Provider;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::ServiceName;

use super::account::Account;
use super::authorise::Object;
use super::error::VaultError;
use super::parts::Vault;

impl Vault {
    /// The providers of this node: those of the build, with the files that stand in for them.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not list them.
    pub async fn providers(&self, caller: &Caller) -> Result<Arc<Catalogue>, VaultError> {
        let mut account = Account::open(caller, Action::ProviderList, self.parts.clock.now());
        account.reason(Some("list of providers"));
        let permitted = self.provider_permit(caller, &mut account);
        self.settle(&account, permitted).await?;
        Ok(Arc::clone(&self.parts.catalogue))
    }

    /// One provider.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchProvider` when none is called that.
    pub async fn provider(&self, caller: &Caller, name: &ServiceName) -> Result<Provider, VaultError> {
        let mut account = Account::open(caller, Action::ProviderList, self.parts.clock.now());
        account.reason(Some(&format!("provider {name}")));
        let found = self.provider_permit(caller, &mut account).and_then(|()| {
            let provider = self.parts.catalogue.provider(name).cloned();
            provider.ok_or_else(|| VaultError::NoSuchProvider(name.clone()))
        });
        self.settle(&account, found).await
    }

    /// What is said of providers is of no company, so a grant that is bounded is as good as any.
    fn provider_permit(&self, caller: &Caller, account: &mut Account) -> Result<(), VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise(&who, Action::ProviderList, Object::of_node(&self.parts.environment), account).map(drop)
    }
}
