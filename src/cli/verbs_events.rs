//! `events`: what happens, what happened, which types there are, and telling of something as a program would.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use super::arguments::Format;
use super::arguments_events::{EventFilterArguments, EventVerb, ListEventsArguments, PublishArguments, TailArguments};
use super::client::Client;
use super::error::CliError;
use super::events::{Event, EventReader};
use super::question::Question;
use super::session::Session;
use super::verbs_subscriptions::subscriptions;
use super::verbs_watch::{PAUSE_MAX, PAUSE_MIN, SILENCE_MAX, passes};
use super::views_events::{EventView, EventsView, HistoryView, PublishBody, PublishedView, TypesView};
use super::views_watch::ResetView;
use crate::events::posting::DATA_BYTES_MAX;
use crate::model::event_kind::EventKind;
use crate::model::name::{CompanyId, EnvironmentName, NodeName, ServiceName};

/// Events that are asked for at once.
const PAGE: u64 = 1000;

/// `aurora events …`
pub(super) async fn events(session: &mut Session<'_>, verb: &EventVerb) -> Result<(), CliError> {
    match verb {
        EventVerb::Tail(arguments) => tail(session, arguments).await,
        EventVerb::List(arguments) => list(session, arguments).await,
        EventVerb::Types { kind } => types(session, *kind).await,
        EventVerb::Publish(arguments) => publish(session, arguments).await,
        EventVerb::Subscriptions(verb) => subscriptions(session, verb).await,
    }
}

async fn types(session: &mut Session<'_>, kind: Option<EventKind>) -> Result<(), CliError> {
    let question = Question::get("/api/events/types").with("type", kind.map(EventKind::as_str));
    let types: TypesView = session.lister()?.ask(session.with_reason(question)?).await?;
    match types.types.first().filter(|_| kind.is_some()) {
        Some(one) => session.output.data(&one.schema),
        None => session.output.show(&types),
    }
}

async fn list(session: &mut Session<'_>, arguments: &ListEventsArguments) -> Result<(), CliError> {
    let (client, mut events) = (session.lister()?, Vec::new());
    let most = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut cursor = None;
    loop {
        let left = arguments.limit.saturating_sub(u64::try_from(events.len()).unwrap_or(u64::MAX));
        let question = wanted(session, Question::get("/api/events/history"), &arguments.filter);
        let question = question.with("since", arguments.since.as_deref()).with("cursor", cursor.as_deref());
        let question = question.with("limit", Some(&left.min(PAGE).to_string()));
        let page: HistoryView = client.ask(session.with_reason(question)?).await?;
        events.extend(page.events);
        cursor = page.next_cursor;
        if cursor.is_none() || events.len() >= most {
            return session.output.show(&EventsView { events });
        }
    }
}

async fn publish(session: &mut Session<'_>, arguments: &PublishArguments) -> Result<(), CliError> {
    let unreadable = |error: io::Error| CliError::Usage {
        message: format!("the data cannot be read: {error}"),
        hint: "Give a JSON object, @FILE, or - for standard input.".to_owned(),
    };
    let read = match (arguments.data.as_str(), arguments.data.strip_prefix('@')) {
        ("-", _) => gathered(io::stdin()),
        (_, Some(path)) => File::open(path).and_then(gathered),
        (text, None) => Ok(text.as_bytes().to_vec()),
    };
    let read = read.map_err(unreadable)?;
    let data = serde_json::from_slice(&read).map_err(|_| CliError::Usage {
        message: "the data of an event is one JSON object".to_owned(),
        hint: "Write it as in: --data '{\"workflow\":\"nightly\"}'".to_owned(),
    })?;
    let environment = session.environment.as_ref().map(EnvironmentName::as_str);
    let body = PublishBody { kind: arguments.kind.as_str(), data, environment, id: arguments.key.as_deref() };
    let question = session.in_context(Question::post("/api/events", &body)?)?;
    let published: PublishedView = session.reader()?.ask(question).await?;
    session.output.report(&published)
}

/// What there is to say: more than a node takes, so that it is the node that refuses it, and no more than that.
fn gathered(from: impl Read) -> io::Result<Vec<u8>> {
    let (mut bytes, most) = (Vec::new(), u64::try_from(4 * DATA_BYTES_MAX).unwrap_or(u64::MAX));
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Adds what is wanted.
fn wanted(session: &Session<'_>, question: Question, filter: &EventFilterArguments) -> Question {
    let question = filter.types.iter().fold(question, |question, glob| question.with("type", Some(glob.as_str())));
    session
        .in_place(question)
        .with("service", filter.service.as_ref().map(ServiceName::as_str))
        .with("company", session.company().map(CompanyId::as_str))
        .with("node", filter.node.as_ref().map(NodeName::as_str))
}

async fn tail(session: &mut Session<'_>, arguments: &TailArguments) -> Result<(), CliError> {
    let client = session.lister()?;
    let seen = arguments.after.map(|number| number.to_string());
    let mut tailing = Tailing { arguments, seen, told: 0, begun: false, pause: PAUSE_MIN };
    loop {
        match tailing.follow(session, &client).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if tailing.begun && passes(&error) => {}
            Err(error) => return Err(error),
        }
        if tailing.pause == PAUSE_MIN {
            session.output.note("the node went away; it goes on when it is back");
        }
        tokio::time::sleep(tailing.pause).await;
        tailing.pause = (tailing.pause * 2).min(PAUSE_MAX);
    }
}

struct Tailing<'a> {
    arguments: &'a TailArguments,
    seen: Option<String>,
    told: u64,
    begun: bool,
    pause: Duration,
}

impl Tailing<'_> {
    /// Shows what comes; true when that was enough.
    async fn follow(&mut self, session: &mut Session<'_>, client: &Client) -> Result<bool, CliError> {
        let question = wanted(session, Question::get("/api/events"), &self.arguments.filter);
        let question = session.with_reason(question)?.header("last-event-id", self.seen.as_deref())?;
        let mut stream = client.open(question).await?;
        (self.begun, self.pause) = (true, PAUSE_MIN);
        let mut reader = EventReader::default();
        loop {
            let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
            let Some(bytes) = chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? else {
                return Ok(false);
            };
            for event in reader.read(&bytes)? {
                self.told = self.told.saturating_add(tell(session, &event)?);
                self.seen = event.id.or(self.seen.take());
                if self.arguments.count.is_some_and(|count| self.told >= count) {
                    return Ok(true);
                }
            }
        }
    }
}

/// Prints an event, and says how many that were.
fn tell(session: &mut Session<'_>, event: &Event) -> Result<u64, CliError> {
    let garbled = |_| CliError::Garbled { what: "an event has another shape" };
    match event.name.as_str() {
        "reset" => {
            let view: ResetView = serde_json::from_str(&event.data).map_err(garbled)?;
            session.output.note(&view.message);
            Ok(0)
        }
        // Where it begins, and a keep-alive.
        "ready" | "" => Ok(0),
        _ => {
            let view: EventView = serde_json::from_str(&event.data).map_err(garbled)?;
            if session.output.format() == Format::Yaml {
                session.output.write(b"---\n")?;
            }
            session.output.show(&view)?;
            Ok(1)
        }
    }
}
