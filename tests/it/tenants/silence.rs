//! What one company's node and agent are never told: that there is another company.

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::freeze::{FreezeLevel, FreezeTarget};
use aurora_mesh::vault::answer_freezes::FreezeRequest;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{Context, ExposureOf, ListRequest};

use super::{Tenants, knows};
use crate::support::callers::{admin, company, node, place, put, read, secret};
use crate::support::journal;

fn freeze_of(text: &str) -> FreezeRequest {
    let target = FreezeTarget::parse(text).expect(text);
    FreezeRequest { target, level: FreezeLevel::Write, reason: "being looked into".to_owned() }
}

/// Everything a node has on its disk.
fn files(directory: &std::path::Path, found: &mut Vec<(String, Vec<u8>)>) {
    for path in journal::items(directory) {
        if path.is_dir() {
            files(&path, found);
        } else if let Some(bytes) = journal::bytes(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_on_the_disk_of_one_companys_node_names_the_other_company() {
    let mut tenants = Tenants::start(&[Capability::DataRead, Capability::DataQuery]).await;
    tenants.mesh.lead.vault().freeze(&admin(), freeze_of("company:acme")).await.expect("frozen");
    tenants.mesh.put(put("crm/key", "company:beta", "once more")).await;
    let last = tenants.mesh.put(put("shared/key", "global", "once more")).await;
    for node in [&tenants.first, &tenants.second] {
        node.reaches(last.revision).await;
        knows(node, [&tenants.one, &tenants.two]).await;
    }
    let listed = tenants.second.vault().list(&admin(), ListRequest::default()).await.expect("the owner lists");
    assert_eq!(listed.items.len(), 3, "global, company:beta and node:second: {listed:?}");
    tenants.second.vault().read(&tenants.two, read("crm/key", Some("beta"))).await.expect("its own");
    let lines = tenants.second.vault().audit_tail(&admin(), 1000).await.expect("the owner may read the journal");
    assert!(!lines.iter().any(|line| line.contains("acme")), "{lines:#?}");
    for (node, own, other) in [(&mut tenants.first, "acme", "beta"), (&mut tenants.second, "beta", "acme")] {
        node.stop().await;
        let mut found = Vec::new();
        files(&node.config.node.state_dir, &mut found);
        let names = |word: &str| {
            let holds = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
            found.iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(other), Vec::<String>::new(), "{other} is named on the node of {own}");
        assert!(!names(own).is_empty(), "the search finds what is there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_hears_of_no_node_of_another_company() {
    let tenants = Tenants::start(&[Capability::DataRead, Capability::DataQuery]).await;
    let vault = tenants.mesh.lead.vault();
    let explained = vault.explain(&tenants.two, secret("shared/key"), Context::default()).await.expect("its own");
    let told: Vec<&str> = explained.holders.iter().map(|holder| holder.node.as_str()).collect();
    assert_eq!(told, ["aurora", "second"]);
    let versions = vault.versions(&tenants.two, place("shared/key", "global")).await.expect("its own");
    assert!(versions.holders.iter().all(|holder| holder.node != node("first")), "{:?}", versions.holders);
    let explained = vault.explain(&admin(), secret("shared/key"), Context::default()).await.expect("the owner's");
    assert_eq!(explained.holders.len(), 3, "the owner sees them all");
    let context = Context { company: Some(company("acme")), ..Context::default() };
    let refused = vault.explain(&tenants.two, secret("crm/key"), context).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
}

/// A grant that is bounded to a company does not open what is of no single one: the journal, the roster, the keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_of_one_company_administers_nothing_that_is_everybodys() {
    let tenants = Tenants::start(&[Capability::SystemAdmin, Capability::AgentManage, Capability::DataRead]).await;
    let (vault, two) = (tenants.mesh.lead.vault(), &tenants.two);
    let denied = |refused: Result<(), VaultError>| {
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    };
    denied(vault.audit_tail(two, 10).await.map(drop));
    denied(vault.audit_verify(two).await.map(drop));
    denied(vault.nodes(two).await.map(drop));
    denied(vault.keys(two).await.map(drop));
    denied(vault.freezes(two).await.map(drop));
    denied(vault.exposure(two, &ExposureOf::Company(company("acme"))).await.map(drop));
    denied(vault.exposure(two, &ExposureOf::Node(node("first"))).await.map(drop));
    for target in ["mesh", "node:first", "agent:one", "secret:crm/key", "company:acme"] {
        denied(vault.freeze(two, freeze_of(target)).await.map(drop));
        let target = FreezeTarget::parse(target).expect(target);
        denied(vault.unfreeze(two, target, None).await.map(drop));
    }
    let ask = FreezeRequest { level: FreezeLevel::Read, ..freeze_of("company:beta") };
    vault.freeze(two, ask).await.expect("its own company");
    let own = FreezeTarget::parse("company:beta").expect("a target");
    vault.unfreeze(two, own, None).await.expect("its own company");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_freeze_of_one_company_is_told_to_nobody_of_the_other() {
    let tenants = Tenants::start(&[Capability::DataRead, Capability::DataQuery]).await;
    let vault = tenants.mesh.lead.vault();
    vault
        .freeze(&admin(), FreezeRequest { level: FreezeLevel::All, ..freeze_of("company:acme") })
        .await
        .expect("frozen");
    let frozen = vault.read(&tenants.one, read("crm/key", Some("acme"))).await;
    assert!(matches!(frozen, Err(VaultError::Frozen(_))), "{frozen:?}");
    let refused = vault.read(&tenants.two, read("crm/key", Some("acme"))).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    assert!(vault.freezes_told(&tenants.two).is_empty());
    let listed = vault.list(&tenants.two, ListRequest::default()).await.expect("its own");
    assert!(!format!("{listed:?}").contains("acme"), "{listed:?}");
    knows(&tenants.second, [&tenants.one, &tenants.two]).await;
    vault.read(&tenants.two, read("crm/key", Some("beta"))).await.expect("goes on");
    assert!(tenants.second.vault().freezes_told(&admin()).is_empty(), "the node of the other company is not concerned");
}
