//! Whoever is not the lead cannot make a node wipe itself, whatever it says.

use std::sync::Arc;

use aurora_mesh::model::identity::{KeyPin, Role};
use aurora_mesh::transport::acceptor::{Acceptor, Incoming};
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::spiffe::PeerIdentity;
use aurora_mesh::transport::tls::{Admission, Admittance, LeadTls};
use aurora_mesh::wire::join::{JoinAnswer, Refused, RefusedReason};

use super::stage::{NAME, VALUE, stage};
use crate::support::callers::{put, read};
use crate::support::clock::MovableClock;
use crate::support::forge::{Forge, Papers};
use crate::support::log::Log;
use crate::support::wait::eventually;

/// Calls everybody banned, or lets everybody in.
struct Says(Admittance);

impl Admission for Says {
    fn judge(&self, _: &PeerIdentity, _: &KeyPin) -> Admittance {
        self.0
    }
}

fn listen(forge: &Forge, papers: &Papers, says: Admittance) -> (Endpoint, Acceptor) {
    let clock = Arc::new(MovableClock::new());
    let tls = LeadTls::new(&forge.trust(), &papers.credentials(), Arc::new(Says(says)), clock).expect("settings");
    Endpoint::listening(([127, 0, 0, 1], 0).into(), tls).expect("binds")
}

/// Whom it lets in it calls banned by the code it closes with; whoever asks to join, by its answer.
async fn call_banned(mut acceptor: Acceptor) {
    while let Ok(incoming) = acceptor.accept().await {
        match incoming {
            Incoming::Member(member) => member.close(CloseCode::Banned, "you are banned"),
            Incoming::Join(joiner) => {
                if let Ok((_, answering)) = joiner.ask().await {
                    let banned = JoinAnswer::from(Refused { reason: RefusedReason::Banned });
                    drop(answering.answer(&banned).await);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_lead_of_another_authority_or_a_follower_that_listens_makes_nobody_wipe_its_cache() {
    let (mut mesh, mut follower) = stage().await;
    let own = Forge::of(&mut mesh.lead).await;
    let elsewhere = Forge::impostor(own.mesh);
    let real = follower.config.mesh.leads.clone();
    let cases = [
        (&elsewhere, Role::Lead, "aurora", "not of this mesh's authority"),
        (&own, Role::Follower, "mallory", "the certificate's role does not fit"),
    ];
    for (forge, role, name, why) in cases {
        for says in [Admittance::Banned, Admittance::Member] {
            let papers = forge.papers(role, name);
            let (endpoint, acceptor) = listen(forge, &papers, says);
            let answering = tokio::spawn(call_banned(acceptor));
            follower.stop().await;
            follower.config.mesh.leads = vec![endpoint.local_address().expect("bound").to_string()];
            let log = Log::capture();
            follower.start().await;
            eventually(why, || async { (!log.lines_with(why).is_empty()).then_some(()) }).await;
            assert_eq!(follower.value(read(NAME, None)).await.expect("still served"), VALUE);
            answering.abort();
        }
    }
    follower.stop().await;
    follower.config.mesh.leads = real;
    follower.start().await;
    let stored = mesh.put(put(NAME, "global", "newer")).await;
    follower.reaches(stored.revision).await;
    assert_eq!(follower.value(read(NAME, None)).await.expect("followed again"), "newer");
}

/// The end of a connection is a hint: the lead is asked, and what it says counts.
#[tokio::test]
async fn a_close_code_and_an_alert_alone_are_not_believed() {
    let (mut mesh, mut follower) = stage().await;
    let forge = Forge::of(&mut mesh.lead).await;
    let papers = forge.papers(Role::Lead, "aurora");
    let real = follower.config.mesh.leads.clone();
    for says in [Admittance::Banned, Admittance::Member] {
        // It has the real key and does not answer what is asked at the join desk.
        let (endpoint, mut acceptor) = listen(&forge, &papers, says);
        let mut asked = Box::pin(async {
            loop {
                match acceptor.accept().await.expect("accepts") {
                    Incoming::Member(member) => member.close(CloseCode::Banned, "you are banned"),
                    Incoming::Join(joiner) => return drop(joiner.ask().await.expect("asks")),
                }
            }
        });
        follower.stop().await;
        follower.config.mesh.leads = vec![endpoint.local_address().expect("bound").to_string()];
        follower.start().await;
        tokio::time::timeout(std::time::Duration::from_secs(20), &mut asked).await.expect("the follower asks");
        assert_eq!(follower.value(read(NAME, None)).await.expect("still served"), VALUE);
    }
    follower.stop().await;
    follower.config.mesh.leads = real;
    follower.start().await;
    let stored = mesh.put(put(NAME, "global", "newer")).await;
    follower.reaches(stored.revision).await;
}
