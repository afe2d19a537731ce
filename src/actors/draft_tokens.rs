//! Join tokens within a draft: issued, revoked, and consumed by the node that joins.

use std::sync::Arc;

use crate::model::entitlement_history::EntitlementHistory;
use crate::model::identity::Role;
use crate::model::name::NodeName;
use crate::model::roster::{JoinToken, RosterEntry, Standing, TokenHash};
use crate::model::time::Timestamp;
use crate::store::mutation::Mutation;

use super::change::{Applicant, Committed};
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    pub(super) fn issue_token(&mut self, token: JoinToken, now: Timestamp) -> Result<Committed, CommitError> {
        match self.state.lead.node(&token.node).map(|entry| &entry.standing) {
            None => {}
            Some(Standing::Banned { .. }) => return Err(CommitError::Banned),
            Some(Standing::Active | Standing::Pending) => return Err(CommitError::NodeExists),
        }
        self.drop_expired_tokens(now);
        self.put_token(token);
        Ok(Committed::Token)
    }

    pub(super) fn revoke_token(&mut self, hash: TokenHash) -> Result<Committed, CommitError> {
        if !self.state.tokens.contains_key(&hash) {
            return Err(CommitError::TokenUnknown);
        }
        self.drop_tokens(|token| token.hash == hash);
        Ok(Committed::Token)
    }

    /// Every token of a node that was thrown out: one that was left open must not let it in again, nor whoever found it.
    pub(super) fn drop_tokens_of(&mut self, node: &NodeName) {
        self.drop_tokens(|token| token.node == *node);
    }

    fn drop_expired_tokens(&mut self, now: Timestamp) {
        self.drop_tokens(|token| token.expires_at < now);
    }

    fn drop_tokens(&mut self, unwanted: impl Fn(&JoinToken) -> bool) {
        let dropped: Vec<TokenHash> =
            self.state.tokens.values().filter(|token| unwanted(token)).map(|token| token.hash).collect();
        for hash in dropped {
            Arc::make_mut(&mut self.state.tokens).remove(&hash);
            self.mutations.push(Mutation::DropToken(hash));
        }
    }

    fn put_token(&mut self, token: JoinToken) {
        self.mutations.push(Mutation::PutToken(token.clone()));
        Arc::make_mut(&mut self.state.tokens).insert(token.hash, token);
    }

    /// Consumes the token and enrols the node in one transaction. The same key may ask again and gets the same answer, also
    /// when the token is forgotten by then: the key is in the roster. A banned key gets none, whatever it brings.
    pub(super) fn admit(&mut self, applicant: &Applicant, context: Context<'_>) -> Result<Committed, CommitError> {
        let is = |entry: &&Arc<RosterEntry>| entry.pin == applicant.pin && entry.sealing_key == applicant.sealing_key;
        let touches =
            |entry: &&Arc<RosterEntry>| entry.pin == applicant.pin || entry.sealing_key == applicant.sealing_key;
        let banned = |entry: &Arc<RosterEntry>| matches!(entry.standing, Standing::Banned { .. });
        if self.state.lead.nodes().filter(touches).any(banned) {
            return Err(CommitError::Banned);
        }
        let Some(token) = self.state.tokens.get(&applicant.token) else {
            let known = self.state.lead.nodes().filter(is).find(|entry| entry.role == Role::Follower);
            return known.map(|entry| Committed::Node(Arc::clone(entry))).ok_or(CommitError::TokenUnknown);
        };
        if let Some(consumer) = token.consumed_by {
            let known = self.state.lead.node(&token.node).filter(|entry| consumer == applicant.pin && is(entry));
            return known.map(|entry| Committed::Node(Arc::clone(entry))).ok_or(CommitError::TokenReused);
        }
        if token.expires_at < context.now {
            return Err(CommitError::TokenExpired);
        }
        if self.state.lead.node(&token.node).is_some() {
            return Err(CommitError::NodeExists);
        }
        if self.state.lead.nodes().any(|entry| touches(&entry)) {
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
            standing: if token.approve { Standing::Pending } else { Standing::Active },
            changed_at: self.next_revision(),
        };
        let token = JoinToken { consumed_by: Some(applicant.pin), ..token.clone() };
        #[cfg(feature = "seeded_bugs")]
        let token = JoinToken { consumed_by: token.consumed_by.filter(|_| !crate::model::seeded::bug(9)), ..token };
        self.put_token(token);
        Ok(self.write_node(entry, context))
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::draft_life::{Bench, NOW, at};
    use super::*;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::glob::SecretGlob;
    use crate::model::identity::{KeyPin, SealingPublicKey};

    fn token(number: u8, approve: bool) -> JoinToken {
        JoinToken {
            hash: TokenHash([number; 32]),
            node: NodeName::parse("vengeance").expect("name"),
            entitlement: Entitlement {
                environment: at().secret.environment,
                companies: Companies::default(),
                globs: vec![SecretGlob::everything()],
            },
            approve,
            issued_at: Some(NOW),
            expires_at: NOW,
            consumed_by: None,
        }
    }

    fn applicant(token: u8, key: u8) -> Change {
        let pin = KeyPin([key; 32]);
        Change::Admit(Applicant { token: TokenHash([token; 32]), pin, sealing_key: SealingPublicKey([9; 32]) })
    }

    #[test]
    fn a_token_admits_its_node_once_and_the_same_key_gets_the_same_answer() {
        let mut bench = Bench::new();
        bench.plan(Change::IssueToken(token(1, false))).expect("noted");
        let late = Timestamp(NOW.0 + 1);
        let expired = bench.plan_at(late, applicant(1, 1));
        assert!(matches!(expired, Err(CommitError::TokenExpired)));
        assert!(matches!(bench.plan(applicant(1, 1)), Ok(Committed::Node(_))));
        assert!(matches!(bench.plan_at(late, applicant(1, 1)), Ok(Committed::Node(_))));
        let stolen = bench.plan(applicant(1, 2));
        assert!(matches!(stolen, Err(CommitError::TokenReused)));
        assert!(matches!(bench.plan(Change::IssueToken(token(1, false))), Err(CommitError::NodeExists)));
    }

    #[test]
    fn a_node_that_waits_for_approval_becomes_a_member_only_with_the_key_that_was_compared() {
        let mut bench = Bench::new();
        bench.plan(Change::IssueToken(token(1, true))).expect("noted");
        let Ok(Committed::Node(entry)) = bench.plan(applicant(1, 1)) else { panic!("not enrolled") };
        assert_eq!(entry.standing, Standing::Pending);
        assert_eq!(bench.draft.state.lead.members().count(), 0);
        let node = entry.name.clone();
        let mut approve = |fingerprint: String| bench.plan(Change::Approve { node: node.clone(), fingerprint });
        assert!(matches!(approve(KeyPin([2; 32]).fingerprint()), Err(CommitError::OtherKey)));
        assert!(matches!(approve(String::new()), Err(CommitError::OtherKey)));
        let Ok(Committed::Node(entry)) = approve(entry.pin.fingerprint()) else { panic!("not approved") };
        assert!(entry.is_member());
        assert!(matches!(approve(entry.pin.fingerprint()), Err(CommitError::NotPending)));
        let later = bench.plan(applicant(1, 1));
        assert!(matches!(later, Ok(Committed::Node(entry)) if entry.is_member()), "it asks again with the same key");
    }

    #[test]
    fn a_banned_key_is_let_in_by_no_token_and_a_banned_name_gets_none() {
        let mut bench = Bench::new();
        bench.plan(Change::IssueToken(token(1, false))).expect("noted");
        bench.plan(applicant(1, 1)).expect("enrolled");
        let node = NodeName::parse("vengeance").expect("name");
        let ban = || Change::Ban { node: node.clone(), reason: "stolen".to_owned() };
        assert!(matches!(bench.plan(ban()), Ok(Committed::LockedOut(_))));
        assert!(matches!(bench.plan(ban()), Err(CommitError::Banned)), "once");
        assert!(bench.draft.state.tokens.is_empty());
        assert!(matches!(bench.plan(applicant(1, 1)), Err(CommitError::Banned)), "its own token again");
        assert!(matches!(bench.plan(Change::IssueToken(token(2, false))), Err(CommitError::Banned)));
        let other = JoinToken { node: NodeName::parse("other").expect("name"), ..token(3, false) };
        bench.plan(Change::IssueToken(other)).expect("noted");
        assert!(matches!(bench.plan(applicant(3, 1)), Err(CommitError::Banned)), "under another name");
        bench.plan(Change::Remove { node: node.clone() }).expect("removed");
        assert!(bench.draft.state.lead.node(&node).is_none());
        assert!(matches!(bench.plan(applicant(1, 1)), Err(CommitError::TokenUnknown)));
        bench.plan(Change::IssueToken(token(2, false))).expect("the name is free");
    }

    #[test]
    fn a_revoked_token_admits_nobody_and_one_that_is_left_open_ends_with_its_node() {
        let mut bench = Bench::new();
        for number in [1, 2] {
            bench.plan(Change::IssueToken(token(number, false))).expect("noted");
        }
        bench.plan(Change::RevokeToken(TokenHash([1; 32]))).expect("revoked");
        assert!(matches!(bench.plan(Change::RevokeToken(TokenHash([1; 32]))), Err(CommitError::TokenUnknown)));
        assert!(matches!(bench.plan(applicant(1, 1)), Err(CommitError::TokenUnknown)));
        bench.plan(Change::IssueToken(token(3, false))).expect("noted");
        bench.plan(applicant(2, 1)).expect("enrolled");
        bench.plan(Change::Remove { node: NodeName::parse("vengeance").expect("name") }).expect("removed");
        assert!(matches!(bench.plan(applicant(3, 7)), Err(CommitError::TokenUnknown)));
    }
}
