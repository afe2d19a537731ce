//! Where variables come from, and what a program does not inherit.

use crate::support::process::run;

use super::{Desk, KEY, MAP};

#[tokio::test]
async fn a_reference_becomes_a_value_wherever_it_stands_and_the_later_place_wins() {
    let mut desk = Desk::open().await;
    desk.keep_oauth().await;
    desk.lead.put("openai/api_key", "company:acme", "sk-example-of-acme").await;
    let file = desk.file(
        ".env",
        "# comment\nexport A=aurora://openai/api_key\nB='two words'\nC=\"aurora://google/oauth?field=client_secret\"\n\
         D=\"line one\\nline two\"\nE=plain\n",
    );
    let script = "printf '%s|' \"$A\" \"$B\" \"$C\" \"$D\" \"$E\" \"$F\" \"$G\" \"$H\"";
    let mut command = desk.command(&["--no-masking", "--env", &file, "--map", "E=openai/api_key"], script);
    command.env("F", "aurora://openai/api_key?company=acme").env("G", "see aurora://openai/api_key");
    command.env("A", "aurora://nothing/here").env("H", "kept");
    let ended = run(&mut command, b"").await;
    let expected = format!(
        "{KEY}|two words|example-secret|line one\nline two|{KEY}|sk-example-of-acme|see aurora://openai/api_key|kept|"
    );
    assert_eq!(ended.text(), expected);
    let of_acme = desk.shown(&[&MAP[..], &["--company", "acme"]].concat(), "printf %s \"$KEY\"").await;
    assert_eq!(of_acme.text(), "sk-example-of-acme", "--company is for every reference that names none");
}

#[tokio::test]
async fn a_version_is_pinned_and_a_prefix_gives_the_names_of_an_export() {
    let mut desk = Desk::open().await;
    desk.keep("openai/api_key", "sk-example-second").await;
    desk.keep("openai/organization", "org-example").await;
    let pinned = desk.shown(&["--map", "K=openai/api_key?version=1"], "printf %s \"$K\"").await;
    assert_eq!(pinned.text(), KEY);

    let exported = desk.lead.run(&["export", "openai/", "--format", "shell"], b"").await;
    let names: Vec<&str> = exported.text().lines().filter_map(|line| line.strip_prefix("export ")).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let script = "env | grep -c '=sk-example-second$\\|=org-example$'";
    for options in [&["--prefix", "openai/"][..], &["--prefix"]] {
        assert_eq!(desk.shown(options, script).await.text(), "2\n", "{options:?}");
    }
    for line in names {
        let name = line.split_once('=').expect("NAME=value").0;
        let there = desk.run(&["--prefix", "openai/"], &format!("test -n \"${name}\"")).await;
        assert_eq!(there.code, Some(0), "{name}");
    }
    let nothing = desk.run(&["--prefix", "hubspot/"], "echo started").await;
    assert_eq!((nothing.code, nothing.out.len()), (Some(3), 0), "{nothing:?}");
}

#[tokio::test]
async fn what_tells_aurora_what_to_do_does_not_reach_the_program() {
    let desk = Desk::open().await;
    for masking in [&[][..], &["--no-masking"]] {
        let mut command = desk.command(&[&MAP[..], masking].concat(), "env | grep -c ^AURORA_; echo \"$OTHER\"");
        command.env("AURORA_OUTPUT", "table").env("AURORA_LOG", "info").env("OTHER", "kept");
        let ended = run(&mut command, b"").await;
        assert_eq!(ended.text(), "0\nkept\n");
    }
    let told = desk.file(".env", "AURORA_COMPANY=given-on-purpose\n");
    let ended = desk.run(&["--env", &told], "echo $AURORA_COMPANY").await;
    assert_eq!(ended.text(), "given-on-purpose\n", "what is given to the program by name is the program's");
}

#[tokio::test]
async fn a_run_within_a_run_has_the_values_of_both_and_shows_neither() {
    let mut desk = Desk::open().await;
    desk.keep("hubspot/api_key", "pat-na1-example").await;
    let socket = desk.lead.agent().display().to_string();
    let inner = format!(
        "exec {} run --socket {socket} --map B=hubspot/api_key -- sh -c 'echo ${{#A}} ${{#B}} $A $B'",
        crate::support::process::AURORA
    );
    let ended = desk.run(&["--map", "A=openai/api_key"], &inner).await;
    assert_eq!(ended.text(), "27 15 <concealed by aurora> <concealed by aurora>\n");
}
