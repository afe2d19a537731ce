//! Why there is no socket, which is for the person who starts the node; and what cannot be told of a caller.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the sockets cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process answers there: a node runs already.
    #[error("another process answers on {}: stop that node, or give this one another socket directory", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has the name of a socket; it is left alone.
    #[error("{} is in the way and is not a socket: move it away", path.display())]
    InTheWay {
        /// What is there.
        path: PathBuf,
    },
    /// The directory is a link, a file, or somebody else's: whoever owns it could swap the sockets.
    #[error("{} is not a directory of this user: remove it, or give another socket directory", path.display())]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Others than this machine would reach it.
    #[error("{address} is not a loopback address: write one in [api] listen, like 127.0.0.1:8003")]
    NoLoopback {
        /// What was to be listened on.
        address: SocketAddr,
    },
    /// The loopback address cannot be had.
    #[error("cannot listen on {address}: end what holds that port, or write another one in [api] listen")]
    Address {
        /// What was to be listened on.
        address: SocketAddr,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    System {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Its reason.
        #[source]
        source: io::Error,
    },
}

/// So many digests of programs are being taken that there is no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many programs are being looked at")]
pub struct TooManyDigests;
