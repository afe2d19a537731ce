//! The rulebook reaches every follower it concerns, before the values it is about, and stays in force without the lead.

pub mod stage;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aurora_mesh::model::article::{Article, ArticleId, Edit};
use aurora_mesh::model::grant::Effect;
use aurora_mesh::model::reach::{Environments, Reach};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Place;
use aurora_mesh::wire::rules::{self, RulesHeld};
use aurora_mesh::wire::subscription;

use crate::support::callers::{admin, agent, company, environment, node, put, read};
use crate::support::forge::{Forge, join_by_hand};
use crate::support::mesh::{TestMesh, prod};
use crate::support::raw;
use crate::support::wait::eventually;
use stage::{ByHand, acknowledged, companies, drop_grant, edit, freeze, grant, held};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_grant_is_refused_on_every_connected_follower() {
    let mesh = TestMesh::start().await;
    let mut followers = Vec::new();
    for name in ["alpha", "beta", "gamma"] {
        followers.push(mesh.follower(name, prod(&[])).await);
    }
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    for follower in &followers {
        follower.reaches(stored.revision).await;
        follower.is_fresh().await;
        assert_eq!(follower.value(read("hubspot/api_key", None)).await.expect("granted"), "not-a-real-key");
    }
    let revoked = edit(&mesh, vec![drop_grant("owner"), drop_grant("socket-group")]).await;
    for follower in &followers {
        eventually("the read is refused", || async {
            let refused = follower.value(read("hubspot/api_key", None)).await;
            matches!(refused, Err(VaultError::Denied { .. })).then_some(())
        })
        .await;
    }
    for follower in &followers {
        // Whoever acknowledges the revision enforces the rules of it.
        acknowledged(&mesh, follower, revoked).await;
        assert_eq!(held(follower), BTreeSet::new());
    }
}

/// The value is committed right behind the deny, again and again, while somebody reads without pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_was_denied_before_it_was_stored_can_never_be_read_in_between() {
    const ROUNDS: usize = 30;
    let mesh = TestMesh::start().await;
    let follower = Arc::new(mesh.follower("vengeance", prod(&[])).await);
    let open = mesh.put(put("open/key", "global", "for everybody")).await;
    follower.reaches(open.revision).await;
    follower.is_fresh().await;
    let over = Arc::new(AtomicBool::new(false));
    let reading = {
        let (follower, over) = (Arc::clone(&follower), Arc::clone(&over));
        tokio::spawn(async move {
            let mut reads = 0_usize;
            while !over.load(Ordering::Relaxed) {
                for round in 0..ROUNDS {
                    let read = follower.value(read(&format!("closed/key-{round}"), None)).await;
                    assert!(read.is_err(), "closed/key-{round} was read");
                    reads += 1;
                }
            }
            reads
        })
    };
    let mut last = open.revision;
    for round in 0..ROUNDS {
        let name = format!("closed/key-{round}");
        let deny = grant(&format!("deny-{round}"), "owner", Effect::Deny, stage::only(&name));
        edit(&mesh, vec![Edit::Put(deny)]).await;
        last = mesh.put(put(&name, "global", "closed before it was there")).await.revision;
    }
    follower.reaches(last).await;
    over.store(true, Ordering::Relaxed);
    let reads = reading.await.expect("nothing was read");
    assert!(reads > 0, "somebody read all the while");
    // However many refusals that was: by now each of the next is written down, and told by its own name.
    follower.clock.advance(Duration::from_secs(10));
    for round in 0..ROUNDS {
        let refused = follower.value(read(&format!("closed/key-{round}"), None)).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    }
    assert_eq!(follower.value(read("open/key", None)).await.expect("open"), "for everybody");
}

/// The other way round: the rules come first, so for a moment a deny that is over would open what is about to be deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_was_deleted_before_its_deny_was_lifted_can_never_be_read_in_between() {
    let mesh = TestMesh::start().await;
    let follower = Arc::new(mesh.follower("vengeance", prod(&[])).await);
    let deny = grant("deny", "owner", Effect::Deny, stage::only("closed/key"));
    edit(&mesh, vec![Edit::Put(deny.clone())]).await;
    let stored = mesh.put(put("closed/key", "global", "never to be read")).await;
    follower.reaches(stored.revision).await;
    follower.is_fresh().await;
    let over = Arc::new(AtomicBool::new(false));
    let reading = {
        let (follower, over) = (Arc::clone(&follower), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                assert!(follower.value(read("closed/key", None)).await.is_err(), "it was read");
                tokio::task::yield_now().await;
            }
        })
    };
    let mut last = stored.revision;
    for _ in 0..20 {
        let place: Place = put("closed/key", "global", "").place;
        mesh.delete(place).await;
        edit(&mesh, vec![drop_grant("deny")]).await;
        edit(&mesh, vec![Edit::Put(deny.clone())]).await;
        last = mesh.put(put("closed/key", "global", "never to be read")).await.revision;
    }
    follower.reaches(last).await;
    over.store(true, Ordering::Relaxed);
    reading.await.expect("nothing was read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_starts_while_the_lead_is_away_enforces_the_rules_it_had() {
    let mut mesh = TestMesh::start().await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    mesh.put(put("open/key", "global", "open")).await;
    mesh.put(put("closed/key", "global", "closed")).await;
    let deny = grant("deny", "owner", Effect::Deny, stage::only("closed/key"));
    let denied = edit(&mesh, vec![Edit::Put(deny)]).await;
    follower.reaches(denied).await;
    follower.is_fresh().await;
    mesh.lead.stop().await;
    follower.stop().await;
    follower.start().await;
    assert_eq!(held(&follower), ["grant:deny", "grant:owner", "grant:socket-group"].map(str::to_owned).into());
    assert_eq!(follower.value(read("open/key", None)).await.expect("granted"), "open");
    let refused = follower.value(read("closed/key", None)).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
}

/// Before it has heard its lead once, a follower that was just made knows of nobody who may do anything but its owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_never_heard_its_lead_lets_only_its_own_admin_act() {
    let mut mesh = TestMesh::start().await;
    let token = mesh.token("vengeance", prod(&[])).await;
    let mut follower = mesh.stranger("vengeance");
    follower.join(&token).await.expect("joined");
    mesh.lead.stop().await;
    follower.start().await;
    assert_eq!(held(&follower), BTreeSet::new());
    let refused = follower.value(read("hubspot/api_key", None)).await;
    assert!(matches!(refused, Err(VaultError::NoRules)), "{refused:?}");
    let absent = follower.vault().read(&admin(), read("hubspot/api_key", None)).await;
    assert!(!matches!(absent, Err(VaultError::Denied { .. } | VaultError::NoRules)), "the owner is told what is so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_never_holds_an_article_that_names_a_company_or_an_environment_it_may_not_know() {
    let mesh = TestMesh::start().await;
    let mut follower = mesh.follower("vengeance", prod(&["acme-incorporated", "short-lived-company"])).await;
    let both = Reach {
        companies: companies(&["acme-incorporated", "globex-corporation"]),
        environments: Environments::Only(["prod", "secret-environment"].map(environment).into()),
        ..Reach::everything()
    };
    let elsewhere =
        Reach { environments: Environments::Only([environment("secret-environment")].into()), ..Reach::everything() };
    let passing = Reach { companies: companies(&["short-lived-company"]), ..Reach::everything() };
    let told = edit(
        &mesh,
        vec![
            Edit::Put(grant("both", "user:1000", Effect::Allow, both)),
            Edit::Put(grant("elsewhere", "user:1000", Effect::Allow, elsewhere)),
            Edit::Put(grant("of-another", "node:runpod-texas-seventeen", Effect::Allow, Reach::everything())),
            Edit::Put(grant("passing", "user:1000", Effect::Deny, passing)),
            Edit::Put(freeze("company:globex-corporation")),
            Edit::Put(freeze("node:runpod-texas-seventeen")),
            Edit::Put(freeze("company:short-lived-company")),
        ],
    )
    .await;
    follower.reaches(told).await;
    let names =
        ["freeze:company:short-lived-company", "grant:both", "grant:owner", "grant:passing", "grant:socket-group"];
    assert_eq!(held(&follower), names.map(str::to_owned).into());
    // What it may no longer know leaves it, and a lifted freeze says nothing to whom it never concerned.
    let lifted = edit(&mesh, vec![Edit::Drop(freeze("company:globex-corporation").id())]).await;
    follower.reaches(lifted).await;
    let entitled = prod(&["acme-incorporated"]);
    let entitled = mesh.lead.vault().entitle(&admin(), node("vengeance"), entitled).await.expect("entitled");
    acknowledged(&mesh, &follower, entitled).await;
    assert_eq!(held(&follower), ["grant:both", "grant:owner", "grant:socket-group"].map(str::to_owned).into());
    follower.stop().await;
    let (store, contents) = aurora_mesh::store::handle::Store::open(&follower.store_file()).await.expect("opens");
    store.close().await.expect("closes");
    let kept: BTreeSet<String> = contents.articles.iter().map(|article| article.id().to_string()).collect();
    assert_eq!(kept, ["grant:both", "grant:owner", "grant:socket-group"].map(str::to_owned).into());
    let narrowed = contents.articles.iter().find_map(|article| match article {
        Article::Grant(grant) if grant.name.as_str() == "both" => Some(grant.reach.clone()),
        Article::Grant(_) | Article::Agent(_) | Article::ApiKey(_) | Article::Freeze(_) => None,
    });
    let narrowed = narrowed.expect("it concerns the node");
    assert_eq!(narrowed.companies, aurora_mesh::model::company::Companies::Only([company("acme-incorporated")].into()));
    assert_eq!(narrowed.environments, Environments::Only([environment("prod")].into()));
    for name in ["globex-corporation", "secret-environment", "runpod-texas-seventeen", "short-lived-company"] {
        assert!(!raw::holds(&follower, name.as_bytes()), "{name} is in the file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_starts_again_keeps_its_rules_and_serves_them_on() {
    let mut mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    assert_eq!(held(&mesh.lead), ["grant:owner", "grant:socket-group"].map(str::to_owned).into());
    let kept = grant("kept", "user:1000", Effect::Allow, Reach::everything());
    let edited = edit(&mesh, vec![Edit::Put(kept), Edit::Put(freeze("mesh")), drop_grant("owner")]).await;
    follower.reaches(edited).await;
    let rules: BTreeSet<String> = ["freeze:mesh", "grant:kept", "grant:socket-group"].map(str::to_owned).into();
    assert_eq!((held(&mesh.lead), held(&follower)), (rules.clone(), rules.clone()));
    mesh.lead.stop().await;
    mesh.lead.start().await;
    assert_eq!(held(&mesh.lead), rules);
    let edited = edit(&mesh, vec![Edit::Drop(ArticleId::Freeze(aurora_mesh::model::freeze::FreezeTarget::Mesh))]).await;
    acknowledged(&mesh, &follower, edited).await;
    assert_eq!(held(&follower), ["grant:kept", "grant:socket-group"].map(str::to_owned).into());
}

/// A rule that another node could not read is not kept: it would be missing there, and nobody would know.
#[tokio::test]
async fn an_article_over_its_bounds_is_refused_and_none_of_its_company_is_kept() {
    let mesh = TestMesh::start().await;
    let before = held(&mesh.lead);
    let Article::Grant(long) = grant("long", "user:1000", Effect::Allow, Reach::everything()) else {
        panic!("a grant")
    };
    let long = Article::Grant(aurora_mesh::model::grant::Grant { reason: "x".repeat(2000), ..long });
    let fine = grant("fine", "user:1000", Effect::Allow, Reach::everything());
    let refused = mesh.lead.vault().edit_rules(&admin(), vec![Edit::Put(fine), Edit::Put(long)]).await;
    assert!(matches!(refused, Err(VaultError::BadRule(_))), "{refused:?}");
    assert_eq!(held(&mesh.lead), before);
    let denied = mesh.lead.vault().edit_rules(&agent(), vec![drop_grant("owner")]).await;
    assert!(matches!(denied, Err(VaultError::Denied { .. })), "{denied:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_gets_no_records_before_it_says_that_it_holds_the_rules() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let mut mallory = ByHand::connect(&mesh, &forge, &papers).await;
    let mut records = mallory.subscribe().await;
    mallory.is_served().await;
    assert!(ByHand::nothing_came(&mut records).await, "records before the rules were asked for");
    let (mut sender, mut receiver) = mallory.follow(None).await;
    let rules::FromLead::Articles(articles) = receiver.expect().await.expect("the rules");
    assert!(articles.whole && !articles.more);
    assert_eq!(articles.articles.len(), 2, "the starting grants");
    mallory.is_served().await;
    assert!(ByHand::nothing_came(&mut records).await, "records before the rules were held");
    let held = RulesHeld { epoch: articles.epoch, revision: articles.revision };
    sender.send(&rules::FromFollower::from(held)).await.expect("sent");
    let first = records.1.expect::<subscription::FromLead>().await.expect("records");
    assert!(matches!(first, subscription::FromLead::ScopeKeys(_) | subscription::FromLead::SnapshotBegin(_)));
    // Whoever comes back with what it holds is sent what changed since, and no more.
    let at = articles.position();
    edit(&mesh, vec![drop_grant("owner")]).await;
    let mut again = ByHand::connect(&mesh, &forge, &papers).await;
    let (_sender, mut receiver) = again.follow(Some(at)).await;
    let rules::FromLead::Articles(delta) = receiver.expect().await.expect("the change");
    assert!(!delta.whole && delta.previous == at.revision.get() && delta.articles.len() == 1, "{delta:?}");
    assert_eq!(Edit::try_from(delta.articles[0].clone()).expect("reads"), drop_grant("owner"));
}
