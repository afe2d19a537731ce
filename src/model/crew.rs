//! Who does the work of a part that blocks on a disk. A node has a thread for each such part; a simulation does the work
//! itself, between two of its moments, so that no time passes in it while a disk is written.

use std::future::Future;
use std::io;
use std::pin::Pin;

/// The life of such a part: it waits for what is asked, and blocks when it does it.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where such parts live.
pub trait Crew: Send + Sync + 'static {
    /// Begins the work and returns at once. `name` is for people who look at a process.
    ///
    /// # Errors
    /// When there is nobody to do it. The work is then dropped, and whoever asks it for something finds it closed.
    fn take(&self, name: &'static str, work: Work) -> io::Result<()>;
}
