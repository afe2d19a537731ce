//! `unseal`: brings a share, or the passphrase, to a node that is sealed. Never as an argument.

use std::io::{self, IsTerminal};

use dialoguer::Password;

use super::arguments_node::UnsealArguments;
use super::client::Client;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::value_source;
use super::views_unseal::{UnsealBody, UnsealView};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::text::ValueText;

/// Where a sealed node is asked and unsealed.
const PATH: &str = "/api/unseal";

/// What a sealed node waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Shares,
    Passphrase,
}

impl Wanted {
    fn of(state: &UnsealView) -> Self {
        if state.source.as_deref() == Some("passphrase") { Self::Passphrase } else { Self::Shares }
    }

    fn prompt(self) -> &'static str {
        match self {
            Self::Shares => "A share of this node",
            Self::Passphrase => "Passphrase of this node",
        }
    }

    fn body(self, text: &ValueText) -> UnsealBody<'_> {
        match self {
            Self::Shares => UnsealBody::Share(text),
            Self::Passphrase => UnsealBody::Passphrase(text),
        }
    }
}

/// `aurora unseal`
pub(super) async fn unseal(session: &mut Session<'_>, arguments: &UnsealArguments) -> Result<(), CliError> {
    let from_input = match arguments.source.as_slice() {
        [] => false,
        [only] if only == "-" => true,
        [_, ..] => return Err(value_source::value_as_argument()),
    };
    if arguments.status {
        return status(session).await;
    }
    let client = session.admin()?;
    if arguments.reset {
        let forgotten = bring(&client, &UnsealBody::Reset(true)).await?;
        return session.output.report(&forgotten);
    }
    let mut state: UnsealView = client.ask(Question::get(PATH)).await?;
    if !state.sealed {
        session.output.note("the node is not sealed, so nothing was brought to it");
        return session.output.report(&state);
    }
    let wanted = Wanted::of(&state);
    let brought = if from_input { lines(wanted)? } else { vec![prompt(wanted)?] };
    for text in &brought {
        state = bring(&client, &wanted.body(text)).await?;
        session.output.report(&state)?;
        if !state.sealed {
            break;
        }
    }
    Ok(())
}

async fn status(session: &mut Session<'_>) -> Result<(), CliError> {
    let state: UnsealView = session.agent()?.ask(Question::get(PATH)).await?;
    if let Some(shares) = &state.shares {
        session.output.note(&format!("there are {} shares, of the set {}", shares.total, shares.set));
    }
    session.output.show(&state)
}

async fn bring(client: &Client, body: &UnsealBody<'_>) -> Result<UnsealView, CliError> {
    client.ask(Question::post(PATH, body)?).await
}

/// The lines of standard input that hold something; of a passphrase, the first, with the white space it may begin with.
fn lines(wanted: Wanted) -> Result<Vec<ValueText>, CliError> {
    let input = value_source::gather(io::stdin().lock(), "standard input")?;
    let text = |line: &[u8]| ValueText::from(Plaintext::new(line.to_vec()));
    let lines = input.expose().split(|&byte| byte == b'\n');
    let found: Vec<ValueText> = match wanted {
        Wanted::Shares => lines.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).map(text).collect(),
        Wanted::Passphrase => {
            let first = lines.take(1).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            first.filter(|line| !line.is_empty()).map(text).collect()
        }
    };
    if found.is_empty() { Err(nothing()) } else { Ok(found) }
}

fn prompt(wanted: Wanted) -> Result<ValueText, CliError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::Usage {
            message: "there is no terminal to ask on".to_owned(),
            hint: "Pipe it in: … | aurora unseal -".to_owned(),
        });
    }
    let asked = Password::new().with_prompt(wanted.prompt()).allow_empty_password(true).interact();
    let typed = asked.map(|text| Plaintext::new(text.into_bytes())).map_err(|dialoguer::Error::IO(source)| {
        CliError::Input { what: "the answer from the terminal".to_owned(), source }
    })?;
    if typed.is_empty() { Err(nothing()) } else { Ok(ValueText::from(typed)) }
}

fn nothing() -> CliError {
    CliError::Usage {
        message: "nothing was given".to_owned(),
        hint: "Type a share, or pipe it in: … | aurora unseal -".to_owned(),
    }
}
