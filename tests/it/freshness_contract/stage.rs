//! A lead and one follower whose clock is held, so that its copy grows old only when the test says so.

use std::time::Duration;

use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::metadata::SecretOptions;
use aurora_mesh::model::patch::{Patch, Wish};
use aurora_mesh::model::time::{Clock, Timestamp};
use aurora_mesh::vault::answer::{ReadAnswer, Served};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{PutRequest, ReadRequest};

use crate::support::callers::{put, read, secret};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

pub const TTL: Duration = Duration::from_secs(5);
const MAX_STALE: Duration = Duration::from_secs(10);

/// The age at which a copy is given out for the last time.
pub const CLOSES: Duration = Duration::from_secs(15);

/// The grain of the wall clock: one step beyond a boundary.
pub const A_MOMENT: Duration = Duration::from_millis(1);

/// How old the contact on disk may be when a newer one is known: a tenth of `TTL`.
pub const WRITTEN_EVERY: Duration = Duration::from_millis(500);

/// The secret every stage has.
pub const NAME: &str = "hubspot/api_key";

pub struct Stage {
    pub mesh: TestMesh,
    pub follower: TestNode,
}

impl Stage {
    /// One secret on both nodes, vouched for at the very instant at which the follower's clock is held.
    pub async fn set() -> Self {
        let mesh = TestMesh::with_freshness(FreshnessPolicy { ttl: TTL, max_stale: MAX_STALE }).await;
        let follower = mesh.follower("vengeance", prod(&[])).await;
        let stage = Self { mesh, follower };
        stage.put(NAME, SecretOptions::default()).await;
        stage.follower.clock.hold();
        stage.vouched_for_now().await;
        stage
    }

    /// Stores a secret with durations of its own, and waits until the follower has it.
    pub async fn put(&self, name: &str, options: SecretOptions) {
        let wish = |duration: Option<Duration>| duration.map_or(Wish::Clear, Wish::Set);
        let (ttl, max_stale) = (wish(options.ttl), wish(options.max_stale));
        let patch = Patch { ttl, max_stale, offline: Wish::Set(options.offline), ..Patch::default() };
        let stored = self.mesh.put(PutRequest { patch, ..put(name, "global", "not-a-real-key") }).await;
        self.follower.reaches(stored.revision).await;
    }

    pub async fn lead_stops(&mut self) {
        self.vouched_for_now().await;
        self.mesh.lead.stop().await;
    }

    /// The lead starts again, and has vouched for the follower's copy at this instant.
    pub async fn lead_returns(&mut self) {
        self.mesh.lead.start().await;
        self.vouched_for_now().await;
    }

    pub async fn follower_restarts(&mut self) {
        self.follower.stop().await;
        self.follower.start().await;
    }

    /// The machine of the follower goes down and comes up with another boot id and its boot clock at zero.
    pub async fn follower_reboots(&mut self) {
        self.follower.stop().await;
        self.follower.clock.reboot();
        self.follower.start().await;
    }

    /// Moves the follower's clocks so that its copy is exactly this old.
    pub fn grows_to(&self, age: Duration) {
        let now = self.age().expect("an age that is known");
        self.follower.clock.advance(age.checked_sub(now).expect("a copy only grows older"));
        assert_eq!(self.age(), Some(age));
    }

    pub async fn read(&self, name: &str) -> Result<ReadAnswer, VaultError> {
        self.follower.read(read(name, None)).await
    }

    /// How the secret of the stage is given out now.
    pub async fn served(&self) -> (Served, Duration) {
        let freshness = self.read(NAME).await.expect("given out").freshness;
        (freshness.served, freshness.age)
    }

    /// The wall clock of the follower when the lead last vouched for its copy.
    pub fn last_contact(&self) -> Timestamp {
        let age = i64::try_from(self.age().expect("an age that is known").as_millis()).expect("a short time");
        Timestamp(self.follower.clock.now().wall.0 - age)
    }

    fn age(&self) -> Option<Duration> {
        self.follower.vault().health().lead_last_heard
    }

    /// Returns once the lead has answered a question that was asked at the held instant.
    async fn vouched_for_now(&self) {
        let ask = ReadRequest { refresh: true, ..read(NAME, None) };
        eventually("the lead vouches for the copy at the held instant", || async {
            match self.follower.read(ask.clone()).await {
                Ok(_) | Err(VaultError::NotFound { .. }) => Some(()),
                Err(_) => None,
            }
        })
        .await;
        assert_eq!(self.age(), Some(Duration::ZERO));
    }
}

/// How the secret of the stage is given out once its copy is this old.
pub async fn served_at(stage: &Stage, age: Duration) -> (Served, Duration) {
    stage.grows_to(age);
    stage.served().await
}

/// The refusal names the secret, its age and the last contact.
pub async fn assert_closed(stage: &Stage, name: &str, expected: Option<Duration>) {
    let refused = stage.read(name).await.expect_err("too old");
    let VaultError::StaleCache { name: named, age, last_contact } = refused else { panic!("{refused:?}") };
    assert_eq!((named, age), (secret(name), expected));
    let last_contact = last_contact.expect("there was one");
    if expected.is_some() {
        // The wall clock is kept in whole milliseconds, the boot clock is not: they may round apart.
        let apart = (last_contact.0 - stage.last_contact().0).abs();
        assert!(apart <= 1, "{last_contact} is not the last contact, but {apart} ms off");
    }
}
