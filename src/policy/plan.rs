//! From the rulebook as it is to the rulebook as a policy file wants it: what would change, and the edits that do it.
//!
//! Grants are wholly the file's. Agents are the file's if a policy made them: what a command made is left alone. An agent
//! that leaves the file is archived and loses its keys; one that comes back is active, without them. Apart from that its
//! state and its keys are not the file's.

use crate::model::agent::{Agent, AgentCapability, AgentOrigin, AgentState};
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::grant::Grant;
use crate::model::time::Timestamp;

use super::file::{FileAgent, FileGrant, PolicyFile};
use super::plan_fields::{self, Differs};
use super::rulebook::Rulebook;

/// Whose word a change is.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// A principal.
    pub who: &'a str,
    /// The wall clock.
    pub at: Timestamp,
}

/// What applying a file would come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What would change: grants by name, then agents by name.
    pub changes: Vec<Planned>,
    /// How many grants and agents of the file are there already, word by word.
    pub unchanged: usize,
    /// Why it cannot be applied; empty if it can.
    pub obstacles: Vec<String>,
    /// What it does not change although one could think so.
    pub notes: Vec<String>,
    /// What does it.
    pub edits: Vec<Edit>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Of what.
    pub kind: EntryKind,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub change: PlannedChange,
}

/// What a policy consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// Rules.
    Grant,
    /// Agents.
    Agent,
}

impl EntryKind {
    /// `grant` or `agent`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Agent => "agent",
        }
    }
}

/// What becomes of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedChange {
    /// It was not there; this is what it says.
    Added(Vec<Differs>),
    /// It says something else.
    Changed(Vec<Differs>),
    /// It is taken away; this is what it said. An agent is archived, and its keys are dropped.
    Removed(Vec<Differs>),
}

impl Plan {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// How much would change, in a few words: `2 added, 1 changed, 0 removed`.
    #[must_use]
    pub fn summary(&self) -> String {
        let [mut added, mut changed, mut removed] = [0_usize; 3];
        for planned in &self.changes {
            let count = match planned.change {
                PlannedChange::Added(_) => &mut added,
                PlannedChange::Changed(_) => &mut changed,
                PlannedChange::Removed(_) => &mut removed,
            };
            *count = count.saturating_add(1);
        }
        format!("{added} added, {changed} changed, {removed} removed")
    }

    fn note_change(&mut self, kind: EntryKind, name: &str, change: PlannedChange) {
        self.changes.push(Planned { kind, name: name.to_owned(), change });
    }
}

/// Compares a file with the whole rulebook of a lead.
#[must_use]
pub fn plan(book: &Rulebook, file: &PolicyFile, author: Author<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut grants: Vec<&FileGrant> = file.grants.iter().collect();
    grants.sort_by(|left, right| left.name.cmp(&right.name));
    grants.iter().for_each(|wanted| plan_grant(&mut plan, book.grant(&wanted.name), wanted, author));
    for gone in book.grants().filter(|held| grants.binary_search_by(|wanted| wanted.name.cmp(&held.name)).is_err()) {
        plan.edits.push(Edit::Drop(ArticleId::Grant(gone.name.clone())));
        let said = plan_fields::said_by_grant(&plain(gone));
        plan.note_change(EntryKind::Grant, gone.name.as_str(), PlannedChange::Removed(said));
    }
    let mut agents: Vec<&FileAgent> = file.agents.iter().collect();
    agents.sort_by(|left, right| left.name.cmp(&right.name));
    agents.iter().for_each(|wanted| plan_agent(&mut plan, book.agent(&wanted.name), wanted, author));
    for gone in book.agents().filter(|held| agents.binary_search_by(|wanted| wanted.name.cmp(&held.name)).is_err()) {
        plan_departure(&mut plan, book, gone);
    }
    plan.changes.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
    plan
}

/// The rulebook as it would be.
#[must_use]
pub fn candidate(articles: impl IntoIterator<Item = Article>, plan: &Plan) -> Vec<Article> {
    let mut by_id: std::collections::BTreeMap<ArticleId, Article> =
        articles.into_iter().map(|article| (article.id(), article)).collect();
    for edit in &plan.edits {
        match edit {
            Edit::Put(article) => drop(by_id.insert(article.id(), article.clone())),
            Edit::Drop(id) => drop(by_id.remove(id)),
        }
    }
    by_id.into_values().collect()
}

fn plan_grant(plan: &mut Plan, held: Option<&Grant>, wanted: &FileGrant, author: Author<'_>) {
    let before = held.map(plain);
    let differs = plan_fields::of_grant(before.as_ref(), wanted);
    let change = match before {
        Some(_) if differs.is_empty() => {
            plan.unchanged = plan.unchanged.saturating_add(1);
            return;
        }
        Some(_) => PlannedChange::Changed(differs),
        None => PlannedChange::Added(differs),
    };
    plan.note_change(EntryKind::Grant, wanted.name.as_str(), change);
    let FileGrant { name, principal, capabilities, reach, expires_at, effect, reason } = wanted.clone();
    let (granted_by, granted_at) = (author.who.to_owned(), author.at);
    plan.edits.push(Edit::Put(Article::Grant(Grant {
        name,
        principal,
        capabilities,
        reach,
        expires_at,
        effect,
        granted_by,
        granted_at,
        reason,
    })));
}

/// A grant as a file would say it.
fn plain(grant: &Grant) -> FileGrant {
    let Grant { name, principal, capabilities, reach, expires_at, effect, reason, granted_by: _, granted_at: _ } =
        grant.clone();
    FileGrant { name, principal, capabilities, reach, expires_at, effect, reason }
}

fn plan_agent(plan: &mut Plan, held: Option<&Agent>, wanted: &FileAgent, author: Author<'_>) {
    let name = wanted.name.as_str();
    match held {
        Some(Agent { origin: AgentOrigin::Command, .. }) => {
            let obstacle = format!(
                "agent {name} was made by a command: take it out of the file, or give the agent of the file another name"
            );
            plan.obstacles.push(obstacle);
            return;
        }
        Some(Agent { origin: AgentOrigin::Policy, state: AgentState::Suspended, .. }) => {
            plan.notes.push(format!("agent {name} is suspended and stays so: a file does not activate it"));
        }
        Some(Agent { origin: AgentOrigin::Policy, state: AgentState::Active | AgentState::Archived, .. }) | None => {}
    }
    let mut differs = plan_fields::of_agent(held.map(plain_agent).as_ref(), wanted);
    differs.extend(held.filter(|held| held.state == AgentState::Archived).map(|_| plan_fields::comes_back()));
    let change = match held {
        Some(_) if differs.is_empty() => {
            plan.unchanged = plan.unchanged.saturating_add(1);
            return;
        }
        Some(_) => PlannedChange::Changed(differs),
        None => PlannedChange::Added(differs),
    };
    plan.note_change(EntryKind::Agent, name, change);
    plan.edits.push(Edit::Put(Article::Agent(agent(held, wanted, author))));
}

/// The agent as the file wants it. What it had stays whoever's word it was.
fn agent(held: Option<&Agent>, wanted: &FileAgent, author: Author<'_>) -> Agent {
    let given = |capability| AgentCapability {
        capability,
        granted_by: author.who.to_owned(),
        granted_at: author.at,
        note: None,
    };
    let had = |capability| held?.capabilities.iter().find(|had| had.capability == capability).cloned();
    let capabilities = wanted.capabilities.iter().map(|&each| had(each).unwrap_or_else(|| given(each)));
    Agent {
        name: wanted.name.clone(),
        title: wanted.title.clone(),
        kind: wanted.kind,
        state: match held.map(|held| held.state) {
            Some(AgentState::Suspended) => AgentState::Suspended,
            // Only leaving the file archives an agent of the file, and this one is in it again.
            Some(AgentState::Active | AgentState::Archived) | None => AgentState::Active,
        },
        owner: held.map_or_else(|| author.who.to_owned(), |held| held.owner.clone()),
        created_at: held.map_or(author.at, |held| held.created_at),
        origin: AgentOrigin::Policy,
        capabilities: capabilities.collect(),
        reach: wanted.reach.clone(),
        limit_rpm: wanted.limit_rpm,
        signs: wanted.signs,
        note: wanted.note.clone(),
    }
}

/// An agent as a file would say it.
fn plain_agent(agent: &Agent) -> FileAgent {
    FileAgent {
        name: agent.name.clone(),
        title: agent.title.clone(),
        kind: agent.kind,
        capabilities: agent.capabilities.iter().map(|held| held.capability).collect(),
        reach: agent.reach.clone(),
        limit_rpm: agent.limit_rpm,
        signs: agent.signs,
        note: agent.note.clone(),
    }
}

/// An agent that the file does not name.
fn plan_departure(plan: &mut Plan, book: &Rulebook, gone: &Agent) {
    match (gone.origin, gone.state) {
        (AgentOrigin::Command, _) | (AgentOrigin::Policy, AgentState::Archived) => {}
        (AgentOrigin::Policy, AgentState::Active | AgentState::Suspended) => {
            let said = plan_fields::said_by_agent(&plain_agent(gone));
            plan.note_change(EntryKind::Agent, gone.name.as_str(), PlannedChange::Removed(said));
            let archived = Agent { state: AgentState::Archived, ..gone.clone() };
            plan.edits.push(Edit::Put(Article::Agent(archived)));
            let keys = book.keys().filter(|key| key.agent == gone.name);
            plan.edits.extend(keys.map(|key| Edit::Drop(ArticleId::ApiKey(key.agent.clone(), key.name.clone()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::parse;
    use super::super::starting::starting;
    use super::*;
    use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText};
    use crate::model::grant::Expiry;
    use crate::model::name::ApiKeyName;
    use crate::model::reach::Reach;

    const AUTHOR: Author<'_> = Author { who: "user:0", at: Timestamp(9) };

    fn file(text: &str) -> PolicyFile {
        parse(text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn grant(name: &str, secrets: &str) -> String {
        format!(
            "[[grant]]\nname = \"{name}\"\nprincipal = \"user:alice\"\ncapabilities = [\"data_read\"]\nsecrets = {secrets}\n\
             environments = \"*\"\nexpires_at = \"never\"\nreason = \"x\"\n"
        )
    }

    fn robot(capabilities: &str) -> String {
        format!(
            "[[agent]]\nname = \"robot\"\nkind = \"tool\"\ncapabilities = {capabilities}\nsecrets = \"*\"\n\
             environments = \"*\"\n"
        )
    }

    /// The rulebook after a file was applied to it at a time.
    fn after(book: &Rulebook, text: &str, at: i64) -> Rulebook {
        let plan = plan(book, &file(text), Author { at: Timestamp(at), ..AUTHOR });
        assert_eq!(plan.obstacles, [""; 0]);
        Rulebook::new(candidate(book.articles(), &plan))
    }

    fn told(plan: &Plan) -> Vec<String> {
        let each = plan.changes.iter().map(|planned| {
            let (sign, fields) = match &planned.change {
                PlannedChange::Added(fields) => ('+', fields),
                PlannedChange::Changed(fields) => ('~', fields),
                PlannedChange::Removed(fields) => ('-', fields),
            };
            let fields: Vec<&str> = fields.iter().map(|differs| differs.field).collect();
            format!("{sign} {} {}: {}", planned.kind.as_str(), planned.name, fields.join(" "))
        });
        each.collect()
    }

    #[test]
    fn grants_are_wholly_the_files_and_a_plan_says_which_keys_differ() {
        let started = Rulebook::new(starting(Timestamp(0)).map(Article::Grant));
        let book = after(&started, &(grant("kept", "\"*\"") + &grant("moved", "[\"a/*\"]")), 5);
        let wanted = grant("kept", "\"*\"") + &grant("moved", "[\"b/*\"]") + &grant("new", "\"*\"");
        let plan = plan(&book, &file(&(wanted + &robot("[\"data_read\"]"))), AUTHOR);
        assert_eq!(
            told(&plan),
            [
                "~ grant moved: secrets",
                "+ grant new: principal capabilities secrets scopes environments expires_at effect reason",
                "+ agent robot: kind capabilities secrets scopes environments signs",
            ]
        );
        assert_eq!((plan.unchanged, plan.edits.len()), (1, 3));
        assert_eq!(plan.summary(), "2 added, 1 changed, 0 removed");
        let PlannedChange::Changed(fields) = &plan.changes[0].change else { panic!("{plan:?}") };
        let differs = Differs { field: "secrets", was: Some("a/*".to_owned()), will: Some("b/*".to_owned()) };
        assert_eq!(fields[..], [differs]);
        let gone = super::plan(&started, &PolicyFile::default(), AUTHOR);
        let all = "principal capabilities secrets scopes companies environments expires_at effect reason";
        assert_eq!(told(&gone), [format!("- grant owner: {all}"), format!("- grant socket-group: {all}")]);
    }

    #[test]
    fn what_does_not_change_keeps_who_wrote_it_and_when() {
        let text = grant("kept", "\"*\"") + &grant("moved", "[\"a/*\"]") + &robot("[\"data_read\"]");
        let book = after(&Rulebook::default(), &text, 5);
        assert!(plan(&book, &file(&text), AUTHOR).is_empty(), "the same file twice changes nothing");
        let text = grant("kept", "\"*\"") + &grant("moved", "\"*\"") + &robot("[\"data_write\", \"data_read\"]");
        let book = after(&book, &text, 7);
        let times: Vec<i64> = book.grants().map(|grant| grant.granted_at.0).collect();
        assert_eq!(times, [5, 7]);
        let agent = book.agents().next().expect("robot");
        let given: Vec<(&str, i64)> =
            agent.capabilities.iter().map(|held| (held.capability.as_str(), held.granted_at.0)).collect();
        assert_eq!((given, agent.created_at), (vec![("data_read", 5), ("data_write", 7)], Timestamp(5)));
    }

    fn key(name: &str) -> Article {
        Article::ApiKey(ApiKey {
            agent: crate::model::name::AgentName::parse("robot").expect("name"),
            name: ApiKeyName::parse(name).expect(name),
            current: KeyText { hash: ApiKeyHash([7; 32]), hint: "mj_agent_abcd".to_owned(), made_at: Timestamp(0) },
            previous: None,
            reach: Reach::everything(),
            limit_rpm: None,
            created_by: "user:0".to_owned(),
            created_at: Timestamp(0),
            expires_at: Expiry::Never,
        })
    }

    /// The rulebook of a mesh whose agent was changed by hand.
    fn with_robot(change: impl Fn(&mut Agent)) -> Rulebook {
        let made = after(&Rulebook::default(), &robot("[\"data_read\"]"), 5);
        let mut agent = made.agents().next().expect("robot").clone();
        change(&mut agent);
        Rulebook::new([Article::Agent(agent), key("ci"), key("laptop")])
    }

    #[test]
    fn state_and_keys_of_an_agent_stay_while_it_is_in_the_file() {
        let book = with_robot(|agent| agent.state = AgentState::Suspended);
        let book = after(&book, &robot("[\"data_write\"]"), 7);
        assert_eq!(book.agents().next().map(|agent| agent.state), Some(AgentState::Suspended));
        assert_eq!(book.keys().count(), 2);
        let plan = plan(&book, &file(&robot("[\"data_write\"]")), AUTHOR);
        assert!(plan.is_empty() && plan.notes[0].contains("robot is suspended and stays so"), "{plan:?}");
    }

    #[test]
    fn an_agent_that_leaves_the_file_is_archived_and_its_keys_are_gone() {
        let book = with_robot(|_| {});
        assert_eq!(told(&plan(&book, &file(""), AUTHOR)).len(), 1);
        let left = after(&book, "", 7);
        assert_eq!(left.agents().next().map(|agent| agent.state), Some(AgentState::Archived));
        assert_eq!(left.keys().count(), 0);
        assert!(plan(&left, &file(""), AUTHOR).is_empty(), "it leaves once");
        let text = robot("[\"data_read\"]");
        assert_eq!(told(&plan(&left, &file(&text), AUTHOR)), ["~ agent robot: state"]);
        let back = after(&left, &text, 9);
        assert_eq!(back.agents().next().map(|agent| agent.state), Some(AgentState::Active));
        assert_eq!(back.keys().count(), 0, "what was taken from it does not come back");
    }

    #[test]
    fn an_agent_of_a_command_is_left_alone_and_its_name_is_not_taken() {
        let book = with_robot(|agent| agent.origin = AgentOrigin::Command);
        assert!(plan(&book, &file(""), AUTHOR).is_empty());
        let taken = plan(&book, &file(&robot("[\"data_read\"]")), AUTHOR);
        assert!(taken.obstacles[0].contains("robot was made by a command") && taken.is_empty(), "{taken:?}");
    }
}
