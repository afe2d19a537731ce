//! A terminal for a program whose output is masked: it sees one, and what it prints there comes by us first.
//!
//! Our own terminal passes every key on as it is; Ctrl-C is a byte like any other, which the program's terminal turns
//! into a signal for whoever is in front of it. Ctrl-Z of a program that is no shell does nothing: there is no job
//! control above it in its session.

use std::io::{self, IsTerminal, Read};
use std::os::fd::{AsFd, OwnedFd};

use nix::pty::openpty;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr, tcsetwinsize};
use tokio::sync::mpsc;

use crate::crypto::plaintext::Plaintext;

/// What somebody types or pastes at once.
const KEYS_BYTES: usize = 4096;

/// Pieces of that on their way.
const PIECES_MAX: usize = 16;

/// The terminal this process was started at. Put back as it was when this is dropped.
pub(super) struct Terminal {
    was: Termios,
}

/// A new terminal: our end of it, and the program's.
pub(super) struct Pair {
    pub(super) ours: OwnedFd,
    pub(super) theirs: OwnedFd,
}

impl Terminal {
    /// The terminal, if standard input and output are one and this process is in front of it.
    pub(super) fn present() -> Option<Self> {
        let input = io::stdin();
        if !input.is_terminal() || !io::stdout().is_terminal() || tcgetpgrp(&input).ok()? != getpgrp() {
            return None;
        }
        Some(Self { was: tcgetattr(&input).ok()? })
    }

    /// Has it pass on every key as it is, and print every byte as it comes.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn raw(&self) -> io::Result<()> {
        let mut raw = self.was.clone();
        raw.make_raw();
        Ok(tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?)
    }

    /// Puts it back as it was.
    pub(super) fn restore(&self) {
        // A terminal that is gone cannot be put back, and need not be.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Drain, &self.was);
    }

    /// A terminal that is like this one, of the same size.
    ///
    /// # Errors
    /// When there are no more.
    pub(super) fn pair(&self) -> io::Result<Pair> {
        let pair = openpty(None, None)?;
        let pair = Pair { ours: pair.master, theirs: pair.slave };
        for end in [&pair.ours, &pair.theirs] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
        }
        tcsetattr(&pair.theirs, OptionalActions::Now, &self.was)?;
        fit(&pair.ours);
        Ok(pair)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Gives a terminal the size of ours. The kernel tells whoever is in front of it.
pub(super) fn fit(pty: impl AsFd) {
    // A size that is not known is no reason not to run.
    let _unknown = tcgetwinsize(io::stdin()).and_then(|size| tcsetwinsize(pty, size));
}

/// What is typed, until the end of standard input. Read by a thread that ends with the process: nothing else can be woken
/// from a read of a terminal that a shell shares.
pub(super) fn keys() -> mpsc::Receiver<Plaintext> {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut bytes = vec![0; KEYS_BYTES];
            let size = match input.read(&mut bytes) {
                Ok(0) => return,
                Ok(size) => size,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            bytes.truncate(size);
            if sender.blocking_send(Plaintext::new(bytes)).is_err() {
                return;
            }
        }
    });
    receiver
}
