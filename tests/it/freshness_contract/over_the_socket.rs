//! The contract as a program sees it: the headers of a HIT and of a STALE answer, and the words of a refusal.

use std::time::Duration;

use aurora_mesh::cli::client::{Answer, Client};
use aurora_mesh::cli::error::CliError;
use aurora_mesh::cli::question::Question;
use aurora_mesh::model::time::{Clock, Timestamp};

use super::stage::{A_MOMENT, CLOSES, NAME, Stage, TTL};
use crate::support::mesh::TestNode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_headers_say_hit_with_its_age_and_until_when_it_is_fresh() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    let vouched_at = stage.last_contact();
    for age in [Duration::ZERO, Duration::from_millis(2_999), TTL] {
        stage.grows_to(age);
        let told = ask(&stage.follower).await.expect("given out");
        assert_eq!(headers(&told), Told::new("HIT", age, vouched_at));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_headers_say_stale_with_the_true_age_and_when_freshness_ended() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    let vouched_at = stage.last_contact();
    for age in [TTL + A_MOMENT, Duration::from_secs(9), CLOSES] {
        stage.grows_to(age);
        let told = ask(&stage.follower).await.expect("given out");
        assert_eq!(headers(&told), Told::new("STALE", age, vouched_at));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_too_old_is_a_503_that_names_the_secret_its_age_and_the_last_contact() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    let vouched_at = stage.last_contact();
    stage.grows_to(CLOSES + Duration::from_secs(2));
    let refused = ask(&stage.follower).await.expect_err("too old");
    let CliError::Refused { status, code, message, hint, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((status, code.as_str()), (503, "stale_cache"));
    for part in [NAME, "17 s", &vouched_at.to_string()] {
        assert!(message.contains(part), "{message} lacks {part}");
    }
    assert!(!hint.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_unknown_age_is_a_503_that_says_so() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    stage.follower.clock.set_wall(-60_000);
    stage.follower_reboots().await;
    let refused = ask(&stage.follower).await.expect_err("of unknown age");
    let CliError::Refused { status, message, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(status, 503);
    assert!(message.contains(NAME) && message.contains("age is unknown"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_answers_as_the_lead() {
    let stage = Stage::set().await;
    stage.mesh.lead.clock.hold();
    let told = ask(&stage.mesh.lead).await.expect("given out");
    assert_eq!(headers(&told), Told::new("LEAD", Duration::ZERO, stage.mesh.lead.clock.now().wall));
}

/// What the headers of an answer say about its freshness.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    cache: String,
    age: String,
    fresh_until: String,
}

impl Told {
    /// `Age` in whole seconds; fresh until `TTL` after the lead vouched for it, however old it has become.
    fn new(cache: &str, age: Duration, vouched_at: Timestamp) -> Self {
        let fresh_until = vouched_at.plus(TTL).to_string();
        Self { cache: cache.to_owned(), age: age.as_secs().to_string(), fresh_until }
    }
}

fn headers(answer: &Answer) -> Told {
    let header = |name: &str| answer.header(name).expect(name).to_owned();
    assert_eq!(header("cache-control"), "no-store");
    Told { cache: header("x-cache"), age: header("age"), fresh_until: header("x-fresh-until") }
}

async fn ask(node: &TestNode) -> Result<Answer, CliError> {
    Client::new(node.agent_socket()).send(Question::get(format!("/api/secrets/{NAME}"))).await
}
