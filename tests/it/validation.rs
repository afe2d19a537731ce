//! Providers are asked about credentials: each answer is told as the catalogue reads it, each use is accounted for before it
//! leaves, and no part of a value is seen anywhere but at its provider.

mod answers;
mod before_storing;
mod classification;
mod hostile;
mod own_checks;
mod service_account;
mod told;
mod true_answers;
mod true_answers_google;

use std::time::Duration;

use aurora_mesh::model::connectivity::{PathFault, Validation, Verdict};
use aurora_mesh::model::name::{KeyName, ServiceName};
use aurora_mesh::vault::answer_validation::{ValidateRequest, Validated};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Context;

use crate::support::callers::{admin, company, put};
use crate::support::journal;
use crate::support::mesh::TestMesh;
use crate::support::theatre::Theatre;

/// A lead that calls nobody but the theatre, and only when it is asked to.
struct Stage {
    theatre: Theatre,
    mesh: TestMesh,
}

impl Stage {
    async fn open() -> Self {
        let theatre = Theatre::start().await;
        let mesh = TestMesh::with_connectivity(theatre.quiet_section()).await;
        Self { theatre, mesh }
    }

    async fn stores(&self, name: &str, scope: &str, value: &str) {
        self.mesh.put(put(name, scope, value)).await;
    }

    /// What one credential of a service is found to be.
    async fn found(&self, name: &str, on_behalf: Option<&str>) -> Validated {
        let found = self.validate(name, on_behalf).await.expect("validated");
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().expect("one")
    }

    async fn validate(&self, name: &str, on_behalf: Option<&str>) -> Result<Vec<Validated>, VaultError> {
        self.mesh.lead.vault().validate(&admin(), request(name, on_behalf)).await
    }

    /// The lines of the lead's journal.
    fn journal(&self) -> String {
        journal::text(&self.mesh.lead.config.node.state_dir.join("audit"))
    }
}

/// `service` or `service/key`.
fn request(name: &str, on_behalf: Option<&str>) -> ValidateRequest {
    let (service, key) = name.split_once('/').map_or((name, None), |(service, key)| (service, Some(key)));
    ValidateRequest {
        service: ServiceName::parse(service).expect(service),
        key: key.map(|key| KeyName::parse(key).expect(key)),
        context: Context { company: on_behalf.map(company), ..Context::default() },
    }
}

/// Long enough for every answer but one that never comes.
const LATE: Duration = Duration::from_millis(300);
