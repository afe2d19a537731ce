//! The thread that owns the database. Everything that waits for a commit when it looks is committed together: the more
//! waits, the less each one costs.

use tokio::sync::{mpsc, oneshot};

use super::contents::Contents;
use super::engine::Engine;
use super::error::StoreError;
use super::step::Step;
use crate::model::number::Version;
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;

/// Most transactions in one commit: bounds how long the first of them waits for the rest.
const GROUP_MAX: usize = 256;

/// Where an answer goes. The asker may have gone away; what it asked for is done all the same.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What can be asked of the thread.
pub(super) enum Command {
    Commit { steps: Vec<Step>, reply: Reply<()> },
    Versions { at: ScopedSecret, reply: Reply<Vec<Record>> },
    Version { at: ScopedSecret, version: Version, reply: Reply<Option<Record>> },
    Snapshot { reply: Reply<Contents> },
    Rebuild { reply: Reply<()> },
    Close { reply: Reply<()> },
}

/// Serves until told to close, or until nobody is left to ask.
pub(super) fn run(mut engine: Engine, mut queue: mpsc::Receiver<Command>) {
    let mut next = None;
    while let Some(command) = next.take().or_else(|| queue.blocking_recv()) {
        match command {
            Command::Commit { steps, reply } => next = commit(&mut engine, &mut queue, steps, reply),
            Command::Versions { at, reply } => answer(reply, engine.versions(&at)),
            Command::Version { at, version, reply } => answer(reply, engine.version(&at, version)),
            Command::Snapshot { reply } => answer(reply, engine.contents()),
            Command::Rebuild { reply } => answer(reply, engine.rebuild()),
            Command::Close { reply } => {
                // Only once the file is closed may another open it.
                drop(engine);
                answer(reply, Ok(()));
                return;
            }
        }
    }
}

/// Commits this transaction with those that wait right behind it; gives back the command that ended the group, if one
/// did, so that everything is answered in the order it was asked.
fn commit(
    engine: &mut Engine,
    queue: &mut mpsc::Receiver<Command>,
    steps: Vec<Step>,
    reply: Reply<()>,
) -> Option<Command> {
    let (mut group, mut replies) = (vec![steps], vec![reply]);
    let mut next = None;
    while group.len() < GROUP_MAX && next.is_none() {
        match queue.try_recv() {
            Ok(Command::Commit { steps, reply }) => {
                group.push(steps);
                replies.push(reply);
            }
            Ok(other) => next = Some(other),
            Err(_) => break,
        }
    }
    let outcomes = engine.commit(&group);
    replies.into_iter().zip(outcomes).for_each(|(reply, outcome)| answer(reply, outcome));
    next
}

fn answer<T>(reply: Reply<T>, outcome: Result<T, StoreError>) {
    // The asker may have given up waiting; there is nobody else to tell.
    let _ = reply.send(outcome);
}
