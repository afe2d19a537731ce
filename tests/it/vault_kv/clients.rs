//! The clients themselves, unmodified, through the whole life of a path: over the loopback listener, and hvac over the Unix
//! socket too.

use tokio::process::Command;

use super::stage::{mesh, on_loopback};
use crate::support::clients::{node_packages, python, rust_program, script};

async fn lives(mut command: Command, url: &str, service: &str, token: &str) {
    let ran = command.args([url, service]).env("VAULT_TOKEN", token).output().await.expect("it runs");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && out.contains("the whole life of a path"), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hvac_lives_a_whole_life_over_loopback_and_over_the_unix_socket() {
    let Some(python) = python() else { return };
    let (mut mesh, token) = mesh().await;
    let address = on_loopback(&mut mesh).await;
    let command = || {
        let mut command = Command::new(&python);
        command.arg(script("kv_hvac.py"));
        command
    };
    lives(command(), &format!("http://{address}"), "crm", &token).await;
    let socket = mesh.lead.agent_socket();
    let socket = socket.to_str().expect("text").replace('/', "%2F");
    lives(command(), &format!("http+unix://{socket}"), "other", &token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_vault_lives_a_whole_life_over_loopback() {
    let Some(packages) = node_packages() else { return };
    let (mut mesh, token) = mesh().await;
    let address = on_loopback(&mut mesh).await;
    let mut command = Command::new("node");
    command.arg(script("kv_node_vault.js")).env("NODE_PATH", packages);
    lives(command, &format!("http://{address}"), "crm", &token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaultrs_lives_a_whole_life_over_loopback() {
    let Some(program) = rust_program("vaultrs-client") else { return };
    let (mut mesh, token) = mesh().await;
    let address = on_loopback(&mut mesh).await;
    lives(Command::new(program), &format!("http://{address}"), "crm", &token).await;
}
