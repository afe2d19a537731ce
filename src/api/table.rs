//! The one table from errors to status, code, message and hint. Exhaustive: a new cause does not compile without a row.
//!
//! Message and hint together have three parts: what failed, why, and what to type next.

use std::time::Duration;

use axum::http::StatusCode;

use super::error::ApiError;
use super::table_hints::{foreign_hint, share_hint, unseal_hint};
use super::{
    table_access, table_agents, table_back, table_backup, table_delivery, table_events, table_hints, table_nodes,
};
use crate::crypto::gathering::ShareError;
use crate::model::caller::LeadAddress;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;
use crate::vault::error::VaultError;

/// How a cause is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The stable word programs branch on.
    pub(super) code: &'static str,
    /// What failed, and why.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: String,
}

impl Row {
    fn new(status: StatusCode, code: &'static str, message: &impl ToString, hint: impl Into<String>) -> Self {
        Self { status, code, message: message.to_string(), hint: hint.into() }
    }
}

/// The row of an error.
pub(super) fn row(error: &ApiError) -> Row {
    const NAMES: &str = "Names are 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen, in lower case.";
    const PARAMETERS: &str = "Give secretId, and versionId, versionStage or refreshNow as they are needed.";
    let bad = |code, hint: &str| Row::new(StatusCode::BAD_REQUEST, code, error, hint);
    match error {
        ApiError::Vault(cause) => vault_row(cause),
        ApiError::Name(_) | ApiError::PathEncoding => bad("bad_name", NAMES),
        ApiError::Glob(_) => bad("bad_name", "Write the pattern as *, openai/* or openai/api_*."),
        ApiError::Scope(_) => bad("bad_scope", "Give scope global, or scope company or node with a scope_id."),
        ApiError::BadJson { .. } => bad("bad_json", "Send one JSON object, in UTF-8, with the types of the API page."),
        ApiError::MissingField { .. } => bad("bad_json", "Add the field and send the request again."),
        ApiError::GivenTwice { .. } => bad("bad_value", "Give it once."),
        ApiError::UnknownField { .. } => bad("unknown_field", "Look for a misspelling, or leave it out."),
        ApiError::BadValue { .. } => bad("bad_value", "Correct it and send the request again."),
        ApiError::NotOffered(_) => bad("not_offered", "The README, Vault clients, says what can be asked."),
        ApiError::MissingParameter { .. } | ApiError::UnknownParameter { .. } => bad("bad_value", PARAMETERS),
        ApiError::Foreign(cause) => Row::new(StatusCode::FORBIDDEN, "foreign_request", error, foreign_hint(cause)),
        ApiError::BodyCutOff => bad("bad_json", "Send the whole body; check Content-Length."),
        ApiError::BodyTooLarge { .. } => {
            Row::new(StatusCode::PAYLOAD_TOO_LARGE, "value_too_large", error, TOO_LARGE_HINT)
        }
        ApiError::NotText { .. } => Row::new(
            StatusCode::NOT_ACCEPTABLE,
            "not_text",
            error,
            "Store the value in a text form, such as base64, and decode it where it is used.",
        ),
        ApiError::TooManyConnections => Row::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            error,
            "Close idle connections or reuse them, and try again after the seconds in Retry-After.",
        ),
        ApiError::TooManyBodies | ApiError::TooManyAnswers => Row::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            error,
            "Try again after the seconds in Retry-After.",
        ),
        ApiError::TimedOut { .. } => {
            Row::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", error, "Look with: aurora status")
        }
        ApiError::TooManyEntries { .. } | ApiError::TooManyBytes { .. } => Row::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many",
            error,
            "Divide them into several requests, by prefix for example.",
        ),
        ApiError::OfEntry { cause, .. } => Row { message: error.to_string(), ..row(cause) },
        ApiError::UnknownRoute => {
            Row::new(StatusCode::NOT_FOUND, "unknown_route", error, "Secrets are at /api/secrets/SERVICE/KEY_NAME.")
        }
        ApiError::WrongMethod => {
            Row::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", error, "The header Allow lists the methods.")
        }
        ApiError::NoEntropy(_) | ApiError::Unwritable => internal(),
    }
}

const TOO_LARGE_HINT: &str = "Store a smaller value, or raise limits.value_bytes_max in node.toml (at most 960 KiB).";

fn vault_row(error: &VaultError) -> Row {
    if let VaultError::NotLead { lead } = error {
        return not_lead(lead);
    }
    if let VaultError::NoLead { lead } = error {
        return no_lead(lead);
    }
    if let VaultError::Internal(_) = error {
        return internal();
    }
    let message = if let VaultError::StaleCache { age, last_contact, .. } = error {
        format!("{error}: {}", staleness(*age, *last_contact))
    } else {
        error.to_string()
    };
    Row::new(vault_status(error), error.code(), &message, vault_hint(error))
}

fn vault_status(error: &VaultError) -> StatusCode {
    match error {
        VaultError::OfSecret { cause, .. } => vault_status(cause),
        VaultError::Agent(cause) => table_agents::status_and_hint(cause).0,
        VaultError::Access(cause) => table_access::status_and_hint(cause).0,
        VaultError::Event(cause) => table_events::status_and_hint(cause).0,
        VaultError::Delivery(cause) => table_delivery::status_and_hint(cause).0,
        VaultError::Backup(cause) => table_backup::status_and_hint(cause).0,
        VaultError::Roster(cause) => table_nodes::status_and_hint(cause).0,
        VaultError::Back(cause) => table_back::status_and_hint(cause).0,
        VaultError::Metadata(_)
        | VaultError::Wish(_)
        | VaultError::Fields(_)
        | VaultError::BadScope(_)
        | VaultError::BadRule(_)
        | VaultError::BadCursor
        | VaultError::OtherLock { .. }
        | VaultError::WrongShares
        | VaultError::WrongPassphrase
        | VaultError::Twice
        | VaultError::FreezeReason
        | VaultError::BadPolicy(_)
        | VaultError::TooMany { .. }
        | VaultError::NotOfPath(_)
        | VaultError::TooManyServices { .. } => StatusCode::BAD_REQUEST,
        VaultError::NoIdentity | VaultError::CallerGone | VaultError::Signature(_) => StatusCode::UNAUTHORIZED,
        VaultError::RateLimited { .. } | VaultError::RefusedTooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
        VaultError::Denied { .. }
        | VaultError::Frozen(_)
        | VaultError::NodeMismatch { .. }
        | VaultError::Banned { .. } => StatusCode::FORBIDDEN,
        VaultError::NotFound { .. }
        | VaultError::NoSuchNode(_)
        | VaultError::NotFrozen(_)
        | VaultError::NoSuchGrant(_)
        | VaultError::NoSuchProvider(_)
        | VaultError::NoSuchKey(_)
        | VaultError::NoSuchField { .. }
        | VaultError::NoSuchVersion { .. }
        | VaultError::VersionDeleted { .. }
        | VaultError::VersionOnLead { .. } => StatusCode::NOT_FOUND,
        VaultError::VersionConflict { .. }
        | VaultError::NotDeleted { .. }
        | VaultError::Moved
        | VaultError::RulesMoved
        | VaultError::PolicyRefused { .. }
        | VaultError::NotSealed
        | VaultError::CredentialRejected { .. }
        | VaultError::NotLead { .. } => StatusCode::CONFLICT,
        VaultError::Destroyed { .. } => StatusCode::GONE,
        VaultError::ValueTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        VaultError::StaleCache { .. }
        | VaultError::Sealed
        | VaultError::PurgeDue
        | VaultError::NodeSealed { .. }
        | VaultError::AuditUnavailable
        | VaultError::AuditSpoolFull
        | VaultError::NoLead { .. }
        | VaultError::NoRules
        | VaultError::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        VaultError::Share(ShareError::NoMemory) | VaultError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        VaultError::Share(_) => StatusCode::BAD_REQUEST,
    }
}

fn vault_hint(error: &VaultError) -> String {
    let fixed = match error {
        VaultError::NotFound { name, .. } => return format!("Look with: aurora explain {name}"),
        VaultError::NotDeleted { name } => return format!("See what there is: aurora versions {name}"),
        VaultError::Destroyed { name, .. } => return format!("See what is left: aurora versions {name}"),
        VaultError::VersionDeleted { name, version } => {
            return format!("Store its value again with: aurora rollback {name} --to {version}");
        }
        VaultError::NoSuchVersion { name, .. } => return format!("See what is kept: aurora versions {name}"),
        VaultError::NoSuchField { name, .. } => return format!("See its fields: aurora info {name}"),
        VaultError::OfSecret { cause, .. } => return vault_hint(cause),
        VaultError::Agent(cause) => return table_agents::status_and_hint(cause).1,
        VaultError::Access(cause) => return table_access::status_and_hint(cause).1.to_owned(),
        VaultError::Event(cause) => return table_events::status_and_hint(cause).1.to_owned(),
        VaultError::Delivery(cause) => return table_delivery::status_and_hint(cause).1.to_owned(),
        VaultError::Backup(cause) => table_backup::status_and_hint(cause).1,
        VaultError::Roster(cause) => return table_nodes::status_and_hint(cause).1,
        VaultError::Back(cause) => return table_back::status_and_hint(cause).1,
        VaultError::Twice => "Leave one of the two out.",
        VaultError::TooManyServices { .. } => "Report again when three intervals of another report have passed.",
        VaultError::TooMany { .. } => "Divide them into several requests.",
        VaultError::NotOfPath(_) => "See what is kept of one of its keys: aurora versions SERVICE/KEY_NAME",
        VaultError::VersionOnLead { .. } => "Ask for it on the lead.",
        VaultError::PurgeDue => table_hints::PURGE_DUE,
        VaultError::CallerGone => "Connect from the process that asks, and let it stay until it is answered.",
        VaultError::NoIdentity => table_hints::NO_IDENTITY,
        VaultError::Denied { rule: _ } => table_hints::DENIED,
        VaultError::Frozen(freeze) => {
            return format!("Wait, or ask the owner of the lead, who can: aurora unfreeze {}", freeze.target);
        }
        VaultError::NotFrozen(_) => "See what is frozen: aurora freezes",
        VaultError::FreezeReason => "Say in a few words why; whoever is refused reads it.",
        VaultError::NodeMismatch { .. } => "Leave X-Node-Name out, or ask the node it names.",
        VaultError::NoSuchNode(_) => "Look with: aurora nodes list",
        VaultError::NoSuchGrant(_) => "Look with: aurora policy list",
        VaultError::NoSuchProvider(_) => "Look with: aurora providers list",
        VaultError::CredentialRejected { .. } => table_hints::REJECTED,
        VaultError::BadPolicy(_) | VaultError::PolicyRefused { .. } => table_hints::POLICY,
        VaultError::RulesMoved => "Nothing was changed. Plan it again, look at what would change now, and apply that.",
        VaultError::NoSuchKey(_) => "Look with: aurora key status",
        VaultError::VersionConflict { .. } => "Read the current version, and put again with it as cas.",
        VaultError::Moved => "Try again.",
        VaultError::Fields(_) => table_hints::FIELDS,
        VaultError::NodeSealed { awaits } => unseal_hint(*awaits),
        VaultError::NotSealed => "Nothing is to be done: the node serves.",
        VaultError::OtherLock { .. } => "Look with: aurora unseal --status",
        VaultError::Share(cause) => share_hint(cause),
        VaultError::WrongShares => "Bring every share again: aurora unseal",
        VaultError::WrongPassphrase => "Try again: aurora unseal",
        VaultError::RateLimited { .. } => table_agents::RATE_LIMITED,
        VaultError::RefusedTooOften { .. } => table_agents::REFUSED_TOO_OFTEN,
        VaultError::Signature(cause) => table_agents::signature_hint(*cause),
        VaultError::Banned { .. } => table_nodes::BANNED_HINT,
        VaultError::ValueTooLarge { .. } => TOO_LARGE_HINT,
        VaultError::Metadata(_) => "Shorten the metadata.",
        VaultError::Wish(_) => "Correct it and send the request again.",
        VaultError::BadScope(_) => table_hints::BAD_SCOPE,
        VaultError::BadRule(_) => "Shorten its texts and lists, or take out rules, agents or keys that are not used.",
        VaultError::BadCursor => "Start again without a cursor, and pass next_cursor as it came.",
        VaultError::StaleCache { .. } => "Bring the lead or the network back; look with: aurora status",
        VaultError::Sealed => "Unseal the node: start it with its unseal source (aurora up).",
        VaultError::AuditUnavailable => table_hints::AUDIT_UNAVAILABLE,
        VaultError::AuditSpoolFull => table_hints::AUDIT_SPOOL_FULL,
        VaultError::Overloaded => "Try again after the seconds in Retry-After.",
        VaultError::NotLead { .. } | VaultError::NoLead { .. } | VaultError::NoRules => "Look with: aurora status",
        VaultError::Internal(_) => "Search the node's log for the request id.",
    };
    fixed.to_owned()
}

/// The details are in the log under the request id; the caller's copy holds none of them.
fn internal() -> Row {
    Row::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        &"the node failed to answer, and it is not the request's fault",
        "Search the node's log for the request id.",
    )
}

fn not_lead(lead: &LeadAddress) -> Row {
    let message = format!(
        "this node is not the lead: changes, and what concerns the whole mesh, are for the lead, {}",
        lead_text(lead)
    );
    let name = lead.name.as_ref().map_or("the lead", NodeName::as_str);
    Row::new(StatusCode::CONFLICT, "not_lead", &message, format!("Run the same command on {name}."))
}

fn no_lead(lead: &LeadAddress) -> Row {
    let message = format!("the lead cannot be reached: {}", lead_text(lead));
    Row::new(StatusCode::SERVICE_UNAVAILABLE, "no_lead", &message, "Check the network, and look with: aurora status")
}

fn lead_text(lead: &LeadAddress) -> String {
    let name = lead.name.as_ref().map_or("whose name is not known yet", NodeName::as_str);
    match &lead.address {
        Some(address) => format!("{name} at {address}"),
        None => name.to_owned(),
    }
}

fn staleness(age: Option<Duration>, last_contact: Option<Timestamp>) -> String {
    let age = match age {
        Some(age) => format!("it is {} s old", age.as_secs()),
        None => "its age is unknown because the clocks cannot be trusted".to_owned(),
    };
    match last_contact {
        Some(at) => format!("{age}; the last contact with the lead was at {at}"),
        None => format!("{age}; the lead was never heard"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::{Scope, SecretName};
    use crate::vault::sealed_parts::Awaits;

    fn name() -> SecretName {
        SecretName::parse("hubspot/api_key").expect("name")
    }

    #[test]
    fn a_refusal_by_policy_never_says_which_rule_decided() {
        let told = row(&VaultError::Denied { rule: "explicit-deny-7".into() }.into());
        assert_eq!((told.status.as_u16(), told.code), (403, "denied"));
        assert_eq!(told, row(&VaultError::Denied { rule: String::new() }.into()));
        assert!(!format!("{told:?}").contains("explicit-deny-7"));
    }

    #[test]
    fn an_internal_error_keeps_its_details_to_the_log() {
        let told = row(&VaultError::Internal("disk /dev/sda said no".into()).into());
        assert_eq!((told.status.as_u16(), told.code), (500, "internal"));
        assert!(!format!("{told:?}").contains("sda"));
    }

    #[test]
    fn a_copy_too_old_names_the_secret_its_age_and_the_last_contact() {
        let age = Some(Duration::from_secs(7_200));
        let told = row(&VaultError::StaleCache { name: name(), age, last_contact: Some(Timestamp(0)) }.into());
        assert_eq!((told.status.as_u16(), told.code), (503, "stale_cache"));
        for part in ["hubspot/api_key", "7200 s", "1970-01-01T00:00:00.000Z"] {
            assert!(told.message.contains(part), "{} lacks {part}", told.message);
        }
        let unknown = row(&VaultError::StaleCache { name: name(), age: None, last_contact: None }.into());
        assert!(unknown.message.contains("clocks") && unknown.message.contains("never"));
    }

    #[test]
    fn a_follower_names_the_lead_and_its_address() {
        let lead = LeadAddress { name: NodeName::parse("aurora").ok(), address: Some("10.0.0.1:7700".into()) };
        let told = row(&VaultError::NotLead { lead }.into());
        assert_eq!((told.status.as_u16(), told.code), (409, "not_lead"));
        assert!(told.message.contains("aurora at 10.0.0.1:7700"));
        assert_eq!(told.hint, "Run the same command on aurora.");
    }

    #[test]
    fn a_value_found_nowhere_names_every_scope_that_was_tried() {
        let tried = vec![Scope::parse("company:acme").expect("scope"), Scope::Global];
        let told = row(&VaultError::NotFound { name: name(), tried }.into());
        assert_eq!((told.status.as_u16(), told.code), (404, "not_found"));
        assert_eq!(told.message, format!("{} has no value here (tried company:acme, global)", name()));
        let untold = row(&VaultError::NotFound { name: name(), tried: Vec::new() }.into());
        assert_eq!(untold.message, format!("{} has no value here", name()));
    }

    #[test]
    fn every_code_of_the_published_table_has_its_status() {
        let lead = LeadAddress { name: None, address: None };
        let rows: [(ApiError, u16, &str); 23] = [
            (VaultError::CallerGone.into(), 401, "no_identity"),
            (VaultError::NoIdentity.into(), 401, "no_identity"),
            (VaultError::VersionConflict { current: None }.into(), 409, "version_conflict"),
            (VaultError::ValueTooLarge { bytes_max: 1 }.into(), 413, "value_too_large"),
            (ApiError::BodyTooLarge { bytes_max: 1 }, 413, "value_too_large"),
            (ApiError::TooManyBodies, 503, "overloaded"),
            (ApiError::TooManyConnections, 429, "rate_limited"),
            (VaultError::Sealed.into(), 503, "sealed"),
            (VaultError::NodeSealed { awaits: Awaits::Passphrase }.into(), 503, "sealed"),
            (VaultError::NotSealed.into(), 409, "not_sealed"),
            (VaultError::OtherLock { wanted: "shares" }.into(), 400, "bad_value"),
            (VaultError::Share(ShareError::NotAShare).into(), 400, "bad_share"),
            (VaultError::Share(ShareError::GivenTwice { index: 2 }).into(), 400, "duplicate_share"),
            (VaultError::WrongShares.into(), 400, "wrong_shares"),
            (VaultError::WrongPassphrase.into(), 400, "wrong_passphrase"),
            (VaultError::AuditUnavailable.into(), 503, "audit_unavailable"),
            (VaultError::AuditSpoolFull.into(), 503, "audit_unavailable"),
            (VaultError::NoLead { lead }.into(), 503, "no_lead"),
            (VaultError::NoRules.into(), 503, "no_lead"),
            (VaultError::Overloaded.into(), 503, "overloaded"),
            (ApiError::UnknownField { field: "x".into() }, 400, "unknown_field"),
            (ApiError::BadJson { line: 1, column: 1 }, 400, "bad_json"),
            (Scope::parse("team:x").expect_err("scope").into(), 400, "bad_scope"),
        ];
        for (error, status, code) in rows {
            let told = row(&error);
            assert_eq!((told.status.as_u16(), told.code), (status, code), "{error:?}");
            assert!(!told.message.is_empty() && !told.hint.is_empty(), "{error:?}");
        }
    }
}
