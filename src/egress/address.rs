//! Which addresses a call may go to.

use std::net::IpAddr;

/// What kind of address this is that calls may not go to; none for one of the open internet.
#[must_use]
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    address.is_loopback().then_some("a loopback address")
}
