//! Output from a program to where it goes, masked on the way; and keys to a program that has a terminal of ours.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::ioctl_fionbio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{Mutex, mpsc, watch};

use crate::crypto::plaintext::Plaintext;
use crate::delivery::mask::Masker;
use crate::delivery::mask_patterns::Patterns;

/// As much as a pipe holds: what a program printed at once is read at once.
const PIECE_BYTES: usize = 64 << 10;

/// After the program has ended, how long to wait for others that still have its output. What it left in the pipe is there
/// at once; a program of its own that it left in the background may go on for ever.
const QUIET_MAX: Duration = Duration::from_millis(200);

/// Our end of a pipe that a program prints to, or of its terminal. The other end is not changed by it.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn reader(fd: OwnedFd) -> io::Result<Receiver> {
    ioctl_fionbio(&fd, true)?;
    Receiver::from_owned_fd_unchecked(fd)
}

/// Our end of a terminal, to type at.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn writer(fd: OwnedFd) -> io::Result<Sender> {
    ioctl_fionbio(&fd, true)?;
    Sender::from_owned_fd_unchecked(fd)
}

/// Passes output on until it ends; or until nobody takes it any more, and then the program is told as if we were not there:
/// it has nobody to print to. `looked_for` changes before the program can know a new value; `over` becomes true when it
/// has ended.
pub(super) async fn pass_on(
    mut from: Receiver,
    to: File,
    mut looked_for: watch::Receiver<Arc<Patterns>>,
    mut over: watch::Receiver<bool>,
) {
    let mut masker = Masker::new(Arc::clone(&looked_for.borrow_and_update()));
    let mut to = tokio::fs::File::from_std(to);
    let mut piece = Piece(vec![0; PIECE_BYTES]);
    loop {
        let is_over = *over.borrow();
        let size = tokio::select! {
            biased;
            // A terminal that nobody has open any more ends with an error.
            size = from.read(&mut piece.0) => size.unwrap_or_default(),
            _ = over.changed(), if !is_over => continue,
            () = tokio::time::sleep(QUIET_MAX), if is_over => 0,
        };
        if looked_for.has_changed().unwrap_or_default() {
            masker.look_for(Arc::clone(&looked_for.borrow_and_update()));
        }
        let Some(bytes) = piece.0.get(..size).filter(|bytes| !bytes.is_empty()) else { break };
        if !written(&mut to, &masker.feed(bytes)).await {
            return;
        }
    }
    written(&mut to, &masker.finish()).await;
}

/// Whether somebody took it.
async fn written(to: &mut tokio::fs::File, bytes: &[u8]) -> bool {
    to.write_all(bytes).await.is_ok() && to.flush().await.is_ok()
}

/// Passes keys on to a terminal for as long as somebody has it.
pub(super) async fn pass_keys(from: Arc<Mutex<mpsc::Receiver<Plaintext>>>, mut to: Sender) {
    let mut from = from.lock().await;
    while let Some(keys) = from.recv().await {
        if to.write_all(keys.expose()).await.is_err() {
            return;
        }
    }
}

/// What a program printed, before it is masked.
struct Piece(Vec<u8>);

impl Drop for Piece {
    fn drop(&mut self) {
        drop(Plaintext::new(std::mem::take(&mut self.0)));
    }
}
