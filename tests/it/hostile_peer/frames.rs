//! A member with real papers that does not keep to the protocol.

use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::wire::control::{self, Heartbeat, Hello};
use aurora_mesh::wire::frame::{FRAME_BYTES_MAX, JOIN_FRAME_BYTES_MAX, encode};
use aurora_mesh::wire::open::{Open, Opening, StreamKind};
use aurora_mesh::wire::request::{self, Failed, FailureReason, Renew};
use aurora_mesh::wire::rules::{self, FollowRules, RulesHeld};
use aurora_mesh::wire::subscription::{self, Ack, Subscribe};
use aurora_mesh::wire::version;

use super::{Siege, is_closed};
use crate::support::forge::{Papers, join_by_hand};
use crate::support::intruder::Deed::{Bytes, Finish, Hear, Stream};
use crate::support::intruder::{Deed, Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

type Case = (&'static str, Vec<Deed>, CloseCode, &'static str);

#[tokio::test]
async fn a_member_that_sends_no_frames_is_dropped_with_a_reason_and_nobody_notices() {
    let opening = encode(&Opening::from(Open { kind: StreamKind::Control })).expect("encodes");
    let with_more = [&[0, 0, 0, 5][..], &opening[4..], &[0]].concat();
    let announced = |length: usize| u32::try_from(length).expect("short").to_be_bytes().to_vec();
    let in_control = |deed| [greeting(), vec![deed]].concat_all();
    let violation = CloseCode::ProtocolViolation;
    let cases: Vec<Case> = vec![
        ("garbage", vec![Stream, Bytes(b"\0\0\0\x08garbage!".to_vec())], violation, "malformed"),
        ("http", vec![Stream, Bytes(b"GET / HTTP/1.1\r\n\r\n".to_vec())], CloseCode::FrameTooLarge, "frame of"),
        ("no length", vec![Stream, Bytes(vec![0; 4])], violation, "malformed"),
        ("trailing bytes", vec![Stream, Bytes(with_more)], violation, "malformed"),
        ("another kind of stream", vec![Stream, Bytes(vec![0, 0, 0, 4, 1, 0, 1, 9])], violation, "malformed"),
        (
            "a long name of a stream",
            vec![Stream, Bytes(announced(JOIN_FRAME_BYTES_MAX + 1))],
            CloseCode::FrameTooLarge,
            "the limit is 4096",
        ),
        (
            "a long frame",
            in_control(Bytes(announced(FRAME_BYTES_MAX + 1))),
            CloseCode::FrameTooLarge,
            "the limit is 1048576",
        ),
        ("the longest frame", in_control(Bytes(vec![0xff; 4])), CloseCode::FrameTooLarge, "4294967295"),
        ("an unknown frame", in_control(Bytes(vec![0, 0, 0, 3, 1, 0x0f, 0xff])), violation, "number 4095"),
        (
            "half a frame",
            [greeting(), vec![Bytes(vec![0, 0, 1, 0, 1, 0]), Finish]].concat_all(),
            violation,
            "inside a frame",
        ),
        ("a text for terminals", hello_as(&version::offered(), "\u{1b}[2J"), violation, "printable"),
        ("no version in common", hello_as(&[77], "0.1.0"), CloseCode::VersionUnsupported, "versions"),
    ];
    Box::pin(besiege(cases)).await;
}

#[tokio::test]
async fn a_member_that_sends_frames_out_of_order_is_dropped_with_a_reason_and_nobody_notices() {
    use StreamKind::{Control, Rules, Subscription};
    let violation = CloseCode::ProtocolViolation;
    let second = |kind| vec![Stream, name_stream(kind)];
    let subscribed = || [greeting(), second(Subscription), vec![subscribe()]].concat_all();
    // No record comes before the rules, and a session without them is not heard of records.
    let following = || [greeting(), second(Rules), vec![follow(), Hear]].concat_all();
    let holding = |revision| say::<rules::FromFollower>(RulesHeld { epoch: 1, revision });
    let ack = |epoch, revision| say::<subscription::FromFollower>(Ack { epoch, revision });
    let cases: Vec<Case> = vec![
        ("subscribe before hello", second(Subscription), violation, "another stream before control"),
        ("heartbeat before hello", [second(Control), vec![heartbeat(0)]].concat_all(), violation, "than hello"),
        (
            "a second hello",
            [greeting(), vec![hello(&version::offered(), "0.1.0")]].concat_all(),
            violation,
            "a second hello",
        ),
        ("a second control stream", [greeting(), second(Control)].concat_all(), violation, "a second stream"),
        ("a second subscription", [subscribed(), second(Subscription)].concat_all(), violation, "a second stream"),
        ("subscribing twice", [subscribed(), vec![subscribe()]].concat_all(), violation, "a second subscribe"),
        (
            "an ack before subscribing",
            [greeting(), second(Subscription), vec![ack(1, 1)]].concat_all(),
            violation,
            "than subscribe",
        ),
        (
            "a heartbeat among acks",
            [subscribed(), vec![heartbeat(0)]].concat_all(),
            violation,
            "frame number 3 does not belong here",
        ),
        (
            "an ack of the future",
            [subscribed(), vec![ack(1, u64::MAX)]].concat_all(),
            violation,
            "an acknowledgement of what was not sent",
        ),
        ("rules before hello", second(Rules), violation, "another stream before control"),
        ("a second stream of rules", [following(), second(Rules)].concat_all(), violation, "a second stream"),
        ("following rules twice", [following(), vec![follow()]].concat_all(), violation, "a second time"),
        (
            "holding rules before following them",
            [greeting(), second(Rules), vec![holding(1)]].concat_all(),
            violation,
            "than what it holds of the rules",
        ),
        (
            "holding rules of the future",
            [following(), vec![holding(u64::MAX)]].concat_all(),
            violation,
            "an acknowledgement of rules that were not sent",
        ),
    ];
    Box::pin(besiege(cases)).await;
}

/// What a follower claims to hold ends in `versions --nodes`: a claim on the future would hold for every later change.
#[tokio::test]
async fn a_member_that_claims_to_hold_the_future_is_not_believed() {
    let siege = Siege::of(TestMesh::start().await).await;
    let mut mallory = Member::join(&siege).await.connect(&siege).await;
    mallory.act(greeting()).await;
    mallory.act([heartbeat(u64::MAX), Hear]).await;
    let line = eventually("mallory is heard of", || async {
        let nodes = siege.mesh.lead.vault().nodes(&crate::support::callers::admin()).await.expect("listed");
        nodes.into_iter().find(|line| line.name.as_str() == "mallory" && line.last_heard.is_some())
    })
    .await;
    assert_eq!(line.acknowledged, None);
    siege.nobody_noticed("a boast").await;
}

#[tokio::test]
async fn a_member_gets_no_certificate_for_another_key_than_its_own() {
    let siege = Siege::of(TestMesh::start().await).await;
    let mut mallory = Member::join(&siege).await.connect(&siege).await;
    mallory.act(greeting()).await;
    mallory.act([Stream, name_stream(StreamKind::Request)]).await;
    let other = NodeKey::generate().expect("a key").csr().expect("csr");
    for (id, csr) in [(1, other), (2, b"no request".to_vec())] {
        let ask = request::FromFollower::from(Renew { id, csr });
        let answer: request::FromLead = mallory.ask(&encode(&ask).expect("encodes")).await;
        assert_eq!(answer, Failed { id, reason: FailureReason::BadRequest }.into());
    }
    siege.nobody_noticed("false requests").await;
}

struct Member(Papers);

impl Member {
    async fn join(siege: &Siege) -> Self {
        Self(join_by_hand(&siege.mesh, "mallory", prod(&[])).await)
    }

    async fn connect(&self, siege: &Siege) -> Intruder {
        dial(siege.lead(), MEMBER, Some(&self.0)).await.expect("let in")
    }
}

async fn besiege(cases: Vec<Case>) {
    let siege = Siege::of(TestMesh::start().await).await;
    siege.nobody_noticed("nothing").await;
    let mallory = Member::join(&siege).await;
    for (what, deeds, code, why) in cases {
        let mut connection = mallory.connect(&siege).await;
        connection.act(deeds).await;
        let ended = connection.ended().await;
        assert!(is_closed(&ended, code, why), "{what}: {ended:?}");
    }
    siege.nobody_noticed("bad frames").await;
}

impl Intruder {
    /// Sends a whole frame on the newest stream and reads the whole answer.
    async fn ask<F: aurora_mesh::wire::frame::Frame>(&mut self, frame: &[u8]) -> F {
        self.newest().0.write_all(frame).await.expect("sent");
        self.hears().await
    }
}

/// A proper beginning: hello, and the welcome.
pub(super) fn greeting() -> Vec<Deed> {
    [hello_as(&version::offered(), "0.1.0"), vec![Hear]].concat_all()
}

fn hello_as(versions: &[u16], build: &str) -> Vec<Deed> {
    vec![Stream, name_stream(StreamKind::Control), hello(versions, build)]
}

fn hello(versions: &[u16], build: &str) -> Deed {
    let (versions, build) = (versions.to_vec(), build.to_owned());
    say::<control::FromFollower>(Hello { versions, build, epoch: 0, revision: 0, boot_id: [1; 16] })
}

pub(super) fn heartbeat(revision: u64) -> Deed {
    let heartbeat = Heartbeat { stamp: 1, revision, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
    say::<control::FromFollower>(heartbeat)
}

pub(super) fn follow() -> Deed {
    say::<rules::FromFollower>(FollowRules::from(None))
}

pub(super) fn subscribe() -> Deed {
    say::<subscription::FromFollower>(Subscribe { epoch: 0, revision: 0 })
}

pub(super) trait ConcatAll {
    fn concat_all(self) -> Vec<Deed>;
}

impl<const N: usize> ConcatAll for [Vec<Deed>; N] {
    fn concat_all(self) -> Vec<Deed> {
        self.into_iter().flatten().collect()
    }
}
