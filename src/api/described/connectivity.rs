//! Which APIs work from where, the providers that are known, and whether they take the credentials.

use super::operation::{Operation, get, post};
use super::words::{NAME, NODE, Word, word};
use crate::api::types_connectivity::{BestView, HealthView, ReportBody, ReportedView, ServiceQuery, StatusView};
use crate::api::types_list::ListQuery;
use crate::api::types_providers::{ProviderView, ProvidersView};
use crate::api::types_validation::{CredentialsView, ValidateBody, ValidationView};

/// Who asks which node, and why.
const ON_A_NODE: &[&str] = &["X-Node-Name", "X-Aurora-Reason"];

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_apis().into_iter().chain(of_credentials()).collect()
}

fn of_apis() -> [Operation; 4] {
    [
        get("/api/connectivity/status", "readConnectivity", "Which APIs work from which node")
            .about(
                "Each node says how an API does with the credential that it would really use; monitors stand beside \
                 it. A caller with `integration_read` is told of the services, nodes and companies it may know of, and \
                 the states are made of those.",
            )
            .query::<ServiceQuery>()
            .reads(ON_A_NODE)
            .answers::<StatusView<'_>>("The APIs, or the one that was asked for if anything is known of it."),
        post("/api/connectivity/status", "reportConnectivity", "Report how an API does")
            .about(
                "For monitors, and programs that met a failure; it needs `event_publish`. The report counts for three \
                 of its intervals, or until the next of the same caller. A bad one makes the node look at its keys \
                 again.",
            )
            .reads(ON_A_NODE)
            .takes::<ReportBody>()
            .answers::<ReportedView>("It counts from now on.")
            .refuses(
                400,
                "`bad_value`: also if the node keeps 256 services and this is another; or any other bad request.",
            ),
        get("/api/connectivity/health", "readConnectivityHealth", "How many APIs work")
            .about("Counted over what the caller is told by `/api/connectivity/status`.")
            .reads(ON_A_NODE)
            .answers::<HealthView>("The counts."),
        get("/api/connectivity/best", "rankNodes", "From which node to call an API")
            .about("For balancers. `service` must be given.")
            .query::<ServiceQuery>()
            .needs(&["service"])
            .reads(ON_A_NODE)
            .answers::<BestView<'_>>("The nodes in the order in which to take them; none if nothing is known."),
    ]
}

fn of_credentials() -> [Operation; 4] {
    [
        get("/providers", "listProviders", "The providers this node knows")
            .about("Those that are compiled in, and files of its own directory; it needs `integration_read`.")
            .answers::<ProvidersView<'_>>("The providers."),
        get("/providers/{name}", "readProvider", "How the credentials of a provider are checked")
            .about("It needs `integration_read`.")
            .answers::<ProviderView<'_>>("The provider.")
            .refuses(404, "`not_found`: no provider is called that."),
        get("/credentials/status", "listCredentials", "What was last found of each credential")
            .about(
                "Nothing is asked for it: the secrets that `GET /api/secrets` lists, each with the last check on this \
                 node.",
            )
            .query::<ListQuery>()
            .repeats(&["tag"])
            .reads(&["X-Node-Name"])
            .answers::<CredentialsView<'_>>("A page of credentials."),
        post("/credentials/{service}/validate", "validateCredentials", "Ask a provider about credentials now")
            .about(
                "It needs `integration_manage`. Without a company the credentials of the node itself are checked, and \
                 those of every company whose own value wins; what the caller may not check is left out. Each check is \
                 a line of the journal before the value leaves, and goes on if the caller hangs up.",
            )
            .reads(&["X-Company-Id", "X-Node-Name", "X-Aurora-Reason"])
            .may_take::<ValidateBody>()
            .answers::<ValidationView<'_>>("What came of each; a credential that is refused is an answer, too.")
            .refuses(404, "`not_found`: there is no such provider, or no such credential of it."),
    ]
}

const STATES: &[&str] = &["healthy", "degraded", "down"];
const VALIDATIONS: &[&str] = &["valid", "rejected", "unreachable", "unsupported"];
const VALIDATED: &str = "Whether the credential is good; what has no harmless check is `unsupported`.";
const ENDS: &str = "When the credential stops working by itself, if that is known.";
const RULE: &str = "How that was made of what is reported, for people.";
const STALE: &str = "Whether the last check is longer ago than three intervals.";

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("overall_status", "The state that all reports together come to.").one_of(STATES),
    word("total_services", "How many APIs there are."),
    word("response_time_ms", "How long an answer took, if one came."),
    word("age_seconds", "How long ago the last check was."),
    word("cause", "Why it does not work, or only in part.").one_of(&[
        "key_rejected",
        "scope_missing",
        "quota",
        "provider_fault",
        "path_fault",
        "no_credential",
    ]),
    word("path_fault", "What is wrong with the path, if that is the cause.").one_of(&[
        "dns",
        "connect",
        "tls",
        "timeout",
        "forbidden",
        "broken",
    ]),
    word("expires_source", "Who says when it ends: whoever stored it, the provider, or the credential itself.")
        .one_of(&["user", "header", "answer", "jwt"]),
    word("ServiceQuery.service", "The API.").pattern(NAME),
    word("ReportBody.status", "How it does.").one_of(STATES),
    word("ReportBody.response_time_ms", "How long an answer took.").number(0, 3_600_000),
    word("ReportBody.last_error", "What went wrong; cut to 256 bytes."),
    word("ReportBody.interval_seconds", "How often it is to be reported; 300 if it is left out.").number(30, 86_400),
    word("ConnectivityStatus.services", "The APIs, by name."),
    word("ConnectivityStatus.rule", RULE),
    word("ServiceView.diagnosis", "Whose fault it is, where the reports tell, in sentences."),
    word("ServiceView.nodes", "Who says what, by node."),
    word("ConnectivityLine.node", "On which node.").pattern(NODE),
    word("ConnectivityLine.environment", "That of the node; told to an admin of the lead alone.").pattern(NAME),
    word("ConnectivityLine.status", "Whether the API works from there.").one_of(STATES),
    word("ConnectivityLine.last_error", "What was found, if anything is wrong."),
    word("ConnectivityLine.last_check", "When it was last found so.").time(),
    word("ConnectivityLine.source", "Whether the node found it out, or a monitor told it.")
        .one_of(&["node", "monitor"]),
    word("ConnectivityLine.reported_by", "The monitor, if it was one."),
    word("ConnectivityLine.stale", STALE),
    word("ConnectivityLine.keys", "The credentials it speaks of."),
    word("ConnectivityKey.company", "The company that uses it; nothing for the node itself.").pattern(NAME),
    word("ConnectivityKey.key", "Which secret it is, `SERVICE/KEY_NAME`; nothing if there is none."),
    word("ConnectivityKey.status", "Whether the API works with it; nothing if that is not known.").one_of(STATES),
    word("ConnectivityKey.validation", VALIDATED).one_of(VALIDATIONS),
    word("ConnectivityKey.detail", "What was asked and what came back, never a part of the credential."),
    word("ConnectivityKey.checked_at", "When it was checked; nothing before the first time.").time(),
    word("ConnectivityKey.expires_at", ENDS).time(),
    word("ConnectivityHealth.healthy", "How many work."),
    word("ConnectivityHealth.degraded", "How many work in part."),
    word("ConnectivityHealth.down", "How many do not work."),
    word("BestView.nodes", "The nodes, the best first."),
    word("BestView.rule", "How they are ordered, for people."),
    word("RankedView.rank", "Its place, from 1 on."),
    word("RankedView.node", "The node.").pattern(NODE),
    word("RankedView.status", "Whether the API works from there.").one_of(STATES),
    word("RankedView.stale", STALE),
    word("ProvidersView.providers", "The providers, by name."),
    word("providers/{name}", "The provider.").pattern(NAME),
    word("ProviderView.name", "The service its credentials are stored under.").pattern(NAME),
    word("ProviderView.title", "What people call it."),
    word("ProviderView.type", "What kind of credentials it gives out.").one_of(&[
        "api_key",
        "oauth2",
        "service_account",
    ]),
    word("ProviderView.auth_url", "Where a person allows an application in."),
    word("ProviderView.token_url", "Where access tokens are given out."),
    word("ProviderView.docs", "Where its documentation is."),
    word("ProviderView.scopes", "What a credential must be allowed to do, in the provider's words."),
    word("ProviderView.fields", "Its credentials, the usual one first."),
    word("ProviderView.probe", "`none` where there are no probes.").one_of(&["none"]),
    word("ProviderView.why", "Why there are no probes."),
    word("ProviderView.probes", "How its credentials are checked, the usual one first."),
    word("ProviderView.check_every_seconds", "How often a credential is checked."),
    word("ProviderView.calls_per_day", "How many checks a day the whole mesh may make; nothing for any number."),
    word("ProviderView.source", "Whether it is compiled in, or a file of the node's own.")
        .one_of(&["embedded", "file"]),
    word("ProviderField.name", "Its key name.").pattern(NAME),
    word("ProviderField.kind", "Whether it must be hidden.").one_of(&["secret", "string"]),
    word("ProviderField.required", "Whether nothing works without it."),
    word("ProviderField.variables", "The environment variables it is known by, the usual one first."),
    word("ProbeView.credential", "The credential that it checks.").pattern(NAME),
    word("ProbeView.authenticate", "Where the credential goes.").one_of(&[
        "header",
        "query",
        "path",
        "basic",
        "refresh_token",
        "service_account",
    ]),
    word("ProbeView.method", "The method of the call.").one_of(&["GET", "POST"]),
    word("ProbeView.expected", "The codes of answers by which the credential is good."),
    word("ProbeView.answers", "What answers mean; the first that fits decides."),
    word("AnswerView.status", "The codes it is about."),
    word("AnswerView.means", "What it says of the credential.").one_of(&[
        "valid",
        "limited",
        "exhausted",
        "throttled",
        "rejected",
        "fault",
    ]),
    word("AnswerView.note", "The same for people."),
    word("ValidateBody.key_name", "The credential; all of the service if it is left out.").pattern(NAME),
    word("ValidateBody.company", "On whose behalf; here or in `X-Company-Id`, not in both.").pattern(NAME),
    word("ValidationView.provider", "The service that was asked for.").pattern(NAME),
    word("ValidationView.results", "What came of each credential."),
    word("ValidatedView.credential", "Which credential of the service, `SERVICE/KEY_NAME`."),
    word("ValidatedView.company", "The company that uses it; nothing for the node itself.").pattern(NAME),
    word("ValidatedView.key", "Which secret was used, `SERVICE/KEY_NAME`; nothing if there is none."),
    word("ValidatedView.validation_status", VALIDATED).one_of(VALIDATIONS),
    word("ValidatedView.reason", "What was asked and what came back, never a part of the credential."),
    word(
        "ValidatedView.asked",
        "What was asked, with the names of fields where their values stood; nothing if nothing was.",
    ),
    word("ValidatedView.expires_at", ENDS).time(),
    word("ValidatedView.checked_at", "When.").time(),
    word("ToldView.reason", "What was asked and what came back, never a part of the credential."),
    word("CredentialsView.credentials", "The credentials."),
    word("CredentialView.state", "Whether there is a value.").one_of(&["live", "deleted", "destroyed", "unset"]),
    word("CredentialView.provider", "Whose credential it is, if it is one of a provider.").pattern(NAME),
    word("CredentialView.validation_status", "What the last check of this value found; nothing if there was none.")
        .one_of(VALIDATIONS),
    word("CredentialView.last_validated_at", "When that was.").time(),
    word("CredentialView.reason", "What was asked and what came back, or why there is no check."),
    word("CredentialView.expires_at", ENDS).time(),
];
