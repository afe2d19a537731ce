//! The policy as its file: what holds, what a file would change, changing it, and what it would have decided before.

use std::time::Duration;

use crate::actors::change::Change;
use crate::actors::error::CommitError;
use crate::audit::decisions::decisions;
use crate::audit::entry::Ruling;
use crate::model::actions::{Action, Capability};
use crate::model::article::Article;
use crate::model::caller::Caller;
use crate::model::grant::Grant;
use crate::model::name::GrantName;
use crate::model::number::Revision;
use crate::model::principal::Principal;
use crate::policy::decide::{Decision, Question, decide};
use crate::policy::file::{PolicyFile, parse};
use crate::policy::plan::{Author, Plan, candidate, plan};
use crate::policy::replay::{Drift, Replay};
use crate::policy::rulebook::Rulebook;

use super::account::{Account, noted};
use super::agent_error::AgentError;
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::off_thread::off_thread;
use super::parts::{LeadParts, Vault};
use super::refusal::{Subject, refusal};
use super::rule_change::ESCALATION_RULE;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// The most days of the journal that are replayed: as long as keys and grants are usually given for.
pub const REPLAY_DAYS_MAX: u32 = 366;

/// What holds on this node.
#[derive(Debug)]
pub struct PolicyReport {
    /// The grants, by name.
    pub grants: Vec<Grant>,
    /// How many agents there are.
    pub agents: usize,
    /// When the rulebook last changed; a follower does not know.
    pub changed_at: Option<Revision>,
}

/// What a file would change, or has changed.
#[derive(Debug)]
pub struct PlannedPolicy {
    /// The changes.
    pub plan: Plan,
    /// The last change of the rulebook that was seen when it was planned; once it is applied, the change itself.
    pub revision: Revision,
}

/// What a file would have decided otherwise.
#[derive(Debug)]
pub struct TestedPolicy {
    /// The differences.
    pub drift: Drift,
    /// Lines of the journal that could not be understood.
    pub unreadable: u64,
}

impl Vault {
    /// The policy of this node: on a follower, as much of it as concerns the node.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not manage policies.
    pub async fn policy(&self, caller: &Caller) -> Result<PolicyReport, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        let permitted = self.node_permit(caller, Action::PolicyManage, &mut account).map(|()| {
            let rules = self.parts.board.rules.load();
            let changed_at = |lead: &LeadParts| lead.board.lead_view.load().articles.changed_at();
            PolicyReport {
                grants: rules.grants().cloned().collect(),
                agents: rules.agents().count(),
                changed_at: self.parts.lead.as_ref().map(changed_at),
            }
        });
        self.settle(&account, permitted).await
    }

    /// One grant of this node's policy.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchGrant` when there is none of that name.
    pub async fn policy_grant(&self, caller: &Caller, name: &GrantName) -> Result<Grant, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some(&format!("grant {name}")));
        let found = self.node_permit(caller, Action::PolicyManage, &mut account).and_then(|()| {
            let grant = self.parts.board.rules.load().grant(name).cloned();
            grant.ok_or_else(|| VaultError::NoSuchGrant(name.clone()))
        });
        self.settle(&account, found).await
    }

    /// What applying a file would change. Nothing is.
    ///
    /// # Errors
    /// [`VaultError`]; `BadPolicy` with every problem of the file.
    pub async fn plan_policy(&self, caller: &Caller, text: &str) -> Result<PlannedPolicy, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some("policy plan"));
        let planned = self.try_plan(caller, text, &mut account).map(|(_, planned, _)| planned);
        self.settle(&account, planned).await
    }

    /// Makes a file the policy of the mesh, in one transaction: all of it or nothing. `seen` is the revision its plan was
    /// made against.
    ///
    /// # Errors
    /// [`VaultError`]; `RulesMoved` when the rulebook changed since it was planned, `PolicyRefused` when the plan has
    /// obstacles.
    pub async fn apply_policy(
        &self,
        caller: &Caller,
        text: &str,
        seen: Revision,
        reason: Option<&str>,
    ) -> Result<PlannedPolicy, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some(&noted("policy apply", reason)));
        let applied = self.try_apply(caller, text, seen, reason, &mut account).await;
        self.settle(&account, applied).await
    }

    /// What a file would have decided otherwise in the last days, by the journal of this node.
    ///
    /// # Errors
    /// [`VaultError`]; `BadPolicy` with every problem of the file.
    pub async fn test_policy(&self, caller: &Caller, text: &str, days: u32) -> Result<TestedPolicy, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some(&format!("policy test, {days} days")));
        let file = self.node_permit(caller, Action::PolicyManage, &mut account).and_then(|()| Ok(parse(text)?));
        let file = self.settle(&account, file).await?;
        self.replay(file, days).await
    }

    async fn replay(&self, file: PolicyFile, days: u32) -> Result<TestedPolicy, VaultError> {
        let now = self.parts.clock.now().wall;
        let since = now.minus(DAY.saturating_mul(days.clamp(1, REPLAY_DAYS_MAX)));
        let today = self.parts.board.rules.load_full();
        let tried = self.tried(&today, &file);
        let (dir, environment) = (self.parts.audit_dir.clone(), self.parts.environment.clone());
        off_thread(move || {
            let mut replay = Replay::new(&today, &tried, &environment, now);
            let told = decisions(&dir, since, |past| replay.take(past));
            let unreadable = told.map_err(|error| VaultError::Internal(error.to_string()))?;
            Ok(TestedPolicy { drift: replay.finish(), unreadable })
        })
        .await
    }

    /// The rulebook of this node as the file would make it. What stands in the way of applying it does not matter here.
    fn tried(&self, today: &Rulebook, file: &PolicyFile) -> Rulebook {
        let now = self.parts.clock.now().wall;
        let planned = plan(today, file, Author { who: "policy test", at: now });
        let articles = candidate(today.articles(), &planned);
        if self.parts.lead.is_some() {
            return Rulebook::new(articles);
        }
        let held = self.parts.board.held.load();
        Rulebook::new(articles.iter().filter_map(|article| article.for_node(&self.parts.node, &held.entitlement)))
    }

    /// The plan, and who may make it.
    fn try_plan(
        &self,
        caller: &Caller,
        text: &str,
        account: &mut Account,
    ) -> Result<(&LeadParts, PlannedPolicy, Identified), VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, Action::PolicyManage, account)?;
        let lead = self.lead()?;
        let file = parse(text)?;
        let view = lead.board.lead_view.load();
        let articles: Vec<Article> = view.articles.iter().map(|article| Article::clone(article)).collect();
        let author = who.author();
        let book = Rulebook::new(articles.iter().cloned());
        let mut plan = plan(&book, &file, Author { who: &author, at: self.parts.clock.now().wall });
        let after = Rulebook::new(candidate(articles, &plan));
        if self.locks_out(&who, caller.attested.is_unseen, &after) {
            let obstacle =
                "with this policy the owner of the lead could not apply another: a deny in it is about the owner";
            plan.obstacles.push(obstacle.to_owned());
        }
        Ok((lead, PlannedPolicy { plan, revision: view.articles.changed_at() }, who))
    }

    /// Whether the caller may make a policy that holds: whoever manages it for a while could make that for ever.
    fn may_set_policy(&self, who: &Identified, account: &mut Account) -> Result<(), VaultError> {
        let (rules, now) = (self.parts.board.rules.load(), self.parts.clock.now().wall);
        if who.is_admin() || who.may_give(&rules, Capability::SystemAdmin, now) {
            return Ok(());
        }
        account.decided(Ruling::Deny, ESCALATION_RULE);
        Err(AgentError::Escalation(Capability::SystemAdmin).into())
    }

    /// Whether the owner of the lead could not take a policy back: neither as whoever it surely is, nor, if it is the one
    /// who applies the policy, as all it is now, or, unseen, could be.
    fn locks_out(&self, who: &Identified, is_unseen: bool, after: &Rulebook) -> bool {
        let object = Object::of_node(&self.parts.environment);
        let (now, action) = (self.parts.clock.now(), Action::PolicyManage);
        let unseen = after.denied_groups_and_units().filter(|_| is_unseen && who.is_admin());
        let surely = Question {
            principals: &[Principal::Admin, Principal::User(self.parts.house.owner), Principal::Owner],
            besides: &unseen.cloned().collect::<Vec<_>>(),
            within: None,
            action,
            secret: None,
            scope: None,
            company: None,
            environment: &self.parts.environment,
            now: now.wall,
        };
        let is_denied = |decision| matches!(decision, Decision::Denied { .. });
        is_denied(decide(after, &surely)) || (who.is_admin() && is_denied(who.decide(after, action, object, now)))
    }

    async fn try_apply(
        &self,
        caller: &Caller,
        text: &str,
        seen: Revision,
        reason: Option<&str>,
        account: &mut Account,
    ) -> Result<PlannedPolicy, VaultError> {
        let (lead, mut planned, who) = self.try_plan(caller, text, account)?;
        self.may_set_policy(&who, account)?;
        if planned.revision != seen {
            return Err(VaultError::RulesMoved);
        }
        if !planned.plan.obstacles.is_empty() {
            return Err(VaultError::PolicyRefused { obstacles: planned.plan.obstacles });
        }
        if planned.plan.is_empty() {
            return Ok(planned);
        }
        account.reason(Some(&noted(&format!("policy apply, {}", planned.plan.summary()), reason)));
        let audit_seq = self.announce(account).await?;
        let edits = planned.plan.edits.clone();
        planned.revision = match lead.secrets.commit(Change::Rules { seen, edits }, audit_seq).await {
            Ok(committed) => committed.rules()?,
            Err(CommitError::Moved) => return Err(VaultError::RulesMoved),
            Err(error) => return Err(refusal(&error, Subject::Many)),
        };
        Ok(planned)
    }
}
