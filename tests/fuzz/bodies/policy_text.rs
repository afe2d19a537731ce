//! A policy as an admin could write it, or somebody who is none: read, planned, and carried to the nodes.

use aurora_mesh::model::actions::Action;
use aurora_mesh::model::name::EnvironmentName;
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::policy::decide::{Decision, Question, decide};
use aurora_mesh::policy::file::parse;
use aurora_mesh::policy::plan::{Author, candidate, plan};
use aurora_mesh::policy::rulebook::Rulebook;
use aurora_mesh::wire::article;

const NOW: Timestamp = Timestamp(1_795_248_000_123);

/// Reads the bytes as a policy.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = match parse(text) {
        Ok(file) => file,
        Err(problems) => {
            assert!(
                !problems.0.is_empty() && problems.0.iter().all(|problem| problem.line <= text.lines().count() + 1)
            );
            return super::assert_printable(&problems.to_string());
        }
    };
    let author = Author { who: "admin", at: NOW };
    let first = plan(&Rulebook::new([]), &file, author);
    let articles = candidate([], &first);
    for article in &articles {
        let bytes = article::encode(article).expect("what a policy says fits");
        assert_eq!(article::decode(&bytes).expect("what was written reads"), *article);
    }
    let book = Rulebook::new(articles);
    let again = plan(&book, &file, author);
    assert!(again.is_empty() || !first.obstacles.is_empty(), "applied twice it changes something: {}", again.summary());
    let stranger = [Principal::Node(aurora_mesh::model::name::NodeName::parse("nobody-of-it").expect("a name"))];
    if !book.mentions(&stranger[0]) {
        assert!(!allowed(&book, &stranger), "a rule for somebody else let a stranger in");
    }
}

fn allowed(book: &Rulebook, who: &[Principal]) -> bool {
    let environment = EnvironmentName::parse("prod").expect("a name");
    let question = Question {
        principals: who,
        besides: &[],
        within: None,
        action: Action::PolicyManage,
        secret: None,
        scope: None,
        company: None,
        environment: &environment,
        now: NOW,
    };
    matches!(decide(book, &question), Decision::Allowed { .. })
}
