//! What a policy file may say, and how it is told what it may not.

use super::file::{AGENTS_MAX, GRANTS_MAX, POLICY_BYTES_MAX, PolicyFile, parse};
use super::file_error::Problems;
use super::plan::{Author, plan};
use super::rulebook::Rulebook;
use super::starting::starting;
use crate::model::actions::Capability;
use crate::model::agent::AgentKind;
use crate::model::article::Article;
use crate::model::company::Companies;
use crate::model::grant::{Effect, Expiry};
use crate::model::principal::Principal;
use crate::model::reach::{Environments, ScopeKind, Scopes};
use crate::model::time::Timestamp;

const SAMPLE: &str = include_str!("../../mesh-config/policy.toml");

const GRANT: &str = "[[grant]]
name = \"backend\"
principal = \"unit:backend.service\"
capabilities = [\"data_read\", \"data_query\"]
secrets = [\"openai/*\"]
environments = [\"prod\"]
expires_at = \"2027-01-31T00:00:00Z\"
reason = \"it calls OpenAI\"
";

const AGENT: &str = "[[agent]]
name = \"openclaw\"
kind = \"autonomous\"
capabilities = [\"data_read\"]
secrets = \"*\"
environments = \"*\"
";

fn problems(text: &str) -> Vec<String> {
    let Problems(problems) = parse(text).expect_err(text);
    problems.iter().map(|problem| format!("{} {}", problem.line, problem.key)).collect()
}

/// The grant, with one line replaced.
fn with(line: &str, by: &str) -> String {
    assert_eq!(GRANT.matches(line).count(), 1, "{line}");
    GRANT.replace(line, by)
}

#[test]
fn a_grant_says_what_it_says_and_what_it_leaves_out_grants_nothing_more() {
    let PolicyFile { grants, agents } = parse(GRANT).expect("right");
    let [grant] = &grants[..] else { panic!("{grants:?}") };
    assert!(agents.is_empty());
    assert_eq!((grant.name.as_str(), grant.principal.to_string().as_str()), ("backend", "unit:backend.service"));
    assert_eq!(grant.capabilities, [Capability::DataRead, Capability::DataQuery].into());
    assert_eq!(grant.expires_at, Expiry::At(Timestamp::parse("2027-01-31T00:00:00Z").expect("time")));
    assert_eq!((grant.effect, grant.reason.as_str()), (Effect::Allow, "it calls OpenAI"));
    assert_eq!(grant.reach.scopes, Scopes::All);
    assert_eq!(grant.reach.companies, Companies::default(), "none, unless some are named");
    assert_eq!(parse("").expect("a policy without grants: only the owner may do anything"), PolicyFile::default());
}

#[test]
fn all_of_something_is_a_star_and_all_kinds_of_scope_are_every_scope() {
    let text = with("environments = [\"prod\"]", "environments = \"*\"\ncompanies = \"*\"\neffect = \"deny\"");
    let file = parse(&text.replace("[\"openai/*\"]", "\"*\"")).expect("right");
    let reach = &file.grants[0].reach;
    assert_eq!((&reach.companies, &reach.environments), (&Companies::All, &Environments::All));
    assert_eq!(reach.secrets[0].as_str(), "*");
    let scopes = |list: &str| parse(&format!("{GRANT}scopes = {list}\n")).expect(list).grants.remove(0).reach.scopes;
    assert_eq!(scopes("[\"global\", \"node\"]"), Scopes::Only([ScopeKind::Global, ScopeKind::Node].into()));
    assert_eq!(scopes("[\"global\", \"company\", \"node\"]"), Scopes::All);
}

#[test]
fn an_agent_says_what_it_is_and_what_it_may() {
    let text =
        format!("{AGENT}title = \"OpenClaw\"\ncompanies = [\"acme\"]\nlimit_rpm = 60\nsigns = true\nnote = \"x\"\n");
    let agent = parse(&text).expect("right").agents.remove(0);
    assert_eq!((agent.name.as_str(), agent.kind, agent.signs), ("openclaw", AgentKind::Autonomous, true));
    assert_eq!(
        (agent.limit_rpm, agent.title.as_deref(), agent.note.as_deref()),
        (Some(60), Some("OpenClaw"), Some("x"))
    );
    let plain = parse(AGENT).expect("right").agents.remove(0);
    assert_eq!((plain.limit_rpm, plain.signs, plain.title), (None, false, None));
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let text = r#"colour = "red"
[[grant]]
name = "Backend"
principal = "everybody"
capabilities = ["data_read", "data_*"]
secrets = []
scopes = ["planet"]
companies = ["*"]
environments = ["PROD"]
expires_at = 2027-01-31T00:00:00Z
effect = "maybe"
reason = ""
[[grant]]
name = "second"
secret = "pat-na1-canary"
[[agent]]
name = "robot"
kind = "human"
capabilities = "everything"
secrets = [5]
environments = ["prod"]
limit_rpm = 0
signs = "yes"
"#;
    let expected = [
        "1 colour",
        "3 grant.name",
        "4 grant.principal",
        "5 grant.capabilities",
        "6 grant.secrets",
        "7 grant.scopes",
        "8 grant.companies",
        "9 grant.environments",
        "10 grant.expires_at",
        "11 grant.effect",
        "12 grant.reason",
        "13 grant second.principal",
        "13 grant second.capabilities",
        "13 grant second.secrets",
        "13 grant second.environments",
        "13 grant second.expires_at",
        "13 grant second.reason",
        "15 grant second.secret",
        "18 agent robot.kind",
        "19 agent robot.capabilities",
        "20 agent robot.secrets",
        "22 agent robot.limit_rpm",
        "23 agent robot.signs",
    ];
    assert_eq!(problems(text), expected);
    assert!(!parse(text).expect_err("wrong").to_string().contains("canary"), "what an unknown key holds is not shown");
}

#[test]
fn a_problem_says_what_is_wrong_and_what_would_be_right() {
    let text = with("reason = \"it calls OpenAI\"\n", "").replace("\"data_query\"", "\"data_steal\"");
    assert_eq!(
        parse(&text).expect_err("wrong").to_string(),
        "the policy has 2 problems\n  \
         line 1: grant backend.reason: is missing; write in one line of at most 256 bytes why, for whoever asks later\n  \
         line 4: grant backend.capabilities: \"data_steal\" is not a capability; write a list of workflow_read, \
         workflow_manage, workflow_execute, integration_read, integration_manage, integration_execute, data_query, \
         data_read, data_write, agent_manage, agent_impersonate, event_publish, event_subscribe, system_admin"
    );
}

#[test]
fn absence_never_grants_so_what_a_grant_needs_must_be_there() {
    for line in GRANT.lines().skip(1) {
        let key = line.split(' ').next().expect("a key");
        let name = if key == "name" { "grant" } else { "grant backend" };
        assert_eq!(problems(&with(&format!("{line}\n"), "")), [format!("1 {name}.{key}")]);
    }
    for (line, by) in [
        ("secrets = [\"openai/*\"]", "secrets = []"),
        ("environments = [\"prod\"]", "environments = []"),
        ("capabilities = [\"data_read\", \"data_query\"]", "capabilities = []"),
        ("environments = [\"prod\"]", "environments = [\"prod\", \"*\"]"),
    ] {
        assert_eq!(problems(&with(line, by)).len(), 1, "{by}");
    }
}

#[test]
fn names_are_given_once_and_no_grant_is_called_like_a_rule_of_every_node() {
    assert_eq!(problems(&format!("{GRANT}{GRANT}")), ["9 grant backend.name"]);
    assert_eq!(problems(&format!("{AGENT}{AGENT}")), ["7 agent openclaw.name"]);
    parse(&format!("{GRANT}{}", AGENT.replace("openclaw", "backend"))).expect("a grant and an agent may share a name");
    for name in ["admin", "default-deny", "roster", "undecided", "frozen", "agent-suspended", "global"] {
        assert_eq!(problems(&with("\"backend\"", &format!("\"{name}\""))), ["2 grant.name"], "{name}");
    }
}

#[test]
fn a_deny_that_would_lock_everybody_out_or_close_nothing_is_refused() {
    let deny = with("unit:backend.service", "admin") + "effect = \"deny\"\ncompanies = \"*\"\n";
    let told = parse(&deny).expect_err("refused").to_string();
    assert!(told.contains("grant backend.principal: is admin, and effect is deny: nobody could undo"), "{told}");
    let closes_nothing = format!("{GRANT}effect = \"deny\"\n");
    assert_eq!(problems(&closes_nothing), ["1 grant backend.companies"]);
    let file = parse(&format!("{closes_nothing}companies = [\"acme\"]\n")).expect("right");
    assert_eq!(file.grants[0].effect, Effect::Deny);
}

#[test]
fn text_that_is_no_toml_names_its_line_and_shows_nothing_of_it() {
    let told = parse("[[grant]]\nname = canary-value\n").expect_err("no TOML").to_string();
    assert!(told.contains("line 2: the file: is no TOML") && !told.contains("canary"), "{told}");
    for text in ["grant = 5", "[grant]\nname = \"x\"", "grant = [1]", "[[grant.x]]"] {
        assert_eq!(problems(text), ["1 grant"], "{text}");
    }
}

#[test]
fn a_policy_is_bounded_in_every_direction() {
    let refused = |text: &str| parse(text).expect_err("refused").to_string();
    let long = " ".repeat(POLICY_BYTES_MAX + 1);
    assert!(refused(&long).contains("has 1048577 bytes, and at most 1048576 are taken"));
    let many = "[[grant]]\n".repeat(GRANTS_MAX + 1);
    assert!(refused(&many).contains("is there 10001 times, and at most 10000"), "not ten thousand missing names");
    assert!(refused(&"[[agent]]\n".repeat(AGENTS_MAX + 1)).contains("is there 1001 times"));
    let deep = format!("grant = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(refused(&deep).contains("is no TOML"));
    let wide = format!("secrets = [{}]", "\"a/b\",".repeat(257));
    assert_eq!(problems(&with("secrets = [\"openai/*\"]", &wide)), ["5 grant backend.secrets"]);
    let long = format!("reason = \"{}\"", "x".repeat(257));
    assert_eq!(problems(&with("reason = \"it calls OpenAI\"", &long)), ["8 grant backend.reason"]);
    assert_eq!(problems(&with("reason = \"it calls OpenAI\"", "reason = \"a\\nb\"")), ["8 grant backend.reason"]);
}

/// Every example that is commented out, uncommented: lines like `# name = "x"` and `# [[grant]]`; prose is not.
fn uncommented(text: &str) -> String {
    let keys = ["[[", "name =", "title =", "kind =", "principal =", "capabilities =", "secrets =", "scopes ="];
    let more =
        ["companies =", "environments =", "expires_at =", "effect =", "reason =", "limit_rpm =", "signs =", "note ="];
    let is_example = |line: &str| keys.iter().chain(&more).any(|key| line.starts_with(key)) || line.starts_with("  \"");
    let each = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(example) if is_example(example) || example == "]" => example,
        Some(_) | None => line,
    });
    each.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_is_the_policy_every_mesh_starts_with() {
    let file = parse(SAMPLE).expect("the sample is right");
    let started = Rulebook::new(starting(Timestamp(5)).map(Article::Grant));
    let plan = plan(&started, &file, Author { who: "user:0", at: Timestamp(9) });
    assert!(plan.is_empty() && plan.unchanged == 2, "{plan:?}");
}

#[test]
fn the_sample_with_every_example_uncommented_is_right_too() {
    let file = parse(&uncommented(SAMPLE)).unwrap_or_else(|problems| panic!("{problems}"));
    let kinds: std::collections::BTreeSet<&str> = file
        .grants
        .iter()
        .map(|grant| match &grant.principal {
            Principal::User(_) => "user:ID",
            Principal::UserNamed(_) => "user:NAME",
            Principal::Group(_) => "group:ID",
            Principal::GroupNamed(_) => "group:NAME",
            Principal::Unit(_) => "unit",
            Principal::Executable(program) if program.sha256().is_some() => "exe@sha256",
            Principal::Executable(_) => "exe",
            Principal::Agent(_) => "agent",
            Principal::Node(_) => "node",
            Principal::Owner => "owner",
            Principal::SocketGroup => "socket-group",
            Principal::Admin => "admin",
        })
        .collect();
    let expected =
        ["agent", "exe", "exe@sha256", "group:NAME", "owner", "socket-group", "unit", "user:ID", "user:NAME"];
    assert_eq!(kinds, expected.into_iter().collect());
    assert!(file.grants.iter().any(|grant| grant.effect == Effect::Deny));
    let agent = |name: &str| {
        let agent = file.agents.iter().find(|agent| agent.name.as_str() == name).expect(name);
        (agent.title.clone().expect("a title"), agent.capabilities.clone(), agent.limit_rpm)
    };
    assert_eq!(agent("openclaw"), ("OpenClaw".into(), Capability::ALL.iter().copied().collect(), Some(60)));
    let reads = [Capability::DataRead, Capability::DataQuery, Capability::WorkflowRead];
    assert_eq!(agent("dashboard"), ("Dashboard".into(), reads.into(), Some(120)));
    let runs = [Capability::WorkflowExecute, Capability::IntegrationExecute, Capability::EventSubscribe];
    assert_eq!(agent("scheduler"), ("Scheduler".into(), runs.into(), Some(30)));
    assert_eq!(file.agents.len(), 3);
}
