//! Peers that do nothing wrong but take room.

use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::wire::control::{self, Hello};
use aurora_mesh::wire::frame::FRAME_BYTES_MAX;
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::version;

use super::{Siege, is_closed};
use crate::support::forge::join_by_hand;
use crate::support::intruder::{Deed, JOINER, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, prod};

/// More strangers than the lead has room for.
const CROWD: usize = 24;

/// Enough that a buffer of the announced size for each would be felt.
const ANNOUNCERS: usize = 16;

#[tokio::test]
async fn a_crowd_of_silent_strangers_keeps_neither_members_nor_joiners_out() {
    let siege = Siege::of(TestMesh::start().await).await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(dial(siege.lead(), JOINER, None).await.expect("anyone may ask"));
    }
    let first = crowd.first().expect("dialled").ended().await;
    assert!(is_closed(&first, CloseCode::Busy, ""), "{first:?}");
    let newcomer = siege.mesh.follower("gamma", prod(&[])).await;
    newcomer.is_fresh().await;
    siege.nobody_noticed("a crowd").await;
}

#[tokio::test]
async fn members_that_announce_a_frame_and_never_send_it_hold_nobody_up() {
    let siege = Siege::of(TestMesh::start().await).await;
    let mut members = Vec::new();
    for index in 0..ANNOUNCERS {
        members.push(join_by_hand(&siege.mesh, &format!("slow-{index}"), prod(&[])).await);
    }
    let mut connections = Vec::new();
    for papers in &members {
        let mut connection = dial(siege.lead(), MEMBER, Some(papers)).await.expect("let in");
        let announced = u32::try_from(FRAME_BYTES_MAX).expect("short").to_be_bytes();
        let hello =
            Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [0; 16] };
        let deeds = [
            Deed::Stream,
            name_stream(StreamKind::Control),
            say::<control::FromFollower>(hello),
            Deed::Hear,
            Deed::Bytes([&announced[..], &[1]].concat()),
        ];
        connection.act(deeds).await;
        connections.push(connection);
    }
    siege.nobody_noticed("announcements").await;
    assert!(connections.iter().all(|member| member.connection.close_reason().is_none()), "they have 30 s");
}
