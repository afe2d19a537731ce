//! The sockets keep what the API page says, byte for byte, to any program that speaks HTTP.

mod bulk;
mod hangups;
mod hostile;
mod leftover;
mod modes;
mod refusals;
mod seats;
mod shapes;
mod validators;

use serde_json::json;
use tempfile::TempDir;

use crate::support::http::{self, Answer};
use crate::support::process::{Node, directory};

/// The company of the API page's example.
const COMPANY: (&str, &str) = ("X-Company-Id", "company-town-foods");

/// Where the example is.
const HUBSPOT: &str = "/api/secrets/hubspot/api_key";

/// A lead that holds the example of the API page: one HubSpot key of everyone, and one of a company.
struct Example {
    _dir: TempDir,
    lead: Node,
    /// What the lead answered when each was stored.
    stored: [Answer; 2],
}

impl Example {
    async fn start() -> Self {
        let dir = directory();
        let lead = Node::lead(dir.path()).await;
        let everyone = json!({
            "service": "hubspot", "key_name": "api_key", "key_value": "pat-na1-abc123", "scope": "global",
            "metadata": {"description": "HubSpot, shared by every company"}
        });
        let company = json!({
            "service": "hubspot", "key_name": "api_key", "key_value": "pat-na1-xyz789",
            "scope": "company", "scope_id": "company-town-foods",
            "metadata": {"description": "Company Town Foods' own HubSpot", "contact": "ops@example.com"}
        });
        let admin = lead.admin();
        let stored =
            [http::post(&admin, "/api/secrets", &everyone).await, http::post(&admin, "/api/secrets", &company).await];
        Self { _dir: dir, lead, stored }
    }

    /// Reads as a program does.
    async fn read(&self, headers: &[(&str, &str)]) -> Answer {
        http::ask(&self.lead.agent(), "GET", HUBSPOT, headers, "").await
    }
}

/// The body with every value of these fields, which differ from run to run, replaced by `_`.
fn masked(body: &str, fields: &[&str]) -> String {
    fields.iter().fold(body.to_owned(), |body, field| {
        let start = format!("\"{field}\":");
        let mut parts = body.split(&start);
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| format!("{start}_{}", &part[part.find([',', '}', ']']).expect("a next field")..]));
        first + &rest.collect::<String>()
    })
}
