//! What is written to systemd: the bytes of a value, or a refusal that no start survives.
//!
//! A connection that ends is a whole credential to systemd, however little came. So whatever cannot be given whole is made
//! longer than a credential may be; and whoever does not read is held, for closing would be an answer.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::crypto::plaintext::Plaintext;

/// The largest credential systemd takes: a mebibyte for all of a unit, names included (`CREDENTIALS_TOTAL_SIZE_MAX`).
pub(super) const VALUE_BYTES_MAX: usize = (1 << 20) - 1;

/// A refusal is twice as long as all credentials of a unit may be together.
const REFUSAL_BYTES: usize = 2 << 20;

/// What it consists of. It names no secret: it may end up in a log of somebody who looks at what came.
const SENTENCE: &[u8] = b"aurora refuses this credential; the audit journal of the node says why\n";

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the node to decide.
    pub(super) answer: Duration,
    /// For the peer to read a value.
    pub(super) value: Duration,
    /// For the peer to read a refusal. systemd gives a start 90 s, and ends whoever is still at it.
    pub(super) refusal: Duration,
    /// For what is under way when the node stops.
    pub(super) drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(10),
            value: Duration::from_secs(10),
            refusal: Duration::from_secs(90),
            drain: Duration::from_secs(5),
        }
    }
}

/// How the writing of a value ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// The peer can read all of it.
    Whole,
    /// The peer has closed its end.
    Gone,
    /// The peer does not read: part of the value may be on its way, so a refusal must follow.
    Stalled,
}

/// Writes a value, and that there is no more.
pub(super) async fn value<W: AsyncWrite + Unpin>(to: &mut W, value: &Plaintext, patience: Duration) -> Given {
    let written = async {
        to.write_all(value.expose()).await?;
        to.shutdown().await
    };
    match timeout(patience, written).await {
        Ok(Ok(())) => Given::Whole,
        Ok(Err(_)) => Given::Gone,
        Err(_) => Given::Stalled,
    }
}

/// Writes a refusal, until it is whole or the peer has gone: systemd stops reading once it is too much.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] when the peer reads nothing, and what came may look whole to it.
pub(super) async fn refusal<W: AsyncWrite + Unpin>(to: &mut W, patience: Duration) -> io::Result<()> {
    let written = async {
        let page = SENTENCE.repeat((8 << 10) / SENTENCE.len());
        for _ in 0..REFUSAL_BYTES.div_ceil(page.len()) {
            if to.write_all(&page).await.is_err() {
                return;
            }
        }
        // Whoever has gone has its refusal.
        let _gone = to.shutdown().await;
    };
    timeout(patience, written).await.map_err(|_| io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    const LONG: Duration = Duration::from_secs(20);

    fn plain(bytes: &[u8]) -> Plaintext {
        Plaintext::new(bytes.to_vec())
    }

    #[tokio::test]
    async fn a_value_comes_byte_for_byte_and_then_the_end() {
        let (mut here, mut there) = duplex(64 << 10);
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(value(&mut here, &plain(&bytes), LONG).await, Given::Whole);
        let mut read = Vec::new();
        there.read_to_end(&mut read).await.expect("read");
        assert_eq!(read, bytes);
    }

    #[tokio::test]
    async fn a_refusal_is_longer_than_all_credentials_of_a_unit() {
        let (mut here, mut there) = duplex(4 << 10);
        let mut read = Vec::new();
        let (refused, all) = tokio::join!(refusal(&mut here, LONG), there.read_to_end(&mut read));
        refused.expect("written");
        assert!(all.expect("read") > VALUE_BYTES_MAX + 1);
        assert!(read.starts_with(SENTENCE));
    }

    #[tokio::test]
    async fn a_value_that_is_not_read_is_followed_by_a_refusal_and_never_looks_whole() {
        let (mut here, mut there) = duplex(16);
        assert_eq!(value(&mut here, &plain(&[7; 64]), SHORT).await, Given::Stalled);
        let mut read = Vec::new();
        let (refused, all) = tokio::join!(refusal(&mut here, LONG), there.read_to_end(&mut read));
        refused.expect("written");
        assert!(all.expect("read") > VALUE_BYTES_MAX + 1);
    }

    #[tokio::test]
    async fn nobody_holds_a_connection_for_ever() {
        let (mut here, there) = duplex(16);
        let late = refusal(&mut here, SHORT).await.expect_err("nobody reads");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        drop(there);
        refusal(&mut here, LONG).await.expect("whoever has gone has its refusal");
        assert_eq!(value(&mut here, &plain(b"x"), LONG).await, Given::Gone);
    }
}
