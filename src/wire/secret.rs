//! Addresses of secrets and sealed scope keys on the wire.

use crate::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::number::Generation;
use crate::model::record::SealedScopeKey;
use crate::model::secret::{KeyScope, Scope, SecretAddress, SecretName};

use super::error::{FieldRule, WireError};

/// Longest sealed scope key, in bytes: an encapsulated key, 32 bytes and a tag, with room for a post-quantum one.
pub const SEALED_KEY_BYTES_MAX: usize = 4 * 1024;

/// The plain form of [`SecretAddress`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SecretFrame {
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The key name.
    pub key: String,
}

impl From<&SecretAddress> for SecretFrame {
    fn from(address: &SecretAddress) -> Self {
        Self {
            environment: address.environment.to_string(),
            service: address.name.service.to_string(),
            key: address.name.key.to_string(),
        }
    }
}

impl TryFrom<SecretFrame> for SecretAddress {
    type Error = WireError;

    fn try_from(frame: SecretFrame) -> Result<Self, WireError> {
        Ok(Self {
            environment: EnvironmentName::parse(&frame.environment)?,
            name: SecretName { service: ServiceName::parse(&frame.service)?, key: KeyName::parse(&frame.key)? },
        })
    }
}

codes! {
    /// Which of the three scopes.
    pub enum ScopeKind {
        /// No id.
        Global = 1,
        /// The id is a company.
        Company = 2,
        /// The id is a node.
        Node = 3,
    }
}

/// The plain form of [`Scope`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ScopeFrame {
    /// Which kind.
    pub kind: ScopeKind,
    /// The company or node; empty for global.
    pub id: String,
}

impl From<&Scope> for ScopeFrame {
    fn from(scope: &Scope) -> Self {
        let kind = match scope {
            Scope::Global => ScopeKind::Global,
            Scope::Company(_) => ScopeKind::Company,
            Scope::Node(_) => ScopeKind::Node,
        };
        Self { kind, id: scope.id().unwrap_or_default().to_owned() }
    }
}

impl TryFrom<ScopeFrame> for Scope {
    type Error = WireError;

    fn try_from(frame: ScopeFrame) -> Result<Self, WireError> {
        match frame.kind {
            ScopeKind::Global if frame.id.is_empty() => Ok(Self::Global),
            ScopeKind::Global => Err(WireError::Field { field: "scope", rule: FieldRule::Contradiction }),
            ScopeKind::Company => Ok(Self::Company(CompanyId::parse(&frame.id)?)),
            ScopeKind::Node => Ok(Self::Node(NodeName::parse(&frame.id)?)),
        }
    }
}

/// The plain form of [`SealedScopeKey`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ScopeKeyFrame {
    /// The environment.
    pub environment: String,
    /// The scope within it.
    pub scope: ScopeFrame,
    /// Which key of that scope.
    pub generation: u32,
    /// Sealed to the node that receives this.
    pub sealed: Vec<u8>,
}

impl From<&SealedScopeKey> for ScopeKeyFrame {
    fn from(key: &SealedScopeKey) -> Self {
        Self {
            environment: key.at.environment.to_string(),
            scope: ScopeFrame::from(&key.at.scope),
            generation: key.generation.get(),
            sealed: key.sealed.clone(),
        }
    }
}

impl TryFrom<ScopeKeyFrame> for SealedScopeKey {
    type Error = WireError;

    fn try_from(frame: ScopeKeyFrame) -> Result<Self, WireError> {
        if frame.sealed.len() > SEALED_KEY_BYTES_MAX {
            return Err(WireError::Field { field: "sealed", rule: FieldRule::TooMany(SEALED_KEY_BYTES_MAX) });
        }
        Ok(Self {
            at: KeyScope { environment: EnvironmentName::parse(&frame.environment)?, scope: frame.scope.try_into()? },
            generation: generation(frame.generation)?,
            sealed: frame.sealed,
            made_at: None,
        })
    }
}

pub(super) fn generation(number: u32) -> Result<Generation, WireError> {
    Generation::new(number).ok_or(WireError::Field { field: "generation", rule: FieldRule::Zero })
}

#[cfg(test)]
impl ScopeKeyFrame {
    /// A key whose sealed part has this many bytes.
    pub(super) fn sample(sealed_bytes: usize) -> Self {
        Self {
            environment: "prod".to_owned(),
            scope: ScopeFrame { kind: ScopeKind::Company, id: "acme".to_owned() },
            generation: 2,
            sealed: vec![0xcd; sealed_bytes],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_scopes_and_keys_travel_both_ways() {
        let secret = SecretFrame { environment: "prod".into(), service: "hubspot".into(), key: "api_key".into() };
        assert_eq!(SecretFrame::from(&SecretAddress::try_from(secret.clone()).expect("canonical")), secret);
        for text in ["global", "company:acme", "node:vengeance"] {
            let scope = Scope::parse(text).expect("scope");
            assert_eq!(Scope::try_from(ScopeFrame::from(&scope)).expect("canonical"), scope);
        }
        let key = ScopeKeyFrame::sample(80);
        assert_eq!(ScopeKeyFrame::from(&SealedScopeKey::try_from(key.clone()).expect("canonical")), key);
    }

    #[test]
    fn names_are_checked_again_at_this_edge() {
        let secret = SecretFrame { environment: "prod".into(), service: "..".into(), key: "api_key".into() };
        assert!(matches!(SecretAddress::try_from(secret), Err(WireError::Name(_))));
        let global = ScopeFrame { kind: ScopeKind::Global, id: "acme".into() };
        assert!(matches!(Scope::try_from(global), Err(WireError::Field { field: "scope", .. })));
        let company = ScopeFrame { kind: ScopeKind::Company, id: String::new() };
        assert!(matches!(Scope::try_from(company), Err(WireError::Name(_))));
    }

    #[test]
    fn a_key_without_a_generation_or_with_too_many_bytes_is_refused() {
        let none = ScopeKeyFrame { generation: 0, ..ScopeKeyFrame::sample(80) };
        assert!(matches!(SealedScopeKey::try_from(none), Err(WireError::Field { field: "generation", .. })));
        let long = ScopeKeyFrame::sample(SEALED_KEY_BYTES_MAX + 1);
        assert!(matches!(SealedScopeKey::try_from(long), Err(WireError::Field { field: "sealed", .. })));
    }
}
