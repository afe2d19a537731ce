//! What is written, with which shape, and when it is not.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;

use rustix::process::{Signal, kill_process};

use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

const VALUE: &str = "pat-na1-\"not'real\"";

#[tokio::test]
async fn a_file_is_written_with_its_mode_and_owner_and_only_if_it_differs() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;
    let (template, out) = (dir.path().join("app.tmpl"), dir.path().join("app.conf"));
    fs::write(&template, "key = {{ secret(\"hubspot/api_key\")|toml }}\n").expect("written");
    let (template, out_text) = (template.to_str().expect("text"), out.to_str().expect("text"));
    let render = ["render", template, "-o", out_text, "--", "sh", "-c", "echo ran"];
    let first = lead.run(&render, b"").await;
    assert_eq!((first.text(), first.err.as_str()), ("ran\n", ""));
    assert_eq!(fs::read_to_string(&out).expect("read"), "key = \"pat-na1-\\\"not'real\\\"\"\n");
    let written = fs::metadata(&out).expect("there");
    assert_eq!(written.permissions().mode() & 0o7777, 0o600);

    let again = lead.run(&render, b"").await;
    assert_eq!(again.text(), "", "nothing has changed, so nothing is run");
    assert_eq!(fs::metadata(&out).expect("there").ino(), written.ino(), "the file was not written again");

    let shaped = lead.run(&["render", template, "-o", out_text, "--mode", "0644"], b"").await;
    assert!(shaped.text().is_empty() && shaped.err.contains("every user of this machine"), "{shaped:?}");
    assert_eq!(fs::metadata(&out).expect("there").permissions().mode() & 0o7777, 0o644);
    if rustix::process::geteuid().is_root() {
        let owned = ["render", template, "-o", out_text, "--mode", "0640", "--owner", "65533:65532"];
        assert!(lead.run(&owned, b"").await.text().is_empty());
        let found = fs::metadata(&out).expect("there");
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (65533, 65532, 0o640));
    }
    let left = fs::read_dir(dir.path()).expect("read").filter_map(Result::ok);
    assert!(!left.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().ends_with(".part")));
}

#[tokio::test]
async fn a_template_may_come_from_standard_input_and_go_to_standard_output() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "of all").await;
    lead.put("hubspot/api_key", "company:acme", "of acme").await;
    let put = ["put", "db/login", "-", "--field", "user:string", "--field", "password:secret"];
    lead.run(&put, br#"{"user":"robot","password":"p w"}"#).await.text();
    let source = b"{% for name in [\"hubspot/api_key\"] %}{{ secret(name)|shell }} {{ secret(name, company=\"acme\") }}{% endfor %}
{{ field(\"db/login\", \"user\") }}:{{ secret(\"aurora://db/login?field=password\")|url }} {{ freshness(\"db/login\").state }}\n";
    let ended = lead.run(&["render", "-"], source).await;
    assert_eq!(ended.text(), "'of all' of acme\nrobot:p%20w lead\n");
    let ended = lead.run(&["render", "-", "--company", "acme"], b"{{ secret(\"hubspot/api_key\") }}").await;
    assert_eq!(ended.text(), "of acme");
    let reads = lead.run(&["audit", "tail", "-n", "100"], b"").await;
    let of_login = reads.text().lines().filter(|line| line.contains("secret.read") && line.contains("db/login"));
    assert_eq!(of_login.count(), 1, "a secret that is used three times is read once:\n{}", reads.text());
}

/// Writing through a link that somebody else laid there would write where they want, or show them the value.
#[tokio::test]
async fn a_link_in_the_place_of_the_file_is_refused_and_what_it_names_is_not_touched() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;
    let (other, link) = (dir.path().join("other"), dir.path().join("app.conf"));
    fs::write(&other, "kept").expect("written");
    symlink(&other, &link).expect("linked");
    let ended =
        lead.run(&["render", "-", "-o", link.to_str().expect("text")], b"{{ secret(\"hubspot/api_key\") }}").await;
    assert!(ended.code == Some(1) && ended.err.contains("not a file"), "{ended:?}");
    assert_eq!(fs::read_to_string(&other).expect("read"), "kept");
    assert!(link.is_symlink());
}

/// At every moment the file is the old one or the new one; and what a killed run leaves is not readable by others, and is
/// gone after the next run.
#[tokio::test]
async fn a_run_that_is_killed_leaves_a_whole_file() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let place = directory();
    let out = place.path().join("app.conf");
    let large = |letter: &str| letter.repeat(60_000);
    let source = "{% for i in range(100) %}{{ secret(\"big/value\") }}{% endfor %}";
    let template = dir.path().join("app.tmpl");
    fs::write(&template, source).expect("written");
    let render = ["render", template.to_str().expect("text"), "-o", out.to_str().expect("text")];
    let mut kept = false;
    for (round, letter) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        lead.put("big/value", "global", &large(letter)).await;
        let mut child = lead.aurora(&render).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        if kept {
            // Killed as soon as the file beside it is there, or at the end of the run: any moment must do.
            eventually("the run has begun to write, or has ended", || {
                let begun = fs::read_dir(place.path()).expect("read").count() > 1;
                let ended = child.try_wait().expect("our child").is_some();
                async move { (begun || ended).then_some(()) }
            })
            .await;
            if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
                let _ended_before = kill_process(pid, Signal::KILL);
            }
        }
        child.wait().await.expect("our child");
        kept = true;
        let text = fs::read_to_string(&out).expect("read");
        let first = text.chars().next().expect("not empty");
        assert!(text.len() == 6_000_000 && text.chars().all(|one| one == first), "round {round}: a mixture");
        for entry in fs::read_dir(place.path()).expect("read").filter_map(Result::ok) {
            assert_eq!(entry.metadata().expect("there").mode() & 0o077, 0, "{:?}", entry.file_name());
        }
    }
    lead.put("big/value", "global", &large("z")).await;
    assert_eq!(lead.run(&render, b"").await.text(), "");
    assert_eq!(fs::read_dir(place.path()).expect("read").count(), 1, "what was left behind is gone");
}
