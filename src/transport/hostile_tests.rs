//! Who gets in and who does not, over loopback with real handshakes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::kx_group::{X25519, X25519MLKEM768};

use super::acceptor::Incoming;
use super::authority::{Authority, NODE_LIFETIME};
use super::close::CloseCode;
use super::endpoint::Endpoint;
use super::error::{Refusal, TransportError};
use super::node_key::NodeKey;
use super::testing::{
    BEACON, HEARTBEAT, MESH, Mesh, NOW, OddClient, answer_once, credentials, first_reply, identity, loopback, soon,
    trust,
};
use super::tls::{JoinTls, MemberTls};
use crate::model::identity::{KeyPin, Role};
use crate::wire::control::{FromFollower, FromLead};
use crate::wire::join::{Join, JoinAnswer, JoinAsk, Refused, RefusedReason};
use crate::wire::open::StreamKind;

/// Dials with these settings; the listener answers whomever it lets in.
async fn outcome(mesh: &mut Mesh, tls: &MemberTls) -> Result<FromLead, TransportError> {
    let address = mesh.address();
    let endpoint = Endpoint::dialling(loopback()).expect("binds");
    let serve = async {
        loop {
            if let Ok(Incoming::Member(member)) = mesh.acceptor.accept().await {
                answer_once(member).await;
            }
        }
    };
    soon(async {
        tokio::select! {
            reply = first_reply(&endpoint, address, tls) => reply,
            () = serve => unreachable!("serves for ever"),
        }
    })
    .await
}

fn refused_us(outcome: &Result<FromLead, TransportError>, wanted: Refusal) -> bool {
    matches!(outcome, Err(TransportError::PeerRefusedUs { refusal }) if *refusal == wanted)
}

fn we_refused(outcome: &Result<FromLead, TransportError>, wanted: Refusal) -> bool {
    matches!(outcome, Err(TransportError::WeRefusedPeer { refusal }) if *refusal == wanted)
}

#[tokio::test]
async fn a_member_and_the_lead_know_each_other_by_their_certificates() {
    let mut mesh = Mesh::start();
    let key = NodeKey::generate().expect("key");
    let tls = mesh.follower(&key);
    let endpoint = Endpoint::dialling(loopback()).expect("binds");
    let lead = soon(endpoint.connect(mesh.address(), &tls)).await.expect("the lead is proved");
    let member = mesh.member().await;
    assert_eq!(lead.identity(), &identity(Role::Lead, "aurora"));
    assert_eq!(member.identity(), &identity(Role::Follower, "vengeance"));
    assert_eq!(member.pin(), &key.pin());
    let answering = tokio::spawn(answer_once(member));
    let (mut sender, mut receiver) = lead.open_stream(StreamKind::Control).await.expect("opens");
    sender.send(&FromFollower::from(HEARTBEAT)).await.expect("sends");
    assert_eq!(soon(receiver.expect::<FromLead>()).await.expect("beacon"), FromLead::from(BEACON));
    lead.close(CloseCode::Done, "test is over");
    soon(answering).await.expect("ends");
}

#[tokio::test]
async fn a_node_of_another_authority_is_refused_by_the_lead_and_refuses_it() {
    let mut mesh = Mesh::start();
    let other = Authority::generate(&MESH, NOW).expect("authority");
    let key = NodeKey::generate().expect("key");
    let foreign = credentials(&other, &identity(Role::Follower, "vengeance"), &key);
    let clock = Arc::new(mesh.clock.clone());
    let gullible = MemberTls::new(&trust(&mesh.authority), &foreign, clock.clone()).expect("settings");
    let refused = outcome(&mut mesh, &gullible).await;
    assert!(refused_us(&refused, Refusal::ForeignAuthority), "{refused:?}");
    let careful = MemberTls::new(&trust(&other), &foreign, clock).expect("settings");
    let refused = outcome(&mut mesh, &careful).await;
    assert!(we_refused(&refused, Refusal::ForeignAuthority), "{refused:?}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_the_injected_clock() {
    let mut mesh = Mesh::start();
    let tls = mesh.follower(&NodeKey::generate().expect("key"));
    assert!(outcome(&mut mesh, &tls).await.is_ok());
    let late = NOW.plus(NODE_LIFETIME).plus(Duration::from_secs(2));
    mesh.clock.0.store(late.0, Ordering::SeqCst);
    let refused = outcome(&mut mesh, &tls).await;
    assert!(we_refused(&refused, Refusal::Expired), "{refused:?}");
    mesh.clock.0.store(NOW.0 - 3_600_000, Ordering::SeqCst);
    let refused = outcome(&mut mesh, &tls).await;
    assert!(we_refused(&refused, Refusal::Expired), "not valid yet: {refused:?}");
}

#[tokio::test]
async fn a_follower_that_listens_is_not_taken_for_a_lead() {
    let mut mesh = Mesh::start_as(Role::Follower, None);
    let tls = mesh.follower(&NodeKey::generate().expect("key"));
    let refused = outcome(&mut mesh, &tls).await;
    assert!(we_refused(&refused, Refusal::WrongRole), "{refused:?}");
}

#[tokio::test]
async fn a_member_with_another_key_than_the_pinned_one_is_refused() {
    let pinned = NodeKey::generate().expect("key");
    let mut mesh = Mesh::start_as(Role::Lead, Some(pinned.pin()));
    let tls = mesh.follower(&pinned);
    assert!(outcome(&mut mesh, &tls).await.is_ok());
    let tls = mesh.follower(&NodeKey::generate().expect("key"));
    let refused = outcome(&mut mesh, &tls).await;
    assert!(refused_us(&refused, Refusal::NotAdmitted), "{refused:?}");
}

/// rustls skips the client's certificate when it resumes a session. With resumption left on, a banned node that had been
/// connected once was served again. So the client here tries to resume.
#[tokio::test]
async fn a_second_connection_after_a_ban_is_refused() {
    let mut mesh = Mesh::start();
    let key = NodeKey::generate().expect("key");
    let credentials = credentials(&mesh.authority, &identity(Role::Follower, "vengeance"), &key);
    let resuming = OddClient { protocol: b"aurora/1", group: X25519MLKEM768, credentials: Some(credentials) };
    for tls in [resuming.dialling(&mesh), mesh.follower(&key)] {
        mesh.gate.open.store(true, Ordering::SeqCst);
        assert!(outcome(&mut mesh, &tls).await.is_ok());
        mesh.gate.open.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            let refused = outcome(&mut mesh, &tls).await;
            assert!(refused_us(&refused, Refusal::NotAdmitted), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_member_without_a_certificate_is_refused() {
    let mut mesh = Mesh::start();
    let anonymous = OddClient { protocol: b"aurora/1", group: X25519MLKEM768, credentials: None }.dialling(&mesh);
    let refused = outcome(&mut mesh, &anonymous).await;
    assert!(refused_us(&refused, Refusal::NoCertificate), "{refused:?}");
}

#[tokio::test]
async fn a_client_with_another_protocol_or_a_classical_key_exchange_is_refused() {
    let mut mesh = Mesh::start();
    let stranger = OddClient { protocol: b"h3", group: X25519MLKEM768, credentials: None }.dialling(&mesh);
    let refused = outcome(&mut mesh, &stranger).await;
    assert!(refused_us(&refused, Refusal::NoCommonProtocol), "{refused:?}");
    let classical = OddClient { protocol: b"aurora/1", group: X25519, credentials: None }.dialling(&mesh);
    let refused = outcome(&mut mesh, &classical).await;
    assert!(refused_us(&refused, Refusal::NoCommonProtocol), "{refused:?}");
}

#[tokio::test]
async fn renewed_credentials_are_shown_at_the_next_handshake() {
    let (old, new) = (NodeKey::generate().expect("key"), NodeKey::generate().expect("key"));
    let mut mesh = Mesh::start_as(Role::Lead, Some(new.pin()));
    let mine = credentials(&mesh.authority, &identity(Role::Follower, "vengeance"), &old);
    let tls = MemberTls::new(&trust(&mesh.authority), &mine, Arc::new(mesh.clock.clone())).expect("settings");
    assert!(refused_us(&outcome(&mut mesh, &tls).await, Refusal::NotAdmitted));
    let csr = new.csr().expect("csr");
    let leaf = mesh.authority.issue(&csr, &identity(Role::Follower, "vengeance"), NOW, NODE_LIFETIME).expect("leaf");
    assert!(mine.replace(std::slice::from_ref(&leaf), &old).is_err(), "another key's certificate");
    mine.replace(&[leaf], &new).expect("belong together");
    assert!(outcome(&mut mesh, &tls).await.is_ok());
    assert_eq!(mine.validity().expect("validity").until, NOW.plus(NODE_LIFETIME));
}

fn ask() -> JoinAsk {
    JoinAsk::from(Join { token_secret: [1; 32], csr: vec![0x30], sealing_key: [2; 32] })
}

#[tokio::test]
async fn a_joiner_asks_a_lead_of_the_pinned_authority_and_gets_its_answer() {
    let mut mesh = Mesh::start();
    let answer = JoinAnswer::from(Refused { reason: RefusedReason::UnknownToken });
    let tls = JoinTls::new(mesh.authority.pin(), Arc::new(mesh.clock.clone())).expect("settings");
    let endpoint = Endpoint::dialling(loopback()).expect("binds");
    let question = ask();
    let address = mesh.address();
    let serve = async {
        let Incoming::Join(joiner) = mesh.acceptor.accept().await.expect("accepts") else {
            panic!("a member where a joiner was expected")
        };
        let (asked, answering) = joiner.ask().await.expect("asks");
        answering.answer(&answer).await.expect("arrives");
        asked
    };
    let (got, asked) = soon(async { tokio::join!(endpoint.join(address, &tls, &question), serve) }).await;
    assert_eq!(got.expect("answered"), answer);
    assert_eq!(asked, question);
}

#[tokio::test]
async fn a_joiner_sends_nothing_to_a_lead_of_another_authority_or_to_a_follower() {
    for (role, pin) in [(Role::Lead, Some(KeyPin([9; 32]))), (Role::Follower, None)] {
        let mesh = Mesh::start_as(role, None);
        let pin = pin.unwrap_or(mesh.authority.pin());
        let tls = JoinTls::new(pin, Arc::new(mesh.clock.clone())).expect("settings");
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let refused = soon(endpoint.join(mesh.address(), &tls, &ask())).await.expect_err("refused");
        let wanted = if role == Role::Lead { Refusal::ForeignAuthority } else { Refusal::WrongRole };
        assert!(matches!(refused, TransportError::WeRefusedPeer { refusal } if refusal == wanted), "{refused:?}");
    }
}

/// Holding connections open must not keep a real joiner out.
#[tokio::test]
async fn the_oldest_idle_joiner_makes_room_for_a_new_one() {
    let mut mesh = Mesh::start();
    let idle = OddClient { protocol: b"aurora-join/1", group: X25519MLKEM768, credentials: None }.dialling(&mesh);
    let endpoint = Endpoint::dialling(loopback()).expect("binds");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..17 {
        theirs.push(soon(endpoint.connect(mesh.address(), &idle)).await.expect("the lead is proved"));
        let Incoming::Join(joiner) = soon(mesh.acceptor.accept()).await.expect("accepts") else { panic!("a member") };
        ours.push(joiner);
    }
    let first = soon(theirs.first().expect("dialled").closed()).await;
    assert!(matches!(first, TransportError::Closed { code: CloseCode::Busy, .. }), "{first:?}");
    drop(ours.pop());
    let last = soon(theirs.last().expect("dialled").closed()).await;
    assert!(matches!(last, TransportError::Closed { code: CloseCode::Done, .. }), "{last:?}");
}

#[tokio::test]
async fn an_acceptor_whose_endpoint_is_closed_says_so() {
    let mut mesh = Mesh::start();
    mesh.endpoint.close(CloseCode::ShuttingDown, "test");
    assert!(matches!(soon(mesh.acceptor.accept()).await, Err(TransportError::Stopped)));
}
