//! The life of signing keys.

use std::time::Duration;

use aurora_mesh::crypto::signing::SigningKey;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use serde_json::{Value, json};

use super::stage::{Robot, later};
use crate::agents::stage::{admin_socket, agent, assert_refused, done, key, owner, with_key};
use crate::support::process::{aurora, run};

const OF_ROBOT: &str = "/api/agents/robot/signing-key";

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_work_while_one_takes_the_place_of_the_other() {
    let robot = Robot::new().await;
    let first = robot.signing_key("").await;
    let second = robot.signing_key("?grace=1h").await;
    later(&robot.mesh.lead);
    for secret in [&first, &second] {
        assert_eq!(robot.put(secret, 1).await.status, 200);
    }
    robot.mesh.lead.clock.advance(Duration::from_secs(3600));
    assert_refused(&robot.put(&first, 2).await, 401, "signature_invalid");
    assert_eq!(robot.put(&second, 2).await.status, 200);
    // Of three only two: whoever rotates twice in a row has rid itself of the first.
    robot.signing_key("?grace=1h").await;
    robot.signing_key("?grace=1h").await;
    assert_refused(&robot.put(&second, 3).await, 401, "signature_invalid");
    let removed = owner(&robot.mesh, "DELETE", OF_ROBOT, &Value::Null).await;
    assert_eq!(removed.status, 200, "{}", removed.body);
    assert_refused(&robot.put(&second, 3).await, 401, "signature_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_keys_outlive_a_new_root_key_and_a_restart_and_are_nowhere_in_the_clear() {
    let mut robot = Robot::new().await;
    let secret = robot.signing_key("").await;
    later(&robot.mesh.lead);
    assert_eq!(robot.put(&secret, 1).await.status, 200);
    done(&robot.mesh, "POST", "/api/keys/rotate-root", &Value::Null).await;
    assert_eq!(robot.put(&secret, 2).await.status, 200);
    robot.mesh.lead.stop().await;
    robot.mesh.lead.start().await;
    later(&robot.mesh.lead);
    assert_eq!(robot.put(&secret, 3).await.status, 200);
    robot.mesh.lead.stop().await;
    let body = &secret.as_bytes()["aurora-sign-".len()..];
    let mut files = 0;
    let mut directories = vec![robot.mesh.dir.path().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                assert!(!bytes.windows(body.len()).any(|window| window == body), "{}", path.display());
            }
        }
    }
    assert!(files > 2, "store and journal were looked through");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_manages_agents_and_has_what_they_have_makes_their_signing_keys() {
    let robot = Robot::new().await;
    let (mesh, socket) = (&robot.mesh, robot.mesh.lead.agent_socket());
    let manager = json!({"capabilities": ["agent_manage"], "environments": ["*"], "companies": ["*"]});
    agent(mesh, "manager", &manager).await;
    let manager = key(mesh, "manager", &json!({})).await;
    let refused = with_key(&socket, &manager, "POST", OF_ROBOT, &[], "").await;
    assert_refused(&refused, 403, "escalation");
    agent(mesh, "plain", &json!({})).await;
    let plain = key(mesh, "plain", &json!({})).await;
    for method in ["POST", "DELETE"] {
        assert_refused(&with_key(&socket, &plain, method, OF_ROBOT, &[], "").await, 403, "denied");
    }
    let absent = owner(mesh, "POST", "/api/agents/nobody/signing-key", &Value::Null).await;
    assert_refused(&absent, 404, "not_found");
    let endless = owner(mesh, "POST", &format!("{OF_ROBOT}?grace=31d"), &Value::Null).await;
    assert_refused(&endless, 400, "bad_value");
    done(mesh, "POST", "/api/agents/plain/archive", &Value::Null).await;
    let archived = owner(mesh, "POST", "/api/agents/plain/signing-key", &Value::Null).await;
    assert_refused(&archived, 409, "agent_archived");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_signs_what_it_asks_for() {
    let robot = Robot::new().await;
    let home = tempfile::tempdir().expect("a directory");
    let asked = |arguments: &[&str], socket: &std::path::Path| {
        let mut command = aurora(home.path(), arguments);
        command.env("AURORA_SOCKET", socket);
        command
    };
    // The owner makes the key; standard output holds it and nothing else.
    let mut make = asked(&["agent", "signing-key", "robot"], &robot.mesh.lead.agent_socket());
    let made = run(&mut make, b"").await;
    let text = made.text().trim().to_owned();
    assert!(text.starts_with("aurora-sign-") && !made.err.contains(&text), "{}", made.err);
    let files = [("sign", text.as_str()), ("token", robot.key.as_str())].map(|(name, text)| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
        path
    });
    later(&robot.mesh.lead);
    let socket = robot.mesh.lead.agent_socket();
    let put = |signing: bool| {
        let mut command = asked(&["put", "signed/value", "-"], &socket);
        command.env("AURORA_TOKEN_FILE", &files[1]);
        if signing {
            command.env("AURORA_SIGNING_KEY_FILE", &files[0]).env("AURORA_AGENT", "robot");
        }
        command
    };
    let unsigned = run(&mut put(false), b"not-a-real-value").await;
    assert_eq!(unsigned.code, Some(4), "{unsigned:?}");
    assert!(unsigned.err.contains("must be signed"), "{}", unsigned.err);
    let signed = run(&mut put(true), b"not-a-real-value").await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let mut import = asked(&["import", "-", "--yes", "--format", "dotenv"], &socket);
    import.env("AURORA_TOKEN_FILE", &files[1]);
    import.env("AURORA_SIGNING_KEY_FILE", &files[0]).env("AURORA_AGENT", "robot");
    let imported = run(&mut import, b"HUBSPOT_API_KEY=not-a-real-key\n").await;
    assert_eq!(imported.code, Some(0), "{imported:?}");
    // A key of another is one that does not fit.
    let other = SigningKey::generate(&SystemEntropy).expect("random bytes").text();
    std::fs::write(&files[0], other.expose()).expect("written");
    let refused = run(&mut put(true), b"not-a-real-value").await;
    assert!(refused.code == Some(4) && refused.err.contains("does not fit"), "{refused:?}");
    assert!(admin_socket(&robot.mesh).exists());
}
