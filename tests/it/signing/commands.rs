//! What is taken and what is not.

use std::time::Duration;

use serde_json::json;

use super::stage::{Robot, Signed, TARGET, later, seconds, send, value};
use crate::agents::stage::{SECRET, agent, assert_refused, journal, key, with_key};
use crate::support::mesh::prod;
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_command_is_carried_out_and_an_unsigned_one_is_not() {
    let robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    later(&robot.mesh.lead);
    let stored = robot.put(&secret, 1).await;
    assert_eq!(stored.status, 200, "{}", stored.body);
    let socket = robot.mesh.lead.agent_socket();
    let unsigned = with_key(&socket, &robot.key, "POST", TARGET, &[], &value(2)).await;
    assert_refused(&unsigned, 401, "signature_required");
    assert_eq!(with_key(&socket, &robot.key, "GET", SECRET, &[], "").await.status, 200, "reading needs no signature");
    // One without a body: its digest is that of nothing.
    let target = "/api/secrets/signed/value?scope=global";
    let signed = Signed::new(&robot.mesh.lead, &secret, "DELETE", target, "");
    let deleted = robot.send(&robot.mesh.lead, "DELETE", target, &signed, "").await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_of_a_command_is_changed_its_signature_fits_no_more() {
    let robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    let other = Robot::signing_key(&robot, "?grace=0s").await;
    let lead = &robot.mesh.lead;
    later(lead);
    let (now, body) = (seconds(lead), value(1));
    let good = || Signed::at(now, "robot", &other, "POST", TARGET, &body);
    let target = "/api/secrets/openai/api_key?scope=global";
    let of_delete = Signed::at(now, "robot", &other, "DELETE", target, "");
    let digit = |code: &str| format!("{}{}", &code[..66], if code.ends_with('0') { '1' } else { '0' });
    for (what, method, target, signed, body) in [
        ("method", "PATCH", target, Signed::at(now, "robot", &other, "DELETE", target, "{}"), "{}"),
        ("path", "DELETE", "/api/secrets/hubspot/api_key?scope=global", of_delete.clone(), ""),
        ("query", "DELETE", "/api/secrets/openai/api_key?scope=global&", of_delete.clone(), ""),
        ("escaping", "DELETE", "/api/secrets/openai/api%5Fkey?scope=global", of_delete, ""),
        ("body", "POST", TARGET, good(), value(2).as_str()),
        ("no body", "POST", TARGET, good(), ""),
        ("time", "POST", TARGET, Signed { timestamp: (now + 1).to_string(), ..good() }, &body),
        ("nonce", "POST", TARGET, Signed { nonce: "another-nonce-0000".into(), ..good() }, &body),
        ("code", "POST", TARGET, Signed { signature: digit(&good().signature), ..good() }, &body),
        ("agent", "POST", TARGET, Signed::at(now, "other", &other, "POST", TARGET, &body), &body),
        ("an older key", "POST", TARGET, Signed::at(now, "robot", &secret, "POST", TARGET, &body), &body),
    ] {
        let answer = robot.send(lead, method, target, &signed, body).await;
        assert_ne!(answer.status, 200, "{what}: {}", answer.body);
        // A command without its body may be refused for that first.
        assert!(["no body"].contains(&what) || answer.code() == "signature_invalid", "{what}: {}", answer.body);
    }
    assert_eq!(robot.send(lead, "POST", TARGET, &good(), &body).await.status, 200, "and unchanged it does");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_used_once_also_after_a_restart() {
    let mut robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    later(&robot.mesh.lead);
    let body = value(1);
    let signed = Signed::new(&robot.mesh.lead, &secret, "POST", TARGET, &body);
    let ahead = Signed::at(seconds(&robot.mesh.lead) + 200, "robot", &secret, "POST", TARGET, &body);
    for once in [&signed, &ahead] {
        let first = robot.send(&robot.mesh.lead, "POST", TARGET, once, &body).await;
        assert_eq!(first.status, 200, "{}", first.body);
        let again = robot.send(&robot.mesh.lead, "POST", TARGET, once, &body).await;
        assert_refused(&again, 401, "signature_replayed");
    }
    robot.mesh.lead.stop().await;
    robot.mesh.lead.start().await;
    let again = robot.send(&robot.mesh.lead, "POST", TARGET, &signed, &body).await;
    assert_refused(&again, 401, "signature_expired");
    robot.mesh.lead.clock.advance(Duration::from_secs(100));
    let again = robot.send(&robot.mesh.lead, "POST", TARGET, &ahead, &body).await;
    assert_refused(&again, 401, "signature_expired");
    robot.mesh.lead.clock.advance(Duration::from_secs(110));
    assert_eq!(robot.put(&secret, 2).await.status, 200, "what is signed after it is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_good_for_five_minutes_either_way() {
    let robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    let lead = &robot.mesh.lead;
    lead.clock.hold();
    lead.clock.advance(Duration::from_secs(1000));
    let (now, body) = (seconds(lead), value(1));
    for (second, code) in [(-301, "signature_expired"), (301, "signature_expired"), (-300, ""), (300, "")] {
        let signed = Signed::at(now + second, "robot", &secret, "POST", TARGET, &body);
        let answer = robot.send(lead, "POST", TARGET, &signed, &body).await;
        if code.is_empty() {
            assert_eq!(answer.status, 200, "{second}: {}", answer.body);
        } else {
            assert_refused(&answer, 401, code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shown_signature_is_checked_also_where_none_is_asked_for() {
    let robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    let lead = &robot.mesh.lead;
    later(lead);
    let wrong = Signed::new(lead, &secret, "GET", "/api/secrets/hubspot/api_key", "");
    assert_refused(&robot.send(lead, "GET", SECRET, &wrong, "").await, 401, "signature_invalid");
    let right = Signed::new(lead, &secret, "GET", SECRET, "");
    assert_eq!(robot.send(lead, "GET", SECRET, &right, "").await.status, 200);
    // An agent without a signing key has nothing that fits; who shows half a signature means to sign.
    agent(&robot.mesh, "plain", &json!({})).await;
    let plain = key(&robot.mesh, "plain", &json!({})).await;
    let signed = Signed::at(seconds(lead), "plain", &secret, "GET", SECRET, "");
    assert_refused(&send(&lead.agent_socket(), &plain, "GET", SECRET, &signed, "").await, 401, "signature_invalid");
    let half = with_key(&lead.agent_socket(), &plain, "GET", SECRET, &[("X-Aurora-Nonce", &signed.nonce)], "").await;
    assert_refused(&half, 401, "signature_invalid");
    let journal = journal(&robot.mesh).await;
    let id = half.header("x-request-id").expect("an id");
    let line = journal.iter().find(|line| line["request_id"] == id).expect("a line");
    assert_eq!((&line["rule"], &line["outcome"]), (&json!("signature"), &json!("signature_invalid")), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_one_command_with_one_signature() {
    let robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    let lead = &robot.mesh.lead;
    later(lead);
    let (target, body) = ("/api/import", format!("{}\n", value(1)));
    assert_refused(
        &with_key(&lead.agent_socket(), &robot.key, "POST", target, &[], &body).await,
        401,
        "signature_required",
    );
    let signed = Signed::new(lead, &secret, "POST", target, &body);
    let other = format!("{}\n", value(2));
    assert_refused(&robot.send(lead, "POST", target, &signed, &other).await, 401, "signature_invalid");
    let done = robot.send(lead, "POST", target, &signed, &body).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert_refused(&robot.send(lead, "POST", target, &signed, &body).await, 401, "signature_replayed");
}

/// The keys never leave the lead, so a follower can neither check a signature nor do without.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sends_whoever_signs_or_must_to_the_lead() {
    let robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    let follower = robot.mesh.follower("vengeance", prod(&["acme"])).await;
    follower.reaches(robot.mesh.lead.vault().health().revision).await;
    let socket = follower.agent_socket();
    eventually("the follower knows the key", || async {
        let answer = with_key(&socket, &robot.key, "GET", SECRET, &[], "").await;
        (answer.status == 200).then_some(())
    })
    .await;
    let body = value(1);
    assert_refused(&with_key(&socket, &robot.key, "POST", TARGET, &[], &body).await, 409, "not_lead");
    let signed = Signed::new(&robot.mesh.lead, &secret, "GET", SECRET, "");
    assert_refused(&robot.send(&follower, "GET", SECRET, &signed, "").await, 409, "not_lead");
}
