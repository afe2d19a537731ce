//! What came of a change, taken as what was asked for: said once, so that no caller lists what it did not ask for.

use std::sync::Arc;

use super::change::{Committed, CommittedSecret, KeyStep, LockedOut};
use crate::model::number::Revision;
use crate::model::roster::RosterEntry;

/// A change came out as another than was asked for: a fault of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a change came out as another: no {0}")]
pub struct Misfit(pub &'static str);

macro_rules! taken {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $type:ty, $what:literal;)+) => {
        impl Committed {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`Misfit`] for anything else.
                pub fn $name(self) -> Result<$type, Misfit> {
                    if let Self::$variant(made) = self { Ok(made) } else { Err(Misfit($what)) }
                }
            )+
        }
    };
}

taken! {
    /// The secret that was changed.
    secret: Secret -> CommittedSecret, "change of a secret";
    /// The secrets that were changed, in the order they were asked for.
    secrets: Secrets -> Vec<CommittedSecret>, "change of secrets";
    /// The node as it is now.
    node: Node -> Arc<RosterEntry>, "change of a node";
    /// The step that was made.
    keys: Keys -> KeyStep, "step of a rotation";
    /// What became of the node that was thrown out.
    locked_out: LockedOut -> LockedOut, "node thrown out";
    /// The revision of the new rulebook.
    rules: Rules -> Revision, "change of the rules";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_taken_as_what_it_is_and_as_nothing_else() {
        assert_eq!(Committed::Rules(Revision(7)).rules(), Ok(Revision(7)));
        assert_eq!(Committed::Rules(Revision(7)).secret(), Err(Misfit("change of a secret")));
        assert_eq!(Committed::Token.rules(), Err(Misfit("change of the rules")));
    }
}
