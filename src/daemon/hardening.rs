//! What the process gives up before it holds a secret: core dumps, and being read by its siblings. And what a node asks
//! for: as many open files as it may have, since each connection is one.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Turns off core dumps and `ptrace` by other processes of the same user.
///
/// # Errors
/// When the kernel refuses; the node must not start then, since a crash could write keys to disk.
pub fn harden() -> Result<(), rustix::io::Errno> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Takes as many open files as the process may have. Not for a command that runs another one: it would inherit them, and
/// some programs close every file they could have.
///
/// # Errors
/// When the kernel refuses.
pub fn take_files() -> Result<(), rustix::io::Errno> {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })
}
