//! `list`, `info`, `versions` and `explain`: what is known about secrets, without their values.

use super::arguments_secret::{ExplainArguments, InfoArguments, ListArguments, VersionsArguments};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::verbs_secret::path;
use super::views_explain::ExplainView;
use super::views_record::{InfoView, ListView, VersionsView, WithNodes};

/// Lines asked for at once: the most a node gives.
const PAGE_LINES: usize = 1000;

/// `aurora list`
pub(super) async fn list(session: &mut Session<'_>, arguments: &ListArguments) -> Result<(), CliError> {
    let all = pages(session, arguments.prefix.as_deref(), arguments.limit).await?;
    session.output.show(&all)
}

/// `aurora info`
pub(super) async fn info(session: &mut Session<'_>, arguments: &InfoArguments) -> Result<(), CliError> {
    let name = &arguments.name;
    let mut all = pages(session, Some(&name.to_string()), None).await?;
    all.secrets.retain(|record| record.service == name.service.as_str() && record.key_name == name.key.as_str());
    if all.secrets.is_empty() {
        let message = format!("nothing is known here about {name}");
        return Err(CliError::NotFound { message, hint: format!("Look with: aurora explain {name}") });
    }
    session.output.show(&InfoView(all))
}

/// Follows the cursor until there are no more pages, or enough lines.
async fn pages(session: &Session<'_>, prefix: Option<&str>, limit: Option<usize>) -> Result<ListView, CliError> {
    let client = session.lister()?;
    let most = limit.unwrap_or(usize::MAX);
    let mut all: Option<ListView> = None;
    loop {
        let (held, cursor) = all.as_ref().map_or((0, None), |all| (all.secrets.len(), all.next_cursor.as_deref()));
        let lines = most.saturating_sub(held).clamp(1, PAGE_LINES).to_string();
        let question = session.in_place(Question::get("/api/secrets")).with("prefix", prefix);
        let page: ListView = client.ask(question.with("limit", Some(&lines)).with("cursor", cursor)).await?;
        // A node that gives the same cursor again would keep us here for ever.
        let more = page.next_cursor.is_some() && page.next_cursor.as_deref() != cursor;
        let all = match &mut all {
            Some(all) => {
                all.secrets.extend(page.secrets);
                all.next_cursor = page.next_cursor;
                all
            }
            None => all.insert(page),
        };
        if !more || all.secrets.len() >= most {
            break;
        }
    }
    all.ok_or(CliError::Garbled { what: "there is no page" })
}

/// `aurora versions`
pub(super) async fn versions(session: &mut Session<'_>, arguments: &VersionsArguments) -> Result<(), CliError> {
    let question = Question::get(format!("{}/versions", path("secrets", &arguments.name)));
    let versions: VersionsView = session.reader()?.ask(session.in_place(question)).await?;
    if arguments.nodes { session.output.show(&WithNodes(versions)) } else { session.output.show(&versions) }
}

/// `aurora explain`
pub(super) async fn explain(session: &mut Session<'_>, arguments: &ExplainArguments) -> Result<(), CliError> {
    let question = session.in_environment(Question::get(path("explain", &arguments.name)));
    let explanation: ExplainView = session.reader()?.ask(session.in_context(question)?).await?;
    session.output.show(&explanation)
}
