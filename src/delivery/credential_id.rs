//! What a credential of a unit is called, and which secret that is without being told: `openai.api_key` is
//! `openai/api_key`. Whoever asks and whoever answers read it here.

use crate::config::node_config::CredentialName;
use crate::model::name::{KeyName, ServiceName};
use crate::model::reference::Reference;
use crate::model::secret::SecretName;

/// The secret that a name stands for by itself: `SERVICE.KEY_NAME`, parted at the first dot. A service whose own name has
/// a dot must be mapped in `[credentials]`.
#[must_use]
pub fn implied(name: &CredentialName) -> Option<Reference> {
    let (service, key) = name.as_str().split_once('.')?;
    let (service, key) = (ServiceName::parse(service).ok()?, KeyName::parse(key).ok()?);
    Some(Reference::to(SecretName { service, key }))
}

/// The name that is proposed for a secret: `SERVICE.KEY_NAME`, with the field that is meant behind it.
///
/// # Errors
/// A sentence, when the names are longer than a credential's may be.
pub fn proposed(reference: &Reference) -> Result<CredentialName, String> {
    let SecretName { service, key } = &reference.name;
    let field = reference.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
    CredentialName::parse(&format!("{service}.{key}{field}"))
}

/// Whether a node must be told what a name stands for, because it stands for something else by itself, or for nothing.
#[must_use]
pub fn needs_mapping(name: &CredentialName, reference: &Reference) -> bool {
    implied(name).as_ref() != Some(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> Reference {
        Reference::parse_short(text).expect(text)
    }

    fn name(text: &str) -> CredentialName {
        CredentialName::parse(text).expect(text)
    }

    #[test]
    fn a_name_stands_for_the_secret_it_spells_and_for_nothing_else() {
        assert_eq!(implied(&name("openai.api_key")), Some(reference("openai/api_key")));
        assert_eq!(implied(&name("google.oauth.client")), Some(reference("google/oauth.client")));
        for without in ["openai_key", "OpenAI.key", "global.", "a.", "a.B"] {
            assert_eq!(implied(&name(without)), None, "{without}");
        }
    }

    #[test]
    fn what_is_proposed_needs_no_mapping_unless_it_would_mean_something_else() {
        let table = [
            ("openai/api_key", "openai.api_key", false),
            ("google/oauth?field=client_id", "google.oauth.client_id", true),
            ("hubspot/api_key?company=acme", "hubspot.api_key", true),
            ("hubspot/api_key?version=3", "hubspot.api_key", true),
            ("api.openai/key", "api.openai.key", true),
        ];
        for (secret, expected, mapped) in table {
            let proposed = proposed(&reference(secret)).expect("fits");
            assert_eq!(
                (proposed.as_str(), needs_mapping(&proposed, &reference(secret))),
                (expected, mapped),
                "{secret}"
            );
        }
        assert!(needs_mapping(&name("openai_key"), &reference("openai/api_key")));
    }
}
