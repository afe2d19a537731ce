//! The numbers of what a check of an API can come to.

use crate::model::api_check::ExpirySource;
use crate::model::connectivity::{ApiState, PathFault, Verdict};

codes! {
    /// What is wrong with a path.
    pub enum PathFaultCode {
        /// The name has no address.
        Dns = 1,
        /// Nobody answers.
        Connect = 2,
        /// The other end is not the host.
        Tls = 3,
        /// No answer in time.
        Timeout = 4,
        /// An address that calls may not go to.
        Forbidden = 5,
        /// The connection broke.
        Broken = 6,
    }
}

codes! {
    /// What a check of a credential came to. A fault of the path is ten more than its own number.
    pub enum VerdictCode {
        /// The credential works.
        Accepted = 1,
        /// It may not do what was asked.
        Limited = 2,
        /// Its quota is used up.
        Exhausted = 3,
        /// Too many calls.
        Throttled = 4,
        /// The provider refuses it.
        Rejected = 5,
        /// The provider is at fault.
        Fault = 6,
        /// There is none.
        NoCredential = 7,
        /// It cannot be checked.
        Unsupported = 8,
        /// The name has no address.
        NoPathDns = 11,
        /// Nobody answers.
        NoPathConnect = 12,
        /// The other end is not the host.
        NoPathTls = 13,
        /// No answer in time.
        NoPathTimeout = 14,
        /// An address that calls may not go to.
        NoPathForbidden = 15,
        /// The connection broke.
        NoPathBroken = 16,
    }
}

codes! {
    /// What a monitor said.
    pub enum StateCode {
        /// It works.
        Healthy = 1,
        /// In part.
        Degraded = 2,
        /// It does not.
        Down = 3,
    }
}

codes! {
    /// From where a time of expiry is known.
    pub enum ExpirySourceCode {
        /// Whoever stored the secret.
        User = 1,
        /// A header of the answer.
        Header = 2,
        /// The body of the answer.
        Answer = 3,
        /// The credential itself.
        Jwt = 4,
    }
}

/// Both directions between a noun and its number, from one table.
macro_rules! pairs {
    ($noun:ty, $code:ty, $($left:pat => $to:expr, $right:pat => $from:expr;)+) => {
        impl From<$noun> for $code {
            fn from(noun: $noun) -> Self {
                match noun {
                    $($left => $to,)+
                }
            }
        }

        impl From<$code> for $noun {
            fn from(code: $code) -> Self {
                match code {
                    $($right => $from,)+
                }
            }
        }
    };
}

/// The same for enums whose variants bear the same names on both sides.
macro_rules! same {
    ($noun:ident, $code:ident: $($name:ident)+) => {
        pairs! { $noun, $code, $($noun::$name => $code::$name, $code::$name => $noun::$name;)+ }
    };
}

same! { PathFault, PathFaultCode: Dns Connect Tls Timeout Forbidden Broken }
same! { ApiState, StateCode: Healthy Degraded Down }
same! { ExpirySource, ExpirySourceCode: User Header Answer Jwt }
pairs! {
    Verdict, VerdictCode,
    Verdict::Accepted => VerdictCode::Accepted, VerdictCode::Accepted => Verdict::Accepted;
    Verdict::Limited => VerdictCode::Limited, VerdictCode::Limited => Verdict::Limited;
    Verdict::Exhausted => VerdictCode::Exhausted, VerdictCode::Exhausted => Verdict::Exhausted;
    Verdict::Throttled => VerdictCode::Throttled, VerdictCode::Throttled => Verdict::Throttled;
    Verdict::Rejected => VerdictCode::Rejected, VerdictCode::Rejected => Verdict::Rejected;
    Verdict::Fault => VerdictCode::Fault, VerdictCode::Fault => Verdict::Fault;
    Verdict::NoCredential => VerdictCode::NoCredential, VerdictCode::NoCredential => Verdict::NoCredential;
    Verdict::Unsupported => VerdictCode::Unsupported, VerdictCode::Unsupported => Verdict::Unsupported;
    Verdict::NoPath(PathFault::Dns) => VerdictCode::NoPathDns,
        VerdictCode::NoPathDns => Verdict::NoPath(PathFault::Dns);
    Verdict::NoPath(PathFault::Connect) => VerdictCode::NoPathConnect,
        VerdictCode::NoPathConnect => Verdict::NoPath(PathFault::Connect);
    Verdict::NoPath(PathFault::Tls) => VerdictCode::NoPathTls,
        VerdictCode::NoPathTls => Verdict::NoPath(PathFault::Tls);
    Verdict::NoPath(PathFault::Timeout) => VerdictCode::NoPathTimeout,
        VerdictCode::NoPathTimeout => Verdict::NoPath(PathFault::Timeout);
    Verdict::NoPath(PathFault::Forbidden) => VerdictCode::NoPathForbidden,
        VerdictCode::NoPathForbidden => Verdict::NoPath(PathFault::Forbidden);
    Verdict::NoPath(PathFault::Broken) => VerdictCode::NoPathBroken,
        VerdictCode::NoPathBroken => Verdict::NoPath(PathFault::Broken);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_comes_back_as_itself() {
        let plain = [
            Verdict::Accepted,
            Verdict::Limited,
            Verdict::Exhausted,
            Verdict::Throttled,
            Verdict::Rejected,
            Verdict::Fault,
            Verdict::NoCredential,
            Verdict::Unsupported,
        ];
        for verdict in plain.into_iter().chain(PathFault::ALL.map(Verdict::NoPath)) {
            assert_eq!(Verdict::from(VerdictCode::from(verdict)), verdict);
        }
        assert_eq!(PathFault::ALL.map(|fault| PathFault::from(PathFaultCode::from(fault))), PathFault::ALL);
        assert_eq!(ApiState::ALL.map(|state| ApiState::from(StateCode::from(state))), ApiState::ALL);
    }
}
