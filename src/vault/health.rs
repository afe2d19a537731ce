//! What a node says about itself and the mesh: health always, the list of nodes on the lead.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::model::actions::Action;
use crate::model::caller::{Caller, LeadAddress};
use crate::model::identity::Role;
use crate::model::roster::RosterEntry;
use crate::replication::freshness::{self, Standing};
use crate::replication::liveness::{self, Liveness};

use super::account::Account;
use super::answer::{Health, NodeLine, NodeState};
use super::error::VaultError;
use super::parts::{LeadParts, Vault};

impl Vault {
    /// How this node is. Always answers; asks nobody.
    #[must_use]
    pub fn health(&self) -> Health {
        let parts = &self.parts;
        let now = parts.clock.now();
        let view = &parts.board.held.load().view;
        let contact = parts.board.contact.load();
        let banned_at = parts.board.banned.load().as_deref().copied();
        let ended_by = parts.lead.as_ref().and_then(|lead| lead.board.ended_by.borrow().clone());
        let (lead, heard, state) = match &parts.lead {
            Some(_) if ended_by.is_some() => (parts.board.lead.load().as_ref().clone(), None, "stepped_down"),
            Some(lead) => {
                let here = LeadAddress { name: Some(parts.node.clone()), address: lead.addresses.first().cloned() };
                (here, Some(Duration::ZERO), "lead")
            }
            None => {
                let heard = contact.as_deref().and_then(|contact| freshness::age(contact, &now));
                let state = match freshness::judge(contact.as_deref(), parts.freshness, &now) {
                    _ if banned_at.is_some() => "banned",
                    Standing::Fresh { .. } => "fresh",
                    Standing::Stale { .. } => "stale",
                    Standing::Closed { .. } => "closed",
                };
                (parts.board.lead.load().as_ref().clone(), heard, state)
            }
        };
        Health {
            node: parts.node.clone(),
            role: self.role(),
            environment: parts.environment.clone(),
            epoch: view.position.epoch,
            revision: view.position.revision,
            lead,
            lead_last_heard: heard,
            freshness: state,
            banned_at,
            ended_by,
            journal_works: parts.journal_works.load(Ordering::Relaxed),
            secrets: view.len(),
            uptime: now.boot.since(parts.started.boot),
            now: now.wall,
        }
    }

    /// Every node of the mesh, and whether it is heard of.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn nodes(&self, caller: &Caller) -> Result<Vec<NodeLine>, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        let result = self.try_nodes(caller, &mut account);
        self.settle(&account, result).await
    }

    fn try_nodes(&self, caller: &Caller, account: &mut Account) -> Result<Vec<NodeLine>, VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, Action::NodeManage, account)?;
        let lead = self.lead()?;
        let lead_view = lead.board.lead_view.load();
        Ok(lead_view.nodes().map(|entry| self.node_line(lead, entry)).collect())
    }

    pub(super) fn node_line(&self, lead: &LeadParts, entry: &RosterEntry) -> NodeLine {
        let now = self.parts.clock.now();
        let here = entry.role == Role::Lead && entry.name == self.parts.node;
        let presences = lead.board.presence.load();
        // What was heard under this name before it joined was said by another machine.
        let presence = presences.get(&entry.name).filter(|presence| presence.heard.wall >= entry.joined_at);
        let silence = presence
            .and_then(|presence| (presence.heard.boot_id == now.boot_id).then(|| now.boot.since(presence.heard.boot)));
        let state = match silence.map(liveness::judge) {
            _ if here => NodeState::Here,
            None => NodeState::Unknown,
            Some(Liveness::Alive) => NodeState::Alive,
            Some(Liveness::Suspect) => NodeState::Suspect,
            Some(Liveness::Lost) => NodeState::Lost,
        };
        let view = &self.parts.board.held.load().view;
        let uptime = presence.map(|presence| Duration::from_millis(presence.uptime_ms));
        NodeLine {
            name: entry.name.clone(),
            role: entry.role,
            state,
            pin: entry.pin,
            entitlement: entry.entitlement.clone(),
            joined_at: entry.joined_at,
            standing: entry.standing.clone(),
            last_heard: if here { Some(Duration::ZERO) } else { silence },
            acknowledged: if here {
                Some(view.position.revision)
            } else {
                presence.and_then(|presence| presence.acknowledged)
            },
            cache_entries: if here {
                u64::try_from(view.len()).ok()
            } else {
                presence.map(|presence| presence.cache_entries)
            },
            load_milli: if here {
                Some((self.parts.load_milli)())
            } else {
                presence.map(|presence| presence.load_milli)
            },
            uptime: if here { Some(now.boot.since(self.parts.started.boot)) } else { uptime },
            address: presence.and_then(|presence| presence.address.clone()),
        }
    }
}
