//! Keys of the tables: names, each ended by a zero byte, which no name can hold; then fixed-size numbers, big endian, so
//! that the order of the bytes is the order of the numbers.

use crate::model::article::ArticleId;
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::number::{Generation, Revision, Version};
use crate::model::secret::{KeyScope, Scope, ScopedSecret, SecretAddress, SecretName};
use crate::store::error::RowFault;

/// Environment, service, key name, scope.
pub(in crate::store) fn address(at: &ScopedSecret) -> Vec<u8> {
    let mut key = Vec::with_capacity(128);
    push_name(&mut key, at.secret.environment.as_str());
    push_name(&mut key, at.secret.name.service.as_str());
    push_name(&mut key, at.secret.name.key.as_str());
    push_scope(&mut key, &at.scope);
    key
}

/// Address, version.
pub(in crate::store) fn version(address: &[u8], version: Version) -> Vec<u8> {
    [address, &version.get().to_be_bytes()].concat()
}

/// Environment, scope: the prefix of all generations of a scope key.
pub(in crate::store) fn scope(at: &KeyScope) -> Vec<u8> {
    let mut key = Vec::with_capacity(128);
    push_name(&mut key, at.environment.as_str());
    push_scope(&mut key, &at.scope);
    key
}

/// Environment, scope, generation.
pub(in crate::store) fn scope_key(at: &KeyScope, generation: Generation) -> Vec<u8> {
    [scope(at).as_slice(), &generation.get().to_be_bytes()].concat()
}

/// Revision.
pub(in crate::store) fn revision(revision: Revision) -> [u8; 8] {
    revision.get().to_be_bytes()
}

/// A letter for the kind, then its names. The letter is never changed and never reused.
pub(in crate::store) fn article(id: &ArticleId) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    match id {
        ArticleId::Grant(name) => push_name(&mut key, &format!("g{name}")),
        ArticleId::Agent(name) => push_name(&mut key, &format!("a{name}")),
        ArticleId::ApiKey(agent, name) => {
            push_name(&mut key, &format!("k{agent}"));
            push_name(&mut key, name.as_str());
        }
        ArticleId::Freeze(target) => push_name(&mut key, &format!("f{target}")),
    }
    key
}

/// Reads what [`address`] wrote.
pub(in crate::store) fn parse_address(key: &[u8]) -> Result<ScopedSecret, RowFault> {
    parse_address_near(key, None)
}

/// The same, sharing the environment and the service with the address before it, where they are the same: rows lie in the
/// order of their names.
pub(in crate::store) fn parse_address_near(key: &[u8], near: Option<&ScopedSecret>) -> Result<ScopedSecret, RowFault> {
    let [environment, service, name, scope] = parse_fields(key)?;
    let environment = match near.map(|near| &near.secret.environment).filter(|near| near.as_str() == environment) {
        Some(near) => near.clone(),
        None => EnvironmentName::parse(environment).map_err(|_| RowFault::Key)?,
    };
    let service = match near.map(|near| &near.secret.name.service).filter(|near| near.as_str() == service) {
        Some(near) => near.clone(),
        None => ServiceName::parse(service).map_err(|_| RowFault::Key)?,
    };
    let name = SecretName { service, key: KeyName::parse(name).map_err(|_| RowFault::Key)? };
    Ok(ScopedSecret { secret: SecretAddress { environment, name }, scope: scope_of(scope)? })
}

/// Reads what [`version`] wrote.
pub(in crate::store) fn parse_version(key: &[u8]) -> Result<(ScopedSecret, Version), RowFault> {
    let (address, number) = key.split_last_chunk::<8>().ok_or(RowFault::Key)?;
    let version = Version::new(u64::from_be_bytes(*number)).ok_or(RowFault::Key)?;
    Ok((parse_address(address)?, version))
}

/// Reads what [`scope`] wrote.
pub(in crate::store) fn parse_scope(key: &[u8]) -> Result<KeyScope, RowFault> {
    let [environment, scope] = parse_fields(key)?;
    let environment = EnvironmentName::parse(environment).map_err(|_| RowFault::Key)?;
    Ok(KeyScope { environment, scope: scope_of(scope)? })
}

/// Reads what [`scope_key`] wrote.
pub(in crate::store) fn parse_scope_key(key: &[u8]) -> Result<(KeyScope, Generation), RowFault> {
    let (names, number) = key.split_last_chunk::<4>().ok_or(RowFault::Key)?;
    let generation = Generation::new(u32::from_be_bytes(*number)).ok_or(RowFault::Key)?;
    Ok((parse_scope(names)?, generation))
}

/// Reads what [`revision`] wrote.
pub(in crate::store) fn parse_revision(key: &[u8]) -> Result<Revision, RowFault> {
    key.try_into().map(|number| Revision(u64::from_be_bytes(number))).map_err(|_| RowFault::Key)
}

fn push_name(key: &mut Vec<u8>, name: &str) {
    key.extend_from_slice(name.as_bytes());
    key.push(0);
}

/// The letter of a scope is never changed and never reused.
fn push_scope(key: &mut Vec<u8>, scope: &Scope) {
    key.push(match scope {
        Scope::Global => b'g',
        Scope::Company(_) => b'c',
        Scope::Node(_) => b'n',
    });
    push_name(key, scope.id().unwrap_or_default());
}

fn parse_fields<const N: usize>(key: &[u8]) -> Result<[&str; N], RowFault> {
    let mut fields = key.strip_suffix(&[0]).ok_or(RowFault::Key)?.split(|&byte| byte == 0);
    let mut texts = [""; N];
    for text in &mut texts {
        *text = fields.next().and_then(|field| str::from_utf8(field).ok()).ok_or(RowFault::Key)?;
    }
    if fields.next().is_some() { Err(RowFault::Key) } else { Ok(texts) }
}

fn scope_of(text: &str) -> Result<Scope, RowFault> {
    match text.split_at_checked(1) {
        Some(("g", "")) => Ok(Scope::Global),
        Some(("c", id)) => CompanyId::parse(id).map(Scope::Company).map_err(|_| RowFault::Key),
        Some(("n", id)) => NodeName::parse(id).map(Scope::Node).map_err(|_| RowFault::Key),
        _ => Err(RowFault::Key),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::at;
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn an_address_has_these_bytes_for_ever_and_reads_back() {
        for (scope, bytes) in [
            ("global", "70726f64006f70656e6169006170695f6b6579006700"),
            ("company:acme", "70726f64006f70656e6169006170695f6b6579006361636d6500"),
            ("node:vengeance", "70726f64006f70656e6169006170695f6b6579006e76656e6765616e636500"),
        ] {
            let place = at("prod", "openai/api_key", scope);
            let key = address(&place);
            assert_eq!(hex(&key), bytes);
            assert_eq!(parse_address(&key), Ok(place.clone()));
            let beside = [at("prod", "openai/other", "global"), at("dev", "stripe/api_key", scope)];
            beside.iter().for_each(|near| assert_eq!(parse_address_near(&key, Some(near)), Ok(place.clone())));
            let three = Version::new(3).expect("positive");
            assert_eq!(hex(&version(&key, three)), format!("{bytes}0000000000000003"));
            assert_eq!(parse_version(&version(&key, three)), Ok((place, three)));
        }
    }

    #[test]
    fn a_scope_key_has_these_bytes_for_ever_and_reads_back() {
        let place = at("prod", "openai/api_key", "company:acme").key_scope();
        let key = scope_key(&place, Generation::FIRST);
        assert_eq!(hex(&key), "70726f64006361636d650000000001");
        assert_eq!(parse_scope_key(&key), Ok((place, Generation::FIRST)));
    }

    #[test]
    fn no_address_is_the_prefix_of_another() {
        let (short, long) = (address(&at("prod", "a/b", "node:x")), address(&at("prod", "a/b", "node:xy")));
        assert!(!long.starts_with(&short));
    }

    #[test]
    fn any_other_key_is_refused() {
        let texts: [&[u8]; 8] = [
            b"",
            b"prod\0openai\0api_key\0g",
            b"prod\0openai\0api_key\0",
            b"prod\0openai\0api_key\0\0",
            b"prod\0openai\0api_key\0gx\0",
            b"prod\0openai\0api_key\0x\0",
            b"prod\0OPENAI\0api_key\0g\0",
            b"prod\0openai\0api_key\0g\0\xff\0",
        ];
        for key in texts {
            assert_eq!(parse_address(key), Err(RowFault::Key), "{}", key.escape_ascii());
        }
        assert_eq!(parse_version(&version(b"x", Version::FIRST)), Err(RowFault::Key));
        assert_eq!(parse_scope_key(b"prod\0g\0\0\0\0\0"), Err(RowFault::Key), "generation zero");
        assert_eq!(parse_revision(&[0; 7]), Err(RowFault::Key));
    }
}
