//! `aurora snapshot …`, as people type it, against processes.

use std::os::unix::fs::PermissionsExt;

use crate::support::process::{Node, aurora, directory, run};

#[tokio::test]
async fn a_lead_is_saved_to_a_file_that_verifies_with_the_node_without_it_and_with_a_recovery_key() {
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    let key = dir.path().join("recovery.key");
    let key_text = key.display().to_string();
    let made = run(&mut aurora(dir.path(), ["snapshot", "keygen", &key_text]), b"").await;
    let recipient = made.text().trim().to_owned();
    assert!(recipient.starts_with("aurora-recovery-"), "{recipient}");
    assert_eq!(std::fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
    let again = run(&mut aurora(dir.path(), ["snapshot", "keygen", &key_text]), b"").await;
    assert_eq!(again.code, Some(1), "a key is never replaced: {}", again.err);
    lead.configure("# recipients = [\"aurora-recovery-...\"]", &format!("recipients = [\"{recipient}\"]"));
    lead.start().await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;

    let file = dir.path().join("a.aurora-snapshot").display().to_string();
    let saved = run(&mut lead.aurora(&["snapshot", "save", &file]), b"").await;
    assert_eq!(saved.code, Some(0), "{saved:?}");
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let there = run(&mut lead.aurora(&["snapshot", "save", &file]), b"").await;
    assert_eq!(there.code, Some(1), "nothing is replaced unless that is asked for: {there:?}");
    assert_eq!(run(&mut lead.aurora(&["snapshot", "save", &file, "--force"]), b"").await.code, Some(0));
    let to_output = run(&mut lead.aurora(&["snapshot", "save", "-"]), b"").await;
    assert!(to_output.out.starts_with(b"aurora-snapshot/1\n"), "{}", to_output.err);

    let verified = run(&mut lead.aurora(&["snapshot", "verify", &file, "-o", "json"]), b"").await;
    assert_eq!((verified.json()["valid"].as_bool(), verified.json()["values"].as_u64()), (Some(true), Some(1)));
    assert_eq!(verified.json()["recipients"], 1);

    let config = lead.config_file().display().to_string();
    let offline = run(&mut aurora(dir.path(), ["snapshot", "verify", &file, "--config", &config]), b"").await;
    assert!(offline.text().contains("1 current"), "{offline:?}");
    let elsewhere = directory();
    let recovered =
        run(&mut aurora(elsewhere.path(), ["snapshot", "verify", &file, "--recovery-key", &key_text]), b"").await;
    assert!(recovered.text().contains("everything in it opens"), "{recovered:?}");

    let mut bytes = std::fs::read(&file).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    for command in [
        &mut lead.aurora(&["snapshot", "verify", &file]),
        &mut aurora(dir.path(), ["snapshot", "verify", &file, "--config", &config]),
        &mut aurora(elsewhere.path(), ["snapshot", "verify", &file, "--recovery-key", &key_text]),
    ] {
        let refused = run(command, b"").await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains("could not be restored"), "{refused:?}");
    }
    let absent = run(&mut lead.aurora(&["snapshot", "save"]), b"").await;
    assert!(absent.err.contains("no place for snapshots"), "{absent:?}");
    assert!(run(&mut lead.aurora(&["snapshot", "list"]), b"").await.text().contains("no snapshots"));
}
