//! Docker asks for the credential of a registry, and shows it there.

use std::path::Path;

use tokio::process::Command;

use super::protected_server::{ProtectedServer, basic};
use crate::support::process::{AURORA, Ended, Node, directory, run};

const FIELDS: [&str; 4] = ["--field", "username:string", "--field", "password:secret"];

async fn login(lead: &Node, name: &str) {
    let put = [&["put", name, "-"][..], &FIELDS[..]].concat();
    lead.run(&put, br#"{"username":"robot","password":"not-a-real-password"}"#).await.text();
}

#[tokio::test]
async fn docker_is_told_in_its_own_words() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    login(&lead, "docker/ghcr.io").await;
    login(&lead, "docker/127.0.0.1_5000").await;
    lead.put("github/token", "global", "not-a-real-token").await;
    let put = ["put", "docker/identity.example", "-", "--field", "identity_token:secret"];
    lead.run(&put, br#"{"identity_token":"not-a-real-token"}"#).await.text();
    let told = |server: &str, user: &str, secret: &str| {
        format!(r#"{{"ServerURL":"{server}","Username":"{user}","Secret":"{secret}"}}"#)
    };
    let absent = "credentials not found in native keychain\n";
    let map = "--map=registry.example=github/token";
    let table: [(&[&str], &str, i32, String); 9] = [
        (&["get"], "ghcr.io", 0, told("ghcr.io", "robot", "not-a-real-password")),
        (&["get"], "https://ghcr.io/v2/\n", 0, told("https://ghcr.io/v2/", "robot", "not-a-real-password")),
        (&["get"], "127.0.0.1:5000", 0, told("127.0.0.1:5000", "robot", "not-a-real-password")),
        (&["get"], "identity.example", 0, told("identity.example", "<token>", "not-a-real-token")),
        (&[map, "get"], "registry.example", 0, told("registry.example", "x-access-token", "not-a-real-token")),
        (&[map, "--username", "me", "get"], "registry.example", 0, told("registry.example", "me", "not-a-real-token")),
        (&["get"], "ghcr.io:5000", 1, absent.to_owned()),
        (&["get"], "not a registry", 1, absent.to_owned()),
        (&["list"], "", 0, r#"{"127.0.0.1:5000":"","ghcr.io":"","identity.example":""}"#.to_owned()),
    ];
    for (arguments, input, code, out) in table {
        let ended = lead.run(&[&["docker-credential"][..], arguments].concat(), input.as_bytes()).await;
        assert_eq!(
            (ended.code, String::from_utf8_lossy(&ended.out).into_owned()),
            (Some(code), out),
            "{arguments:?} {input}"
        );
        assert!(!ended.err.contains("not-a-real"), "{ended:?}");
    }
    let follower = lead.follower("vengeance", &[]).await;
    follower.reaches(lead.put("docker/last", "global", "x").await).await;
    let denied = follower.run(&["docker-credential", "--company", "acme", "get"], b"ghcr.io").await;
    assert!(denied.code == Some(4) && denied.out.starts_with(b"aurora: "), "docker must not go on without: {denied:?}");
    for operation in ["store", "erase"] {
        let ended =
            lead.run(&["docker-credential", operation], br#"{"ServerURL":"x","Username":"u","Secret":"s3"}"#).await;
        assert!(ended.code == Some(1) && ended.err.contains("aurora put docker/HOST"), "{ended:?}");
    }
}

async fn inspect(dir: &Path, lead: &Node, image: &str) -> Option<Ended> {
    let config = dir.join("docker");
    let mut docker = Command::new("docker");
    docker.args(["--config", config.to_str()?, "manifest", "inspect", "--insecure", image]);
    let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    docker.env_clear().env("HOME", dir).env("PATH", path).env("AURORA_SOCKET", lead.agent());
    Some(run(&mut docker, b"").await)
}

#[tokio::test]
async fn real_docker_shows_the_credential_to_its_registry_and_nothing_to_another() {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|place| place.join("docker").is_file()));
    if !found {
        aurora_mesh::cli::say::note("docker is not there: its helper is tried without it only");
        return;
    }
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let server = ProtectedServer::start(dir.path(), basic("robot", "not-a-real-password")).await;
    let stranger = ProtectedServer::start(dir.path(), basic("robot", "not-a-real-password")).await;
    login(&lead, &format!("docker/{}", server.address.replace(':', "_"))).await;
    std::fs::create_dir_all(dir.path().join("bin")).expect("made");
    std::fs::create_dir_all(dir.path().join("docker")).expect("made");
    std::os::unix::fs::symlink(AURORA, dir.path().join("bin/docker-credential-aurora")).expect("linked");
    let config = r#"{"credsStore":"aurora"}"#;
    std::fs::write(dir.path().join("docker/config.json"), config).expect("written");
    let ended = inspect(dir.path(), &lead, &format!("{}/app:1", server.address)).await.expect("runs");
    let wanted = basic("robot", "not-a-real-password");
    assert!(server.shown().contains(&wanted), "{ended:?}");
    let ended = inspect(dir.path(), &lead, &format!("{}/app:1", stranger.address)).await.expect("runs");
    assert!(stranger.shown().is_empty() && !ended.err.contains("not-a-real"), "{ended:?}");
}
