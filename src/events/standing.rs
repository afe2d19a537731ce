//! How nodes, freezes and agents stood when it was last told, and what there is to tell now that they stand otherwise. Kept
//! with the events, so that what changed while the node was down, or just before it was killed, is told all the same, once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::event::{AgentChange, Event};
use crate::model::freeze::{FreezeLevel, FreezeTarget};
use crate::model::name::{AgentName, EnvironmentName, NodeName};
use crate::model::time::Timestamp;

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    nodes: BTreeMap<String, NodeStanding>,
    freezes: BTreeMap<String, FreezeStanding>,
    agents: BTreeMap<String, AgentStanding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NodeStanding {
    environment: String,
    state: String,
    joined_at: i64,
    #[serde(default)]
    is_lost: bool,
    #[serde(default)]
    heard: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FreezeStanding {
    level: String,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AgentStanding {
    acts: bool,
    mark: String,
}

/// Whether a node may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// It waits for approval.
    Pending,
    /// It may.
    Active,
    /// It was banned.
    Banned,
}

/// What is known of whether a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// It is heard.
    Heard,
    /// It was not heard for too long; last then.
    Lost(Option<Timestamp>),
    /// It is not known, or too early to say.
    Unknown,
}

impl Standing {
    /// The row.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a row; `None` for what this program did not write.
    #[must_use]
    pub fn parse(row: &[u8]) -> Option<Self> {
        serde_json::from_slice(row).ok()
    }

    /// A node.
    pub fn node(
        &mut self,
        node: &NodeName,
        environment: &EnvironmentName,
        membership: Membership,
        joined_at: Timestamp,
    ) {
        let state = match membership {
            Membership::Pending => "pending",
            Membership::Active => "active",
            Membership::Banned => "banned",
        };
        let (environment, state) = (environment.to_string(), state.to_owned());
        let standing = NodeStanding { environment, state, joined_at: joined_at.0, is_lost: false, heard: false };
        self.nodes.insert(node.to_string(), standing);
    }

    /// A freeze.
    pub fn freeze(&mut self, target: &FreezeTarget, level: FreezeLevel, reason: &str) {
        let standing = FreezeStanding { level: level.as_str().to_owned(), reason: reason.to_owned() };
        self.freezes.insert(target.to_string(), standing);
    }

    /// An agent; `mark` differs whenever anything about it does.
    pub fn agent(&mut self, agent: &AgentName, acts: bool, mark: String) {
        self.agents.insert(agent.to_string(), AgentStanding { acts, mark });
    }

    /// What is to be told when things stood like `before` and stand like this now. Whether nodes are there is asked for each;
    /// this then remembers what was told of it.
    pub fn news(&mut self, before: &Self, hearing: impl Fn(&str) -> Hearing) -> Vec<Event> {
        let mut events = Vec::new();
        for (name, now) in &mut self.nodes {
            events.extend(now.news(name, before.nodes.get(name), hearing(name)).into_iter().flatten());
        }
        for (target, now) in &self.freezes {
            if before.freezes.get(target) != Some(now) {
                events.extend(now.told(target));
            }
        }
        for target in before.freezes.keys().filter(|target| !self.freezes.contains_key(*target)) {
            events.extend(FreezeTarget::parse(target).ok().map(|target| Event::FreezeOff { target }));
        }
        for (name, now) in &self.agents {
            let change = match before.agents.get(name) {
                None => AgentChange::Created,
                Some(before) if before == now => continue,
                Some(before) if before.acts && !now.acts => AgentChange::Suspended,
                Some(_) => AgentChange::Updated,
            };
            events.extend(AgentName::parse(name).ok().map(|agent| Event::AgentChanged { agent, change }));
        }
        events
    }
}

impl NodeStanding {
    fn news(&mut self, name: &str, before: Option<&Self>, hearing: Hearing) -> [Option<Event>; 2] {
        let Ok(node) = NodeName::parse(name) else { return [None, None] };
        let same = before.filter(|before| before.joined_at == self.joined_at);
        let was = same.map_or("", |before| before.state.as_str());
        let moved = match self.state.as_str() {
            "active" if was != "active" => EnvironmentName::parse(&self.environment)
                .ok()
                .map(|environment| Event::NodeJoined { node: node.clone(), environment }),
            "banned" if was != "banned" => Some(Event::NodeBanned { node: node.clone() }),
            _ => None,
        };
        let (was_heard, was_lost) = same.map_or((false, false), |before| (before.heard, before.is_lost));
        let mut lost = None;
        (self.heard, self.is_lost) = match hearing {
            Hearing::Heard => (true, false),
            Hearing::Lost(heard_at) if was_heard && !was_lost && self.state == "active" => {
                lost = Some(Event::NodeLost { node, heard_at });
                (was_heard, true)
            }
            Hearing::Lost(_) | Hearing::Unknown => (was_heard, was_lost),
        };
        [moved, lost]
    }
}

impl FreezeStanding {
    fn told(&self, target: &str) -> Option<Event> {
        let level = FreezeLevel::parse(&self.level)?;
        Some(Event::FreezeOn { target: FreezeTarget::parse(target).ok()?, level, reason: self.reason.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).expect(name)
    }

    fn with_node(membership: Membership, joined_at: i64) -> Standing {
        let mut standing = Standing::default();
        let prod = EnvironmentName::parse("prod").expect("name");
        standing.node(&node("vengeance"), &prod, membership, Timestamp(joined_at));
        standing
    }

    fn names(events: &[Event]) -> Vec<&'static str> {
        events.iter().map(Event::name).collect()
    }

    #[test]
    fn a_node_is_told_of_when_it_joins_is_approved_comes_anew_and_is_banned() {
        let unknown = |_: &str| Hearing::Unknown;
        let nothing = Standing::default();
        let mut pending = with_node(Membership::Pending, 1);
        assert!(pending.news(&nothing, unknown).is_empty(), "it waits");
        let mut active = with_node(Membership::Active, 1);
        assert_eq!(names(&active.news(&pending, unknown)), ["node.joined"]);
        assert!(with_node(Membership::Active, 1).news(&active, unknown).is_empty(), "once");
        assert_eq!(names(&with_node(Membership::Active, 2).news(&active, unknown)), ["node.joined"], "another machine");
        let mut banned = with_node(Membership::Banned, 1);
        assert_eq!(names(&banned.news(&active, unknown)), ["node.banned"]);
        assert!(with_node(Membership::Banned, 1).news(&banned, unknown).is_empty());
    }

    #[test]
    fn a_node_is_lost_once_and_again_only_after_it_was_back() {
        let mut before = with_node(Membership::Active, 1);
        before.news(&Standing::default(), |_| Hearing::Lost(None));
        assert!(!before.nodes["vengeance"].is_lost, "it was never there");
        let mut step = |hearing: Hearing| {
            let mut now = with_node(Membership::Active, 1);
            let events = now.news(&before, |_| hearing);
            before = now;
            names(&events)
        };
        assert!(step(Hearing::Heard).is_empty());
        assert_eq!(step(Hearing::Lost(Some(Timestamp(7)))), ["node.lost"]);
        assert!(step(Hearing::Lost(None)).is_empty() && step(Hearing::Unknown).is_empty());
        assert!(step(Hearing::Heard).is_empty());
        assert_eq!(step(Hearing::Lost(None)), ["node.lost"]);
    }

    #[test]
    fn freezes_and_agents_are_told_when_they_change_and_read_back_as_they_were_kept() {
        let target = FreezeTarget::parse("secret:openai/api_key").expect("target");
        let agent = AgentName::parse("robot").expect("name");
        let mut frozen = Standing::default();
        frozen.freeze(&target, FreezeLevel::All, "leaked");
        frozen.agent(&agent, true, "1".to_owned());
        let quiet = |_: &str| Hearing::Unknown;
        assert_eq!(names(&frozen.news(&Standing::default(), quiet)), ["freeze.on", "agent.created"]);
        let kept = Standing::parse(&frozen.to_bytes()).expect("read");
        assert!(frozen.clone().news(&kept, quiet).is_empty());
        let mut lifted = Standing::default();
        lifted.agent(&agent, false, "2".to_owned());
        assert_eq!(names(&lifted.news(&kept, quiet)), ["freeze.off", "agent.suspended"]);
        let mut back = Standing::default();
        back.agent(&agent, true, "3".to_owned());
        assert_eq!(names(&back.news(&lifted, quiet)), ["agent.updated"]);
    }
}
