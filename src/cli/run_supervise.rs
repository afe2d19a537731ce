//! A program that runs beside this process: its output is masked, the signals that come to us reach it, and when its
//! values change it is started anew or told.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::Child;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

use super::error::CliError;
use super::run_child::{Streams, code_of, start};
use super::run_pump::{pass_keys, pass_on, reader, writer};
use super::run_read::{Plan, Values, environment};
use super::run_signals::{Arrived, Signals};
use super::run_terminal::{self, Terminal};
use super::run_watch::Changed;
use crate::crypto::plaintext::Plaintext;
use crate::delivery::mask_patterns::Patterns;

/// How long a program may take to end before it is killed: what `docker stop` gives one.
const END_MAX: Duration = Duration::from_secs(10);

/// How long output is waited for that nobody takes, once somebody wants an end: a pager that is alive takes it at once.
const OUTPUT_MAX: Duration = Duration::from_secs(1);

/// What is run, and how.
pub(super) struct Job<'a> {
    pub(super) command: &'a [OsString],
    pub(super) plan: &'a Plan,
    /// Whether its output comes by us.
    pub(super) masks: bool,
    pub(super) on_change: OnChange,
}

/// What a program is done to when its values change.
#[derive(Debug, Clone, Copy)]
pub(super) enum OnChange {
    /// It is ended and started with the new ones.
    Restart,
    /// It is told; its variables stay.
    Signal(Signal),
}

/// Where this process stands: the same for every start of the program.
struct Stage {
    signals: Signals,
    /// Our terminal, if the program is to have one, and what is typed there.
    terminal: Option<(Terminal, Arc<Mutex<mpsc::Receiver<Plaintext>>>)>,
}

/// Runs the program to its end, and gives the code to end with.
///
/// # Errors
/// [`CliError`] when it cannot be started or attended to.
pub(super) async fn attend(
    job: &Job<'_>,
    values: &Arc<Values>,
    looked_for: Arc<Patterns>,
    mut changes: mpsc::Receiver<Changed>,
) -> Result<u8, CliError> {
    let stage = Stage::new(job.masks).map_err(system("attend to the command"))?;
    let mut running = Running::start(job, values, looked_for, &stage)?;
    loop {
        let changed = tokio::select! {
            arrived = stage.signals.next() => {
                running.take(arrived, &stage);
                continue;
            }
            status = running.child.wait() => {
                let status = status.map_err(system("wait for the command"))?;
                return Ok(running.drain(status, &stage).await);
            }
            Some(changed) = changes.recv() => changed,
        };
        match job.on_change {
            OnChange::Signal(signal) => {
                running.looked_for.send_replace(changed.looked_for);
                running.send(signal);
            }
            OnChange::Restart => {
                if let Some(code) = running.end(&stage).await? {
                    return Ok(code);
                }
                running = Running::start(job, &changed.values, changed.looked_for, &stage)?;
            }
        }
    }
}

fn system(action: &'static str) -> impl Fn(io::Error) -> CliError {
    move |source| CliError::System { action, source }
}

impl Stage {
    fn new(masks: bool) -> io::Result<Self> {
        let signals = Signals::take()?;
        let terminal = if masks { Terminal::present() } else { None };
        if let Some(terminal) = &terminal {
            terminal.raw()?;
        }
        let terminal = terminal.map(|terminal| (terminal, Arc::new(Mutex::new(run_terminal::keys()))));
        Ok(Self { signals, terminal })
    }

    /// Stops this process too, as a shell expects of a job; comes back when it is continued.
    fn stop(&self) {
        self.terminal.iter().for_each(|(terminal, _)| terminal.restore());
        // It cannot fail for oneself.
        let _never = kill_process(getpid(), Signal::STOP);
        if let Some((terminal, _)) = &self.terminal {
            // In the background the kernel stops us again at this, until we are in front.
            let _background = terminal.raw();
        }
    }
}

/// One start of the program.
struct Running {
    child: Child,
    pid: Option<Pid>,
    looked_for: watch::Sender<Arc<Patterns>>,
    over: watch::Sender<bool>,
    output: JoinSet<()>,
    keys: JoinSet<()>,
    pty: Option<OwnedFd>,
}

/// The ends of a program's streams that stay here.
#[derive(Default)]
struct Ours {
    output: Vec<(Receiver, File)>,
    /// Where the program has a terminal: to type at, and to size.
    pty: Option<(Sender, OwnedFd)>,
}

impl Running {
    fn start(job: &Job<'_>, values: &Values, patterns: Arc<Patterns>, stage: &Stage) -> Result<Self, CliError> {
        let (streams, ours) = streams(job, stage).map_err(system("make a place for the command's output"))?;
        let child = start(job.command, &environment(job.plan, values), streams)?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (looked_for, patterns) = watch::channel(patterns);
        let (over, is_over) = watch::channel(false);
        let (mut output, mut keys) = (JoinSet::new(), JoinSet::new());
        for (from, to) in ours.output {
            output.spawn(pass_on(from, to, patterns.clone(), is_over.clone()));
        }
        let mut pty = None;
        if let (Some((_, typed)), Some((to, sized))) = (&stage.terminal, ours.pty) {
            keys.spawn(pass_keys(Arc::clone(typed), to));
            pty = Some(sized);
        }
        Ok(Self { child, pid, looked_for, over, output, keys, pty })
    }

    /// Sends the program a signal, if it is still there.
    fn send(&self, signal: Signal) {
        // Until it was waited for, its number is nobody else's.
        if let Some(pid) = self.pid.filter(|_| self.child.id().is_some()) {
            let _ended = kill_process(pid, signal);
        }
    }

    /// Passes a signal on, unless the program has it from the terminal already.
    fn take(&self, arrived: Arrived, stage: &Stage) {
        match (&self.pty, arrived.signal) {
            (Some(pty), Signal::WINCH) => run_terminal::fit(pty),
            (pty, signal) => {
                if arrived.is_ours || pty.is_some() {
                    self.send(signal);
                }
                if signal == Signal::TSTP {
                    stage.stop();
                }
            }
        }
    }

    /// Ends the program. Gives a code when somebody wanted the end of all of it meanwhile.
    async fn end(&mut self, stage: &Stage) -> Result<Option<u8>, CliError> {
        self.send(Signal::TERM);
        // One that is stopped takes it when it goes on.
        self.send(Signal::CONT);
        let deadline = tokio::time::sleep(END_MAX);
        tokio::pin!(deadline);
        let (mut is_wanted, mut is_killed) = (false, false);
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status.map_err(system("wait for the command"))?,
                arrived = stage.signals.next() => {
                    is_wanted |= arrived.is_an_end();
                    self.take(arrived, stage);
                }
                () = &mut deadline, if !is_killed => {
                    is_killed = true;
                    self.send(Signal::KILL);
                }
            }
        };
        let code = self.drain(status, stage).await;
        Ok(is_wanted.then_some(code))
    }

    /// Lets out what the program printed before it ended.
    async fn drain(&mut self, status: ExitStatus, stage: &Stage) -> u8 {
        self.keys.shutdown().await;
        self.over.send_replace(true);
        let mut patience = Box::pin(tokio::time::sleep(Duration::MAX));
        loop {
            tokio::select! {
                passed = self.output.join_next() => if passed.is_none() {
                    return code_of(status);
                },
                () = &mut patience => return code_of(status),
                // Whoever wants an end has it, also where nobody takes the output.
                arrived = stage.signals.next() => {
                    if arrived.is_an_end() {
                        patience = Box::pin(tokio::time::sleep(OUTPUT_MAX));
                    }
                    if arrived.signal == Signal::TSTP {
                        stage.stop();
                    }
                }
            }
        }
    }
}

fn streams(job: &Job<'_>, stage: &Stage) -> io::Result<(Streams, Ours)> {
    let (mut streams, mut ours) = (Streams::default(), Ours::default());
    if !job.masks {
        return Ok((streams, ours));
    }
    let (output, error) = (io::stdout(), io::stderr());
    if let Some((terminal, _)) = &stage.terminal {
        let pair = terminal.pair()?;
        ours.output.push((reader(pair.ours.try_clone()?)?, own(&output)?));
        ours.pty = Some((writer(pair.ours.try_clone()?)?, pair.ours));
        if error.is_terminal() {
            streams.error = Some(pair.theirs.try_clone()?);
        }
        streams.output = Some(pair.theirs.try_clone()?);
        streams.input = Some(pair.theirs);
        streams.is_terminal = true;
    } else {
        streams.output = Some(pipe(&mut ours, own(&output)?)?);
    }
    if streams.error.is_none() {
        streams.error = Some(pipe(&mut ours, own(&error)?)?);
    }
    Ok((streams, ours))
}

/// A pipe whose other end leads to a file; the program's end of it.
fn pipe(ours: &mut Ours, to: File) -> io::Result<OwnedFd> {
    let (from, theirs) = io::pipe()?;
    ours.output.push((reader(from.into())?, to));
    Ok(theirs.into())
}

/// One of our own streams, as a file that is written without a buffer.
fn own(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
