//! Golden bytes of every kind of article, and what is refused.

use proptest::prelude::{ProptestConfig, any, prop, proptest};

use super::article::{ARTICLE_BYTES_MAX, ArticleIdFrame, TEXT_BYTES_MAX, decode, encode};
use super::error::{FieldRule, WireError};
use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentCapability, AgentKind, AgentOrigin, AgentState, LIMIT_MAX};
use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText, PreviousText};
use crate::model::article::{Article, ArticleId};
use crate::model::company::Companies;
use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::glob::SecretGlob;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::hex::hex;
use crate::model::name::{AgentName, ApiKeyName, CompanyId, EnvironmentName, GrantName};
use crate::model::principal::Principal;
use crate::model::reach::{Environments, Reach, ScopeKind, Scopes};
use crate::model::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_248_000_000);

fn reach() -> Reach {
    Reach {
        secrets: vec![SecretGlob::parse("openai/*").expect("glob")],
        scopes: Scopes::Only([ScopeKind::Global, ScopeKind::Company].into()),
        companies: Companies::Only([CompanyId::parse("acme").expect("company")].into()),
        environments: Environments::Only([EnvironmentName::parse("prod").expect("environment")].into()),
    }
}

fn grant() -> Grant {
    Grant {
        name: GrantName::parse("readers").expect("name"),
        principal: Principal::parse("unit:backend.service").expect("principal"),
        capabilities: [Capability::DataRead, Capability::DataQuery].into(),
        reach: reach(),
        expires_at: Expiry::At(NOW),
        effect: Effect::Deny,
        granted_by: "admin".to_owned(),
        granted_at: NOW,
        reason: "an audit".to_owned(),
    }
}

fn agent() -> Agent {
    Agent {
        name: AgentName::parse("openclaw").expect("name"),
        title: Some("OpenClaw".to_owned()),
        kind: AgentKind::Tool,
        state: AgentState::Suspended,
        owner: "admin".to_owned(),
        created_at: NOW,
        origin: AgentOrigin::Command,
        capabilities: vec![held(Capability::DataQuery), held(Capability::DataRead)],
        reach: Reach::everything(),
        limit_rpm: Some(60),
        signs: true,
        note: None,
    }
}

fn held(capability: Capability) -> AgentCapability {
    AgentCapability { capability, granted_by: "admin".to_owned(), granted_at: NOW, note: Some("demo".to_owned()) }
}

fn api_key() -> ApiKey {
    let text = |byte| KeyText { hash: ApiKeyHash([byte; 32]), hint: "mj_agent_Ab12".to_owned(), made_at: NOW };
    ApiKey {
        agent: AgentName::parse("openclaw").expect("name"),
        name: ApiKeyName::parse("ci").expect("name"),
        current: text(1),
        previous: Some(PreviousText { text: text(2), until: NOW }),
        reach: reach(),
        limit_rpm: None,
        created_by: "admin".to_owned(),
        created_at: NOW,
        expires_at: Expiry::Never,
    }
}

fn freeze() -> Freeze {
    Freeze {
        target: FreezeTarget::parse("company:acme").expect("target"),
        level: FreezeLevel::Write,
        reason: "an incident".to_owned(),
        frozen_by: "admin".to_owned(),
        frozen_at: NOW,
    }
}

fn samples() -> [Article; 4] {
    [Article::Grant(grant()), Article::Agent(agent()), Article::ApiKey(api_key()), Article::Freeze(freeze())]
}

#[test]
fn every_article_has_these_bytes_for_ever_and_reads_back() {
    let golden = [
        concat!(
            "0101077265616465727314756e69743a6261636b656e642e73657276696365020a646174615f717565727909646174615f72",
            "65616401086f70656e61692f2a000206676c6f62616c07636f6d70616e7900010461636d6500010470726f6401fd00183dfa",
            "43030000020561646d696efd00183dfa4303000008616e206175646974",
        ),
        concat!(
            "0102086f70656e636c617701084f70656e436c617702020561646d696efd00183dfa4303000002020a646174615f71756572",
            "790561646d696efd00183dfa43030000010464656d6f09646174615f726561640561646d696efd00183dfa43030000010464",
            "656d6f01012a010001000100013c0100",
        ),
        concat!(
            "0103086f70656e636c617702636901010101010101010101010101010101010101010101010101010101010101010d6d6a5f",
            "6167656e745f41623132fd00183dfa4303000001020202020202020202020202020202020202020202020202020202020202",
            "02020d6d6a5f6167656e745f41623132fd00183dfa43030000fd00183dfa4303000001086f70656e61692f2a000206676c6f",
            "62616c07636f6d70616e7900010461636d6500010470726f64000561646d696efd00183dfa4303000000",
        ),
        "01040c636f6d70616e793a61636d65020b616e20696e636964656e740561646d696efd00183dfa43030000",
    ];
    let encoded = samples().map(|article| encode(&article).expect("encoded"));
    assert_eq!(encoded.each_ref().map(|bytes| hex(bytes)), golden);
    assert_eq!(encoded.map(|bytes| decode(&bytes).expect("reads")), samples());
}

#[test]
fn every_principal_capability_and_target_travels() {
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let exe = format!("exe:/usr/bin/python3@sha256:{digest}");
    let principals =
        ["user:0", "user:alice", "group:7", "group:dev", &exe, "agent:a", "node:n", "owner", "socket-group", "admin"];
    for principal in principals {
        let principal = Principal::parse(principal).expect(principal);
        let capabilities = Capability::ALL.iter().copied().collect();
        let article = Article::Grant(Grant { principal, capabilities, ..grant() });
        assert_eq!(decode(&encode(&article).expect("encoded")).expect("reads"), article);
    }
    for target in ["agent:openclaw", "secret:openai/api_key", "node:vengeance", "company:acme", "mesh"] {
        let article = Article::Freeze(Freeze { target: FreezeTarget::parse(target).expect(target), ..freeze() });
        assert_eq!(decode(&encode(&article).expect("encoded")).expect("reads"), article);
    }
}

#[test]
fn every_id_travels_and_no_other_spelling_of_it() {
    for article in samples() {
        let frame = ArticleIdFrame::from(&article.id());
        assert_eq!(ArticleId::try_from(frame.clone()).expect("reads"), article.id());
        let spoilt = ArticleIdFrame { name: "No Name".to_owned(), ..frame.clone() };
        assert!(ArticleId::try_from(spoilt).is_err());
        let keyed = ArticleIdFrame { key: "..".to_owned(), ..frame };
        assert!(ArticleId::try_from(keyed).is_err());
    }
}

/// A rule without the word it does not know would be another rule.
#[test]
fn a_capability_or_kind_this_build_does_not_know_is_an_error_and_never_left_out() {
    let bytes = encode(&Article::Grant(grant())).expect("encoded");
    let place = bytes.windows(9).position(|window| window == b"data_read").expect("it is in there");
    let mut unknown = bytes.clone();
    unknown[place..place + 9].copy_from_slice(b"data_reap");
    let refusal = decode(&unknown).expect_err("no such capability");
    assert!(matches!(refusal, WireError::Field { field: "capabilities", rule: FieldRule::Unknown }), "{refusal}");
    let mut kind = bytes.clone();
    kind[1] = 5;
    assert!(matches!(decode(&kind), Err(WireError::Field { rule: FieldRule::Unknown, .. })));
    let mut format = bytes.clone();
    format[0] = 2;
    assert!(matches!(decode(&format), Err(WireError::UnknownFormat { found: 2 })));
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(decode(&longer), Err(WireError::Field { rule: FieldRule::Malformed, .. })));
    let mut frozen = encode(&Article::Freeze(freeze())).expect("encoded");
    let level = 2 + 1 + "company:acme".len();
    assert_eq!(frozen[level], 2, "the level");
    frozen[level] = 9;
    assert!(matches!(decode(&frozen), Err(WireError::Field { rule: FieldRule::Malformed, .. })));
}

#[test]
fn an_article_over_its_bounds_is_neither_written_nor_read() {
    let long = || "x".repeat(TEXT_BYTES_MAX + 1);
    let refused = [
        Article::Grant(Grant { reason: long(), ..grant() }),
        Article::Grant(Grant { reach: Reach { secrets: vec![SecretGlob::everything(); 257], ..reach() }, ..grant() }),
        Article::Agent(Agent { note: Some(long()), ..agent() }),
        Article::Agent(Agent { limit_rpm: Some(LIMIT_MAX + 1), ..agent() }),
        Article::Agent(Agent {
            capabilities: vec![held(Capability::DataRead), held(Capability::DataQuery)],
            ..agent()
        }),
        Article::Agent(Agent { capabilities: vec![held(Capability::DataRead), held(Capability::DataRead)], ..agent() }),
        Article::ApiKey(ApiKey { created_by: long(), ..api_key() }),
        Article::Freeze(Freeze { reason: long(), ..freeze() }),
    ];
    for article in refused {
        assert!(matches!(encode(&article), Err(WireError::Field { .. })), "{:?}", article.id());
    }
    let too_long = vec![1; ARTICLE_BYTES_MAX + 1];
    assert!(matches!(decode(&too_long), Err(WireError::Field { rule: FieldRule::TooMany(ARTICLE_BYTES_MAX), .. })));
    assert!(matches!(decode(&[]), Err(WireError::Field { rule: FieldRule::Malformed, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_noise_nor_a_damaged_article_panics_or_reads_as_something_that_cannot_be_written(
        which in 0_usize..4,
        noise in prop::collection::vec(any::<u8>(), 0..256),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut damaged = encode(&samples()[which]).expect("encoded");
        let place = at.index(damaged.len());
        damaged[place] = byte;
        let headed = [&damaged[..2], noise.as_slice()].concat();
        for bytes in [&noise, &headed, &damaged] {
            if let Ok(article) = decode(bytes) {
                let again = encode(&article).expect("what was read can be written");
                assert_eq!(decode(&again).expect("and read"), article);
            }
        }
    }
}
