//! `render`: a file made from a template, whole or not at all.

use std::fs::File;
use std::io;

use super::arguments_render::RenderArguments;
use super::client::Client;
use super::error::CliError;
use super::reads::{self, StaleUse};
use super::render_command;
use super::render_error::RenderError;
use super::render_target::{Target, Written};
use super::render_watch;
use super::session::Session;
use super::value_source::gather_up_to;
use crate::crypto::plaintext::Plaintext;
use crate::delivery::template::{Step, TEMPLATE_BYTES_MAX, Template};
use crate::delivery::template_error::TemplateError;

/// `aurora render`
pub(super) async fn render(session: &mut Session<'_>, arguments: &RenderArguments) -> Result<(), CliError> {
    let source = Source::read(arguments)?;
    let Some(target) = Target::of(arguments) else {
        let client = session.reader()?;
        let text = source.text(session, &client).await?;
        if session.output.is_terminal() {
            session.output.note("what follows are values, on a screen");
        }
        return session.output.write(text.expose());
    };
    target.notes().iter().for_each(|note| session.output.note(note));
    if arguments.watch {
        return render_watch::watch(session, arguments, &source, &target).await;
    }
    let client = session.reader()?;
    let text = source.text(session, &client).await?;
    match target.put(&text)? {
        Written::Changed => render_command::run(&arguments.command).await,
        Written::Unchanged => Ok(()),
    }
}

/// A template, and what it is called in errors.
pub(super) struct Source {
    name: String,
    /// The template.
    pub(super) template: Template,
}

impl Source {
    fn read(arguments: &RenderArguments) -> Result<Self, CliError> {
        let is_standard_input = arguments.template.as_os_str() == "-";
        let name = if is_standard_input { "standard input".into() } else { arguments.template.display().to_string() };
        let limit = "the most a template may be";
        let bytes = if is_standard_input {
            gather_up_to(TEMPLATE_BYTES_MAX, io::stdin().lock(), &name, limit)?
        } else {
            let unreadable = |source| CliError::Input { what: name.clone(), source };
            gather_up_to(TEMPLATE_BYTES_MAX, File::open(&arguments.template).map_err(unreadable)?, &name, limit)?
        };
        let text = std::str::from_utf8(bytes.expose()).map_err(|_| CliError::Input {
            what: name.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"),
        })?;
        let template = Template::parse(text.to_owned()).map_err(|error| wrong(&name, error))?;
        Ok(Self { name, template })
    }

    /// Renders, and reads each secret that is asked for on the way. Says so if one of them is stale.
    ///
    /// # Errors
    /// [`CliError::Render`], which names the secret and the line.
    pub(super) async fn text(&self, session: &mut Session<'_>, client: &Client) -> Result<Plaintext, CliError> {
        let mut stale = StaleUse::default();
        self.template.forget();
        loop {
            match self.template.render().map_err(|error| wrong(&self.name, error))? {
                Step::Rendered(text) => {
                    stale.told().iter().for_each(|note| session.output.note(note));
                    return Ok(text);
                }
                Step::Lacks(reference, line) => {
                    let answer = reads::read(session, client, &reference).await.map_err(|cause| {
                        let (template, reference) = (self.name.clone(), reference.clone());
                        Box::new(RenderError::Secret { template, line, reference, cause })
                    })?;
                    stale.saw(&reference, &answer);
                    self.template.tell(reference, answer);
                }
            }
        }
    }
}

fn wrong(name: &str, error: TemplateError) -> CliError {
    Box::new(RenderError::Template { template: name.to_owned(), error }).into()
}
