//! Leads that go back to a snapshot, and leads that were replaced: nothing comes back with them that was taken away, and no
//! number is given twice. [`crate::reign`] has the whole of it.

use std::collections::BTreeMap;

use aurora_mesh::config::node_config::ConnectivitySection;
use aurora_mesh::model::identity::StoreId;
use aurora_mesh::model::number::{Epoch, Revision};
use aurora_mesh::replication::reign_members::Trust;
use aurora_mesh::snapshot::row::Row;
use aurora_mesh::store::contents::Contents;
use aurora_mesh::store::handle::Store;
use aurora_mesh::store::table::Table;
use aurora_mesh::transport::authority::Authority;
use aurora_mesh::vault::answer::Served;
use aurora_mesh::vault::error::VaultError;
use serde_json::Value;

use super::denial::Noise;
use crate::reign::stage::{done, is_in_epoch, key_of_robot, owner, promoted, read_with, restored, snapshot};
use crate::snapshots::forger::Forger;
use crate::support::callers::{admin, node, put, read};
use crate::support::http;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::snapshot::save;
use crate::support::theatre::Theatre;
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_98_what_was_revoked_is_good_again_after_a_restore() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let kept = key_of_robot(&mesh.lead, "kept", true).await;
    let revoked = key_of_robot(&mesh.lead, "revoked", false).await;
    let invitation = mesh.token("alpha", prod(&[])).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    owner(&mesh.lead, "DELETE", "/api/agents/robot/keys/revoked", &Value::Null).await;
    mesh.lead.vault().revoke_token(&admin(), &invitation.hash().id()).await.expect("revoked");
    mesh.lead.stop().await;
    done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    mesh.lead.start().await;
    is_in_epoch(&mesh.lead, 2).await;
    let refused = read_with(&mesh.lead, &revoked).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(read_with(&mesh.lead, &kept).await.status, 200, "the control");
    let refused = mesh.stranger("alpha").join(&invitation).await.expect_err("it was revoked");
    assert!(format!("{refused:#}").contains("token"), "{refused:#}");
}

/// Nobody is called before the lead is started again, and who joined since the snapshot is a member still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_99_a_restore_acts_by_itself_and_undoes_what_lives() {
    let theatre = Theatre::start().await;
    theatre.answers("openai", 200, &[], r#"{"object":"list","data":[]}"#);
    let mut mesh = TestMesh::with_connectivity(theatre.section()).await;
    // Of all nodes the lead alone calls.
    mesh.connectivity = ConnectivitySection { probe: false, ..theatre.section() };
    mesh.put(put("openai/api_key", "global", "sk-not-a-real-key")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    let since = mesh.follower("since", prod(&[])).await;
    since.is_fresh().await;
    eventually("the provider is called", || async { theatre.requests("openai").pop() }).await;
    mesh.lead.stop().await;
    let before = theatre.requests("openai").len();
    done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    let value = since.value(read("openai/api_key", None)).await.expect("what it has");
    assert_eq!((value.as_str(), theatre.requests("openai").len()), ("sk-not-a-real-key", before));
    mesh.lead.start().await;
    is_in_epoch(&since, 2).await;
    since.is_fresh().await;
    eventually("the control: it is called again", || async {
        (theatre.requests("openai").len() > before).then_some(())
    })
    .await;
}

/// Everything that the store of a lead that is stopped holds.
async fn contents(lead: &TestNode) -> Contents {
    let (store, contents) = Store::open(&lead.store_file()).await.expect("opens");
    store.close().await.expect("closes");
    contents
}

const TABLES: [Table; 11] = [
    Table::Meta,
    Table::Records,
    Table::Versions,
    Table::HighWater,
    Table::ScopeKeys,
    Table::Nodes,
    Table::Tokens,
    Table::Blobs,
    Table::Log,
    Table::Articles,
    Table::Migrations,
];

/// Signed by the right hand or not: what is no row that this version knows, or of another mesh, is not restored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_100_a_snapshot_brings_what_no_store_of_this_mesh_holds() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let whole = Forger::of(&mesh).await;
    assert!(
        whole.rows.iter().all(|row| TABLES.iter().any(|table| table.number() == row.table)),
        "rows of a store alone"
    );
    let mut forgeries: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut forged = Forger::of(&mesh).await;
    forged.rows.push(Row { table: 200, key: b"code".to_vec(), row: b"#!/bin/sh".to_vec() });
    forgeries.push(("an unknown table", forged.forge()));
    for table in [Table::Records, Table::Nodes, Table::Articles, Table::HighWater] {
        let mut forged = Forger::of(&mesh).await;
        forged.table(table).next().expect("a row").row.push(7);
        forgeries.push(("a row with an unknown field", forged.forge()));
    }
    let stranger = Authority::generate(&whole.header.mesh, whole.header.taken_at).expect("an authority");
    forgeries.push(("the signature of another", whole.forge_signed_by(&stranger)));
    let other = TestMesh::start().await;
    forgeries.push(("a store of another mesh", Forger::of(&other).await.forge()));
    let mut forged = Forger::of(&mesh).await;
    forged.header.position.epoch = Epoch(7);
    forgeries.push(("another epoch", forged.forge()));
    let mut forged = Forger::of(&mesh).await;
    forged.header.position.revision = Revision(99);
    forgeries.push(("another revision", forged.forge()));
    let mut forged = Forger::of(&mesh).await;
    forged.header.store = StoreId([7; 16]);
    forgeries.push(("another life of the store", forged.forge()));
    mesh.lead.stop().await;
    let file = snapshot(&mesh);
    let before = contents(&mesh.lead).await;
    for (what, bytes) in forgeries {
        std::fs::write(&file, bytes).expect("written");
        assert!(restored(&mesh.lead, &file, Trust::Members, None).await.is_err(), "{what} was restored");
        assert!(contents(&mesh.lead).await == before, "{what}: the store was changed");
    }
    std::fs::write(&file, whole.forge()).expect("written");
    done(restored(&mesh.lead, &file, Trust::Members, None).await.expect("the control"));
}

/// What was seen of one secret: every version stands for one value for ever, and nobody goes back.
#[derive(Default)]
struct Seen {
    values: BTreeMap<(String, u64), String>,
    last: BTreeMap<(String, String), (u64, u64)>,
}

impl Seen {
    fn stored(&mut self, name: &str, version: u64, value: &str) {
        let before = self.values.insert((name.to_owned(), version), value.to_owned());
        assert_eq!(before, None, "{name}: version {version} was given twice");
    }

    /// What a program on this node gets of every secret.
    async fn look(&mut self, at: &TestNode) {
        for name in NAMES {
            let answer = match at.read(read(name, None)).await {
                Ok(answer) => answer,
                Err(VaultError::NotFound { .. }) => continue,
                Err(refused) => panic!("{name}: {refused}"),
            };
            let value = String::from_utf8(answer.value.expose().to_vec()).expect("text");
            let version = answer.record.version.get();
            let known = self.values.entry((name.to_owned(), version)).or_insert_with(|| value.clone());
            assert_eq!(*known, value, "{name}: version {version} is two values");
            let who = (at.config.node.name.to_string(), name.to_owned());
            let now = (at.vault().health().epoch.get(), version);
            let before = self.last.insert(who.clone(), now).unwrap_or_default();
            assert!(now >= before && version >= before.1, "{who:?} went from {before:?} back to {now:?}");
        }
    }
}

const NAMES: [&str; 3] = ["hubspot/api_key", "openai/api_key", "stripe/api_key"];

/// Snapshots are taken, and gone back to, at moments nobody chose: the same in every run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_101_numbers_run_backwards_after_a_restore() {
    let mut mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    let (mut noise, mut seen, mut files) = (Noise(101), Seen::default(), Vec::new());
    let mut epoch = 1;
    for round in 0..5 {
        for step in 0..=noise.below(4) {
            let (name, value) = (NAMES[noise.below(NAMES.len())], format!("value {round} {step}"));
            let stored = mesh.put(put(name, "global", &value)).await;
            seen.stored(name, stored.version.get(), &value);
            alpha.reaches(stored.revision).await;
            seen.look(&alpha).await;
        }
        let file = mesh.dir.path().join(format!("{round}.aurora-snapshot"));
        save(&mut mesh.lead, &file, &[]).await;
        files.push(file);
        for step in 0..noise.below(3) {
            let (name, value) = (NAMES[noise.below(NAMES.len())], format!("later value {round} {step}"));
            let stored = mesh.put(put(name, "global", &value)).await;
            seen.stored(name, stored.version.get(), &value);
            alpha.reaches(stored.revision).await;
        }
        seen.look(&alpha).await;
        mesh.lead.stop().await;
        let back = &files[noise.below(files.len())];
        done(restored(&mesh.lead, back, Trust::Members, None).await.expect("restored"));
        seen.look(&alpha).await;
        mesh.lead.start().await;
        epoch += 1;
        is_in_epoch(&alpha, epoch).await;
        for at in [&mesh.lead, &alpha] {
            seen.look(at).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_104_a_lead_that_was_away_and_replaced_answers_as_if_it_led() {
    let mut mesh = TestMesh::start().await;
    let mut alpha = mesh.follower("alpha", prod(&[])).await;
    let mut beta = mesh.follower("beta", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.lead.stop().await;
    alpha.stop().await;
    done(promoted(&mut alpha, &mesh.lead, &file, Trust::Members).await.expect("promoted"));
    alpha.start().await;
    beta.stop().await;
    beta.config.mesh.leads = [&alpha, &mesh.lead].map(|lead| lead.config.mesh.listen.to_string()).to_vec();
    beta.start().await;
    is_in_epoch(&beta, 2).await;
    beta.stop().await;
    // The new lead is away, the old one is back: whoever follows it no more tells it so.
    alpha.stop().await;
    mesh.lead.start().await;
    beta.start().await;
    eventually("it is told that it leads no more", || async {
        (mesh.lead.vault().health().freshness == "stepped_down").then_some(())
    })
    .await;
    let refused = mesh.lead.vault().put(&admin(), put("hubspot/api_key", "global", "not-a-real-second")).await;
    assert!(matches!(&refused, Err(VaultError::NotLead { lead }) if lead.name == Some(node("alpha"))), "{refused:?}");
    let admin_socket = mesh.lead.config.api.socket_dir.join("admin.sock");
    let body = r#"{"service":"hubspot","key_name":"api_key","key_value":"not-a-real-second"}"#;
    let told = http::ask(&admin_socket, "POST", "/api/secrets", &[], body).await;
    assert_eq!((told.status, told.code().as_str()), (409, "not_lead"), "{}", told.body);
    let answer = mesh.lead.read(read("hubspot/api_key", None)).await.expect("what it had when it was told");
    assert_ne!(answer.freshness.served, Served::Lead, "as a follower that lost its lead");
    mesh.lead.stop().await;
    mesh.lead.start().await;
    let stale = mesh.lead.value(read("hubspot/api_key", None)).await;
    assert!(matches!(stale, Err(VaultError::StaleCache { .. })), "nobody vouches for it: {stale:?}");
    assert_eq!(beta.vault().health().epoch, Epoch(2), "nobody follows it");
}
