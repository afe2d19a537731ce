//! What is frozen is given out by nobody who has heard of it.

use std::collections::BTreeMap;

use aurora_mesh::model::secret::SecretName;

use super::Found;

/// Since when each secret is frozen for sure.
#[derive(Debug, Default)]
pub struct Frozen {
    since: BTreeMap<SecretName, u64>,
    last_lift: u64,
}

impl Frozen {
    /// That it is frozen was acknowledged.
    pub fn frozen(&mut self, name: &SecretName, at: u64) {
        self.since.entry(name.clone()).or_insert(at);
    }

    /// Somebody asks to lift it: from here on nobody knows.
    pub fn lifts(&mut self, name: &SecretName, now: u64) {
        self.since.remove(name);
        self.last_lift = now;
    }

    /// It is given out by who was vouched for at `vouched`.
    pub fn given(&self, name: &SecretName, vouched: u64) -> Found {
        match self.since.get(name) {
            Some(since) if vouched > *since => {
                Err(format!("{name} is frozen since {since} and is given out as of {vouched}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// When somebody last asked to lift anything.
    pub fn last_lift(&self) -> u64 {
        self.last_lift
    }
}

#[test]
fn what_is_frozen_and_given_out_is_found() {
    let name = SecretName::parse("openai/api_key").expect("a name");
    let mut frozen = Frozen::default();
    frozen.frozen(&name, 10);
    assert_eq!(frozen.given(&name, 10), Ok(()));
    assert!(frozen.given(&name, 11).is_err());
    frozen.lifts(&name, 12);
    assert_eq!(frozen.given(&name, 11), Ok(()));
}
