//! Access requests: somebody asks for a right that it does not have, and whoever manages the policy sees it.
//!
//! A request grants nothing. It names a secret whether there is one or not: who asks learns nothing from having asked.

use super::actions::{Action, Capability};
use super::name::{CompanyId, EnvironmentName, NodeName};
use super::principal::Principal;
use super::secret::SecretName;
use super::time::Timestamp;

/// Longest reason, in bytes: one line of a list.
pub const REASON_BYTES_MAX: usize = 256;

/// Most principals that are kept of whoever asks: a caller has a user, a few groups, a unit and a program.
pub const PRINCIPALS_MAX: usize = 16;

/// Most bytes of their texts together, so that a thousand requests stay well below what a row of the store takes.
pub const PRINCIPALS_BYTES_MAX: usize = 512;

/// What can be asked for: the capabilities that are about one secret.
pub const ASKABLE: [Capability; 4] =
    [Capability::DataQuery, Capability::DataRead, Capability::DataWrite, Capability::IntegrationExecute];

/// The right that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// To what.
    pub secret: SecretName,
    /// Which; one of [`ASKABLE`].
    pub capability: Capability,
    /// On behalf of which company, if of any.
    pub company: Option<CompanyId>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// On which node.
    pub node: NodeName,
    /// What it acts as there; the first is whom a grant would name. At least one, within the bounds of this file.
    principals: Vec<Principal>,
}

/// One request, as the lead keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest {
    /// What it is called; never given to another.
    pub number: u64,
    /// Who asks.
    pub asker: Asker,
    /// In which environment: that of the node.
    pub environment: EnvironmentName,
    /// For what.
    pub wish: Wish,
    /// Why, in the words of whoever asks.
    pub reason: String,
    /// When it was asked first.
    pub at: Timestamp,
}

/// A request beside what policy says of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The request.
    pub request: AccessRequest,
    /// Whether policy allows by now what it asks for.
    pub granted: bool,
}

impl Asker {
    /// Who asks, by as many principals as are kept; `None` without any, or if not even the first can be.
    #[must_use]
    pub fn new(node: NodeName, principals: &[Principal]) -> Option<Self> {
        let mut bytes = 0;
        let fits = |principal: &&Principal| {
            bytes += principal.to_string().len();
            bytes <= PRINCIPALS_BYTES_MAX
        };
        let principals: Vec<_> = principals.iter().take(PRINCIPALS_MAX).take_while(fits).cloned().collect();
        (!principals.is_empty()).then_some(Self { node, principals })
    }

    /// Whom a grant would name.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        self.principals.first().expect("there is at least one")
    }

    /// All it is known to act as.
    #[must_use]
    pub fn principals(&self) -> &[Principal] {
        &self.principals
    }
}

impl AccessRequest {
    /// Whether it asks for the same as another, whatever the reason.
    #[must_use]
    pub fn is_same(&self, asker: &Asker, wish: &Wish) -> bool {
        self.asker.node == asker.node && self.asker.principal() == asker.principal() && self.wish == *wish
    }
}

/// The capability of this name, if it can be asked for.
#[must_use]
pub fn askable(name: &str) -> Option<Capability> {
    ASKABLE.into_iter().find(|capability| capability.as_str() == name)
}

/// The deed by which it is decided whether somebody has a capability: grants hold whole capabilities, never parts of one.
#[must_use]
pub fn deed_of(capability: Capability) -> Action {
    let of_it = Action::ALL.iter().copied().find(|action| action.capability() == capability);
    of_it.expect("every capability has actions")
}

/// Whether a text is a reason: one line that says something.
#[must_use]
pub fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= REASON_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> NodeName {
        NodeName::parse("alpha").expect("a name")
    }

    #[test]
    fn of_whoever_asks_as_much_is_kept_as_there_is_room_for_and_never_nothing() {
        let long = Principal::parse(&format!("exe:/{}", "a".repeat(PRINCIPALS_BYTES_MAX))).expect("a principal");
        let user = Principal::User(1000);
        let asker = Asker::new(node(), &[user.clone(), long.clone(), Principal::Owner]).expect("there is a user");
        assert_eq!((asker.principal(), asker.principals().len()), (&user, 1));
        let groups: Vec<_> = (0..100).map(Principal::Group).collect();
        assert_eq!(Asker::new(node(), &groups).expect("many").principals().len(), PRINCIPALS_MAX);
        assert_eq!((Asker::new(node(), &[]), Asker::new(node(), &[long])), (None, None));
    }

    #[test]
    fn what_can_be_asked_for_is_about_one_secret() {
        assert_eq!(askable("data_read"), Some(Capability::DataRead));
        for refused in ["system_admin", "agent_impersonate", "event_publish", "Data_Read", ""] {
            assert_eq!(askable(refused), None, "{refused}");
        }
        for capability in ASKABLE {
            assert_eq!(deed_of(capability).capability(), capability);
        }
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert!(is_reason("nightly report") && is_reason(&"a".repeat(REASON_BYTES_MAX)));
        for refused in ["", "  ", "a\nb", "a\u{1b}[2J", &"a".repeat(REASON_BYTES_MAX + 1)] {
            assert!(!is_reason(refused), "{refused:?}");
        }
    }
}
