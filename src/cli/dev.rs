//! `aurora dev`: a lead and two followers as three real processes on this machine, with sample credentials, so that
//! somebody who has never seen a mesh has one to look at within seconds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::arguments_node::DevArguments;
use super::dev_node::{DevNode, GLANCE};
use super::dev_story::{self, Sample};
use super::question::Question;
use super::say;
use super::views_token::TokenView;

/// The followers catch up within milliseconds of their start.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(20);

/// Locked in a kept directory while its nodes run.
const LOCK_FILE: &str = "dev.lock";

/// Runs the demonstration. With `--once` the exit code says whether every answer was right.
#[must_use]
pub fn run(arguments: &DevArguments) -> ExitCode {
    let done = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(demonstrate(arguments)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate(arguments: &DevArguments) -> Result<()> {
    let place = Place::choose(arguments.keep.as_deref())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut mesh = DevMesh::new(place.path());
    let outcome = tokio::select! {
        told = tell(&mut mesh, arguments) => told,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    mesh.stop().await;
    outcome
}

async fn tell(mesh: &mut DevMesh, arguments: &DevArguments) -> Result<()> {
    mesh.start().await?;
    say::note("The nodes send the sample credentials to no provider: they were made with --no-probe.");
    say::note("Storing the sample credentials …");
    let arrivals = mesh.store_samples().await?;
    say::line(&dev_story::arrivals_table(&arrivals));
    let readings = dev_story::read_all(&mesh.nodes).await?;
    say::line(&dev_story::readings_table(&readings));
    let wrong = readings.iter().filter(|reading| !reading.is_right()).count();
    if wrong > 0 {
        bail!("{wrong} answers were not what the sample credentials lead to");
    }
    say::line("Every answer was right.");
    if arguments.once {
        return Ok(());
    }
    say::line(&dev_story::commands_to_copy(&mesh.nodes));
    let [lead, first, second] = &mut mesh.nodes;
    tokio::select! {
        () = lead.ended() => bail!("the lead ended; its log is {}", lead.log_file().display()),
        () = first.ended() => bail!("{} ended; its log is {}", first.name, first.log_file().display()),
        () = second.ended() => bail!("{} ended; its log is {}", second.name, second.log_file().display()),
    }
}

/// The directory of the demonstration: kept, or gone with it.
enum Place {
    /// The lock keeps a second `dev` out for as long as this one runs.
    Kept {
        dir: PathBuf,
        _lock: File,
    },
    Passing(PathBuf),
}

impl Place {
    fn choose(keep: Option<&Path>) -> Result<Self> {
        match keep {
            Some(dir) => {
                let dir = std::path::absolute(dir)?;
                std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
                let lock =
                    File::create(dir.join(LOCK_FILE)).with_context(|| format!("cannot write in {}", dir.display()))?;
                if lock.try_lock().is_err() {
                    bail!(
                        "{} is in use by another aurora dev: stop that one, or give another directory",
                        dir.display()
                    );
                }
                Ok(Self::Kept { dir, _lock: lock })
            }
            None => {
                let dir = std::env::temp_dir().join(format!("aurora-dev-{}", std::process::id()));
                std::fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
                Ok(Self::Passing(dir))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept { dir, .. } | Self::Passing(dir) => dir,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Self::Kept { .. } => {}
            Self::Passing(dir) => {
                if let Err(error) = std::fs::remove_dir_all(&dir) {
                    say::note(&format!("{} could not be removed: {error}", dir.display()));
                }
            }
        }
    }
}

/// The three nodes, lead first.
struct DevMesh {
    nodes: [DevNode; 3],
}

impl DevMesh {
    fn new(dir: &Path) -> Self {
        Self { nodes: ["aurora", "vengeance", "runpod-tx"].map(|name| DevNode::new(name, dir)) }
    }

    async fn start(&mut self) -> Result<()> {
        let [lead, followers @ ..] = &mut self.nodes;
        say::note("Starting the lead, aurora …");
        if !lead.exists() {
            let listen = free_port()?;
            lead.prepare(&["init", "--listen", &listen, "--advertise", &listen], None).await?;
        }
        lead.start().await?;
        for follower in followers {
            say::note(&format!("Starting a follower, {} …", follower.name));
            if !follower.exists() {
                let body = dev_story::token_for(follower.name);
                let token: TokenView = lead.admin().ask(Question::post("/api/tokens", &body)?).await?;
                follower.prepare(&["join", "-"], Some(token.token.plaintext())).await?;
            }
            follower.start().await?;
        }
        for follower in &self.nodes[1..] {
            until(&format!("{} has caught up", follower.name), || async {
                let health = follower.health().await?;
                Ok((health.freshness == "fresh").then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Stores each sample on the lead and measures, from before the request until each follower has applied it.
    async fn store_samples(&self) -> Result<Vec<dev_story::Arrival>> {
        let [lead, followers @ ..] = &self.nodes;
        let mut arrivals = Vec::new();
        for sample in Sample::ALL {
            let began = tokio::time::Instant::now();
            let stored: super::views_change::StoredView =
                lead.admin().ask(Question::post("/api/secrets", &sample.body())?).await?;
            let committed = began.elapsed();
            let mut reached = Vec::new();
            for follower in followers {
                let revision = stored.revision();
                until(&format!("{} has revision {revision}", follower.name), || async {
                    Ok((follower.health().await?.revision >= revision).then_some(()))
                })
                .await?;
                reached.push((follower.name, began.elapsed()));
            }
            arrivals.push(dev_story::Arrival { sample, committed, reached });
        }
        Ok(arrivals)
    }

    async fn stop(&mut self) {
        for node in self.nodes.iter_mut().rev() {
            node.stop().await;
        }
    }
}

/// A UDP port of loopback that is free now; the node that takes it keeps it across restarts.
fn free_port() -> Result<String> {
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).context("loopback has no free UDP port")?;
    Ok(socket.local_addr()?.to_string())
}

/// Asks until there is an answer.
async fn until<F: Future<Output = Result<Option<()>>>>(what: &str, mut ask: impl FnMut() -> F) -> Result<()> {
    let asked = async {
        while ask().await?.is_none() {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    };
    match tokio::time::timeout(CATCH_UP_TIMEOUT, asked).await {
        Ok(done) => done,
        Err(_) => bail!("waited {} s in vain until {what}", CATCH_UP_TIMEOUT.as_secs()),
    }
}
