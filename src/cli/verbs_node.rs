//! `status` and `nodes`: this node, and the others.

use super::arguments_nodes::NodesVerb;
use super::confirm;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_diagnosis::{DiagnosisView, VerboseStatusView};
use super::views_node::{
    ApprovalBody, BanBody, ChangedNodeView, EntitlementBody, NodeDetails, NodesView, StatusView, ThrownOutView,
};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};

/// `aurora status`
pub(super) async fn status(session: &mut Session<'_>, verbose: bool) -> Result<(), CliError> {
    let status: StatusView = session.agent()?.ask(Question::get("/api/status")).await?;
    if !verbose {
        return session.output.show(&status);
    }
    let diagnosis: DiagnosisView = session.admin()?.ask(Question::get("/api/diagnosis")).await?;
    session.output.show(&VerboseStatusView { status, diagnosis })
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
        NodesVerb::Approve { node, fingerprint, yes } => approve(session, &node, fingerprint.as_deref(), yes).await,
        NodesVerb::Ban { node, yes } => ban(session, &node, yes).await,
        NodesVerb::Remove { node, yes } => remove(session, &node, yes).await,
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

/// Approves the key that is shown, or the one that was read off the node.
async fn approve(
    session: &mut Session<'_>,
    name: &NodeName,
    expected: Option<&str>,
    yes: bool,
) -> Result<(), CliError> {
    let NodeDetails { node, .. } = one(session, name).await?;
    let shown = node.fingerprint();
    if let Some(expected) = expected.map(|expected| expected.trim().to_ascii_lowercase()).filter(|it| it != shown) {
        return Err(CliError::Usage {
            message: format!("{name} waits with key {shown}, not {expected}: it may not be the machine that you mean"),
            hint: format!("Nothing was approved. To send it away: aurora nodes remove {name}"),
        });
    }
    session.output.note(&format!("{name} waits with key {shown}"));
    // Whoever read the fingerprint off the node has compared it.
    if !yes && expected.is_none() {
        if !confirm::somebody_is_there() {
            return Err(CliError::Usage {
                message: "there is no terminal to ask on whether the node prints the same fingerprint".to_owned(),
                hint: format!("Give the one it prints: aurora nodes approve {name} --fingerprint FINGERPRINT"),
            });
        }
        confirm::ask(&format!("Does {name} print exactly this fingerprint? Approve it?"))?;
    }
    let question = Question::post(format!("/api/nodes/{name}/approve"), &ApprovalBody { fingerprint: shown })?;
    let approved: ChangedNodeView = session.admin()?.ask(question).await?;
    session.output.report(&approved)
}

async fn ban(session: &mut Session<'_>, name: &NodeName, yes: bool) -> Result<(), CliError> {
    let Some(reason) = session.reason() else {
        return Err(CliError::Usage {
            message: "a ban needs a reason: it is kept in the roster and in the journal".to_owned(),
            hint: format!("Say why: aurora nodes ban {name} --reason TEXT"),
        });
    };
    if !yes {
        confirm::possible("banning a node", &format!("aurora nodes ban {name} --reason TEXT --yes"))?;
        confirm::ask(&format!("{name} is cut off at once, and wipes its cache. Ban it?"))?;
    }
    let question = Question::post(format!("/api/nodes/{name}/ban"), &BanBody { reason })?;
    let out: ThrownOutView = session.admin()?.ask(question).await?;
    session.output.report(&out)?;
    if let Some(of) = out.exposure() {
        session.output.note(&format!("what it could have read is still good at its providers: aurora exposure {of}"));
    }
    Ok(())
}

async fn remove(session: &mut Session<'_>, name: &NodeName, yes: bool) -> Result<(), CliError> {
    if !yes {
        confirm::possible("removing a node", &format!("aurora nodes remove {name} --yes"))?;
        confirm::ask(&format!(
            "{name} is cut off at once and forgotten, and with it what it could have read (aurora exposure node:{name}). \
             Remove it?"
        ))?;
    }
    let question = session.with_reason(Question::delete(format!("/api/nodes/{name}")))?;
    let out: ThrownOutView = session.admin()?.ask(question).await?;
    session.output.report(&out)
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
    let entitled: ChangedNodeView = session.admin()?.ask(question).await?;
    session.output.report(&entitled)
}
