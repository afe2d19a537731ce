//! The articles that simulated meshes use: one grant that opens everything to the readers, denies, and freezes.

use std::sync::LazyLock;

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::article::Article;
use aurora_mesh::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::GrantName;
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::reach::Reach;
use aurora_mesh::model::time::Timestamp;

static READERS: LazyLock<Article> = LazyLock::new(|| grant("readers", Effect::Allow, Reach::everything()));
static CLOSED: LazyLock<Article> = LazyLock::new(|| {
    let secrets = vec![SecretGlob::parse("openai/*").expect("a glob")];
    grant("closed", Effect::Deny, Reach { secrets, ..Reach::everything() })
});

/// The grant that lets everybody read what the node holds.
pub fn readers() -> Article {
    READERS.clone()
}

/// A deny of one service.
pub fn closed() -> Article {
    CLOSED.clone()
}

/// A freeze of everything that is done with this.
pub fn freeze(target: FreezeTarget) -> Article {
    let (reason, frozen_by) = ("drill".to_owned(), "admin".to_owned());
    Article::Freeze(Freeze { target, level: FreezeLevel::All, reason, frozen_by, frozen_at: Timestamp(0) })
}

fn grant(name: &str, effect: Effect, reach: Reach) -> Article {
    Article::Grant(Grant {
        name: GrantName::parse(name).expect("a name"),
        principal: Principal::SocketGroup,
        capabilities: [Capability::DataRead].into(),
        reach,
        expires_at: Expiry::Never,
        effect,
        granted_by: "admin".to_owned(),
        granted_at: Timestamp(0),
        reason: "drill".to_owned(),
    })
}
