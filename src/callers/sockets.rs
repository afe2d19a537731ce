//! The sockets and the directory they are in. Nobody but the owner can reach a socket before its mode is right: the
//! directory is closed (0700) until all sockets have theirs, and only then opened to the group.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::error::BindError;
use super::loopback::{self, Loopback};

/// The socket of programs that read, by name within the directory.
const AGENT: &str = "agent.sock";

/// The socket of the node's owner.
const ADMIN: &str = "admin.sock";

/// The socket that systemd fetches credentials of units from.
const CREDENTIALS: &str = "credentials.sock";

/// The gRPC socket of workloads: Envoy's secret discovery and the SPIFFE Workload API.
const WORKLOAD: &str = "workload.sock";

/// The listening sockets of a node.
#[derive(Debug)]
pub struct Sockets {
    /// Those that speak HTTP.
    pub http: HttpSockets,
    /// `credentials.sock`, 0600: only root, as whom systemd asks, and the node's owner can open it.
    pub credentials: UnixListener,
    /// `workload.sock`, 0660.
    pub workload: UnixListener,
}

/// The sockets that speak HTTP.
#[derive(Debug)]
pub struct HttpSockets {
    /// `agent.sock`, 0660.
    pub agent: UnixListener,
    /// `admin.sock`, 0600.
    pub admin: UnixListener,
    /// The loopback listener, if there is to be one.
    pub loopback: Option<Loopback>,
}

/// Makes the directory and binds the sockets in it. With a group, directory (0750), agent and workload socket belong to it;
/// without, the directory stays the owner's alone (0700). A socket left behind by a process that died is removed; one
/// on which somebody answers is not. With an address, listens there too. Must be called within a tokio runtime.
///
/// # Errors
/// [`BindError`], each with what to do about it.
pub async fn bind(directory: &Path, group: Option<u32>, listen_on: Option<SocketAddr>) -> Result<Sockets, BindError> {
    let loopback = match listen_on {
        Some(address) => Some(loopback::listen(address).await?),
        None => None,
    };
    prepare(directory)?;
    let agent = listen(&directory.join(AGENT), 0o660).await?;
    let admin = listen(&directory.join(ADMIN), 0o600).await?;
    let credentials = listen(&directory.join(CREDENTIALS), 0o600).await?;
    let workload = listen(&directory.join(WORKLOAD), 0o660).await?;
    if let Some(group) = group {
        for path in [directory.join(AGENT), directory.join(WORKLOAD), directory.to_owned()] {
            chown(&path, None, Some(group)).map_err(system("give to the group", &path))?;
        }
        set_mode(directory, 0o750)?;
    }
    Ok(Sockets { http: HttpSockets { agent, admin, loopback }, credentials, workload })
}

fn prepare(directory: &Path) -> Result<(), BindError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    if let Err(source) = made
        && source.kind() != ErrorKind::AlreadyExists
    {
        return Err(system("make the directory", directory)(source));
    }
    let found = fs::symlink_metadata(directory).map_err(system("look at", directory))?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(BindError::ForeignDirectory { path: directory.to_owned() });
    }
    set_mode(directory, 0o700)
}

async fn listen(path: &Path, mode: u32) -> Result<UnixListener, BindError> {
    remove_stale(path).await?;
    let listener = UnixListener::bind(path).map_err(system("listen on", path))?;
    set_mode(path, mode)?;
    Ok(listener)
}

/// Removes a socket only if the kernel says that nobody listens on it any more.
async fn remove_stale(path: &Path) -> Result<(), BindError> {
    let found = match fs::symlink_metadata(path) {
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(system("look at", path))?,
    };
    if !found.file_type().is_socket() {
        return Err(BindError::InTheWay { path: path.to_owned() });
    }
    match UnixStream::connect(path).await {
        Err(source) if source.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(system("remove the stale socket", path))
        }
        Ok(_) | Err(_) => Err(BindError::InUse { path: path.to_owned() }),
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), BindError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(system("set the mode of", path))
}

fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BindError {
    let path: PathBuf = path.to_owned();
    move |source| BindError::System { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("there").mode() & 0o7777
    }

    #[tokio::test]
    async fn directory_and_sockets_have_their_modes() {
        let home = tempfile::tempdir().expect("directory");
        let directory = home.path().join("run/aurora");
        let _own = bind(&directory, None, None).await.expect("bound");
        assert_eq!((mode(&directory), mode(&directory.join(AGENT))), (0o700, 0o660));
        assert_eq!(mode(&directory.join(ADMIN)), 0o600);

        let shared = home.path().join("shared");
        let group = rustix::process::getegid().as_raw();
        let _shared = bind(&shared, Some(group), None).await.expect("bound");
        assert_eq!((mode(&shared), fs::metadata(&shared).expect("there").gid()), (0o750, group));
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let home = tempfile::tempdir().expect("directory");
        let first = bind(home.path(), None, None).await.expect("bound");
        let refused = bind(home.path(), None, None).await.expect_err("in use");
        assert!(matches!(refused, BindError::InUse { .. }), "{refused}");
        drop(first);
        bind(home.path(), None, None).await.expect("nobody answers any more");
    }

    #[tokio::test]
    async fn a_file_in_the_way_is_left_alone() {
        let home = tempfile::tempdir().expect("directory");
        fs::write(home.path().join(AGENT), "precious").expect("written");
        let refused = bind(home.path(), None, None).await.expect_err("in the way");
        assert!(matches!(refused, BindError::InTheWay { .. }), "{refused}");
        assert_eq!(fs::read(home.path().join(AGENT)).expect("there"), b"precious");
    }

    #[tokio::test]
    async fn a_directory_behind_a_link_is_refused() {
        let home = tempfile::tempdir().expect("directory");
        let link = home.path().join("link");
        std::os::unix::fs::symlink(home.path(), &link).expect("linked");
        assert!(matches!(bind(&link, None, None).await, Err(BindError::ForeignDirectory { .. })));
    }
}
