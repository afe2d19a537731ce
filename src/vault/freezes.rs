//! Freezing and unfreezing, on the lead; what is frozen, on every node; and who has heard of it.

use std::sync::Arc;
use std::time::Duration;

use crate::actors::board::Presence;
use crate::model::actions::Action;
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::caller::{Caller, ShownKey};
use crate::model::freeze::{Freeze, FreezeTarget, is_reason};
use crate::model::freshness::{FreshnessPolicy, Offline};
use crate::model::metadata::SecretOptions;
use crate::model::number::Revision;
use crate::model::principal::Principal;
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::policy::identify::identify;
use crate::replication::articles::Articles;
use crate::replication::promise::{Holding, Known, assumed, judge, longest};
use crate::replication::view::View;

use super::account::{Account, noted};
use super::answer_freezes::{FreezeRequest, Frozen, HolderLine, HolderState, Holders};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::off_thread::off_thread;
use super::parts::{LeadParts, Vault};
use super::rule_change::Plan;

impl Vault {
    /// Freezes something, in place of an earlier freeze of the same.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn freeze(&self, caller: &Caller, ask: FreezeRequest) -> Result<Frozen, VaultError> {
        let mut account = Account::open(caller, action_on(&ask.target), self.parts.clock.now());
        let deed = format!("freeze of {} ({})", ask.target, ask.level.as_str());
        let reason = Some(ask.reason.as_str()).filter(|reason| is_reason(reason));
        account.reason(Some(&noted(&deed, reason)));
        let frozen = self.try_freeze(caller, ask, &mut account).await;
        self.settle(&account, frozen).await
    }

    /// Lifts the freeze of one target; others that hold up the same stay.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFrozen` when there is none, `NotLead` on a follower.
    pub async fn unfreeze(
        &self,
        caller: &Caller,
        target: FreezeTarget,
        reason: Option<&str>,
    ) -> Result<Revision, VaultError> {
        let mut account = Account::open(caller, action_on(&target), self.parts.clock.now());
        account.reason(Some(&noted(&format!("end of the freeze of {target}"), reason)));
        let lifted = self.try_unfreeze(caller, target, &mut account).await;
        self.settle(&account, lifted).await
    }

    /// What is frozen, as far as this node knows: a follower knows what concerns it.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not manage the policy.
    pub async fn freezes(&self, caller: &Caller) -> Result<Vec<Freeze>, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some("list of freezes"));
        let permitted = self.node_permit(caller, Action::PolicyManage, &mut account);
        self.settle(&account, permitted).await?;
        Ok(self.parts.board.rules.load().freezes().cloned().collect())
    }

    /// The freezes that whoever asks how the node is hears of. The owner hears of all; others of what is about everybody
    /// here, for the rest may name companies and agents that are none of theirs.
    #[must_use]
    pub fn freezes_told(&self, caller: &Caller) -> Vec<Freeze> {
        let rules = self.parts.board.rules.load();
        let everything = self.is_owner(caller);
        let told = |freeze: &&Freeze| match &freeze.target {
            FreezeTarget::Mesh => true,
            FreezeTarget::Node(node) => everything || *node == self.parts.node,
            FreezeTarget::Agent(_) | FreezeTarget::Secret(_) | FreezeTarget::Company(_) => everything,
        };
        rules.freezes().filter(told).cloned().collect()
    }

    /// Which nodes have a change of the rulebook, and by when the others have stopped without it. With a target, nodes
    /// that hold nothing of it are told apart.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn freeze_holders(
        &self,
        caller: &Caller,
        revision: Revision,
        target: Option<FreezeTarget>,
    ) -> Result<Holders, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some(&format!("who has revision {revision} of the rulebook")));
        let permitted = self.node_permit(caller, Action::PolicyManage, &mut account);
        let permitted = permitted.and_then(|()| self.lead().map(drop));
        self.settle(&account, permitted).await?;
        let vault = self.clone();
        off_thread(move || Ok(vault.holders_of(vault.lead()?, revision, target.as_ref()))).await
    }

    /// Whether the owner of the node asks, through either door, and for itself.
    fn is_owner(&self, caller: &Caller) -> bool {
        let owner = |principals: Vec<Principal>| {
            principals.iter().any(|one| matches!(one, Principal::Owner | Principal::Admin))
        };
        let for_itself = caller.shown.key == ShownKey::None && caller.shown.acts_as.is_none();
        for_itself && identify(caller, self.parts.house).is_ok_and(owner)
    }

    async fn try_freeze(
        &self,
        caller: &Caller,
        ask: FreezeRequest,
        account: &mut Account,
    ) -> Result<Frozen, VaultError> {
        let who = self.identify(caller, account)?;
        self.may_freeze(&who, &ask.target, account)?;
        if !is_reason(&ask.reason) {
            return Err(VaultError::FreezeReason);
        }
        let freeze = Freeze {
            target: ask.target,
            level: ask.level,
            reason: ask.reason,
            frozen_by: who.author(),
            frozen_at: self.parts.clock.now().wall,
        };
        // It says all there is to say about its target, so it is right whatever else changed meanwhile.
        let edits = || vec![Edit::Put(Article::Freeze(freeze.clone()))];
        let (revision, ()) = self.change_rules(account, |_| Ok(Plan { edits: edits(), told: () })).await?;
        let known = self.is_known(&freeze.target);
        Ok(Frozen { freeze, known, revision })
    }

    /// Whether there is what was frozen. A freeze may come before what it is about; a name that was mistyped in a hurry
    /// should not look like one.
    fn is_known(&self, target: &FreezeTarget) -> bool {
        match target {
            FreezeTarget::Agent(name) => self.parts.board.rules.load().agent(name).is_some(),
            FreezeTarget::Node(name) => {
                self.parts.lead.as_ref().is_none_or(|lead| lead.board.lead_view.load().node(name).is_some())
            }
            FreezeTarget::Secret(_) | FreezeTarget::Company(_) | FreezeTarget::Mesh => true,
        }
    }

    async fn try_unfreeze(
        &self,
        caller: &Caller,
        target: FreezeTarget,
        account: &mut Account,
    ) -> Result<Revision, VaultError> {
        let who = self.identify(caller, account)?;
        self.may_freeze(&who, &target, account)?;
        let id = ArticleId::Freeze(target.clone());
        let plan = |articles: &Articles| match articles.get(&id) {
            Some(_) => Ok(Plan { edits: vec![Edit::Drop(id.clone())], told: () }),
            None => Err(VaultError::NotFrozen(target.clone())),
        };
        let (revision, ()) = self.change_rules(account, plan).await?;
        Ok(revision)
    }

    /// Whether the caller may freeze a target, and let go of it. A grant that is bounded speaks for its own companies
    /// alone; every other target is about more than any company.
    fn may_freeze(&self, who: &Identified, target: &FreezeTarget, account: &mut Account) -> Result<(), VaultError> {
        let environment = &self.parts.environment;
        // The owner's own deed is one that no freeze holds up.
        let action = if who.is_admin() { Action::PolicyManage } else { action_on(target) };
        match target {
            FreezeTarget::Company(company) => {
                let object = Object { company: Some(company), ..Object::of_node(environment) };
                self.authorise(who, action, object, account).map(drop)
            }
            FreezeTarget::Agent(_) | FreezeTarget::Secret(_) | FreezeTarget::Node(_) | FreezeTarget::Mesh => {
                self.authorise_wholly(who, action, account).map(drop)
            }
        }
    }

    fn holders_of(&self, lead: &LeadParts, revision: Revision, target: Option<&FreezeTarget>) -> Holders {
        let (lead_view, presences) = (lead.board.lead_view.load_full(), lead.board.presence.load_full());
        let promised = presences.values().filter_map(|presence| presence.promise);
        let reckoning = Reckoning::new(&lead_view.view, target, assumed(promised, self.parts.freshness));
        let line = |entry: &Arc<RosterEntry>| HolderLine {
            node: entry.name.clone(),
            state: self.holder_state(entry, presences.get(&entry.name), revision, target, &reckoning),
        };
        let mut nodes: Vec<HolderLine> = lead_view.members().map(line).collect();
        nodes.sort_by(|one, other| one.node.cmp(&other.node));
        Holders { revision, nodes }
    }

    fn holder_state(
        &self,
        entry: &RosterEntry,
        presence: Option<&Presence>,
        revision: Revision,
        target: Option<&FreezeTarget>,
        reckoning: &Reckoning<'_>,
    ) -> HolderState {
        // Who waits for approval holds nothing. Who was banned may hold a cache until it is too old, or hears of it.
        let concerned = target.is_none_or(|target| target.concerns(&entry.name, &entry.entitlement));
        if !concerned || !entry.was_member() {
            return HolderState::NotConcerned;
        }
        if entry.name == self.parts.node {
            return HolderState::Frozen;
        }
        let now = self.parts.clock.now();
        let heard = presence.filter(|presence| presence.heard.boot_id == now.boot_id);
        let since = heard.map_or(self.parts.started.boot, |presence| presence.heard.boot);
        let known = Known {
            silence: now.boot.since(since),
            heard: heard.is_some(),
            connected: presence.is_some_and(|presence| presence.address.is_some()),
            acknowledged: presence.and_then(|presence| presence.acknowledged),
        };
        match judge(known, revision) {
            Holding::Holds => HolderState::Frozen,
            Holding::Waiting => HolderState::Waiting,
            Holding::Unreachable => {
                let promise = heard.and_then(|presence| presence.promise);
                let lasts = reckoning.lasts(entry, promise.unwrap_or(reckoning.assumed));
                let stops_by = now.wall.minus(known.silence).plus(lasts);
                HolderState::Unreachable { stops_by, heard: known.heard, assumed: promise.is_none() }
            }
        }
    }
}

/// What the time is reckoned with at which a node stops by itself.
struct Reckoning<'view> {
    /// The values whose own durations count: those of the secret that is frozen, else all that have any.
    values: Vec<&'view Arc<Record>>,
    /// Whether the durations of the node count besides: for any other value it may hold.
    others: bool,
    assumed: FreshnessPolicy,
}

impl<'view> Reckoning<'view> {
    /// Looks through the records once, for all nodes.
    fn new(view: &'view View, target: Option<&FreezeTarget>, assumed: FreshnessPolicy) -> Self {
        let secret = match target {
            Some(FreezeTarget::Secret(name)) => Some(name),
            Some(FreezeTarget::Agent(_) | FreezeTarget::Node(_) | FreezeTarget::Company(_) | FreezeTarget::Mesh)
            | None => None,
        };
        let counts = |record: &&Arc<Record>| match secret {
            Some(name) => record.at.secret.name == *name,
            None => has_durations(&record.options),
        };
        Self { values: view.after(None).filter(counts).collect(), others: secret.is_none(), assumed }
    }

    fn lasts(&self, entry: &RosterEntry, node: FreshnessPolicy) -> Duration {
        let held = self.values.iter().filter(|record| entry.entitlement.covers(&entry.name, &record.at));
        let values = held.map(|record| record.options.freshness(node));
        longest(values.chain(self.others.then_some(node)))
    }
}

/// The action that freezes a target, and lets go of it.
fn action_on(target: &FreezeTarget) -> Action {
    match target {
        FreezeTarget::Agent(_) => Action::AgentSuspend,
        FreezeTarget::Secret(_) | FreezeTarget::Node(_) | FreezeTarget::Company(_) | FreezeTarget::Mesh => {
            Action::PolicyManage
        }
    }
}

fn has_durations(options: &SecretOptions) -> bool {
    options.ttl.is_some() || options.max_stale.is_some() || options.offline == Offline::Deny
}
