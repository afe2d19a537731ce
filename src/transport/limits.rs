//! What one connection may cost. The idle time is the smaller of both sides', so both use these.

use std::sync::Arc;
use std::time::Duration;

use quinn::{IdleTimeout, TransportConfig, VarInt};

/// NAT mappings of UDP live about 30 s; this is well within, and within the idle time even if one packet is lost.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// A peer that is silent this long is gone: three keep-alives.
const IDLE_MS: u32 = 15_000;

/// Six streams are in use; the rest is room for short-lived ones. Memory grows with what is permitted.
const STREAMS: u32 = 32;

/// One batch of records fits, so that a frame does not wait for a second window.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;

/// What one peer can make us buffer, at most.
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// Unsent bytes kept for one slow peer.
const SEND_WINDOW_BYTES: u64 = 2 * 1024 * 1024;

/// How long a handshake may take: several retransmissions over a bad line.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a dial may send besides its first datagram while it waits for its handshake: the rest of its hello, and all of that
/// again three times.
const WAITING_DIAL_BYTES: u64 = 16 * 1024;

/// The same of all that wait: a second datagram of each. It is not shared out by where they come from: what finds no room is
/// dropped, and its client sends it again. At worst fifty times as much is held, because the system may hand over 64 KiB at
/// once, which stay as long as one datagram of them does.
const WAITING_DIALS_BYTES: u64 = 2 * 1024 * 1024;

/// Bounds what those who dial may make us hold before anything is known of them.
pub(super) fn bound_dials(server: &mut quinn::ServerConfig) {
    server.incoming_buffer_size(WAITING_DIAL_BYTES).incoming_buffer_size_total(WAITING_DIALS_BYTES);
}

/// The settings of every connection.
pub(super) fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(None);
    Arc::new(transport)
}
