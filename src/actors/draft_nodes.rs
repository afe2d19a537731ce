//! Changes of the roster within a draft: entitlements, tokens, admissions.

use std::sync::Arc;

use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::identity::Role;
use crate::model::log::LogSubject;
use crate::model::name::NodeName;
use crate::model::roster::{JoinToken, RosterEntry, TokenHash};
use crate::model::time::Timestamp;
use crate::store::mutation::Mutation;

use super::change::{Applicant, Committed};
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    pub(super) fn entitle(
        &mut self,
        node: &NodeName,
        entitlement: Entitlement,
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let entry = self.state.lead.node(node).ok_or(CommitError::NoSuchNode)?;
        // A node is in one environment for life: its store says so. And the lead holds everything anyway.
        if entry.role == Role::Lead || entry.entitlement.environment != entitlement.environment {
            return Err(CommitError::Unchangeable);
        }
        let entry = RosterEntry::clone(entry);
        self.lock_out(&entry, &entitlement, context)?;
        let before = entry.entitlement.clone();
        let history = entry.history.clone().followed(before, context.now);
        let entry = RosterEntry { entitlement, history, changed_at: self.next_revision(), ..entry };
        Ok(self.write_node(entry, context))
    }

    pub(super) fn issue_token(&mut self, token: JoinToken, now: Timestamp) -> Result<Committed, CommitError> {
        if self.state.lead.node(&token.node).is_some() {
            return Err(CommitError::NodeExists);
        }
        self.drop_expired_tokens(now);
        self.mutations.push(Mutation::PutToken(token.clone()));
        self.state.tokens.insert(token.hash, token);
        Ok(Committed::Token)
    }

    fn drop_expired_tokens(&mut self, now: Timestamp) {
        let expired: Vec<TokenHash> =
            self.state.tokens.values().filter(|token| token.expires_at < now).map(|token| token.hash).collect();
        for hash in expired {
            self.state.tokens.remove(&hash);
            self.mutations.push(Mutation::DropToken(hash));
        }
    }

    /// Consumes the token and enrols the node in one transaction. The same key may ask again and gets the same answer.
    pub(super) fn admit(&mut self, applicant: &Applicant, context: Context<'_>) -> Result<Committed, CommitError> {
        let token = self.state.tokens.get(&applicant.token).ok_or(CommitError::TokenUnknown)?;
        if let Some(consumer) = token.consumed_by {
            let known = self.state.lead.node(&token.node).filter(|entry| {
                consumer == applicant.pin && entry.pin == consumer && entry.sealing_key == applicant.sealing_key
            });
            return known.map(|entry| Committed::Node(Arc::clone(entry))).ok_or(CommitError::TokenReused);
        }
        if token.expires_at < context.now {
            return Err(CommitError::TokenExpired);
        }
        if self.state.lead.node(&token.node).is_some() {
            return Err(CommitError::NodeExists);
        }
        if self.state.lead.nodes().any(|entry| entry.pin == applicant.pin || entry.sealing_key == applicant.sealing_key)
        {
            return Err(CommitError::KeyInUse);
        }
        let entry = RosterEntry {
            name: token.node.clone(),
            role: Role::Follower,
            pin: applicant.pin,
            sealing_key: applicant.sealing_key,
            entitlement: token.entitlement.clone(),
            history: EntitlementHistory::beginning(context.now),
            joined_at: context.now,
            changed_at: self.next_revision(),
        };
        let token = JoinToken { consumed_by: Some(applicant.pin), ..token.clone() };
        self.mutations.push(Mutation::PutToken(token.clone()));
        self.state.tokens.insert(token.hash, token);
        Ok(self.write_node(entry, context))
    }

    fn write_node(&mut self, entry: RosterEntry, context: Context<'_>) -> Committed {
        let subject = LogSubject::Node(entry.name.clone());
        self.mutations.push(Mutation::PutNode(entry.clone()));
        self.state.lead.enrol(entry.clone());
        self.log(subject, context);
        Committed::Node(Arc::new(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::draft_life::{Bench, NOW, at};
    use super::*;
    use crate::model::company::Companies;
    use crate::model::glob::SecretGlob;
    use crate::model::identity::{KeyPin, SealingPublicKey};

    #[test]
    fn a_token_admits_its_node_once_and_the_same_key_gets_the_same_answer() {
        let mut bench = Bench::new();
        let token = JoinToken {
            hash: TokenHash([1; 32]),
            node: NodeName::parse("vengeance").expect("name"),
            entitlement: Entitlement {
                environment: at().secret.environment,
                companies: Companies::default(),
                globs: vec![SecretGlob::everything()],
            },
            expires_at: NOW,
            consumed_by: None,
        };
        let applicant = |pin| Applicant {
            token: TokenHash([1; 32]),
            pin: KeyPin([pin; 32]),
            sealing_key: SealingPublicKey([9; 32]),
        };
        bench.plan(Change::IssueToken(token.clone())).expect("noted");
        let late = Timestamp(NOW.0 + 1);
        let expired = bench.plan_at(late, Change::Admit(applicant(1)));
        assert!(matches!(expired, Err(CommitError::TokenExpired)));
        assert!(matches!(bench.plan(Change::Admit(applicant(1))), Ok(Committed::Node(_))));
        assert!(matches!(bench.plan_at(late, Change::Admit(applicant(1))), Ok(Committed::Node(_))));
        let stolen = bench.plan(Change::Admit(applicant(2)));
        assert!(matches!(stolen, Err(CommitError::TokenReused)));
        assert!(matches!(bench.plan(Change::IssueToken(token)), Err(CommitError::NodeExists)));
    }
}
