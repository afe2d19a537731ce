//! Who rewrites, cuts or puts back a journal is found out by somebody else, the lead included.

use std::path::Path;
use std::time::Duration;

use aurora_mesh::audit::heads::sealed_seq;
use aurora_mesh::crypto::digest::sha256;

use super::journals::{arrives, audit_dir, copy_dir, gaps, lines};
use crate::support::callers::{admin, put, read};
use crate::support::journal::{four_years_before, items, newest};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

async fn mesh() -> (TestMesh, TestNode) {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "value")).await;
    follower.reaches(stored.revision).await;
    reads(&follower, 5).await;
    arrives(&mesh.lead, &follower, 1).await;
    (mesh, follower)
}

async fn reads(follower: &TestNode, count: usize) {
    for _ in 0..count {
        follower.value(read("hubspot/api_key", None)).await.expect("readable");
    }
}

/// Writes a journal anew so that its chain holds, as anybody can who may write its files.
fn rewrite(directory: &Path, change: impl Fn(&mut Vec<String>)) {
    let mut lines = lines(directory);
    change(&mut lines);
    let mut previous = [0; 32];
    for (line, seq) in lines.iter_mut().zip(1_u64..) {
        let old: serde_json::Value = serde_json::from_str(line).expect("a line");
        let prev = old["prev"].as_str().expect("a hash").to_owned();
        let hex: String = previous.iter().map(|byte| format!("{byte:02x}")).collect();
        *line =
            line.replacen(&format!("\"seq\":{},", old["seq"]), &format!("\"seq\":{seq},"), 1).replacen(&prev, &hex, 1);
        previous = sha256(line.as_bytes());
    }
    let file = newest(directory);
    for path in items(directory).iter().filter(|path| path.is_file()) {
        std::fs::remove_file(path).expect("removed");
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(file, text).expect("written");
}

async fn told(lead: &TestNode, words: &str) {
    eventually(&format!("the lead tells: {words}"), || async {
        gaps(lead).iter().any(|line| line.contains(words)).then_some(())
    })
    .await;
}

/// Returns once the follower keeps a seal of everything the lead has written.
async fn witnesses(lead: &TestNode, follower: &TestNode) {
    lead.clock.advance(Duration::from_secs(11));
    let (kept, written) = (audit_dir(follower).join("lead"), lines(&audit_dir(lead)).len());
    eventually("the follower keeps a seal of the lead's journal", || async {
        let sealed = usize::try_from(sealed_seq(&kept).expect("readable")).expect("small");
        (sealed >= written).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_lead_that_rewrote_its_own_journal_is_found_out_by_what_a_follower_remembers() {
    let (mut mesh, follower) = mesh().await;
    witnesses(&mesh.lead, &follower).await;
    mesh.lead.stop().await;
    let own = audit_dir(&mesh.lead);
    rewrite(&own, |lines| lines[0] = four_years_before(&lines[0]));
    mesh.lead.start().await;
    told(&mesh.lead, "holds a seal of line").await;
    assert!(gaps(&mesh.lead)[0].contains("it was rewritten"), "{:?}", gaps(&mesh.lead));
    reads(&follower, 1).await;
    arrives(&mesh.lead, &follower, 1).await;
    assert_eq!(gaps(&mesh.lead).len(), 1, "it is told once");
}

#[tokio::test]
async fn a_lead_that_was_put_back_is_found_out_also_by_the_follower_itself() {
    let (mut mesh, follower) = mesh().await;
    witnesses(&mesh.lead, &follower).await;
    mesh.lead.stop().await;
    rewrite(&audit_dir(&mesh.lead), |lines| lines.truncate(1));
    mesh.lead.start().await;
    told(&mesh.lead, "its end was removed").await;
    eventually("the follower's own journal tells of it", || async {
        let told = |line: &String| line.contains("audit.gap") && line.contains("went back");
        lines(&audit_dir(&follower)).iter().any(told).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_follower_whose_journal_was_cut_begins_another_chain_and_the_first_stays() {
    let (mesh, mut follower) = mesh().await;
    let before = lines(&copy_dir(&mesh.lead, "vengeance", 1));
    follower.stop().await;
    rewrite(&audit_dir(&follower), |lines| lines.truncate(2));
    follower.start().await;
    told(&mesh.lead, "lines were removed").await;
    reads(&follower, 3).await;
    arrives(&mesh.lead, &follower, 2).await;
    assert_eq!(lines(&copy_dir(&mesh.lead, "vengeance", 1)), before, "nothing is overwritten");
    let nodes = mesh.lead.vault().audit_nodes(&admin()).await.expect("allowed").nodes;
    let (state, chain) = (nodes[1].state.as_str(), nodes[1].chain);
    assert_eq!((nodes[1].node.as_str(), state, chain), ("vengeance", "gap", Some(2)), "{nodes:?}");
}

#[tokio::test]
async fn a_follower_whose_journal_was_rewritten_is_found_out_by_its_copy() {
    let (mesh, mut follower) = mesh().await;
    follower.stop().await;
    rewrite(&audit_dir(&follower), |lines| {
        lines[1] = four_years_before(&lines[1]);
        lines.push(lines[2].clone());
    });
    follower.start().await;
    told(&mesh.lead, "it was rewritten or put back").await;
    arrives(&mesh.lead, &follower, 2).await;
}

#[tokio::test]
async fn lines_that_were_altered_before_they_were_forwarded_are_told_and_not_taken() {
    let (mut mesh, mut follower) = mesh().await;
    let taken = lines(&copy_dir(&mesh.lead, "vengeance", 1));
    mesh.lead.stop().await;
    reads(&follower, 6).await;
    follower.stop().await;
    let file = newest(&audit_dir(&follower));
    let text = std::fs::read_to_string(&file).expect("one file");
    let altered: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(at, line)| if at == taken.len() + 2 { line.replace("allow", "deny ") } else { line.to_owned() })
        .collect();
    std::fs::write(&file, altered.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("written");
    mesh.lead.start().await;
    follower.start().await;
    told(&mesh.lead, "cannot be read on the node").await;
    assert_eq!(lines(&copy_dir(&mesh.lead, "vengeance", 1)), taken);
    let verdict = follower.vault().audit_verify(&admin()).await.expect("allowed");
    assert!(verdict.broken.is_some_and(|reason| reason.contains("was altered")));
}

#[tokio::test]
async fn a_copy_that_was_cut_on_the_lead_is_told_and_made_whole_again() {
    let (mut mesh, follower) = mesh().await;
    let written = u64::try_from(lines(&audit_dir(&follower)).len()).expect("small");
    eventually("the follower keeps the seal of its last line", || async {
        (sealed_seq(&audit_dir(&follower)).expect("readable") == written).then_some(())
    })
    .await;
    mesh.lead.stop().await;
    let copy = copy_dir(&mesh.lead, "vengeance", 1);
    rewrite(&copy, |lines| lines.truncate(2));
    mesh.lead.start().await;
    told(&mesh.lead, "the copy on the lead ends at line 2").await;
    arrives(&mesh.lead, &follower, 1).await;
    let verdicts = mesh.lead.vault().audit_verify_node(&admin(), follower.config.node.name.clone()).await;
    let verdicts = verdicts.expect("allowed");
    assert_eq!((verdicts.len(), &verdicts[0].broken), (1, &None));
}
