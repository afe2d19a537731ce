//! Credentials of systemd units that are refused before any secret is meant: nobody asked, or not for the unit it said.
//! The journal has them like every other refusal.

use crate::audit::entry::Ruling;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::principal::UnitName;

use super::account::Account;
use super::error::VaultError;
use super::identity::by_kernel;
use super::parts::Vault;

/// Why no rule is even asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTheUnit {
    /// Whoever connected does not say what it wants the way systemd does.
    #[error("{address} names no credential of a unit")]
    NoClaim {
        /// Its address, already escaped.
        address: String,
    },
    /// systemd asks as root.
    #[error("user {uid} asks for {claimed}, as systemd would")]
    NotRoot {
        /// Who asks.
        uid: u32,
        /// For which unit.
        claimed: UnitName,
    },
    /// systemd asks from within the unit.
    #[error("a process of {} asks for {claimed}", actual.as_ref().map_or("no unit", |unit| unit.as_str()))]
    OtherUnit {
        /// For which unit.
        claimed: UnitName,
        /// Where it is by the kernel's word.
        actual: Option<UnitName>,
    },
    /// Neither mapped nor the name of a secret.
    #[error("{claimed} asks for the credential {credential}, which stands for no secret")]
    NoSuchCredential {
        /// For which unit.
        claimed: UnitName,
        /// By which name, already escaped.
        credential: String,
    },
}

impl NotTheUnit {
    /// What the journal names as the rule that decided.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NoClaim { .. } => "no unit is named",
            Self::NotRoot { .. } => "not systemd",
            Self::OtherUnit { .. } => "another unit",
            Self::NoSuchCredential { .. } => "no such credential",
        }
    }
}

impl Vault {
    /// Accounts for a credential that nobody may have, and gives the refusal.
    pub async fn refuse_unit(&self, caller: &Caller, why: &NotTheUnit) -> VaultError {
        let mut account = Account::open(caller, Action::SecretRead, self.parts.clock.now());
        // Only so that the line says who it is; whoever that is, it is refused.
        let _ = by_kernel(caller, self.parts.house, &mut account);
        account.within(&self.parts.environment);
        account.decided(Ruling::Deny, why.rule());
        account.reason(Some(&why.to_string()));
        let refused = VaultError::Denied { rule: why.rule().to_owned() };
        match self.settle(&account, Err::<(), _>(refused.clone())).await {
            Err(error) => error,
            Ok(()) => refused,
        }
    }
}
