//! The thread that owns the database. Everything that waits for a commit when it looks is committed together: the more
//! waits, the less each one costs.

use tokio::sync::{mpsc, oneshot};

use super::contents::Contents;
use super::engine::Engine;
use super::error::StoreError;
use super::export::Export;
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
    Older { after: Option<(ScopedSecret, Version)>, limit: usize, reply: Reply<Vec<Record>> },
    Snapshot { reply: Reply<Contents> },
    Export { reply: Reply<Export> },
    Rebuild { reply: Reply<()> },
    Close { reply: Reply<()> },
}

/// Serves until told to close, or until nobody is left to ask.
pub(super) async fn run(mut engine: Engine, mut queue: mpsc::Receiver<Command>) {
    let mut next = None;
    loop {
        let command = match next.take() {
            Some(command) => command,
            None => match queue.recv().await {
                Some(command) => command,
                None => return,
            },
        };
        match command {
            Command::Commit { steps, reply } => next = commit(&mut engine, &mut queue, steps, reply),
            Command::Versions { at, reply } => answer(reply, engine.versions(&at)),
            Command::Version { at, version, reply } => answer(reply, engine.version(&at, version)),
            Command::Older { after, limit, reply } => answer(reply, engine.older(after.as_ref(), limit)),
            Command::Snapshot { reply } => answer(reply, engine.contents()),
            Command::Export { reply } => answer(reply, engine.export()),
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

#[cfg(test)]
mod tests {
    use super::super::mutation::Mutation;
    use super::super::test_support::{Disk, facts, record};
    use super::super::{file, schema, step};
    use super::*;

    fn engine(disk: &Disk) -> Engine {
        let database = file::builder().create_with_backend(disk.clone()).expect("created");
        schema::initialise(&database, &facts(), None).expect("initialised");
        Engine::new(database, None)
    }

    fn put(number: u64) -> Vec<Step> {
        step::encode(vec![Mutation::PutRecord(record("a/b", "global", number, b"sealed"))]).expect("encoded")
    }

    fn place() -> ScopedSecret {
        record("a/b", "global", 1, b"").at
    }

    fn send(sender: &mpsc::Sender<Command>, command: Command) {
        assert!(sender.try_send(command).is_ok(), "the queue has room");
    }

    /// How often the disk was synchronised for this many transactions that all wait when the thread looks.
    async fn cost_of(transactions: u64) -> u64 {
        let disk = Disk::default();
        let engine = engine(&disk);
        let (sender, queue) = mpsc::channel(1024);
        let mut answers = Vec::new();
        for number in 1..=transactions {
            let (reply, answer) = oneshot::channel();
            answers.push(answer);
            send(&sender, Command::Commit { steps: put(number), reply });
        }
        let (reply, closed) = oneshot::channel();
        send(&sender, Command::Close { reply });
        let before = disk.syncs();
        run(engine, queue).await;
        let cost = disk.syncs() - before;
        assert!(answers.into_iter().all(|mut answer| matches!(answer.try_recv(), Ok(Ok(())))));
        assert!(matches!({ closed }.try_recv(), Ok(Ok(()))));
        cost
    }

    #[tokio::test]
    async fn what_waits_is_committed_together_up_to_the_limit() {
        let limit = u64::try_from(GROUP_MAX).expect("small");
        let one = cost_of(1).await;
        assert_eq!(cost_of(limit).await, one);
        assert!(cost_of(limit + 1).await > one, "the limit is not kept");
    }

    #[tokio::test]
    async fn a_question_is_answered_between_the_commits_it_was_asked_between() {
        let (sender, queue) = mpsc::channel(8);
        let (first, _first) = oneshot::channel();
        let (asked, mut answer) = oneshot::channel();
        let (second, mut last) = oneshot::channel();
        send(&sender, Command::Commit { steps: put(1), reply: first });
        send(&sender, Command::Versions { at: place(), reply: asked });
        send(&sender, Command::Commit { steps: put(2), reply: second });
        drop(sender);
        run(engine(&Disk::default()), queue).await;
        let seen = answer.try_recv().expect("answered").expect("versions");
        assert_eq!(seen, [record("a/b", "global", 1, b"sealed")]);
        assert!(matches!(last.try_recv(), Ok(Ok(()))), "the commit that ended the group is not forgotten");
    }
}
