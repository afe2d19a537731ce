//! A follower that becomes the lead, and the lead that was, when it comes back.

use aurora_mesh::daemon::node::RunningNode;
use aurora_mesh::daemon::restore::Outcome;
use aurora_mesh::model::identity::Role;
use aurora_mesh::model::roster::Standing;
use aurora_mesh::replication::reign_members::Trust;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Approval;

use super::stage::{done, is_in_epoch, promoted, restored, snapshot};
use crate::support::callers::{admin, node, put, read};
use crate::support::http;
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, prod};
use crate::support::snapshot::save;
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_follower_leads_the_others_and_the_lead_that_was_steps_down() {
    let mut mesh = TestMesh::start().await;
    let mut alpha = mesh.follower("alpha", prod(&[])).await;
    let mut beta = mesh.follower("beta", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    let later = mesh.put(put("stripe/api_key", "global", "not-a-real-stripe")).await;
    for follower in [&alpha, &beta] {
        follower.reaches(later.revision).await;
    }
    let old_address = mesh.lead.config.mesh.listen.to_string();
    mesh.lead.stop().await;
    alpha.stop().await;
    let (report, kept) = done(promoted(&mut alpha, &mesh.lead, &file, Trust::Members).await.expect("promoted"));
    assert_eq!((report.will.epoch.get(), report.pending), (2, 0));
    assert!(kept.is_some_and(|kept| kept.exists()), "the cache is kept");
    let written = std::fs::read_to_string(alpha.config_file()).expect("a configuration");
    assert!(written.contains("role = \"lead\""), "{written}");
    alpha.start().await;
    assert_eq!(alpha.vault().health().role, Role::Lead);
    let new_address = alpha.running().address().expect("it listens").to_string();
    beta.stop().await;
    beta.config.mesh.leads = vec![new_address.clone()];
    beta.start().await;
    is_in_epoch(&beta, 2).await;
    let value = beta.value(read("hubspot/api_key", None)).await.expect("readable");
    assert_eq!(value, "not-a-real-one");
    let lost = beta.value(read("stripe/api_key", None)).await;
    assert!(matches!(lost, Err(VaultError::NotFound { .. })), "the snapshot did not hold it: {lost:?}");
    let stored =
        alpha.vault().put(&admin(), put("stripe/api_key", "global", "not-a-real-second")).await.expect("stored");
    beta.reaches(stored.revision).await;
    let read_back = beta.value(read("stripe/api_key", None)).await.expect("readable");
    assert_eq!(read_back, "not-a-real-second");
    let told = beta.vault().audit_tail(&admin(), 100).await.expect("the journal");
    assert!(!told.iter().any(|line| line.contains("audit.gap")), "another lead is no lead that went back: {told:?}");
    let nodes = alpha.vault().nodes(&admin()).await.expect("listed");
    let old = nodes.iter().find(|line| line.name == node("aurora")).expect("it is known");
    assert!(matches!(old.standing, Standing::Banned { .. }), "{old:?}");
    // The lead that was comes back, and a follower that dials it first shows it by whom its reign was ended.
    mesh.lead.start().await;
    beta.stop().await;
    beta.config.mesh.leads = vec![old_address, new_address];
    beta.start().await;
    eventually("the lead that was steps down", || async {
        (mesh.lead.vault().health().freshness == "stepped_down").then_some(())
    })
    .await;
    is_over(&mesh).await;
    is_in_epoch(&beta, 2).await;
    beta.is_fresh().await;
    let lines = mesh.lead.vault().audit_tail(&admin(), 50).await;
    assert!(lines.is_ok(), "its own journal can still be read: {lines:?}");
    mesh.lead.stop().await;
    mesh.lead.start().await;
    is_over(&mesh).await;
    // It may be made the lead again, by a restore: above the reign that ended its own, and above the numbers of that.
    mesh.lead.stop().await;
    let (report, _) = done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    assert_eq!((report.will.epoch.get(), report.pending), (3, 2), "whom the other lead banned it cannot know");
    mesh.lead.start().await;
    let again = mesh.put(put("stripe/api_key", "global", "not-a-real-third")).await;
    assert!(again.version > stored.version, "{again:?}");
}

/// What a lead whose reign is over says to whoever asks.
async fn is_over(mesh: &TestMesh) {
    let refused = mesh.lead.vault().put(&admin(), put("hubspot/api_key", "global", "not-a-real-two")).await;
    let Err(VaultError::NotLead { lead }) = refused else { panic!("{refused:?}") };
    assert_eq!(lead.name, Some(node("alpha")));
    let status = http::get(&mesh.lead.agent_socket(), "/api/status").await.json();
    assert_eq!(status["stepped_down"]["lead"], "alpha", "{status}");
    assert_eq!((status["status"].as_str(), status["lead"].as_str()), (Some("unhealthy"), Some("alpha")), "{status}");
    let told = http::ask(
        &mesh.lead.config.api.socket_dir.join("admin.sock"),
        "POST",
        "/api/secrets",
        &[],
        r#"{"service":"hubspot","key_name":"api_key","key_value":"not-a-real-two"}"#,
    )
    .await;
    assert_eq!((told.status, told.code().as_str()), (409, "not_lead"), "{}", told.body);
    assert!(told.body.contains("alpha"), "{}", told.body);
}

#[tokio::test]
async fn a_promotion_that_nobody_vouches_for_lets_nobody_in_before_it_is_approved() {
    let mut mesh = TestMesh::start().await;
    let mut alpha = mesh.follower("alpha", prod(&[])).await;
    let mut beta = mesh.follower("beta", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.lead.stop().await;
    alpha.stop().await;
    let (report, _) = done(promoted(&mut alpha, &mesh.lead, &file, Trust::Nobody).await.expect("promoted"));
    assert_eq!(report.pending, 1);
    alpha.start().await;
    let nodes = alpha.vault().nodes(&admin()).await.expect("listed");
    let line = nodes.iter().find(|line| line.name == node("beta")).expect("it is known");
    assert_eq!(line.standing, Standing::Pending);
    beta.stop().await;
    beta.config.mesh.leads = vec![alpha.config.mesh.listen.to_string()];
    let log = Log::capture();
    beta.start().await;
    eventually("beta is turned away", || async {
        log.lines_with("the lead cannot be reached")
            .iter()
            .any(|line| line.contains("the peer refused us"))
            .then_some(())
    })
    .await;
    assert_eq!((log.sessions_of("beta"), beta.vault().health().epoch.get()), (0, 1));
    let fingerprint = line.pin.fingerprint();
    alpha.vault().approve(&admin(), node("beta"), Approval { fingerprint }).await.expect("approved");
    is_in_epoch(&beta, 2).await;
    beta.is_fresh().await;
    assert!(log.sessions_of("beta") >= 1);
}

#[tokio::test]
async fn a_promotion_that_was_cut_short_is_finished_and_a_lead_is_not_promoted() {
    let mut mesh = TestMesh::start().await;
    let mut alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    let running = promoted(&mut alpha, &mesh.lead, &file, Trust::Members).await.err().expect("it runs");
    assert!(format!("{running:#}").contains("stop the node first"), "{running:#}");
    mesh.lead.stop().await;
    alpha.stop().await;
    let follower = alpha.config.clone();
    let before = std::fs::read_to_string(alpha.config_file()).expect("a configuration");
    done(promoted(&mut alpha, &mesh.lead, &file, Trust::Members).await.expect("promoted"));
    // As if it had ended between the store and the configuration.
    std::fs::write(alpha.config_file(), &before).expect("written");
    alpha.config = follower;
    let refused = RunningNode::start(&alpha.config, None, &alpha.seams()).await.err().expect("neither of the two");
    assert!(format!("{refused:#}").contains("run the same `aurora promote` again"), "{refused:#}");
    let again = promoted(&mut alpha, &mesh.lead, &file, Trust::Members).await.expect("finished");
    assert!(matches!(again, Outcome::Complete));
    let written = std::fs::read_to_string(alpha.config_file()).expect("a configuration");
    assert!(written.contains("role = \"lead\""), "{written}");
    let kept = alpha.config_file().with_extension("toml.before-promotion");
    assert_eq!(std::fs::read_to_string(kept).expect("kept"), before);
    alpha.start().await;
    alpha.stop().await;
    let lead = promoted(&mut alpha, &mesh.lead, &file, Trust::Members).await.err().expect("it leads");
    assert!(format!("{lead:#}").contains("a lead already"), "{lead:#}");
}
