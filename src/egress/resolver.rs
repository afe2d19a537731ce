//! The one look-up of a call: what it finds is checked, and is what is dialled.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{forbidden, forbidden_inside};

/// A look-up that is under way.
pub type LookUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows the addresses of a name. Addresses themselves are never asked for.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of a name.
    fn look_up(&self, host: &str) -> LookUp;
}

/// The resolver of this machine: its hosts file, its name servers.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up(&self, host: &str) -> LookUp {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Which addresses calls may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Those of the open internet.
    Open,
    /// Private ones besides.
    Private,
}

impl Bounds {
    /// What is wrong with the address.
    pub(super) fn refuse(self, address: IpAddr) -> Option<&'static str> {
        match self {
            Self::Open => forbidden(address),
            Self::Private => forbidden_inside(address),
        }
    }
}

/// Why a name leads nowhere. Goes through the HTTP library, and is found again in its error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAddress {
    /// The resolver has none.
    #[error("{0}")]
    Unknown(String),
    /// One of its addresses is one that calls may not go to.
    #[error("{address} is {kind}")]
    Forbidden {
        /// Which.
        address: IpAddr,
        /// What kind it is.
        kind: &'static str,
    },
}

/// Stands between the HTTP library and a resolver. The library dials what it is given here and looks nothing up itself, so
/// an answer that changes after the check changes nothing.
///
/// One forbidden address among good ones refuses the whole name: no provider publishes such a set, and which of them would
/// be dialled is not ours to say.
pub(super) struct Guard {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) bounds: Bounds,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.resolver.look_up(name.as_str());
        let bounds = self.bounds;
        Box::pin(async move {
            let found = found.await.map_err(|error| NoAddress::Unknown(reason(&error)))?;
            let addresses = checked(found, bounds)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a host, each one that may be dialled; none if one of them may not.
pub(super) fn checked(found: Vec<IpAddr>, bounds: Bounds) -> Result<Vec<SocketAddr>, NoAddress> {
    for address in &found {
        if let Some(kind) = bounds.refuse(*address) {
            return Err(NoAddress::Forbidden { address: *address, kind });
        }
    }
    if found.is_empty() {
        return Err(NoAddress::Unknown("the answer holds none".to_owned()));
    }
    // The port of the call stands in for 0.
    Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
}

/// What the C library says of a look-up; it never names what was looked up.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    #[test]
    fn one_forbidden_address_among_good_ones_refuses_the_name() {
        for bad in ["169.254.169.254", "::ffff:10.0.0.1", "127.0.0.1", "fd00:ec2::254"] {
            for found in [vec!["1.1.1.1", bad], vec![bad, "1.1.1.1"]] {
                let refused = checked(parse(&found), Bounds::Open).expect_err(bad);
                assert!(
                    matches!(refused, NoAddress::Forbidden { address, .. } if address.to_string() == bad),
                    "{refused}"
                );
            }
        }
    }

    #[test]
    fn what_is_good_is_dialled_as_it_was_found() {
        let dialled = checked(parse(&["1.1.1.1", "2606:4700:4700::1111"]), Bounds::Open).expect("good");
        assert_eq!(dialled.iter().map(SocketAddr::ip).collect::<Vec<_>>(), parse(&["1.1.1.1", "2606:4700:4700::1111"]));
        assert!(checked(parse(&["10.0.0.1"]), Bounds::Private).is_ok());
        assert!(checked(parse(&["169.254.169.254"]), Bounds::Private).is_err());
    }

    #[test]
    fn a_name_without_an_address_is_unknown() {
        assert_eq!(checked(Vec::new(), Bounds::Open), Err(NoAddress::Unknown("the answer holds none".to_owned())));
    }
}
