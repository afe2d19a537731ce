//! `aurora service`: what it writes, what it refuses to overwrite, and what systemd says of it.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::path::Path;
use std::process::Command;

use super::{UNIT, setting};
use crate::support::process::{Ended, Node, aurora, directory, run};

/// A program that every machine has, as whatever the unit starts.
const CREATE: [&str; 7] = ["service", "create", "worker", "--exec", "/bin/sleep 60", "--credential", "openai/api_key"];

/// `aurora` in this home, with its units in `units` below it.
async fn service(home: &Path, arguments: &[&str]) -> Ended {
    let units = home.join("units");
    std::fs::create_dir_all(&units).expect("a directory");
    let mut command = aurora(home, arguments);
    // No configuration of this machine counts.
    command.arg("--unit-dir").arg(units).env("AURORA_CONFIG", home.join("node.toml")).env("PATH", "/usr/bin:/bin");
    run(&mut command, b"").await
}

#[tokio::test]
async fn the_unit_in_mesh_config_is_the_one_that_is_installed() {
    let home = directory();
    let mut command = aurora(home.path(), ["service", "install", "--program", "/usr/local/bin/aurora", "-o", "json"]);
    let printed = run(command.args(["--config", "/etc/aurora/node.toml", "--dry-run"]), b"").await.json();
    assert_eq!(printed["text"], UNIT);
    assert_eq!(
        (&printed["outcome"], &printed["path"]),
        (&"dry_run".into(), &"/etc/systemd/system/aurora.service".into())
    );
}

#[tokio::test]
async fn a_unit_is_written_once_and_another_is_not_overwritten() {
    let home = directory();
    let install = ["service", "install", "--program", "/usr/local/bin/aurora"];
    let written = service(home.path(), &install).await;
    let path = home.path().join("units/aurora.service");
    assert!(written.text().starts_with(&format!("{} is written\n", path.display())), "{}", written.text());
    assert!(written.text().ends_with("systemctl daemon-reload\nsystemctl enable --now aurora.service\n"));
    let first = std::fs::read_to_string(&path).expect("written");
    assert!(service(home.path(), &install).await.text().contains("is as it would be written"));

    let other = [&install[..], &["--user", "mesh"]].concat();
    let refused = service(home.path(), &other).await;
    assert!(refused.code == Some(1) && refused.err.contains("says something else") && refused.err.contains("--force"));
    assert_eq!(std::fs::read_to_string(&path).expect("there"), first);
    service(home.path(), &[&other[..], &["--force"]].concat()).await.text();
    assert_eq!(setting(&std::fs::read_to_string(&path).expect("there"), "User"), Some("mesh"));
}

#[tokio::test]
async fn a_program_that_a_service_would_not_see_is_refused() {
    let home = directory();
    for hidden in ["/home/alice/aurora", "/tmp/aurora", "/root/aurora"] {
        let refused = service(home.path(), &["service", "install", "--program", hidden, "--dry-run"]).await;
        assert!(refused.code == Some(1) && refused.err.contains("/usr/local/bin/aurora"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_dry_run_prints_the_unit_and_what_else_is_needed_and_writes_nothing() {
    let home = directory();
    let more = ["--credential", "smtp=smtp/login?field=password", "--dry-run"];
    let printed = service(home.path(), &[&CREATE[..], &more].concat()).await;
    for line in [
        "LoadCredential=openai.api_key:/run/aurora/credentials.sock",
        "LoadCredential=smtp:/run/aurora/credentials.sock",
        "[credentials]\n\"smtp\" = \"aurora://smtp/login?field=password\"",
        "principal = 'unit:worker.service'",
        "secrets = [\"openai/api_key\", \"smtp/login\"]",
        "environments = [\"prod\"]",
    ] {
        assert!(printed.text().contains(&format!("\n{line}\n")), "{line} in {}", printed.text());
    }
    assert_eq!(std::fs::read_dir(home.path().join("units")).expect("there").count(), 0);
}

/// The configuration says where the sockets are, what is mapped already, and in which environment the node is.
#[tokio::test]
async fn what_the_configuration_of_the_node_says_is_followed() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    node.init().await;
    node.configure("[credentials]\n", "[credentials]\n\"smtp\" = \"smtp/login?field=password\"\n");
    let config = node.config_file();
    let more =
        ["--credential", "smtp=smtp/login?field=password", "--dry-run", "--config", config.to_str().expect("a path")];
    let mut command = aurora(dir.path(), [&CREATE[..], &more].concat());
    let printed = run(&mut command, b"").await;
    let socket = node.socket_dir().join("credentials.sock");
    assert!(printed.text().contains(&format!("LoadCredential=smtp:{}\n", socket.display())), "{}", printed.text());
    assert!(!printed.text().contains("[credentials]"), "it is mapped already: {}", printed.text());
    let elsewhere = [
        "service",
        "install",
        "--dry-run",
        "--program",
        "/usr/bin/aurora",
        "--config",
        config.to_str().expect("a path"),
    ];
    let refused = run(&mut aurora(dir.path(), elsewhere), b"").await;
    assert!(refused.code == Some(1) && refused.err.contains("/var/lib"), "{refused:?}");
}

#[tokio::test]
async fn what_no_unit_can_be_is_refused() {
    let home = directory();
    let create = |name: &'static str, command: &'static str, credential: &'static str| {
        ["service", "create", name, "--exec", command, "--credential", credential, "--dry-run"]
    };
    for (arguments, said) in [
        (create("../x", "/bin/true", "a/b"), "not the name of a service"),
        (create("aurora", "/bin/true", "a/b"), "the node itself"),
        (create("w", "true", "a/b"), "absolute path"),
        (create("w", "/bin/a | /bin/b", "a/b"), "shell"),
        (create("w", "/bin/true", "not-a-secret"), "is no credential"),
        (create("w", "/bin/true", "x/y=a/b"), "is no credential"),
    ] {
        let refused = service(home.path(), &arguments).await;
        assert!(refused.code == Some(1) && refused.err.contains(said), "{arguments:?}: {refused:?}");
    }
}

/// systemd reads both, says nothing against them, and finds them less exposed than 2.0.
#[tokio::test]
async fn systemd_finds_nothing_wrong_with_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("skipped: there is no systemd-analyze here");
        return;
    }
    let home = directory();
    // A program that is there: `verify` looks for it.
    service(home.path(), &["service", "install", "--program", "/bin/sleep"]).await.text();
    let hard = ["--exec", "/bin/echo '%n $HOME \"x\" \\ ;' ${CREDENTIALS_DIRECTORY}/openai.api_key"];
    let arguments = [&CREATE[..3], &hard[..], &CREATE[5..]].concat();
    service(home.path(), &arguments).await.text();
    for unit in ["aurora.service", "worker.service"] {
        let path = home.path().join("units").join(unit);
        let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().expect("runs");
        let said = String::from_utf8_lossy(&verified.stderr);
        // What it says of other units of this machine is not about ours.
        let ours: Vec<&str> = said.lines().filter(|line| line.contains(unit)).collect();
        assert!(ours.is_empty(), "{said}");
        let looked = Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--no-pager", "--threshold=19"])
            .arg(&path)
            .output()
            .expect("runs");
        assert!(looked.status.success(), "{}", String::from_utf8_lossy(&looked.stdout));
    }
}
