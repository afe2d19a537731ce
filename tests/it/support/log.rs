//! What the nodes of a test log, for promises that show nowhere else: who connected, and why a peer was refused.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The log of everything that runs on this thread, so a test that uses it runs on one.
pub struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until it is dropped.
    pub fn capture() -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("aurora_mesh=debug"))
            .with_writer(lines.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines that contain this text.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let bytes = self.lines.0.lock().expect("not poisoned");
        String::from_utf8_lossy(&bytes).lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// How often a follower was welcomed.
    pub fn sessions_of(&self, node: &str) -> usize {
        self.lines_with(&format!("a follower connected node={node} ")).len()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
