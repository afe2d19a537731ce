//! The signing keys of agents within a draft: one blob, wrapped like the lead's other keys, written anew as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::signing::SigningKey;
use crate::crypto::signing_keys::SigningKeys;
use crate::model::agent::{Agent, AgentState};
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::name::AgentName;
use crate::model::time::Timestamp;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

use super::change::Committed;
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    /// Gives an agent a new key, beside which the one before works for a while; or takes all its keys.
    pub(super) fn set_signing_key(
        &mut self,
        agent: &AgentName,
        key: Option<(Arc<SigningKey>, Timestamp)>,
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let mut keys = SigningKeys::clone(&self.state.signing);
        match key {
            Some(_) if !keys.has(agent) && !keys.has_room() => return Err(CommitError::TooManySigners),
            Some((key, until)) => keys.set(agent, key, until),
            None if !keys.remove(agent) => return Ok(Committed::Token),
            None => {}
        }
        self.keep_signing_keys(keys, context)?;
        Ok(Committed::Token)
    }

    /// Takes the keys of every agent that these edits end: should its name be given again, they sign nothing for the new one.
    pub(super) fn forget_signers(&mut self, edits: &[Edit], context: Context<'_>) -> Result<(), CommitError> {
        let mut keys = SigningKeys::clone(&self.state.signing);
        let mut changed = false;
        for edit in edits {
            if let Edit::Drop(ArticleId::Agent(name)) = edit {
                changed |= keys.remove(name);
            }
            if let Edit::Put(Article::Agent(Agent { name, state: AgentState::Archived, .. })) = edit {
                changed |= keys.remove(name);
            }
        }
        if changed { self.keep_signing_keys(keys, context) } else { Ok(()) }
    }

    /// Keeps these and no others.
    fn keep_signing_keys(&mut self, keys: SigningKeys, context: Context<'_>) -> Result<(), CommitError> {
        let (name, sealer) = (BlobName::SigningKeys, context.sealer);
        let bytes = self.state.root.wrap(&sealer.mesh, name.as_str(), &keys.to_plaintext(), &*sealer.entropy)?;
        let mut wrapped = BTreeMap::clone(&self.state.wrapped);
        wrapped.insert(name, bytes.clone());
        self.mutations.push(Mutation::PutBlob(name, bytes));
        (self.state.signing, self.state.wrapped) = (Arc::new(keys), Arc::new(wrapped));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::draft_life::Bench;
    use super::*;
    use crate::crypto::system_entropy::SystemEntropy;
    use crate::model::agent::{AgentKind, AgentOrigin};
    use crate::model::number::Revision;
    use crate::model::reach::Reach;

    const NOW: Timestamp = Timestamp(0);

    fn name() -> AgentName {
        AgentName::parse("openclaw").expect("name")
    }

    /// A lead whose agent has this key.
    fn with_key() -> (Bench, Arc<SigningKey>) {
        let (mut bench, key) = (Bench::new(), Arc::new(SigningKey::generate(&SystemEntropy).expect("random bytes")));
        let change = Change::SigningKey { agent: name(), key: Some((Arc::clone(&key), NOW)) };
        bench.plan(change).expect("planned");
        (bench, key)
    }

    /// What the store would be started from.
    fn stored(bench: &Bench) -> SigningKeys {
        let stored = |mutation: &&Mutation| matches!(mutation, Mutation::PutBlob(BlobName::SigningKeys, _));
        let last = bench.draft.mutations.iter().rev().find(stored).expect("stored");
        let Mutation::PutBlob(_, last) = last else { unreachable!("it was looked for") };
        let (state, label) = (&bench.draft.state, BlobName::SigningKeys.as_str());
        assert_eq!(state.wrapped.get(&BlobName::SigningKeys), Some(last));
        let plain = state.root.unwrap(&bench.sealer.mesh, label, last).expect("opens under the root key of the draft");
        SigningKeys::from_plaintext(&plain).expect("keys")
    }

    fn fits(keys: &SigningKeys, key: &SigningKey) -> bool {
        keys.fits(&name(), b"text", &key.sign(b"text").expect("signed"), NOW)
    }

    #[test]
    fn a_key_is_stored_wrapped_and_is_gone_once_it_is_taken() {
        let (mut bench, key) = with_key();
        assert!(fits(&bench.draft.state.signing, &key) && fits(&stored(&bench), &key));
        bench.plan(Change::SigningKey { agent: name(), key: None }).expect("planned");
        assert!(!fits(&bench.draft.state.signing, &key) && !stored(&bench).has(&name()));
        let before = bench.draft.mutations.len();
        bench.plan(Change::SigningKey { agent: name(), key: None }).expect("there is none");
        assert_eq!(bench.draft.mutations.len(), before);
    }

    #[test]
    fn a_new_root_key_wraps_the_signing_keys_too() {
        let (mut bench, key) = with_key();
        bench.plan(Change::RotateRoot).expect("planned");
        assert!(fits(&stored(&bench), &key));
    }

    #[test]
    fn an_agent_that_ends_leaves_no_key_behind() {
        let archived = Agent {
            name: name(),
            title: None,
            kind: AgentKind::Tool,
            state: AgentState::Archived,
            owner: "admin".to_owned(),
            created_at: NOW,
            origin: AgentOrigin::Command,
            capabilities: Vec::new(),
            reach: Reach::default(),
            limit_rpm: None,
            signs: true,
            note: None,
        };
        for edit in [Edit::Drop(ArticleId::Agent(name())), Edit::Put(Article::Agent(archived.clone()))] {
            let (mut bench, _) = with_key();
            bench.plan(Change::Rules { seen: Revision::default(), edits: vec![edit] }).expect("planned");
            assert!(!stored(&bench).has(&name()));
        }
        let (mut bench, key) = with_key();
        let active = Agent { state: AgentState::Active, ..archived };
        let edits = vec![Edit::Put(Article::Agent(active))];
        bench.plan(Change::Rules { seen: Revision::default(), edits }).expect("planned");
        assert!(fits(&bench.draft.state.signing, &key));
    }

    #[test]
    fn only_so_many_agents_sign() {
        let mut bench = Bench::new();
        let key = Arc::new(SigningKey::generate(&SystemEntropy).expect("random bytes"));
        let mut keys = SigningKeys::default();
        (0..crate::crypto::signing_keys::AGENTS_MAX).for_each(|number| {
            keys.set(&AgentName::parse(&format!("a{number}")).expect("name"), Arc::clone(&key), NOW);
        });
        bench.draft.state.signing = Arc::new(keys);
        let set = |agent| Change::SigningKey { agent, key: Some((Arc::clone(&key), NOW)) };
        let refused = bench.plan(set(name())).expect_err("too many");
        assert!(matches!(refused, CommitError::TooManySigners));
        bench.plan(set(AgentName::parse("a7").expect("name"))).expect("it has one");
    }
}
