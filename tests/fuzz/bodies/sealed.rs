//! Sealed values and keys that somebody has altered: nothing opens but what was sealed, where it was sealed for.

use std::sync::OnceLock;

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::record;
use aurora_mesh::crypto::scope_key::ScopeKey;
use aurora_mesh::crypto::sealing::{SealingKey, open_scope_key, seal_scope_key};
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::model::identity::MeshId;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Generation, Version};
use aurora_mesh::model::record::{SealedScopeKey, SealedValue};
use aurora_mesh::model::secret::{Scope, ScopedSecret};

use super::came;

const MESH: MeshId = MeshId([7; 16]);

/// What was sealed: a value, and the key of its scope.
struct Sealed {
    key: ScopeKey,
    value: SealedValue,
    sender: SealingKey,
    recipient: SealingKey,
    scope_key: SealedScopeKey,
}

/// The first byte says what is altered; three bytes each, a place in two and what is changed there in the third.
pub fn run(data: &[u8]) {
    let Some((what, changes)) = data.split_first() else { return };
    let sealed = sealed();
    match what % 4 {
        0 => value_altered(sealed, changes),
        1 => value_made_up(sealed, changes),
        2 => key_altered(sealed, changes),
        _ => {
            let made_up = SealedScopeKey { sealed: changes.to_vec(), ..sealed.scope_key.clone() };
            assert!(opens(sealed, &made_up) == (changes == sealed.scope_key.sealed), "a key of its own making");
        }
    }
}

fn altered(bytes: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for three in changes.chunks_exact(3) {
        let &[high, low, change] = three else { continue };
        let at = usize::from(u16::from_be_bytes([high, low]));
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= change,
            None if at % 2 == 0 => bytes.push(change),
            None => came(bytes.pop()),
        }
    }
    bytes
}

fn value_altered(sealed: &Sealed, changes: &[u8]) {
    let whole = [&sealed.value.nonce[..], &sealed.value.ciphertext].concat();
    let other = altered(&whole, changes);
    let Some((nonce, ciphertext)) = other.split_first_chunk::<24>() else { return };
    let value = SealedValue { nonce: *nonce, ciphertext: ciphertext.to_vec(), ..sealed.value.clone() };
    let opened = record::open(&sealed.key, &MESH, &at(), Version::FIRST, &value);
    assert_eq!(opened.is_ok(), other == whole, "an altered value opened");
}

/// As it was sealed, but said to be of another version, key, mesh or place.
fn value_made_up(sealed: &Sealed, changes: &[u8]) {
    let [version, generation, mesh, scope] = [0, 1, 2, 3].map(|index| changes.get(index).copied().unwrap_or_default());
    let Some(version) = Version::new(u64::from(version) + 1) else { return };
    let Some(generation) = Generation::new(u32::from(generation) + 1) else { return };
    let claimed = SealedValue { generation, ..sealed.value.clone() };
    let scope_of =
        if scope == 0 { at() } else { ScopedSecret { scope: Scope::parse("company:acme").expect("a scope"), ..at() } };
    let opened = record::open(&sealed.key, &MeshId([mesh.wrapping_add(7); 16]), &scope_of, version, &claimed);
    let is_true = version == Version::FIRST && claimed == sealed.value && mesh == 0 && scope == 0;
    assert_eq!(opened.is_ok(), is_true, "a value opened in another place");
}

fn key_altered(sealed: &Sealed, changes: &[u8]) {
    let other = SealedScopeKey { sealed: altered(&sealed.scope_key.sealed, changes), ..sealed.scope_key.clone() };
    assert_eq!(opens(sealed, &other), other == sealed.scope_key, "an altered key opened");
}

fn opens(sealed: &Sealed, key: &SealedScopeKey) -> bool {
    open_scope_key(&sealed.recipient, &sealed.sender.public(), &MESH, &node(), key).is_ok()
}

fn node() -> NodeName {
    NodeName::parse("vengeance").expect("a name")
}

fn at() -> ScopedSecret {
    let secret = aurora_mesh::model::secret::SecretAddress {
        environment: aurora_mesh::model::name::EnvironmentName::parse("prod").expect("a name"),
        name: aurora_mesh::model::secret::SecretName::parse("hubspot/api_key").expect("a name"),
    };
    secret.within(Scope::Global)
}

fn sealed() -> &'static Sealed {
    static SEALED: OnceLock<Sealed> = OnceLock::new();
    SEALED.get_or_init(|| {
        let key = ScopeKey::generate(&SystemEntropy).expect("a key");
        let text = Plaintext::new(b"example-hubspot-key".to_vec());
        let first = Generation::new(1).expect("positive");
        let value = record::seal(&key, first, &MESH, &at(), Version::FIRST, &text, &SystemEntropy).expect("sealed");
        let generate = || SealingKey::generate(&SystemEntropy).expect("a key");
        let (sender, recipient) = (generate(), generate());
        let (to, scope) = (recipient.public(), at().key_scope());
        let scope_key = seal_scope_key(&sender, &to, &MESH, &node(), &scope, first, &key, &SystemEntropy);
        Sealed { value, scope_key: scope_key.expect("sealed"), sender, recipient, key }
    })
}
