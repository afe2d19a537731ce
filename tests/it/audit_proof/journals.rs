//! The files of journals, as tests look at them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aurora_mesh::audit::copies::chain_dir;
use aurora_mesh::audit::heads::sealed_seq;

use crate::support::callers::{admin, node};
use crate::support::journal;
use crate::support::mesh::TestNode;
use crate::support::wait::eventually;

/// The directory of a node's own journal.
pub fn audit_dir(of: &TestNode) -> PathBuf {
    of.config.node.state_dir.join("audit")
}

/// The directory of a chain of a node on the lead.
pub fn copy_dir(lead: &TestNode, name: &str, chain: u32) -> PathBuf {
    chain_dir(&audit_dir(lead), &node(name), chain)
}

/// Every line of the plain files of a journal.
pub fn lines(directory: &Path) -> Vec<String> {
    journal::text(directory).lines().map(str::to_owned).collect()
}

/// The lines of the lead's own journal that tell of a gap.
pub fn gaps(lead: &TestNode) -> Vec<String> {
    lines(&audit_dir(lead)).into_iter().filter(|line| line.contains("\"action\":\"audit.gap\"")).collect()
}

/// Returns once the lead has every line the node has written, and says how many.
pub async fn arrives(lead: &TestNode, of: &TestNode, chain: u32) -> usize {
    let name = of.config.node.name.as_str().to_owned();
    let copy = copy_dir(lead, &name, chain);
    eventually(&format!("the journal of {name} is on the lead"), || async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (own, there) = (lines(&audit_dir(of)), lines(&copy));
        (!own.is_empty() && own == there).then_some(own.len())
    })
    .await
}

/// Returns once the lead has looked after all journals: it does so after it sealed its own, which shows.
pub async fn looks(lead: &TestNode) {
    for _ in 0..2 {
        lead.clock.advance(Duration::from_secs(11));
        lead.vault().audit_tail(&admin(), 1).await.expect("allowed");
        let written = u64::try_from(lines(&audit_dir(lead)).len()).expect("small");
        eventually("the lead seals its own journal", || async {
            (sealed_seq(&audit_dir(lead)).expect("readable") >= written).then_some(())
        })
        .await;
    }
}
