//! Shared options that a verb has no use for are refused, not ignored: `put --company acme` would otherwise store for
//! everybody what was meant for one company.

use super::arguments::{Global, Verb};
use super::arguments_access::AccessVerb;
use super::arguments_agent::{AgentVerb, ApikeyVerb};
use super::arguments_audit::AuditVerb;
use super::arguments_environment::EnvironmentVerb;
use super::arguments_events::EventVerb;
use super::arguments_keys::KeyVerb;
use super::arguments_life::RollbackArguments;
use super::arguments_nodes::{NodesVerb, TokenVerb};
use super::arguments_policy::PolicyVerb;
use super::arguments_snapshot::SnapshotVerb;
use super::arguments_subscriptions::SubscriptionVerb;
use super::error::CliError;

/// The shared options a verb takes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// None of them.
    Nothing,
    /// Environment and reason.
    EnvironmentAndReason,
    /// Environment and scope.
    Place,
    /// Environment, scope and reason.
    PlaceAndReason,
    /// The reason.
    Reason,
    /// Company, environment and reason.
    Context,
    /// Company and reason.
    Behalf,
    /// All of them.
    Everything,
    /// Companies and environment: an entitlement.
    Entitlement,
    /// One company and the environment: which lines of the journal.
    Filter,
    /// Companies, environment and reason: how far an agent or its key reaches.
    Bounds,
}

/// Refuses what was given and would have no effect.
///
/// # Errors
/// [`CliError::Usage`] names the option.
pub(super) fn check(global: &Global, verb: &Verb) -> Result<(), CliError> {
    let takes = takes(verb);
    let (company, environment, scope, reason) = match takes {
        Takes::Nothing => (false, false, false, false),
        Takes::EnvironmentAndReason => (false, true, false, true),
        Takes::Place => (false, true, true, false),
        Takes::PlaceAndReason => (false, true, true, true),
        Takes::Reason => (false, false, false, true),
        Takes::Context => (true, true, false, true),
        Takes::Behalf => (true, false, false, true),
        Takes::Everything => (true, true, true, true),
        Takes::Entitlement => (true, true, false, false),
        Takes::Filter => (true, true, false, false),
        Takes::Bounds => (true, true, false, true),
    };
    if !global.company.is_empty() && !company {
        let hint = match global.company.first() {
            Some(id) if scope => format!("Name the scope: --scope company:{id}"),
            Some(_) | None => "Leave it out.".to_owned(),
        };
        return Err(unused("--company", hint));
    }
    if global.company.len() > 1 && !matches!(takes, Takes::Entitlement | Takes::Bounds) {
        let message = "a read is made on behalf of one company".to_owned();
        return Err(CliError::Usage { message, hint: "Give --company once.".to_owned() });
    }
    let others = [
        ("--environment", global.environment.is_some(), environment),
        ("--scope", global.scope.is_some(), scope),
        ("--reason", global.reason.is_some(), reason),
    ];
    match others.into_iter().find(|(_, given, taken)| *given && !*taken) {
        Some((option, _, _)) => Err(unused(option, "Leave it out.".to_owned())),
        None => Ok(()),
    }
}

fn takes(verb: &Verb) -> Takes {
    match verb {
        Verb::Get(_) | Verb::Run(_) | Verb::Export(_) | Verb::Whoami(_) => Takes::Everything,
        Verb::Events(verb) => takes_of_events(verb),
        Verb::Explain(_)
        | Verb::Render(_)
        | Verb::GitCredential(_)
        | Verb::DockerCredential(_)
        | Verb::CredentialProcess(_) => Takes::Context,
        Verb::Validate(_) | Verb::Access(AccessVerb::Request(_)) => Takes::Behalf,
        Verb::Access(AccessVerb::Dismiss { .. }) => Takes::Reason,
        Verb::Rollback(RollbackArguments { to_revision: Some(_), .. }) => Takes::Reason,
        Verb::Put(_)
        | Verb::Import(_)
        | Verb::Delete(_)
        | Verb::Undelete(_)
        | Verb::Destroy(_)
        | Verb::Describe(_)
        | Verb::Watch(_) => Takes::PlaceAndReason,
        Verb::Rollback(_) => Takes::PlaceAndReason,
        Verb::Environment(EnvironmentVerb::Mirror { .. } | EnvironmentVerb::Check { .. }) => Takes::Reason,
        Verb::List(_) | Verb::Info(_) | Verb::Versions(_) => Takes::Place,
        Verb::Key(KeyVerb::Rotate(_)) => Takes::EnvironmentAndReason,
        Verb::Key(KeyVerb::RotateRoot) | Verb::Policy(PolicyVerb::Apply(_)) | Verb::Freeze(_) | Verb::Unfreeze(_) => {
            Takes::Reason
        }
        Verb::Nodes(NodesVerb::Entitle { .. }) | Verb::Token(TokenVerb::Create { .. }) => Takes::Entitlement,
        Verb::Agent(AgentVerb::Create(_) | AgentVerb::Update(_)) | Verb::Apikey(ApikeyVerb::Create(_)) => Takes::Bounds,
        Verb::Agent(
            AgentVerb::Suspend { .. }
            | AgentVerb::Activate { .. }
            | AgentVerb::Archive { .. }
            | AgentVerb::SigningKey { .. },
        )
        | Verb::Apikey(ApikeyVerb::Rotate { .. } | ApikeyVerb::Revoke { .. }) => Takes::Reason,
        Verb::Audit(AuditVerb::List { .. } | AuditVerb::Tail { .. } | AuditVerb::Export { .. }) => Takes::Filter,
        Verb::Snapshot(SnapshotVerb::Save(_) | SnapshotVerb::Verify(_)) => Takes::Reason,
        Verb::Nodes(NodesVerb::Ban { .. } | NodesVerb::Remove { .. }) => Takes::Reason,
        Verb::Nodes(NodesVerb::List | NodesVerb::Show { .. } | NodesVerb::Approve { .. })
        | Verb::Token(TokenVerb::List | TokenVerb::Revoke { .. })
        | Verb::Agent(AgentVerb::List | AgentVerb::Show { .. })
        | Verb::Apikey(ApikeyVerb::List { .. })
        | Verb::Environment(EnvironmentVerb::List)
        | Verb::Status { .. }
        | Verb::Exposure { .. }
        | Verb::Access(AccessVerb::List)
        | Verb::Key(KeyVerb::Status)
        | Verb::Policy(PolicyVerb::List | PolicyVerb::Show { .. } | PolicyVerb::Test(_))
        | Verb::Providers(_)
        | Verb::Unseal(_)
        | Verb::Freezes
        | Verb::Notify(_)
        | Verb::Connectivity(_)
        | Verb::Expiring(_)
        | Verb::Unused(_)
        | Verb::Audit(AuditVerb::Verify(_) | AuditVerb::Heads { .. } | AuditVerb::Nodes | AuditVerb::Proof { .. })
        | Verb::Snapshot(SnapshotVerb::List | SnapshotVerb::Restore(_) | SnapshotVerb::Keygen { .. })
        | Verb::Service(_)
        | Verb::Man { .. }
        | Verb::Completion { .. } => Takes::Nothing,
    }
}

fn takes_of_events(verb: &EventVerb) -> Takes {
    match verb {
        EventVerb::Tail(_) | EventVerb::List(_) | EventVerb::Subscriptions(SubscriptionVerb::Subscribe(_)) => {
            Takes::Everything
        }
        EventVerb::Publish(_) => Takes::Context,
        EventVerb::Types { .. }
        | EventVerb::Subscriptions(
            SubscriptionVerb::Unsubscribe { .. }
            | SubscriptionVerb::Pause { .. }
            | SubscriptionVerb::Resume { .. }
            | SubscriptionVerb::Rotate { .. }
            | SubscriptionVerb::Replay(_),
        ) => Takes::Reason,
        EventVerb::Subscriptions(
            SubscriptionVerb::Subscriptions { .. }
            | SubscriptionVerb::Test { .. }
            | SubscriptionVerb::Deliveries(_)
            | SubscriptionVerb::Dead(_),
        ) => Takes::Nothing,
    }
}

fn unused(option: &str, hint: String) -> CliError {
    CliError::Usage { message: format!("{option} has no effect on this command"), hint }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::arguments::{Cli, Command};
    use super::*;

    fn checked(line: &str) -> Result<(), String> {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let Command::Ask(verb) = cli.command else { panic!("{line}") };
        check(&cli.global, &verb).map_err(|error| format!("{error} {}", error.hint()))
    }

    #[test]
    fn an_option_without_effect_is_refused() {
        let refused = checked("aurora put a/b - --company acme").expect_err("meant as a scope");
        assert!(refused.contains("--scope company:acme"), "{refused}");
        assert!(checked("aurora status --scope global").is_err());
        assert!(checked("aurora list --reason x").is_err());
        assert!(checked("aurora get a/b --company x --company y").is_err());
    }

    #[test]
    fn options_are_taken_before_and_after_the_verb() {
        checked("aurora --company acme get a/b").expect("before");
        checked("aurora get a/b --company acme --scope global --environment dev --reason x").expect("after");
        checked("aurora token create n --company x --company y --environment prod").expect("several");
        checked("aurora -o json --socket /x status").expect("before");
    }
}
