//! Whatever a program prints, and however, no value is in it; and everything else is, byte for byte.

use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::process::run;

use super::{Desk, KEY, MAP};

/// A key that is none, as `openssl` would write it.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nbm90IGEgcmVhbCBrZXkgbm90IGEgcmVhbCBrZXk\naGVyZSBuZWl0aGVyIGhlcmUgbmVpdGhlciA\n-----END PRIVATE KEY-----\n";

#[tokio::test]
async fn a_value_is_concealed_however_it_is_printed() {
    let mut desk = Desk::open().await;
    desk.keep("tls/key", PEM).await;
    desk.keep("tools/odd", "\u{1}od\td\u{7f}é\"'$(x)\\").await;
    desk.keep("google/oauth", r#"{"client_id":"example-id","client_secret":"example-secret"}"#).await;
    desk.keep("tools/short", "abc").await;
    let options =
        [&MAP[..], &["--map", "PEM=tls/key", "--map", "ODD=tools/odd", "--map", "OAUTH=google/oauth"]].concat();
    let table = [
        ("whole", "printf 'a %s b' \"$KEY\"", "a * b"),
        ("twice", "printf '%s%s, %s' \"$KEY\" \"$KEY\" \"$KEY\"", "*, *"),
        ("in two writes", "printf sk-exam; sleep 0.2; printf 'ple-0123456789abcdef.'", "*."),
        ("byte by byte", "echo \"$KEY\" | fold -w 1 | while read c; do printf %s \"$c\"; sleep 0.01; done", "*"),
        ("at the end", "printf %s \"$KEY\"", "*"),
        ("its beginning alone", "printf 'sk-example-'", "sk-example-"),
        ("several lines", "printf %s \"$PEM\"", "*\n"),
        ("with other line breaks", "printf %s \"$PEM\" | sed 's/$/\\r/'", "*\r\n"),
        ("one line of several", "printf %s \"$PEM\" | sed -n 's/^/3: /;3p'", "3: *\n"),
        ("odd bytes", "printf '<%s>' \"$ODD\"", "<*>"),
        ("the whole of fields", "printf '<%s>' \"$OAUTH\"", "<*>"),
    ];
    for (what, script, expected) in table {
        let ended = desk.run(&options, script).await;
        let text = ended.text().replace("<concealed by aurora>", "*");
        assert_eq!(text, expected, "{what}");
        let ended = desk.run(&options, &format!("({script}) >&2")).await;
        assert_eq!(ended.err.replace("<concealed by aurora>", "*"), expected, "{what}, error");
        assert_eq!(ended.text(), "");
    }
    let short = desk.run(&["--map", "A=tools/short"], "printf 'abc'").await;
    assert_eq!(short.text(), "abc");
    assert!(short.err.contains("1 value is not masked"), "{}", short.err);
    let quiet = desk.run(&["--map", "A=tools/short", "--quiet"], "printf 'abc'").await;
    assert_eq!(quiet.err, "");
}

#[tokio::test]
async fn a_field_with_secret_parts_is_concealed_in_parts_too() {
    let mut desk = Desk::open().await;
    desk.keep_oauth().await;
    let ended = desk.run(&["--map", "A=google/oauth"], "echo example-id example-secret").await;
    assert_eq!(ended.text(), "example-id <concealed by aurora>\n", "what was declared to be shown is");
}

#[tokio::test]
async fn a_value_of_64_kib_and_ten_megabytes_of_output_pass_in_bounded_memory() {
    let mut desk = Desk::open().await;
    let long: String =
        (0..65_536).map(|at| char::from(b'!' + u8::try_from((at * 7 + at / 94) % 94).expect("small"))).collect();
    desk.keep("tools/long", &long).await;
    let options = [&MAP[..], &["--map", "LONG=tools/long"]].concat();
    let ended = desk.run(&options, "printf '<%s> %s' \"$LONG\" ${#LONG}").await;
    assert_eq!(ended.text(), "<<concealed by aurora>> 65536");

    let script = "yes 'sk-example of ordinary output' | head -c 10000000; grep VmHWM /proc/$PPID/status >&2";
    let ended = desk.run(&options, script).await;
    let expected = "sk-example of ordinary output\n".as_bytes().iter().cycle();
    assert_eq!(ended.out.len(), 10_000_000, "{}", ended.err);
    assert!(ended.out.iter().zip(expected).all(|(byte, expected)| byte == expected));
    let kib = ended.err.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).expect("a number");
    assert!(kib < 128 << 10, "{}", ended.err);
}

#[tokio::test]
async fn a_prompt_is_seen_before_it_is_answered() {
    let desk = Desk::open().await;
    let mut command = desk.command(&MAP, "printf 'name? '; read name; echo \"hello $name\"");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary is there");
    let mut prompt = [0; 6];
    child.stdout.as_mut().expect("piped").read_exact(&mut prompt).await.expect("a prompt");
    assert_eq!(&prompt, b"name? ");
    child.stdin.take().expect("piped").write_all(b"ada\n").await.expect("taken");
    let ended = child.wait_with_output().await.expect("ends");
    assert_eq!(ended.stdout, b"hello ada\n");
}

#[tokio::test]
async fn output_that_nobody_takes_ends_the_program_as_a_pipe_does() {
    let desk = Desk::open().await;
    let aurora = crate::support::process::AURORA;
    let script = format!("{aurora} run --map KEY=openai/api_key -- sh -c 'yes; echo $? >&2' | head -n 1");
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", &script]).env("AURORA_SOCKET", desk.lead.agent());
    let ended = run(&mut shell, b"").await;
    assert_eq!(ended.text(), "y\n");
}

#[tokio::test]
async fn without_masking_output_is_the_programs_own() {
    let desk = Desk::open().await;
    assert_eq!(desk.shown(&MAP, "printf %s \"$KEY\"").await.text(), KEY);
}
