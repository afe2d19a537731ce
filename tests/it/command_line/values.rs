//! A value comes back byte for byte, whichever way it went in.

use crate::support::process::{Node, directory};

#[tokio::test]
async fn one_newline_at_the_end_is_left_out_unless_every_byte_is_wanted() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let table: [(&[u8], &[&str], &[u8]); 7] = [
        (b"abc", &[], b"abc"),
        (b"abc\n", &[], b"abc"),
        (b"abc\r\n", &[], b"abc"),
        (b"abc\n\n", &[], b"abc\n"),
        (b"abc\n", &["--trim"], b"abc"),
        (b"abc\n", &["--verbatim"], b"abc\n"),
        (b"  abc \r\n", &["--verbatim"], b"  abc \r\n"),
    ];
    for (input, options, kept) in table {
        let arguments = [&["put", "hubspot/api_key", "-", "--quiet"], options].concat();
        let ended = lead.run(&arguments, input).await;
        assert_eq!((ended.text(), ended.err.as_str()), ("", ""), "{arguments:?}");
        let read = lead.run(&["get", "hubspot/api_key"], b"").await;
        assert_eq!((read.code, read.out.as_slice()), (Some(0), kept), "{input:?} with {options:?}");
    }
}

#[tokio::test]
async fn lines_and_the_largest_value_come_back_byte_for_byte() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n";
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", line.repeat(20));
    let odd = "quote \" backslash \\ tab \t null \0 escape \u{1b}[31m snowman ☃ astral 𝄞 separator \u{2028} bell \u{7}";
    let largest: String = ('!'..='~').cycle().take(65_536).collect();
    let escaped = "\u{1}".repeat(65_536);
    for value in [pem.as_str(), odd, &largest, &escaped] {
        let file = dir.path().join("value");
        std::fs::write(&file, value).expect("writable");
        let from_file = ["put", "tls/server_key", "--verbatim", "--from-file", file.to_str().expect("text")];
        lead.run(&from_file, b"").await.text();
        assert_eq!(lead.run(&["get", "tls/server_key"], b"").await.text(), value);
        lead.run(&["put", "tls/of_stdin", "-", "--verbatim"], value.as_bytes()).await.text();
        assert_eq!(lead.run(&["get", "tls/of_stdin"], b"").await.text(), value);
        assert_eq!(lead.run(&["get", "tls/of_stdin", "-o", "json"], b"").await.json()["key_value"], value);
    }
}
