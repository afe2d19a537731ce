//! Receivers that are down, slow, broken or gone: tried again as promised, and then given up.

use std::time::Duration;

use aurora_mesh::events::subscription::State;
use aurora_mesh::vault::subscriptions::Ended;

use super::{Scene, key};
use crate::support::callers::admin;
use crate::support::stage::Act;
use crate::support::wait::eventually;

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_after_5_and_25_seconds_and_not_before() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.stage.play(Act::answer(500, &[], "secret words of the receiver"));
    scene.mesh.lead.clock.hold();
    scene.change("openai/api_key").await;

    let line = scene.fails("ci", 1).await;
    let first = line.first.expect("waits");
    let pause = first.due.since(first.born).expect("later");
    assert!((Duration::from_secs(5)..Duration::from_millis(5600)).contains(&pause), "{pause:?}");
    assert_eq!(first.last.as_deref(), Some("500"), "nothing that a receiver wrote is kept");
    scene.passes(Duration::from_millis(4900));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(scene.came("openai/api_key").len(), 1, "not before its time");
    scene.passes(Duration::from_millis(700));
    let second = scene.fails("ci", 2).await.first.expect("waits");
    let pause = second.due.since(first.due).expect("later");
    assert!((Duration::from_secs(25)..Duration::from_secs(29)).contains(&pause), "{pause:?}");

    scene.stage.play(Act::answer(200, &[], ""));
    scene.passes(Duration::from_secs(30));
    let delivered = scene.is_delivered("ci").await.delivered.expect("delivered");
    assert_eq!(delivered.attempts, 3);
    let came = scene.came("openai/api_key");
    let ids: Vec<_> = came.iter().map(|seen| seen.header("webhook-id")).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "a receiver can tell that it is the same: {ids:?}");
}

#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.stage.play(Act::answer(503, &[("retry-after", "120")], ""));
    scene.mesh.lead.clock.hold();
    scene.change("openai/api_key").await;
    let first = scene.fails("ci", 1).await.first.expect("waits");
    let pause = first.due.since(first.born).expect("later");
    assert!(pause >= Duration::from_secs(120) && pause < Duration::from_secs(122), "{pause:?}");
}

#[tokio::test]
async fn after_a_day_it_is_a_dead_letter_that_can_be_sent_again() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.stage.shut().await;
    scene.change("openai/api_key").await;
    scene.fails("ci", 1).await;
    scene.passes(Duration::from_secs(24 * 3600 + 60));
    let line = eventually("it is given up", || async {
        let line = scene.line("ci").await;
        (line.dead == 1 && line.waiting == 0).then_some(line)
    })
    .await;
    assert!(line.delivered.is_none());
    let dead = scene.vault().deliveries_ended(&admin(), Ended::Dead, Some(key("ci")), 10).await.expect("a list");
    assert!(dead[0].last.as_ref().expect("why").contains("cannot be connected to"), "{dead:?}");

    scene.stage.reopen().await;
    let again = scene.vault().replay_subscription(&admin(), key("ci"), None, None).await.expect("replayed");
    assert_eq!(again, 1);
    let line = scene.is_delivered("ci").await;
    assert_eq!((line.dead, scene.came("openai/api_key").len()), (0, 1));
}

#[tokio::test]
async fn a_receiver_that_is_gone_disables_its_subscription_until_somebody_resumes_it() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.stage.play(Act::answer(410, &[], ""));
    scene.change("openai/api_key").await;
    eventually("it is disabled", || async {
        (scene.line("ci").await.subscription.state == State::Disabled).then_some(())
    })
    .await;
    scene.stage.play(Act::answer(204, &[], ""));
    scene.change("openai/unheard").await;
    let test = scene.vault().test_subscription(&admin(), key("ci")).await;
    assert!(test.is_err(), "nothing is sent to it: {test:?}");
    scene.vault().set_subscription(&admin(), key("ci"), State::Active, None).await.expect("resumed");
    scene.change("openai/heard").await;
    scene.comes("openai/heard", 1).await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let scene = Scene::open().await;
    scene.stage.play_at("/hang", Act::Hang);
    scene.subscribe("slow", &format!("https://localhost:{}/hook/hang", scene.stage.port)).await;
    scene.subscribe("quick", &scene.url()).await;
    for number in 0..20 {
        scene.change(&format!("openai/key{number}")).await;
    }
    // What happened is queued for each receiver behind the change, one after the other.
    eventually("all of it came to the quick one and waits for the slow one", || async {
        let (quick, slow) = (scene.line("quick").await, scene.line("slow").await);
        let came = scene.stage.seen().iter().filter(|seen| seen.path == "/events").count();
        (came >= 20 && quick.waiting == 0 && slow.waiting == 20).then_some(())
    })
    .await;
    assert_eq!(scene.line("quick").await.dead, 0);
    let hung = scene.stage.seen().iter().filter(|seen| seen.path == "/hang").count();
    assert!(hung <= 4, "one receiver takes no more than its places: {hung}");
}

#[tokio::test]
async fn a_paused_subscription_waits_and_goes_on() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.vault().set_subscription(&admin(), key("ci"), State::Paused, None).await.expect("paused");
    scene.change("openai/api_key").await;
    eventually("it waits", || async { (scene.line("ci").await.waiting == 1).then_some(()) }).await;
    assert!(scene.came("openai/api_key").is_empty());
    scene.vault().set_subscription(&admin(), key("ci"), State::Active, None).await.expect("resumed");
    scene.comes("openai/api_key", 1).await;
}
