//! Changes of the roster within a draft: what a node is entitled to, its approval, and its end.

use std::sync::Arc;

use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::identity::Role;
use crate::model::log::LogSubject;
use crate::model::name::NodeName;
use crate::model::roster::{RosterEntry, Standing};
use crate::store::mutation::Mutation;

use super::change::{Committed, LockedOut};
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
        if matches!(entry.standing, Standing::Banned { .. }) {
            return Err(CommitError::Banned);
        }
        // A node is in one environment for life: its store says so. And the lead holds everything anyway.
        if entry.role == Role::Lead || entry.entitlement.environment != entitlement.environment {
            return Err(CommitError::Unchangeable);
        }
        let entry = RosterEntry::clone(entry);
        self.lock_out(&entry, Some(&entitlement), context)?;
        let history = match entry.standing {
            Standing::Pending => entry.history.clone().begun_anew(context.now),
            Standing::Active | Standing::Banned { .. } => {
                entry.history.clone().followed(entry.entitlement.clone(), context.now)
            }
        };
        let entry = RosterEntry { entitlement, history, changed_at: self.next_revision(), ..entry };
        Ok(self.write_node(entry, context))
    }

    /// Makes a member of a node that waits, if its key is the one that was compared. What it is entitled to counts from now.
    pub(super) fn approve(
        &mut self,
        node: &NodeName,
        fingerprint: &str,
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let entry = self.state.lead.node(node).ok_or(CommitError::NoSuchNode)?;
        match entry.standing {
            Standing::Pending => {}
            Standing::Active => return Err(CommitError::NotPending),
            Standing::Banned { .. } => return Err(CommitError::Banned),
        }
        if entry.pin.fingerprint() != fingerprint {
            return Err(CommitError::OtherKey);
        }
        let entry = RosterEntry {
            standing: Standing::Active,
            history: entry.history.clone().begun_anew(context.now),
            changed_at: self.next_revision(),
            ..RosterEntry::clone(entry)
        };
        Ok(self.write_node(entry, context))
    }

    /// Throws a node out and keeps it known as that: by its key, and by what it was entitled to. In the same transaction
    /// every scope whose key it held gets another.
    pub(super) fn ban(
        &mut self,
        node: &NodeName,
        reason: String,
        context: Context<'_>,
    ) -> Result<LockedOut, CommitError> {
        let entry = self.follower(node)?;
        if matches!(entry.standing, Standing::Banned { .. }) {
            return Err(CommitError::Banned);
        }
        let scopes = self.lock_out(&entry, None, context)?;
        self.drop_tokens_of(node);
        let environment = entry.entitlement.environment.clone();
        let nothing = Entitlement { environment, companies: Companies::default(), globs: Vec::new() };
        // What waited for approval held nothing of what it was to get.
        let history = match entry.is_member() {
            true => entry.history.clone().followed(entry.entitlement.clone(), context.now),
            false => entry.history.clone().begun_anew(context.now),
        };
        let standing = Standing::Banned { at: context.now, reason };
        let revision = self.next_revision();
        let entry = RosterEntry { entitlement: nothing, history, standing, changed_at: revision, ..entry };
        self.write_node(entry, context);
        Ok(LockedOut { revision, scopes })
    }

    /// Throws a node out and forgets it.
    pub(super) fn remove(&mut self, node: &NodeName, context: Context<'_>) -> Result<LockedOut, CommitError> {
        let entry = self.follower(node)?;
        let scopes = self.lock_out(&entry, None, context)?;
        self.drop_tokens_of(node);
        self.mutations.push(Mutation::DropNode(node.clone()));
        self.state.lead.strike(node);
        let revision = self.next_revision();
        self.log(LogSubject::Node(node.clone()), context);
        Ok(LockedOut { revision, scopes })
    }

    fn follower(&self, node: &NodeName) -> Result<RosterEntry, CommitError> {
        let entry = self.state.lead.node(node).ok_or(CommitError::NoSuchNode)?;
        match entry.role {
            Role::Lead => Err(CommitError::LeadStays),
            Role::Follower => Ok(RosterEntry::clone(entry)),
        }
    }

    pub(super) fn write_node(&mut self, entry: RosterEntry, context: Context<'_>) -> Committed {
        let subject = LogSubject::Node(entry.name.clone());
        self.mutations.push(Mutation::PutNode(entry.clone()));
        self.state.lead.enrol(entry.clone());
        self.log(subject, context);
        Committed::Node(Arc::new(entry))
    }
}
