//! `token`: what admits new nodes.

use super::arguments::Format;
use super::arguments_nodes::TokenVerb;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_token::{RevokedTokens, TokenBody, TokenLine, TokenView, TokensView};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};

/// `aurora token …`
pub(super) async fn token(session: &mut Session<'_>, verb: TokenVerb) -> Result<(), CliError> {
    match verb {
        TokenVerb::Create { node, allow, approve, valid_for } => {
            create(session, &node, &allow, approve, valid_for).await
        }
        TokenVerb::List => {
            let tokens = all(session).await?;
            session.output.show(&tokens)
        }
        TokenVerb::Revoke { which } => revoke(session, &which).await,
    }
}

async fn create(
    session: &mut Session<'_>,
    node: &NodeName,
    allow: &[SecretGlob],
    approve: bool,
    valid_for: Option<std::time::Duration>,
) -> Result<(), CliError> {
    let body = TokenBody {
        node: node.as_str(),
        environment: session.environment.as_ref().map(EnvironmentName::as_str),
        companies: session.companies.iter().map(CompanyId::as_str).collect(),
        allow: (!allow.is_empty()).then(|| allow.iter().map(SecretGlob::as_str).collect()),
        approve,
        valid_for: valid_for.map(|valid_for| valid_for.as_secs()),
    };
    let token: TokenView = session.admin()?.ask(Question::post("/api/tokens", &body)?).await?;
    match session.output.format() {
        Format::Table => print_token(session, &token),
        Format::Json | Format::Yaml => session.output.data(&token),
    }
}

/// The token alone on its line, then the line to copy, unless the person wants the token only.
fn print_token(session: &mut Session<'_>, token: &TokenView) -> Result<(), CliError> {
    let text = token.token.plaintext().expose();
    session.output.write(text)?;
    if session.output.is_quiet() {
        return session.output.write(b"\n");
    }
    let when = format!("\n\nIt admits {} once, until {}. There, type:\n\n  aurora join ", token.node, token.expires_at);
    session.output.write(when.as_bytes())?;
    session.output.write(text)?;
    session.output.write(b"\n")?;
    if token.approve {
        let then = format!(
            "\nThen compare the fingerprint that it prints, and type here:\n\n  aurora nodes approve {}\n",
            token.node
        );
        session.output.write(then.as_bytes())?;
    }
    Ok(())
}

async fn all(session: &Session<'_>) -> Result<TokensView, CliError> {
    session.admin()?.ask(Question::get("/api/tokens")).await
}

/// By its id, or all that were made for a node.
async fn revoke(session: &mut Session<'_>, which: &str) -> Result<(), CliError> {
    let wanted = |token: &TokenLine| token.id == which || token.node == which;
    let ids: Vec<String> = all(session).await?.tokens.into_iter().filter(wanted).map(|token| token.id).collect();
    if ids.is_empty() {
        return Err(CliError::NotFound {
            message: format!("there is no join token {which}, and none for a node of that name"),
            hint: "Look with: aurora token list".to_owned(),
        });
    }
    let admin = session.admin()?;
    let mut revoked = Vec::new();
    for id in ids {
        revoked.push(admin.ask(Question::delete(format!("/api/tokens/{id}"))).await?);
    }
    session.output.report(&RevokedTokens { revoked })
}
