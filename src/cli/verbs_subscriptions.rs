//! `events subscribe` and its like, and `notify`.

use super::arguments::Format;
use super::arguments_subscriptions::{
    EndedArguments, NotifyArguments, ReplayArguments, SubscribeArguments, SubscriptionVerb,
};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_subscriptions::{
    DoneView, EndedView, NotifiedView, NotifyBody, ReplayBody, ReplayedView, SubscribeBody, SubscribedView,
    SubscriptionsView, TestedView,
};
use crate::model::name::KeyName;

/// `aurora events …`, as far as it is about who is told.
pub(super) async fn subscriptions(session: &mut Session<'_>, verb: &SubscriptionVerb) -> Result<(), CliError> {
    match verb {
        SubscriptionVerb::Subscribe(arguments) => subscribe(session, arguments).await,
        SubscriptionVerb::Subscriptions { name } => list(session, name.as_ref()).await,
        SubscriptionVerb::Unsubscribe { name } => unsubscribe(session, name).await,
        SubscriptionVerb::Pause { name } => set(session, name, "pause").await,
        SubscriptionVerb::Resume { name } => set(session, name, "resume").await,
        SubscriptionVerb::Rotate { name } => rotate(session, name).await,
        SubscriptionVerb::Test { name } => test(session, name).await,
        SubscriptionVerb::Replay(arguments) => replay(session, arguments).await,
        SubscriptionVerb::Deliveries(arguments) => ended(session, "/api/deliveries", arguments).await,
        SubscriptionVerb::Dead(arguments) => ended(session, "/api/dead-letters", arguments).await,
    }
}

/// `aurora events subscribe NAME …`
async fn subscribe(session: &mut Session<'_>, arguments: &SubscribeArguments) -> Result<(), CliError> {
    fn text<T: ToString>(name: Option<&T>) -> Option<String> {
        name.map(ToString::to_string)
    }
    let body = SubscribeBody {
        name: arguments.name.to_string(),
        types: arguments.types.iter().map(ToString::to_string).collect(),
        service: text(arguments.service.as_ref()),
        scope: text(session.scope),
        // A variable that is set for other commands narrows nothing here.
        company: text(session.companies.first()),
        environment: text(session.environment.as_ref()),
        node: text(arguments.node.as_ref()),
        webhook: text(arguments.webhook.as_ref()),
        channel: text(arguments.notify.as_ref()),
    };
    let question = session.with_reason(Question::post("/api/subscriptions", &body)?)?;
    let made: SubscribedView = session.admin()?.ask(question).await?;
    tell_secret(session, &made)
}

/// `aurora events rotate NAME`
async fn rotate(session: &mut Session<'_>, name: &KeyName) -> Result<(), CliError> {
    let question = session.with_reason(Question::post_nothing(format!("/api/subscriptions/{name}/rotate")))?;
    let rotated: SubscribedView = session.admin()?.ask(question).await?;
    tell_secret(session, &rotated)
}

/// The secret alone on its line: it is shown this once.
fn tell_secret(session: &mut Session<'_>, made: &SubscribedView) -> Result<(), CliError> {
    match (session.output.format(), &made.signing_secret) {
        (Format::Json | Format::Yaml, _) => session.output.data(made),
        (Format::Table, None) => session.output.write(format!("{} is told\n", made.name).as_bytes()),
        (Format::Table, Some(secret)) => {
            session.output.write(secret.plaintext().expose())?;
            session.output.write(b"\n")?;
            let both = made.previous_until.as_ref().map(|until| format!(" The one before signs too until {until}."));
            session.output.note(&format!(
                "messages for {} are signed with this secret, which is shown this once.{}",
                made.name,
                both.unwrap_or_default()
            ));
            Ok(())
        }
    }
}

/// `aurora events subscriptions [NAME]`
async fn list(session: &mut Session<'_>, name: Option<&KeyName>) -> Result<(), CliError> {
    let mut all: SubscriptionsView = session.admin()?.ask(Question::get("/api/subscriptions")).await?;
    if let Some(name) = name {
        all.subscriptions.retain(|line| line.name == name.as_str());
        if all.subscriptions.is_empty() {
            return Err(CliError::NotFound {
                message: format!("there is no subscription {name}"),
                hint: "Look with: aurora events subscriptions".to_owned(),
            });
        }
    }
    session.output.show(&all)
}

/// `aurora events unsubscribe NAME`
async fn unsubscribe(session: &mut Session<'_>, name: &KeyName) -> Result<(), CliError> {
    let question = session.with_reason(Question::delete(format!("/api/subscriptions/{name}")))?;
    let done: DoneView = session.admin()?.ask(question).await?;
    session.output.report(&done)
}

/// `aurora events pause NAME` and `resume NAME`
async fn set(session: &mut Session<'_>, name: &KeyName, verb: &str) -> Result<(), CliError> {
    let question = session.with_reason(Question::post_nothing(format!("/api/subscriptions/{name}/{verb}")))?;
    let done: DoneView = session.admin()?.ask(question).await?;
    session.output.report(&done)
}

/// `aurora events test NAME`
async fn test(session: &mut Session<'_>, name: &KeyName) -> Result<(), CliError> {
    let question = Question::post_nothing(format!("/api/subscriptions/{name}/test"));
    let tested: TestedView = session.admin()?.ask(question).await?;
    session.output.show(&tested)
}

/// `aurora events replay NAME`
async fn replay(session: &mut Session<'_>, arguments: &ReplayArguments) -> Result<(), CliError> {
    let ReplayArguments { name, since, id } = arguments;
    let body = ReplayBody { since: since.map(|at| at.to_string()), id: id.clone() };
    let question = Question::post(format!("/api/subscriptions/{name}/replay"), &body)?;
    let replayed: ReplayedView = session.admin()?.ask(session.with_reason(question)?).await?;
    session.output.report(&replayed)
}

async fn ended(session: &mut Session<'_>, path: &'static str, arguments: &EndedArguments) -> Result<(), CliError> {
    let question = Question::get(path)
        .with("name", arguments.name.as_ref().map(KeyName::as_str))
        .with("limit", Some(&arguments.limit.to_string()));
    let ended: EndedView = session.admin()?.ask(question).await?;
    session.output.show(&ended)
}

/// `aurora notify CHANNEL MESSAGE`
pub(super) async fn notify(session: &mut Session<'_>, arguments: &NotifyArguments) -> Result<(), CliError> {
    let body = NotifyBody {
        channel: arguments.channel.as_str(),
        message: &arguments.message,
        priority: arguments.priority.as_str(),
    };
    let sent: NotifiedView = session.agent()?.ask(Question::post("/notify", &body)?).await?;
    session.output.report(&sent)
}
