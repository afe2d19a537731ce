//! How agents and keys change, in the small: whom the policy file describes, what counts as giving, how long keys live.

use std::time::Duration;

use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentCapability, AgentKind, AgentOrigin, AgentState};
use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText};
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::grant::Expiry;
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::reach::Reach;
use crate::model::time::Timestamp;
use crate::replication::articles::Articles;

use super::agent_error::AgentError;
use super::agent_plan::{AGENTS_MAX, Word, create, deed, update};
use super::agent_request::{AgentDeed, AgentPatch, KeyLife, NewAgent, NewApiKey};
use super::api_key_plan::{AGENT_KEYS_MAX, mint, rotate};

const NOW: Timestamp = Timestamp(1_000_000);
const DAY: Duration = Duration::from_secs(86_400);
const WORD: Word<'_> = Word { author: "admin", now: NOW };

fn name(text: &str) -> AgentName {
    AgentName::parse(text).expect(text)
}

fn agent(text: &str, origin: AgentOrigin) -> Agent {
    let held = |capability| AgentCapability {
        capability,
        granted_by: "user:1".to_owned(),
        granted_at: Timestamp(1),
        note: None,
    };
    Agent {
        name: name(text),
        title: None,
        kind: AgentKind::Tool,
        state: AgentState::Active,
        owner: "admin".to_owned(),
        created_at: Timestamp(1),
        origin,
        capabilities: [Capability::DataRead, Capability::EventPublish].map(held).into(),
        reach: Reach::everything(),
        limit_rpm: Some(60),
        signs: true,
        note: None,
    }
}

fn text(byte: u8, made_at: Timestamp) -> KeyText {
    KeyText { hash: ApiKeyHash([byte; 32]), hint: format!("mj_agent_{byte:04}"), made_at }
}

fn new_key(key: &str, life: Option<KeyLife>) -> NewApiKey {
    let key = ApiKeyName::parse(key).expect(key);
    NewApiKey { agent: name("robot"), name: key, reach: Reach::everything(), limit_rpm: None, life }
}

fn articles(all: impl IntoIterator<Item = Article>) -> Articles {
    Articles::new(all, [])
}

fn robot(origin: AgentOrigin) -> Articles {
    articles([Article::Agent(agent("robot", origin))])
}

fn minted(life: Option<KeyLife>) -> Result<ApiKey, AgentError> {
    mint(&robot(AgentOrigin::Command), &new_key("ci", life), &text(1, NOW), WORD)
}

#[test]
fn an_agent_of_the_policy_file_is_suspended_and_activated_and_otherwise_left_to_the_file() {
    let articles = robot(AgentOrigin::Policy);
    let refused = Err(AgentError::OfPolicy(name("robot")));
    let patch = AgentPatch { signs: Some(false), ..AgentPatch::default() };
    assert_eq!(update(&articles, &name("robot"), patch, WORD), refused);
    assert_eq!(deed(&articles, &name("robot"), AgentDeed::Archive).map(|(planned, _)| planned), refused);
    let (suspended, edits) = deed(&articles, &name("robot"), AgentDeed::Suspend).expect("may be");
    assert_eq!((suspended.agent.state, edits.len(), suspended.gives), (AgentState::Suspended, 1, false));
}

#[test]
fn what_is_so_already_is_no_change() {
    let (planned, edits) = deed(&robot(AgentOrigin::Command), &name("robot"), AgentDeed::Activate).expect("is active");
    assert!(edits.is_empty() && !planned.gives);
}

#[test]
fn an_archived_agent_takes_its_keys_with_it_and_nobody_elses() {
    let key = |agent: &str| ApiKey { agent: name(agent), ..minted(None).expect("a key") };
    let all = [
        Article::Agent(agent("robot", AgentOrigin::Command)),
        Article::ApiKey(key("robot")),
        Article::ApiKey(key("other")),
    ];
    let (planned, edits) = deed(&articles(all), &name("robot"), AgentDeed::Archive).expect("archived");
    let gone = ArticleId::ApiKey(name("robot"), ApiKeyName::parse("ci").expect("name"));
    assert_eq!(edits, [Edit::Put(Article::Agent(planned.agent)), Edit::Drop(gone)]);
}

#[test]
fn a_change_gives_when_the_agent_may_more_or_more_freely() {
    let gives = |patch| update(&robot(AgentOrigin::Command), &name("robot"), patch, WORD).expect("good").gives;
    let nothing = AgentPatch::default;
    assert!(gives(AgentPatch { add: [Capability::DataWrite].into(), ..nothing() }));
    assert!(gives(AgentPatch { secrets: Some(vec![]), ..nothing() }), "another reach may be a wider one");
    assert!(gives(AgentPatch { limit_rpm: Some(None), ..nothing() }));
    assert!(gives(AgentPatch { signs: Some(false), ..nothing() }));
    assert!(!gives(AgentPatch { signs: Some(true), title: Some(Some("T".to_owned())), ..nothing() }));
    assert!(!gives(AgentPatch { remove: [Capability::DataRead].into(), ..nothing() }));
}

#[test]
fn a_capability_keeps_whose_word_it_is_until_it_is_given_anew() {
    let patch = AgentPatch {
        add: [Capability::EventPublish, Capability::WorkflowRead].into(),
        capability_note: Some("why".to_owned()),
        ..AgentPatch::default()
    };
    let changed = update(&robot(AgentOrigin::Command), &name("robot"), patch, WORD).expect("good").agent;
    let held: Vec<_> = changed.capabilities.iter().map(|held| (held.capability, held.granted_by.as_str())).collect();
    let expected =
        [(Capability::WorkflowRead, "admin"), (Capability::DataRead, "user:1"), (Capability::EventPublish, "admin")];
    assert_eq!(held, expected, "each once, in the order of the table");
}

#[test]
fn a_mesh_has_so_many_agents_and_an_agent_so_many_keys() {
    let many = (0..AGENTS_MAX).map(|number| Article::Agent(agent(&format!("a{number}"), AgentOrigin::Command)));
    let new = NewAgent {
        name: name("one-more"),
        title: None,
        kind: AgentKind::Tool,
        capabilities: [].into(),
        capability_note: None,
        reach: Reach::everything(),
        limit_rpm: None,
        signs: false,
        note: None,
    };
    let refused = create(&articles(many), new, WORD);
    assert_eq!(refused, Err(AgentError::TooMany { what: "agents", max: AGENTS_MAX }));
    let keys = (0..AGENT_KEYS_MAX).map(|number| {
        let name = ApiKeyName::parse(&format!("k{number}")).expect("name");
        Article::ApiKey(ApiKey { name, ..minted(None).expect("a key") })
    });
    let all = articles(keys.chain([Article::Agent(agent("robot", AgentOrigin::Command))]));
    let refused = mint(&all, &new_key("one-more", None), &text(1, NOW), WORD);
    assert!(matches!(refused, Err(AgentError::TooMany { max: AGENT_KEYS_MAX, .. })), "{refused:?}");
}

#[test]
fn a_key_ends_after_ninety_days_unless_it_is_said_and_never_only_if_that_is_said() {
    assert_eq!(minted(None).expect("good").expires_at, Expiry::At(NOW.plus(90 * DAY)));
    assert_eq!(minted(Some(KeyLife::For(366 * DAY))).expect("good").expires_at, Expiry::At(NOW.plus(366 * DAY)));
    assert_eq!(minted(Some(KeyLife::Endless)).expect("good").expires_at, Expiry::Never);
    let unfit = [
        KeyLife::For(Duration::ZERO),
        KeyLife::For(Duration::MAX),
        KeyLife::For(367 * DAY),
        KeyLife::Until(NOW),
        KeyLife::Until(Timestamp(i64::MIN)),
        KeyLife::Until(Timestamp(i64::MAX)),
    ];
    for life in unfit {
        assert_eq!(minted(Some(life)), Err(AgentError::Lifetime), "{life:?}");
    }
}

#[test]
fn the_old_text_of_a_key_never_works_for_longer_than_it_would_have() {
    let key = minted(Some(KeyLife::For(2 * DAY))).expect("a key");
    let later = NOW.plus(DAY);
    let rotated = rotate(&key, &text(2, later), Some(30 * DAY), later).expect("rotated");
    let previous = rotated.previous.clone().expect("still works");
    assert_eq!((previous.text, previous.until), (key.current.clone(), NOW.plus(2 * DAY)));
    assert_eq!(rotated.expires_at, Expiry::At(later.plus(2 * DAY)), "as long as the first was good for");
    let again = rotate(&rotated, &text(3, later), None, later).expect("rotated");
    assert!(!again.admits(&key.current.hash, later) && again.admits(&rotated.current.hash, later), "two texts at most");
    assert_eq!(rotate(&key, &text(2, later), Some(Duration::ZERO), later).expect("rotated").previous, None);
    assert_eq!(rotate(&key, &text(2, later), Some(31 * DAY), later), Err(AgentError::Grace));

    let late = NOW.plus(3 * DAY);
    let revived = rotate(&key, &text(2, late), None, late).expect("rotated");
    assert!(revived.previous.is_none() && revived.admits(&ApiKeyHash([2; 32]), late), "its old text had ended");
    assert!(!revived.admits(&key.current.hash, late));
}
