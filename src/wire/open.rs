//! The first frame on every stream: it says what the stream is for. QUIC shows a stream to the peer only once a byte was
//! written on it, so this frame also makes it exist.

codes! {
    /// What a stream between members carries.
    pub enum StreamKind {
        /// Hello, heartbeats and beacons.
        Control = 1,
        /// Records and scope keys.
        Subscription = 2,
        /// Questions with ids, pipelined.
        Request = 3,
        /// The rulebook.
        Rules = 4,
        /// Which APIs work from where; from version 4 on.
        Connectivity = 5,
        /// The journal of a follower, and what the lead vouches for; from version 6 on.
        Audit = 6,
    }
}

/// Opens a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Open {
    /// What follows.
    pub kind: StreamKind,
}

frames! {
    /// The only frame that may come first.
    pub enum Opening, at most JOIN_FRAME_BYTES_MAX {
        /// Names the stream.
        1 => Open,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::golden;
    use super::*;

    #[test]
    fn the_opening_has_the_bytes_it_always_had() {
        golden(&Opening::from(Open { kind: StreamKind::Control }), "0000000401000101");
        golden(&Opening::from(Open { kind: StreamKind::Subscription }), "0000000401000102");
        golden(&Opening::from(Open { kind: StreamKind::Request }), "0000000401000103");
        golden(&Opening::from(Open { kind: StreamKind::Rules }), "0000000401000104");
        golden(&Opening::from(Open { kind: StreamKind::Connectivity }), "0000000401000105");
    }
}
