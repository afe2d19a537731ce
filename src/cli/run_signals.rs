//! The signals that come to this process while a program runs beside it: taken from the kernel one by one, with who sent
//! them. What the terminal sends (Ctrl-C) goes to the whole process group, so the program has it already.

use std::io;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use rustix::process::Signal;
use tokio::sync::{Mutex, mpsc};

/// Every signal that means something to a program and does not come from what it does itself.
const PASSED_ON: [Number; 9] = [
    Number::SIGHUP,
    Number::SIGINT,
    Number::SIGQUIT,
    Number::SIGTERM,
    Number::SIGUSR1,
    Number::SIGUSR2,
    Number::SIGWINCH,
    Number::SIGCONT,
    Number::SIGTSTP,
];

/// Signals that came and were not looked at yet; the kernel keeps more of them back.
const WAITING_MAX: usize = 16;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) signal: Signal,
    /// Whether a process sent it to us, and not the terminal to everybody in front of it.
    pub(super) is_ours: bool,
}

impl Arrived {
    /// Whether whoever sent it wants an end.
    pub(super) fn is_an_end(&self) -> bool {
        [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM].contains(&self.signal)
    }
}

/// The signals of this process, from now on.
pub(super) struct Signals(Mutex<mpsc::Receiver<Arrived>>);

impl Signals {
    /// Takes them: from here on none of them does anything else. To be called before there is a second thread. The one
    /// that waits for them ends with the process.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn take() -> io::Result<Self> {
        let set = SigSet::from_iter(PASSED_ON);
        set.thread_block()?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)?;
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        std::thread::Builder::new().spawn(move || {
            loop {
                let arrived = match signals.read_signal() {
                    Ok(found) => found.and_then(|found| arrived(&found)),
                    Err(Errno::EINTR) => continue,
                    Err(_) => return,
                };
                if arrived.is_some_and(|arrived| sender.blocking_send(arrived).is_err()) {
                    return;
                }
            }
        })?;
        Ok(Self(Mutex::new(receiver)))
    }

    /// The next one.
    pub(super) async fn next(&self) -> Arrived {
        match self.0.lock().await.recv().await {
            Some(arrived) => arrived,
            // The kernel gave them and does not take them back.
            None => std::future::pending().await,
        }
    }
}

fn arrived(found: &siginfo) -> Option<Arrived> {
    let signal = Signal::from_named_raw(i32::try_from(found.ssi_signo).ok()?)?;
    // signal(7): what a process sends has a code of 0 or below, what the kernel sends one above.
    Some(Arrived { signal, is_ours: found.ssi_code <= 0 })
}

/// Undoes in a new process what it inherited from one that takes its signals.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn unblock() -> io::Result<()> {
    Ok(SigSet::from_iter(PASSED_ON).thread_unblock()?)
}
