//! A member with real papers that tells what it has no business to tell.

use aurora_mesh::model::api_check::SERVICES_MAX;
use aurora_mesh::model::connectivity::ApiState;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::wire::api_check::{CellFrame, KeyFrame, MarkFrame};
use aurora_mesh::wire::connectivity::{Cells, Digest, FromFollower, TimeFrame};
use aurora_mesh::wire::control::{self, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::secret::{ScopeFrame, ScopeKind};

use super::stage::{hears, known, knows, matrix, service};
use crate::support::callers::node;
use crate::support::forge::{Papers, join_by_hand};
use crate::support::intruder::Deed::{Hear, Stream};
use crate::support::intruder::{Deed, Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, entitlement, prod};
use crate::support::wait::eventually;

fn cell(name: &str, keys: Vec<KeyFrame>) -> CellFrame {
    CellFrame { service: name.into(), serial: 1, path: None, keys, monitors: Vec::new(), spent_today: 0 }
}

fn key(kind: ScopeKind, id: &str, company: Option<&str>) -> KeyFrame {
    let scope = ScopeFrame { kind, id: id.into() };
    KeyFrame {
        company: company.map(Into::into),
        key: Some(MarkFrame { service: "openai".into(), key: "api_key".into(), scope, secret_id: 1, version: 1 }),
        verdict: None,
        detail: String::new(),
        response_us: None,
        checked_at_ms: None,
        expires: None,
    }
}

fn told(cells: Vec<CellFrame>) -> Deed {
    say::<FromFollower>(Cells { whole: true, more: false, cells, gone: Vec::new() })
}

fn digest() -> Deed {
    let confirmed = TimeFrame { at_ms: i64::MAX, now_ms: 0 };
    say::<FromFollower>(Digest { cells: 77, serials: 7, confirmed })
}

async fn session(mesh: &TestMesh, papers: &Papers) -> Intruder {
    let address = mesh.lead.running().address().expect("the lead listens");
    let mut mallory = dial(address, MEMBER, Some(papers)).await.expect("let in");
    let hello = Hello { versions: vec![5], build: "0.1.0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
    let greeting = [Stream, name_stream(StreamKind::Control), say::<control::FromFollower>(hello), Hear];
    mallory.act(greeting).await;
    mallory.act([Stream, name_stream(StreamKind::Connectivity)]).await;
    mallory
}

#[tokio::test]
async fn a_member_is_believed_about_itself_alone_and_no_more_than_it_may_hold() {
    let mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    hears(&alpha, "openai", ApiState::Healthy);
    knows(&mesh.lead, &["alpha/openai=healthy"]).await;
    let papers = join_by_hand(&mesh, "mallory", entitlement("prod", &["acme"], &["openai/*"])).await;
    let mut mallory = session(&mesh, &papers).await;
    let keys = vec![
        key(ScopeKind::Global, "", None),
        key(ScopeKind::Node, "alpha", None),
        key(ScopeKind::Company, "acme", Some("acme")),
        key(ScopeKind::Company, "globex", Some("globex")),
    ];
    mallory.act([told(vec![cell("openai", keys), cell("slack", Vec::new())]), digest()]).await;
    let row = eventually("mallory is heard", || async { matrix(&mesh.lead).row(&node("mallory")).cloned() }).await;
    assert_eq!(row.cells.keys().collect::<Vec<_>>(), [&service("openai")], "slack is none of its business");
    let scopes: Vec<_> = row.cells[&service("openai")].keys.iter().map(|key| key.key.clone()).collect();
    let scopes: Vec<_> = scopes.into_iter().flatten().map(|mark| mark.scope.to_string()).collect();
    assert_eq!(scopes, ["global", "company:acme"]);
    assert_eq!(known(&mesh.lead)[0], "alpha/openai=healthy", "nobody else's row moved");
}

#[tokio::test]
async fn a_member_that_tells_more_than_a_node_can_know_is_cut_off_and_nobody_notices() {
    let mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let many = |count: usize| (0..count).map(|number| cell(&format!("s{number}"), Vec::new())).collect::<Vec<_>>();
    let part = |from: usize| {
        let cells = many(from + 200).split_off(from);
        say::<FromFollower>(Cells { whole: true, more: true, cells, gone: Vec::new() })
    };
    let cases = [
        ("too many services", vec![told(many(SERVICES_MAX + 1))], "field cells: more than 256"),
        ("too many in parts", vec![part(0), part(200)], "more than 256 services"),
        ("a name that is none", vec![told(vec![cell("../openai", Vec::new())])], "not a service"),
    ];
    for (what, deeds, why) in cases {
        let mut mallory = session(&mesh, &papers).await;
        mallory.act(deeds).await;
        let ended = mallory.ended().await;
        let TransportError::Closed { code, reason } = &ended else { panic!("{what}: {ended:?}") };
        assert!(*code == CloseCode::ProtocolViolation && reason.contains(why), "{what}: {ended:?}");
    }
    hears(&alpha, "openai", ApiState::Down);
    eventually("the lead still listens to others", || async {
        known(&mesh.lead).contains(&"alpha/openai=down".to_owned()).then_some(())
    })
    .await;
}
