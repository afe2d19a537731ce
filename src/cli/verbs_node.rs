//! `status` and `nodes`: this node, and the others.

use super::arguments::NodesVerb;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_node::{EntitledView, EntitlementBody, NodeDetails, NodesView, StatusView};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};

/// `aurora status`
pub(super) async fn status(session: &mut Session<'_>) -> Result<(), CliError> {
    let status: StatusView = session.agent()?.ask(Question::get("/api/status")).await?;
    session.output.show(&status)
}

/// `aurora nodes …`
pub(super) async fn nodes(session: &mut Session<'_>, verb: NodesVerb) -> Result<(), CliError> {
    match verb {
        NodesVerb::List => {
            let nodes = all(session).await?;
            session.output.show(&nodes)
        }
        NodesVerb::Show { node } => {
            let details = one(session, &node).await?;
            session.output.show(&details)
        }
        NodesVerb::Entitle { node, allow, no_company } => entitle(session, &node, &allow, no_company).await,
    }
}

async fn all(session: &Session<'_>) -> Result<NodesView, CliError> {
    session.admin()?.ask(Question::get("/api/nodes")).await
}

async fn one(session: &Session<'_>, name: &NodeName) -> Result<NodeDetails, CliError> {
    let NodesView { nodes, timestamp } = all(session).await?;
    let found = nodes.into_iter().find(|node| node.name == name.as_str());
    found.map(|node| NodeDetails { node, timestamp }).ok_or_else(|| CliError::NotFound {
        message: format!("no node is named {name}"),
        hint: "Look with: aurora nodes list".to_owned(),
    })
}

/// Changes the parts that were given and keeps the others as they are.
async fn entitle(
    session: &mut Session<'_>,
    name: &NodeName,
    allow: &[SecretGlob],
    no_company: bool,
) -> Result<(), CliError> {
    if session.companies.is_empty() && !no_company && allow.is_empty() && session.environment.is_none() {
        return Err(CliError::Usage {
            message: "nothing is to be changed".to_owned(),
            hint: "Give --company, --no-company, --allow or --environment.".to_owned(),
        });
    }
    let NodeDetails { node, .. } = one(session, name).await?;
    let companies = match (session.companies, no_company) {
        (_, true) => vec![],
        ([], false) if node.companies.iter().any(|company| company == "*") => {
            return Err(CliError::Usage {
                message: format!("{name} speaks for every company; that is given to no node by command"),
                hint: "To narrow it, name its companies with --company, or take all of them with --no-company."
                    .to_owned(),
            });
        }
        ([], false) => node.companies,
        (named, false) => named.iter().map(CompanyId::to_string).collect(),
    };
    let body = EntitlementBody {
        environment: session.environment.as_ref().map_or(node.environment, EnvironmentName::to_string),
        companies,
        allow: if allow.is_empty() { node.allow } else { allow.iter().map(SecretGlob::to_string).collect() },
    };
    let question = Question::post(format!("/api/nodes/{name}/entitlement"), &body)?;
    let entitled: EntitledView = session.admin()?.ask(question).await?;
    session.output.report(&entitled)
}
