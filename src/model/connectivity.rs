//! What a check of an API can come to, and what that says about the API and about the credential.
//!
//! Two questions are kept apart: whether the API works from here (a state, with a cause if it does not), and whether the
//! credential is good (a validation). A key that the provider refuses says nothing against the provider, and a network that
//! is down says nothing against the key.

/// Whether an API works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiState {
    /// It does.
    Healthy,
    /// In part, or not for everybody.
    Degraded,
    /// It does not.
    Down,
}

impl ApiState {
    /// Every state, the best first.
    pub const ALL: [Self; 3] = [Self::Healthy, Self::Degraded, Self::Down];

    /// `healthy`, `degraded` or `down`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }

    /// Reads the word for a state.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What keeps a call from reaching the host, or its answer from coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathFault {
    /// The name has no address.
    Dns,
    /// Nobody answers at the address, or the connection was refused.
    Connect,
    /// The other end did not prove to be the host.
    Tls,
    /// No answer in time.
    Timeout,
    /// The name leads to an address that calls may not go to: a private, local or metadata one.
    Forbidden,
    /// The connection broke, or what came was no answer.
    Broken,
}

impl PathFault {
    /// Every fault.
    pub const ALL: [Self; 6] = [Self::Dns, Self::Connect, Self::Tls, Self::Timeout, Self::Forbidden, Self::Broken];

    /// `dns`, `connect`, `tls`, `timeout`, `forbidden` or `broken`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Forbidden => "forbidden",
            Self::Broken => "broken",
        }
    }
}

/// Why an API does not work, or only in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The provider refuses the key.
    KeyRejected,
    /// The provider knows the key, which may not do what was asked.
    ScopeMissing,
    /// The quota is used up, or calls came too fast.
    Quota,
    /// The provider answers with a fault of its own, or with nothing it should.
    ProviderFault,
    /// The host is not reached.
    PathFault(PathFault),
    /// There is no credential to call it with.
    NoCredential,
}

impl Cause {
    /// `key_rejected`, `scope_missing`, `quota`, `provider_fault`, `path_fault` or `no_credential`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyRejected => "key_rejected",
            Self::ScopeMissing => "scope_missing",
            Self::Quota => "quota",
            Self::ProviderFault => "provider_fault",
            Self::PathFault(_) => "path_fault",
            Self::NoCredential => "no_credential",
        }
    }

    /// What is wrong with the path, if it is the path.
    #[must_use]
    pub fn path_fault(self) -> Option<PathFault> {
        match self {
            Self::PathFault(fault) => Some(fault),
            Self::KeyRejected | Self::ScopeMissing | Self::Quota | Self::ProviderFault | Self::NoCredential => None,
        }
    }
}

/// What one check of a credential came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The provider took the credential and did what was asked.
    Accepted,
    /// The provider knows the credential, which may not do what was asked.
    Limited,
    /// The provider knows the credential, whose quota is used up.
    Exhausted,
    /// The provider answers so many calls no more; nothing was learnt about the credential.
    Throttled,
    /// The provider refuses the credential.
    Rejected,
    /// The provider answered with a fault of its own, or with nothing it should; nothing was learnt about the credential.
    Fault,
    /// The host was not reached; nothing was learnt about the credential.
    NoPath(PathFault),
    /// There is none, or a part of it is missing.
    NoCredential,
    /// No harmless check of it is known, so none was made.
    Unsupported,
}

impl Verdict {
    /// Whether the API works with it; `None` if this says nothing about that.
    #[must_use]
    pub fn state(self) -> Option<ApiState> {
        match self {
            Self::Accepted => Some(ApiState::Healthy),
            Self::Limited | Self::Exhausted | Self::Throttled => Some(ApiState::Degraded),
            Self::Rejected | Self::Fault | Self::NoPath(_) | Self::NoCredential => Some(ApiState::Down),
            Self::Unsupported => None,
        }
    }

    /// Why it does not work, or only in part.
    #[must_use]
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::Accepted | Self::Unsupported => None,
            Self::Limited => Some(Cause::ScopeMissing),
            Self::Exhausted | Self::Throttled => Some(Cause::Quota),
            Self::Rejected => Some(Cause::KeyRejected),
            Self::Fault => Some(Cause::ProviderFault),
            Self::NoPath(fault) => Some(Cause::PathFault(fault)),
            Self::NoCredential => Some(Cause::NoCredential),
        }
    }

    /// Whether the credential is good. A key whose scope or quota does not suffice is: the provider knows it.
    #[must_use]
    pub fn validation(self) -> Validation {
        match self {
            Self::Accepted | Self::Limited | Self::Exhausted => Validation::Valid,
            Self::Rejected => Validation::Rejected,
            Self::Throttled | Self::Fault | Self::NoPath(_) => Validation::Unreachable,
            Self::NoCredential | Self::Unsupported => Validation::Unsupported,
        }
    }
}

/// Whether a credential is good, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validation {
    /// The provider takes it.
    Valid,
    /// The provider refuses it.
    Rejected,
    /// The provider could not be asked, or did not say.
    Unreachable,
    /// There is no harmless way to ask.
    Unsupported,
}

impl Validation {
    /// `valid`, `rejected`, `unreachable` or `unsupported`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::Unsupported => "unsupported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_rejected_is_never_called_so() {
        let others = [Verdict::Limited, Verdict::Exhausted, Verdict::Throttled, Verdict::Fault, Verdict::NoCredential];
        let faults = PathFault::ALL.map(Verdict::NoPath);
        for verdict in others.into_iter().chain(faults).chain([Verdict::Unsupported, Verdict::Accepted]) {
            assert_ne!(verdict.validation(), Validation::Rejected, "{verdict:?}");
            assert_ne!(verdict.cause(), Some(Cause::KeyRejected), "{verdict:?}");
        }
        assert_eq!(Verdict::Rejected.validation(), Validation::Rejected);
        assert_ne!(Verdict::Unsupported.validation(), Validation::Valid);
    }

    #[test]
    fn whatever_does_not_work_has_a_cause() {
        for verdict in [Verdict::Limited, Verdict::Throttled, Verdict::Rejected, Verdict::NoPath(PathFault::Dns)] {
            assert!(verdict.state() > Some(ApiState::Healthy) && verdict.cause().is_some(), "{verdict:?}");
        }
        assert_eq!((Verdict::Accepted.state(), Verdict::Accepted.cause()), (Some(ApiState::Healthy), None));
        assert_eq!(ApiState::ALL.map(|state| ApiState::parse(state.as_str())), ApiState::ALL.map(Some));
    }
}
