//! What `aurora dev` tells: the sample credentials, what each node must answer, and the tables.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::dev_node::DevNode;
use super::error::CliError;
use super::question::Question;
use super::table::{Style, rows};
use super::views_secret::SecretView;

/// The company of the demonstration.
const COMPANY: &str = "company-town-foods";

/// A credential to store. The values say themselves that they are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    service: &'static str,
    scope: &'static str,
    scope_id: Option<&'static str>,
    value: &'static str,
    description: &'static str,
}

impl Sample {
    /// Every sample, in the order it is stored.
    pub(super) const ALL: [Self; 4] = [
        Self {
            service: "hubspot",
            scope: "global",
            scope_id: None,
            value: "example-hubspot-key-of-everyone",
            description: "HubSpot, shared by every company",
        },
        Self {
            service: "hubspot",
            scope: "company",
            scope_id: Some(COMPANY),
            value: "example-hubspot-key-of-company-town-foods",
            description: "Company Town Foods' own HubSpot",
        },
        Self {
            service: "openai",
            scope: "global",
            scope_id: None,
            value: "example-openai-key-of-everyone",
            description: "OpenAI, shared by every node",
        },
        Self {
            service: "openai",
            scope: "node",
            scope_id: Some("vengeance"),
            value: "example-openai-key-of-vengeance",
            description: "OpenAI for the node vengeance alone",
        },
    ];

    pub(super) fn body(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Body {
            service: &'static str,
            key_name: &'static str,
            key_value: &'static str,
            scope: &'static str,
            scope_id: Option<&'static str>,
            metadata: Metadata,
        }
        #[derive(Serialize)]
        struct Metadata {
            description: &'static str,
        }
        Body {
            service: self.service,
            key_name: "api_key",
            key_value: self.value,
            scope: self.scope,
            scope_id: self.scope_id,
            metadata: Metadata { description: self.description },
        }
    }

    fn scope_text(&self) -> String {
        match self.scope_id {
            Some(id) => format!("{}:{id}", self.scope),
            None => self.scope.to_owned(),
        }
    }
}

/// The token request of a follower: vengeance speaks for the company, runpod-tx for none.
pub(super) fn token_for(node: &'static str) -> impl Serialize {
    #[derive(Serialize)]
    struct Body {
        node: &'static str,
        environment: &'static str,
        companies: Vec<&'static str>,
    }
    let companies = if node == "vengeance" { vec![COMPANY] } else { vec![] };
    Body { node, environment: "prod", companies }
}

/// How long a sample took.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) sample: Sample,
    /// Until the lead had it on disk.
    pub(super) committed: Duration,
    /// Until each follower had it on disk.
    pub(super) reached: Vec<(&'static str, Duration)>,
}

/// One read, and what it must come to.
#[derive(Debug)]
pub(super) struct Reading {
    node: &'static str,
    service: &'static str,
    company: Option<&'static str>,
    wanted: &'static str,
    got: String,
    version: Option<u64>,
    cache: String,
}

impl Reading {
    pub(super) fn is_right(&self) -> bool {
        self.got == self.wanted
    }
}

/// Who asks for what, and which scope must win (or which refusal must come).
const WANTED: [(&str, &str, Option<&str>, &str); 9] = [
    ("aurora", "hubspot", None, "global"),
    ("aurora", "hubspot", Some(COMPANY), "company:company-town-foods"),
    ("aurora", "openai", None, "global"),
    ("vengeance", "hubspot", None, "global"),
    ("vengeance", "hubspot", Some(COMPANY), "company:company-town-foods"),
    ("vengeance", "openai", None, "node:vengeance"),
    ("runpod-tx", "hubspot", None, "global"),
    ("runpod-tx", "hubspot", Some(COMPANY), "denied"),
    ("runpod-tx", "openai", None, "global"),
];

/// Reads every sample on every node, as a program there would.
pub(super) async fn read_all(nodes: &[DevNode]) -> Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for (node, service, company, wanted) in WANTED {
        let Some(at) = nodes.iter().find(|candidate| candidate.name == node) else { continue };
        let question = Question::get(format!("/api/secrets/{service}/api_key")).header("x-company-id", company)?;
        let (got, version, cache) = match at.agent().send(question).await {
            Ok(answer) => {
                let secret: SecretView = answer.parse()?;
                let expected = Sample::ALL.iter().find(|sample| {
                    sample.service == service && sample.value.as_bytes() == secret.key_value.plaintext().expose()
                });
                // The scope is believed only if the value is the one stored in it.
                let scope = secret.scope_text();
                let got = if expected.is_some_and(|sample| sample.scope_text() == scope) {
                    scope
                } else {
                    format!("{scope} with the value of another")
                };
                (got, Some(secret.version()), answer.header("x-cache").unwrap_or("?").to_owned())
            }
            Err(CliError::Refused { code, .. }) => (code, None, String::new()),
            Err(error) => return Err(error.into()),
        };
        readings.push(Reading { node, service, company, wanted, got, version, cache });
    }
    Ok(readings)
}

/// How fast each change arrived.
pub(super) fn arrivals_table(arrivals: &[Arrival]) -> String {
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let lines = arrivals.iter().map(|arrival| {
        let mut cells = vec![
            format!("{}/api_key", arrival.sample.service),
            arrival.sample.scope_text(),
            milliseconds(arrival.committed),
        ];
        cells.extend(arrival.reached.iter().map(|(_, time)| milliseconds(*time)));
        cells
    });
    let header = ["STORED", "SCOPE", "ON DISK AT THE LEAD", "AT VENGEANCE", "AT RUNPOD-TX"];
    rows(Style::Plain, &header, lines)
}

/// Who got which scope.
pub(super) fn readings_table(readings: &[Reading]) -> String {
    let lines = readings.iter().map(|reading| {
        vec![
            reading.node.to_owned(),
            format!("{}/api_key", reading.service),
            reading.company.unwrap_or("-").to_owned(),
            reading.got.clone(),
            reading.version.map_or_else(|| "-".to_owned(), |version| version.to_string()),
            if reading.cache.is_empty() { "-".to_owned() } else { reading.cache.clone() },
            if reading.is_right() { "right".to_owned() } else { format!("WRONG, {} expected", reading.wanted) },
        ]
    });
    rows(Style::Plain, &["NODE", "READS", "FOR COMPANY", "GETS", "VERSION", "X-CACHE", "ANSWER"], lines)
}

/// What to try next.
pub(super) fn commands_to_copy(nodes: &[DevNode]) -> String {
    let socket = |name: &str| {
        let node = nodes.iter().find(|node| node.name == name);
        node.map(|node| node.agent_socket().display().to_string()).unwrap_or_default()
    };
    let program = std::env::current_exe().map_or_else(|_| "aurora".to_owned(), |path| path.display().to_string());
    let (lead, vengeance, runpod) = (socket("aurora"), socket("vengeance"), socket("runpod-tx"));
    format!(
        "The mesh stays up until Ctrl-C. In another terminal:\n\n  \
         alias aurora={program}\n  \
         aurora --socket {vengeance} get openai/api_key\n  \
         aurora --socket {vengeance} explain hubspot/api_key --company {COMPANY}\n  \
         curl -s --unix-socket {vengeance} -H 'X-Company-Id: {COMPANY}' http://localhost/api/secrets/hubspot/api_key\n  \
         aurora --socket {lead} put openai/api_key            # asks for the value\n  \
         aurora --socket {runpod} get openai/api_key\n  \
         aurora --socket {lead} nodes list\n  \
         aurora --socket {lead} audit tail\n"
    )
}
