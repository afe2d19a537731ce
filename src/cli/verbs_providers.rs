//! `providers`: which APIs this node knows, and how their credentials are checked.

use super::arguments_providers::ProvidersVerb;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_providers::{ProviderView, ProvidersView};

/// `aurora providers …`
pub(super) async fn providers(session: &mut Session<'_>, verb: &ProvidersVerb) -> Result<(), CliError> {
    match verb {
        ProvidersVerb::List => {
            let providers: ProvidersView = session.lister()?.ask(Question::get("/providers")).await?;
            session.output.show(&providers)
        }
        ProvidersVerb::Show { name } => {
            let provider: ProviderView = session.lister()?.ask(Question::get(format!("/providers/{name}"))).await?;
            session.output.show(&provider)
        }
    }
}
