//! Access requests: asked on any node, kept by the lead, seen by whoever manages the policy.
//!
//! The answer to a request tells nothing of the secret that it names: it is decided by policy and by what waits already, and
//! never by what is stored.

use std::sync::Arc;

use crate::actors::lead_line::{LeadAnswer, LeadQuestion};
use crate::model::access::{AccessRequest, Asker, Listed, Wish, deed_of, is_reason};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::NodeName;
use crate::policy::access::Noted;
use crate::policy::decide::Decision;
use crate::policy::rule::ROSTER_RULE;

use super::access_error::{AccessError, of_desk, of_lead};
use super::account::{Account, noted};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::request::Context;
use super::resolve::CompanyChoice;

/// Somebody asks to be allowed something.
#[derive(Debug, Clone)]
pub struct AccessAsk {
    /// What.
    pub wish: Wish,
    /// Why: shown to whoever decides.
    pub reason: String,
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessAnswer {
    /// Policy allows it already, by this rule.
    AlreadyAllowed {
        /// Its name.
        rule: String,
    },
    /// It waits for somebody who manages the policy.
    Pending {
        /// As it is kept, under its number.
        request: Box<AccessRequest>,
        /// Whether it was not there before.
        is_new: bool,
    },
}

/// What waits, as far as the caller may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessList {
    /// The requests, the oldest first.
    pub requests: Vec<Listed>,
    /// Whose they are: those of the caller, of this node, or of the mesh.
    pub of: Shown,
}

/// Whose requests a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The caller's own.
    Own,
    /// Those of this node.
    Node,
    /// All.
    Mesh,
}

impl Shown {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Node => "node",
            Self::Mesh => "mesh",
        }
    }
}

impl Vault {
    /// Asks that something be allowed. What is allowed already is said so; the same request again is the one that waits.
    ///
    /// # Errors
    /// [`VaultError`]; `Denied` when the caller may not even ask, `NoLead` on a follower whose lead does not answer: then
    /// nothing is kept here to be sent later; `NotLead` on a lead whose reign is over.
    pub async fn request_access(&self, caller: &Caller, ask: AccessAsk) -> Result<AccessAnswer, VaultError> {
        let mut account = Account::open(caller, Action::EventPublish, self.parts.clock.now());
        let deed = format!("request for {}", ask.wish.capability.as_str());
        account.reason(Some(&noted(&deed, Some(ask.reason.as_str()).filter(|reason| is_reason(reason)))));
        let answer = self.try_request(caller, ask, &mut account).await;
        self.settle(&account, answer).await
    }

    /// What waits: all of it for whoever manages the policy of the lead, all of this node for whoever does on a follower,
    /// and its own for anybody else.
    ///
    /// # Errors
    /// [`VaultError`]; `NoLead` on a follower whose lead does not answer, `NotLead` on a lead whose reign is over.
    pub async fn access_requests(&self, caller: &Caller) -> Result<AccessList, VaultError> {
        let mut account = Account::open(caller, Action::EventPublish, self.parts.clock.now());
        account.reason(Some("list of access requests"));
        let permitted = self.may_see(caller, &mut account);
        let (who, of) = self.settle(&account, permitted).await?;
        let own = who.principals().first().filter(|_| of == Shown::Own);
        let requests = match &self.parts.lead {
            Some(_) => {
                let node = Some(&self.parts.node).filter(|_| of == Shown::Own);
                self.lead()?.access.list(node, own).await.map_err(of_desk)?
            }
            None => match self.ask_lead(LeadQuestion::Requests(own.cloned())).await? {
                LeadAnswer::Requests(requests) => requests,
                LeadAnswer::Noted(_) | LeadAnswer::Taken | LeadAnswer::Left => {
                    return Err(VaultError::Internal("another answer".to_owned()));
                }
            },
        };
        Ok(AccessList { requests, of })
    }

    /// Takes a request out of the list. Whoever asked may ask again.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn dismiss_access(
        &self,
        caller: &Caller,
        number: u64,
        reason: Option<&str>,
    ) -> Result<AccessRequest, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some(&noted(&format!("dismissal of access request {number}"), reason)));
        let dismissed = self.try_dismiss(caller, number, &mut account).await;
        self.settle(&account, dismissed).await
    }

    async fn try_request(
        &self,
        caller: &Caller,
        ask: AccessAsk,
        account: &mut Account,
    ) -> Result<AccessAnswer, VaultError> {
        let AccessAsk { wish, reason, node } = ask;
        let who = self.identify(caller, account)?;
        let environment = &self.parts.environment;
        account.about(&wish.secret, environment);
        account.company(wish.company.as_ref());
        self.check_node(&Context::on(node.as_ref()))?;
        self.check_standing()?;
        // Whoever may ask about a secret may ask for it on anybody's behalf that this node speaks for.
        self.authorise(&who, Action::EventPublish, Object::of_secret(&wish.secret, environment), account)?;
        let context = Context { company: wish.company.clone(), ..Context::default() };
        let entitlement = self.parts.board.held.load().entitlement.clone();
        if matches!(Self::company(&context, &entitlement), CompanyChoice::Refused) {
            return Err(self.refused_by_roster(account));
        }
        if !is_reason(&reason) {
            return Err(AccessError::Reason.into());
        }
        if let Some(rule) = self.allowed_already(&who, &wish) {
            return Ok(AccessAnswer::AlreadyAllowed { rule: rule.to_string() });
        }
        let asker = Asker::new(self.parts.node.clone(), who.principals()).ok_or(VaultError::NoIdentity)?;
        self.announce(account).await?;
        let at = self.parts.clock.now().wall;
        let environment = environment.clone();
        let mut request = AccessRequest { number: 0, asker, environment, wish, reason, at };
        let Noted { number, is_new } = self.note_request(&request).await?;
        request.number = number;
        Ok(AccessAnswer::Pending { request: Box::new(request), is_new })
    }

    /// The rule by which policy allows what is asked for. A freeze holds it up, and a grant would not help against that.
    fn allowed_already(&self, who: &Identified, wish: &Wish) -> Option<Arc<str>> {
        let environment = &self.parts.environment;
        let object = Object { company: wish.company.as_ref(), ..Object::of_secret(&wish.secret, environment) };
        match self.decide(who, deed_of(wish.capability), object) {
            Decision::Allowed { rule } => Some(rule),
            Decision::Denied { .. } => None,
        }
    }

    async fn note_request(&self, request: &AccessRequest) -> Result<Noted, VaultError> {
        let AccessRequest { asker, environment, wish, reason, .. } = request.clone();
        if self.parts.lead.is_some() {
            // Nobody ever looks at what a lead whose reign is over would keep.
            return self.lead()?.access.ask(asker, environment, wish, reason).await.map_err(of_desk);
        }
        let question = LeadQuestion::Access { principals: asker.principals().to_vec(), wish, reason };
        match self.ask_lead(question).await? {
            LeadAnswer::Noted(noted) => Ok(noted),
            LeadAnswer::Requests(_) | LeadAnswer::Taken | LeadAnswer::Left => {
                Err(VaultError::Internal("another answer".to_owned()))
            }
        }
    }

    async fn ask_lead(&self, question: LeadQuestion) -> Result<LeadAnswer, VaultError> {
        let board = &self.parts.board;
        board.lead_line.ask(question).await.map_err(|error| of_lead(error, &board.lead.load(), ROSTER_RULE))
    }

    /// Who asks, and what it may see.
    fn may_see(&self, caller: &Caller, account: &mut Account) -> Result<(Identified, Shown), VaultError> {
        let who = self.identify(caller, account)?;
        self.check_standing()?;
        let rules = self.parts.board.rules.load();
        let object = Object::of_node(&self.parts.environment);
        let now = self.parts.clock.now().wall;
        let wholly = || who.is_admin() || who.holds_wholly(&rules, Action::PolicyManage.capability(), now);
        if self.is_granted(&who, Action::PolicyManage, object) && wholly() {
            self.authorise_wholly(&who, Action::PolicyManage, account)?;
            let of = if self.parts.lead.is_some() { Shown::Mesh } else { Shown::Node };
            return Ok((who, of));
        }
        self.authorise(&who, Action::EventPublish, object, account)?;
        Ok((who, Shown::Own))
    }

    async fn try_dismiss(
        &self,
        caller: &Caller,
        number: u64,
        account: &mut Account,
    ) -> Result<AccessRequest, VaultError> {
        self.node_permit(caller, Action::PolicyManage, account)?;
        let lead = self.lead()?;
        self.announce(account).await?;
        lead.access.dismiss(number).await.map_err(of_desk)?.ok_or_else(|| AccessError::NoSuch(number).into())
    }
}
