//! Real git clones through the helper; and what it asks byte for byte.

use std::path::Path;

use rustix::process::Signal;
use tokio::process::Command;

use super::protected_server::{ProtectedServer, basic};
use crate::support::process::{AURORA, Ended, Node, directory, run};
use crate::support::wait::eventually;

const TOKEN: &str = "ghp_not-a-real-token";

/// Git, with no configuration but what is given, and no terminal to ask on.
fn git(dir: &Path, lead: &Node, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(dir).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    git.env("HOME", dir).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    git.env("AURORA_SOCKET", lead.agent()).kill_on_drop(true);
    git
}

async fn done(command: &mut Command) -> Ended {
    run(command, b"").await
}

/// A repository with one commit, as the files of a server that knows nothing of git.
async fn repository(dir: &Path, lead: &Node) {
    let steps: [&[&str]; 4] = [
        &["init", "-q", "-b", "main", "work"],
        &[
            "-C",
            "work",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "first",
        ],
        &["clone", "-q", "--bare", "work", "served/app.git"],
        &["-C", "served/app.git", "update-server-info"],
    ];
    for step in steps {
        done(&mut git(dir, lead, step)).await.text();
    }
}

fn clone<'a>(helper: &'a str, url: &'a str, to: &'a str) -> Vec<&'a str> {
    vec!["-c", "credential.helper=", "-c", helper, "clone", "-q", url, to]
}

#[tokio::test]
async fn git_clones_a_protected_repository_through_the_helper_and_no_other_host_learns_the_token() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("git/token", "global", TOKEN).await;
    repository(dir.path(), &lead).await;
    let server = ProtectedServer::start(&dir.path().join("served"), basic("x-access-token", TOKEN)).await;
    let stranger = ProtectedServer::start(&dir.path().join("served"), basic("x-access-token", TOKEN)).await;

    let helper = format!("credential.helper=!{AURORA} git-credential --map {}=git/token", server.address);
    let url = format!("http://{}/app.git", server.address);
    let cloned = done(&mut git(dir.path(), &lead, &clone(&helper, &url, "cloned"))).await;
    assert_eq!(cloned.code, Some(0), "{cloned:?}");
    let log = done(&mut git(dir.path(), &lead, &["-C", "cloned", "log", "--format=%s"])).await;
    assert_eq!(log.text(), "first\n");
    assert!(!cloned.err.contains(TOKEN), "{cloned:?}");
    let config = std::fs::read_to_string(dir.path().join("cloned/.git/config")).expect("read");
    assert!(!config.contains(TOKEN), "{config}");

    let other = format!("http://{}/app.git", stranger.address);
    let refused = done(&mut git(dir.path(), &lead, &clone(&helper, &other, "not"))).await;
    assert!(refused.code != Some(0) && stranger.shown().is_empty(), "{refused:?}");

    // The same by the name that git looks for on the path.
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).expect("made");
    std::os::unix::fs::symlink(AURORA, bin.join("git-credential-aurora")).expect("linked");
    let helper = format!("credential.helper=aurora --map {}=git/token", server.address);
    let mut named = git(dir.path(), &lead, &clone(&helper, &url, "named"));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let named = done(named.env("PATH", path)).await;
    assert_eq!(named.code, Some(0), "{named:?}");
}

/// A refusal must not make git ask somebody for a password instead.
#[tokio::test]
async fn git_is_told_to_quit_when_a_secret_that_a_rule_names_is_refused() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("vengeance", &[]).await;
    repository(dir.path(), &lead).await;
    let server = ProtectedServer::start(&dir.path().join("served"), basic("u", "p")).await;
    let url = format!("http://{}/app.git", server.address);
    let helper =
        format!("credential.helper=!{AURORA} git-credential --company acme --map {}=git/token", server.address);
    follower.reaches(lead.put("git/token", "global", TOKEN).await).await;
    let refused = done(&mut git(dir.path(), &follower, &clone(&helper, &url, "not"))).await;
    assert!(refused.err.contains("told us to quit") && refused.err.contains("policy"), "{refused:?}");
    follower.end(Signal::TERM).await;
    let refused = done(&mut git(dir.path(), &follower, &clone(&helper, &url, "not"))).await;
    assert!(refused.err.contains("told us to quit") && refused.err.contains("no node answers"), "{refused:?}");
    assert!(server.shown().is_empty());
}

#[tokio::test]
async fn what_git_asks_is_answered_only_where_it_may_be() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for (name, value) in [("github/token", TOKEN), ("git/lines", "a\nhost=evil.example"), ("git/token", "t")] {
        lead.put(name, "global", value).await;
    }
    let put = ["put", "git/login", "-", "--field", "username:string", "--field", "password:secret"];
    lead.run(&put, br#"{"username":"robot","password":"p w"}"#).await.text();
    let both = format!("username=x-access-token\npassword={TOKEN}\n");
    let map = "--map=git.example=git/login";
    let table: [(&[&str], &str, i32, &str, &str); 14] = [
        (&["get"], "protocol=https\nhost=github.com\n\n", 0, &both, ""),
        (&["get"], "protocol=https\nhost=github.com\nusername=me\n\n", 0, &both.replace("x-access-token", "me"), ""),
        (&["get"], "protocol=http\nhost=github.com\n\n", 0, "", "--allow-http"),
        (&["--allow-http", "get"], "protocol=http\nhost=github.com\n\n", 0, &both, ""),
        (&["get"], "protocol=https\nhost=github.com.evil.example\n\n", 0, "", ""),
        (&["get"], "protocol=ssh\nhost=github.com\n\n", 0, "", ""),
        (&[map, "get"], "protocol=https\nhost=git.example\n\n", 0, "username=robot\npassword=p w\n", ""),
        (&[map, "get"], "protocol=https\nhost=git.example\nusername=other\n\n", 0, "", ""),
        (&["--map=git.example=git/absent", "get"], "protocol=https\nhost=git.example\n\n", 0, "", "no git/absent here"),
        (&["--map=git.example=git/lines", "get"], "protocol=https\nhost=git.example\n\n", 1, "quit=1\n", "line break"),
        (
            &["--bearer", "--map=git.example=git/token", "get"],
            "capability[]=authtype\nprotocol=https\nhost=git.example\n\n",
            0,
            "capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=true\n",
            "",
        ),
        (
            &["--bearer", "--map=git.example=git/token", "get"],
            "protocol=https\nhost=git.example\n\n",
            0,
            "username=x-access-token\npassword=t\n",
            "",
        ),
        (&["store"], "protocol=https\nhost=github.com\nusername=u\npassword=p\n\n", 0, "", ""),
        (&["erase"], "protocol=https\nhost=github.com\n\n", 0, "", ""),
    ];
    for (arguments, input, code, out, says) in table {
        let ended = lead.run(&[&["git-credential"][..], arguments].concat(), input.as_bytes()).await;
        assert_eq!(
            (ended.code, String::from_utf8_lossy(&ended.out).as_ref()),
            (Some(code), out),
            "{arguments:?} {input:?}"
        );
        assert!(ended.err.contains(says) && !ended.err.contains(TOKEN), "{arguments:?}: {ended:?}");
        assert!(!ended.err.contains("evil.example") && (says.is_empty() == ended.err.is_empty()), "{ended:?}");
    }
    let endless = vec![b'x'; (256 << 10) + 2];
    assert_eq!(lead.run(&["git-credential", "get"], &endless).await.code, Some(1));
}

#[tokio::test]
async fn a_token_that_expires_says_so_and_one_that_is_too_old_is_not_given() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    let put = [
        "put",
        "github/token",
        "-",
        "--expires-at",
        "2100-01-01T00:00:00Z",
        "--ttl",
        "1s",
        "--max-stale",
        "1s",
        "-o",
        "json",
    ];
    let put = lead.run(&put, TOKEN.as_bytes()).await.json();
    follower.reaches(put["revision"].as_u64().expect("a revision")).await;
    let ask = b"protocol=https\nhost=github.com\n\n";
    let ended = follower.run(&["git-credential", "get"], ask).await;
    assert!(ended.text().ends_with("password_expiry_utc=4102444800\n"), "{ended:?}");
    lead.end(Signal::TERM).await;
    let mapped = ["git-credential", "--map", "github.com=github/token", "get"];
    let closed = eventually("the copy is too old", || async {
        let ended = follower.run(&mapped, ask).await;
        (ended.code == Some(5)).then_some(ended)
    })
    .await;
    assert!(closed.out == b"quit=1\n" && closed.err.contains("github/token"), "{closed:?}");
}
