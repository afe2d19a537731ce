//! What the nodes of a test log, for promises that show nowhere else: who connected, and why a peer was refused.
//!
//! One subscriber for the whole process hands each line to the thread that wrote it: subscribers that come and go on
//! several threads at once make `tracing` forget now and then that anyone listens.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use tracing_subscriber::EnvFilter;

static LISTENING: Once = Once::new();

thread_local! {
    static HERE: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

type Lines = Arc<Mutex<Vec<u8>>>;

/// The log of everything that runs on this thread, so a test that uses it runs on one.
pub struct Log {
    lines: Lines,
}

impl Log {
    /// Listens until it is dropped.
    pub fn capture() -> Self {
        LISTENING.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::new("aurora_mesh=debug"))
                .with_writer(|| ToThisThread)
                .with_ansi(false)
                .without_time();
            subscriber.init();
        });
        let lines = Lines::default();
        HERE.set(Some(Arc::clone(&lines)));
        Self { lines }
    }

    /// The lines that contain this text.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let bytes = self.lines.lock().expect("not poisoned");
        String::from_utf8_lossy(&bytes).lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// The lines of followers whose session with the lead ended. Not of those that had not heard it in time: on a busy
    /// machine that happens to anybody, and they come back.
    pub fn disturbances(&self) -> Vec<String> {
        let ends = self.lines_with("the session with the lead ended");
        ends.into_iter().filter(|line| !line.contains(" in time")).collect()
    }

    /// How often a follower was welcomed.
    pub fn sessions_of(&self, node: &str) -> usize {
        self.lines_with(&format!("a follower connected node={node} ")).len()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        HERE.set(None);
    }
}

struct ToThisThread;

impl Write for ToThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HERE.with_borrow(|here| {
            if let Some(lines) = here {
                lines.lock().expect("not poisoned").extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
