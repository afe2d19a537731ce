//! Access requests between a follower and the lead: asked, answered with a number, and listed. A follower says who asks among
//! its own callers; which node it is, and in which environment, the lead knows by itself.

use super::error::{FieldRule, WireError};
use crate::model::access::{AccessRequest, Asker, Listed, PRINCIPALS_MAX, Wish, askable, is_reason};
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::principal::Principal;
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

/// Most requests in one answer: with the longest texts they are well below what a frame takes. The newest are told.
pub const LISTED_MAX: usize = 500;

/// The right that is asked for, the plain form of [`Wish`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct WishFrame {
    /// `service/key_name`.
    pub secret: String,
    /// By the name that grants have for it.
    pub capability: String,
    /// On behalf of which company, if of any.
    pub company: Option<String>,
}

/// "One of my callers asks to be allowed this."
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct AskAccess {
    /// Ties the answer to the question.
    pub id: u64,
    /// What the caller acts as, whom a grant would name first; at most [`PRINCIPALS_MAX`].
    pub principals: Vec<String>,
    /// For what.
    pub wish: WishFrame,
    /// Why.
    pub reason: String,
}

/// "It is kept under this number."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct AccessNoted {
    /// Of the question.
    pub id: u64,
    /// The number of the request.
    pub number: u64,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// "What do my callers ask for?"
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ListAccess {
    /// Ties the answer to the question.
    pub id: u64,
    /// Only what this one asks for.
    pub principal: Option<String>,
}

/// One request of the node that asks, as the lead keeps it.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct AccessFrame {
    /// What it is called.
    pub number: u64,
    /// Whom a grant would name.
    pub principal: String,
    /// In which environment it was asked for.
    pub environment: String,
    /// For what.
    pub wish: WishFrame,
    /// Why.
    pub reason: String,
    /// When it was asked first, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether policy allows it by now.
    pub granted: bool,
}

/// The requests of the node that asks, the oldest first; at most [`LISTED_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct AccessList {
    /// Of the question.
    pub id: u64,
    /// The requests.
    pub requests: Vec<AccessFrame>,
}

impl From<&Wish> for WishFrame {
    fn from(wish: &Wish) -> Self {
        Self {
            secret: wish.secret.to_string(),
            capability: wish.capability.as_str().to_owned(),
            company: wish.company.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<&WishFrame> for Wish {
    type Error = WireError;

    fn try_from(frame: &WishFrame) -> Result<Self, WireError> {
        let unknown = WireError::Field { field: "capability", rule: FieldRule::Unknown };
        Ok(Self {
            secret: SecretName::parse(&frame.secret)?,
            capability: askable(&frame.capability).ok_or(unknown)?,
            company: frame.company.as_deref().map(CompanyId::parse).transpose()?,
        })
    }
}

impl AskAccess {
    /// The question about what one caller asks for.
    #[must_use]
    pub fn new(id: u64, principals: &[Principal], wish: &Wish, reason: &str) -> Self {
        let principals = principals.iter().take(PRINCIPALS_MAX).map(ToString::to_string).collect();
        Self { id, principals, wish: wish.into(), reason: reason.to_owned() }
    }

    /// Who asks on this node, for what, and why.
    ///
    /// # Errors
    /// [`WireError`] for what no node of ours would send.
    pub fn read(self, node: &NodeName) -> Result<(Asker, Wish, String), WireError> {
        let principals = asker(node, &self.principals)?;
        Ok((principals, Wish::try_from(&self.wish)?, reason(self.reason)?))
    }
}

impl ListAccess {
    /// Whose requests are asked for; of all callers of the node if of none.
    ///
    /// # Errors
    /// [`WireError`] for what no node of ours would send.
    pub fn principal(&self) -> Result<Option<Principal>, WireError> {
        Ok(self.principal.as_deref().map(Principal::parse).transpose()?)
    }
}

impl From<&Listed> for AccessFrame {
    fn from(listed: &Listed) -> Self {
        let request = &listed.request;
        Self {
            number: request.number,
            principal: request.asker.principal().to_string(),
            environment: request.environment.to_string(),
            wish: (&request.wish).into(),
            reason: request.reason.clone(),
            at_ms: request.at.0,
            granted: listed.granted,
        }
    }
}

impl AccessFrame {
    /// The request, of a caller on this node.
    ///
    /// # Errors
    /// [`WireError`] for what no lead of ours would send.
    pub fn read(self, node: &NodeName) -> Result<Listed, WireError> {
        let request = AccessRequest {
            number: self.number,
            asker: asker(node, std::slice::from_ref(&self.principal))?,
            environment: EnvironmentName::parse(&self.environment)?,
            wish: Wish::try_from(&self.wish)?,
            reason: reason(self.reason)?,
            at: Timestamp(self.at_ms),
        };
        Ok(Listed { request, granted: self.granted })
    }
}

impl AccessList {
    /// The newest requests that fit one answer.
    #[must_use]
    pub fn new(id: u64, listed: &[Listed]) -> Self {
        let beyond = listed.len().saturating_sub(LISTED_MAX);
        Self { id, requests: listed.iter().skip(beyond).map(AccessFrame::from).collect() }
    }
}

fn asker(node: &NodeName, principals: &[String]) -> Result<Asker, WireError> {
    let many = WireError::Field { field: "principals", rule: FieldRule::TooMany(PRINCIPALS_MAX) };
    if principals.len() > PRINCIPALS_MAX {
        return Err(many);
    }
    let principals = principals.iter().map(|text| Principal::parse(text)).collect::<Result<Vec<_>, _>>()?;
    // A grant names the first, and a caller of ours is a user, a unit, an agent or an admin before all else. A node that is
    // broken into must not have a grant proposed for a crowd, or for another node.
    if !principals.first().is_some_and(is_somebody) {
        return Err(WireError::Field { field: "principals", rule: FieldRule::Malformed });
    }
    Asker::new(node.clone(), &principals).filter(|asker| asker.principals().len() == principals.len()).ok_or(many)
}

fn is_somebody(principal: &Principal) -> bool {
    match principal {
        Principal::User(_) | Principal::UserNamed(_) | Principal::Unit(_) | Principal::Agent(_) | Principal::Admin => {
            true
        }
        Principal::Group(_)
        | Principal::GroupNamed(_)
        | Principal::Executable(_)
        | Principal::Node(_)
        | Principal::Owner
        | Principal::SocketGroup => false,
    }
}

fn reason(text: String) -> Result<String, WireError> {
    let malformed = WireError::Field { field: "reason", rule: FieldRule::Malformed };
    if is_reason(&text) { Ok(text) } else { Err(malformed) }
}

#[cfg(test)]
impl AskAccess {
    /// What the tests of this room use.
    pub(super) fn sample() -> Self {
        let wish = WishFrame {
            secret: "openai/api_key".to_owned(),
            capability: "data_read".to_owned(),
            company: Some("acme".to_owned()),
        };
        Self { id: 2, principals: vec!["agent:a".to_owned()], wish, reason: "x y".to_owned() }
    }
}

#[cfg(test)]
impl AccessList {
    /// What the tests of this room use.
    pub(super) fn sample() -> Self {
        let AskAccess { wish, reason, .. } = AskAccess::sample();
        let request = AccessFrame {
            number: 7,
            principal: "user:1000".to_owned(),
            environment: "prod".to_owned(),
            wish: WishFrame { company: None, ..wish },
            reason,
            at_ms: 1,
            granted: true,
        };
        Self { id: 3, requests: vec![request] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::access::{PRINCIPALS_BYTES_MAX, REASON_BYTES_MAX};

    fn node() -> NodeName {
        NodeName::parse("alpha").expect("a name")
    }

    fn refused(change: impl FnOnce(&mut AskAccess)) -> String {
        let mut frame = AskAccess::sample();
        change(&mut frame);
        frame.read(&node()).expect_err("refused").to_string()
    }

    #[test]
    fn a_request_travels_both_ways() {
        let (asker, wish, reason) = AskAccess::sample().read(&node()).expect("reads");
        assert_eq!(AskAccess::new(2, asker.principals(), &wish, &reason), AskAccess::sample());
        let listed = AccessList::sample().requests.remove(0).read(&node()).expect("reads");
        assert_eq!(AccessList::new(3, std::slice::from_ref(&listed)), AccessList::sample());
        assert_eq!(AccessList::new(3, &vec![listed; LISTED_MAX + 1]).requests.len(), LISTED_MAX);
    }

    #[test]
    fn what_no_node_would_send_is_refused() {
        let many = vec!["user:1".to_owned(); PRINCIPALS_MAX + 1];
        assert!(refused(|frame| frame.principals = many).starts_with("field principals"));
        assert!(refused(|frame| frame.principals = vec![]).starts_with("field principals"));
        let long = vec![format!("exe:/{}", "a".repeat(PRINCIPALS_BYTES_MAX))];
        assert!(refused(|frame| frame.principals = long).starts_with("field principals"));
        assert!(refused(|frame| frame.wish.capability = "system_admin".into()).starts_with("field capability"));
        for hostile in ["", "a\nb", &"x".repeat(REASON_BYTES_MAX + 1)] {
            assert!(refused(|frame| frame.reason = hostile.into()).starts_with("field reason"), "{hostile:?}");
        }
        for hostile in ["", "../a", "A/b", "a"] {
            assert!(!refused(|frame| frame.wish.secret = hostile.into()).is_empty());
        }
        refused(|frame| frame.principals = vec!["root".into()]);
        for crowd in ["socket-group", "owner", "group:100", "group:staff", "node:beta"] {
            assert!(refused(|frame| frame.principals = vec![crowd.into()]).starts_with("field principals"), "{crowd}");
            let besides = vec!["user:1".into(), crowd.into()];
            let frame = AskAccess { principals: besides, ..AskAccess::sample() };
            assert!(frame.read(&node()).is_ok(), "{crowd} besides");
        }
        refused(|frame| frame.wish.company = Some("../x".into()));
        let principal = Some("nobody".to_owned());
        assert!(ListAccess { id: 1, principal }.principal().is_err());
    }
}
