//! The controls of the checkers as they are wired: in a mesh in which all is well, one kind of observation is falsified, and
//! the checker it concerns must find it.

use aurora_mesh::model::number::{Revision, Version};
use aurora_mesh::model::secret::Scope;
use aurora_mesh::vault::answer::Served;

use crate::machine::FRESHNESS;
use crate::names::NODES;
use crate::told::{Answer, Given, What};
use crate::world::{Settings, run};

/// What is told falsely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// A value that is given out is an older one.
    OlderValue,
    /// It is another than was put.
    OtherValue,
    /// The versions that are given out go down.
    FallingVersion,
    /// Another node's value is given out.
    ForeignValue,
    /// What a follower gives out was vouched for long ago.
    TooOld,
    /// A node stands where it stood before.
    GoesBack,
    /// More was acknowledged than there is.
    Acknowledged,
    /// More was answered than the journal says.
    Answered,
}

impl Lie {
    /// What is told instead; the number of the question is one that nobody asked if that is the lie.
    pub fn tell(self, what: What) -> What {
        match what {
            What::Answer(id, Answer::Given(given)) => What::Answer(id, Answer::Given(self.given(given))),
            What::Answer(id, Answer::Stored { version, revision }) if self == Self::Acknowledged => {
                let version = Version::new(version.get() + 1_000).expect("positive");
                What::Answer(id, Answer::Stored { version, revision })
            }
            What::State(state) if self == Self::GoesBack && state.revision.0 % 4 == 3 => {
                let mut back = state;
                back.revision.0 -= 2;
                What::State(back)
            }
            told @ (What::Answer(..) | What::State(_) | What::Unfit(_) | What::NotStarted(_)) => told,
        }
    }

    fn given(self, given: Given) -> Given {
        match self {
            Self::OlderValue => Given { revision: Revision(0), ..given },
            Self::OtherValue => Given { value: format!("not {}", given.value), ..given },
            Self::FallingVersion => {
                let version = Version::new(1_000_000 - given.revision.0).expect("positive");
                Given { version, ..given }
            }
            Self::ForeignValue => {
                let mut given = given;
                given.at.scope = Scope::Node(NODES[2].clone());
                given
            }
            Self::TooOld if given.served != Served::Lead => {
                Given { age: given.age + FRESHNESS.ttl + FRESHNESS.max_stale, ..given }
            }
            Self::TooOld | Self::GoesBack | Self::Acknowledged | Self::Answered => given,
        }
    }
}

/// What the first of a few meshes in which this is told comes to.
fn found(lie: Lie) -> String {
    let mesh = |seed| run(&Settings { seed, followers: 1, lie: Some(lie), ..Settings::default() }).violation;
    let found = (2..12).find_map(mesh);
    found.unwrap_or_else(|| panic!("nobody found {lie:?}")).1
}

#[test]
fn whatever_is_told_falsely_is_found_by_the_checker_it_concerns() {
    for (lie, words) in [
        (Lie::OlderValue, "was acknowledged before"),
        (Lie::OtherValue, "was never put at"),
        (Lie::FallingVersion, "had version"),
        (Lie::ForeignValue, "which it may not hold"),
        (Lie::TooOld, "at an age of"),
        (Lie::GoesBack, "back to"),
        (Lie::Acknowledged, "was acknowledged, and there is"),
        (Lie::Answered, "is not in the journal"),
    ] {
        let what = found(lie);
        assert!(what.contains(words), "{lie:?}: {what}");
    }
}
