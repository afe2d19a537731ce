//! A node that is well, for tests to make ill.

use super::reading::{
    DiskReading, JournalReading, LeadReading, MachineReading, NodeReading, Reading, Said, ServiceReading, Stopped,
    StoreSaid, UnsealReading,
};
use crate::config::node_config::{
    ApiSection, AuditSection, ConnectivitySection, LimitsSection, LogSection, MeshSection, MetricsSection, NodeConfig,
    NodeSection, SnapshotSection, UnsealSource,
};
use crate::model::channel::Notify;
use crate::model::finding::Finding;
use crate::model::freshness::FreshnessPolicy;
use crate::model::identity::Role;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::time::Timestamp;

/// A lead that runs and is well.
pub(super) fn reading() -> Reading {
    Reading {
        now: Timestamp(1_795_248_000_000),
        config: config(Role::Lead),
        config_file: "/etc/aurora/node.toml".into(),
        files: Vec::new(),
        disk: Some(DiskReading {
            free_bytes: 100 << 30,
            free_inodes: Some(900_000),
            inodes: 1_000_000,
            read_only: false,
        }),
        machine: MachineReading {
            kernel: Some((6, 8)),
            locked_bytes_max: Some(64 << 20),
            receive_buffer_max: Some(16 << 20),
            files_max: Some(524_288),
            core_bytes_max: Some(0),
            swaps: Vec::new(),
            clock_synchronised: Some(true),
        },
        service: ServiceReading {
            systemd: true,
            unit: Some("/etc/systemd/system/aurora.service".into()),
            enabled: true,
            of_person: false,
            lingers: false,
        },
        unseal: UnsealReading::default(),
        journal: JournalReading::Holds(12),
        node: NodeReading::Runs(Box::new(said())),
    }
}

/// A follower that runs and is well.
pub(super) fn follower() -> Reading {
    Reading { config: config(Role::Follower), ..reading() }
}

fn config(role: Role) -> NodeConfig {
    NodeConfig {
        node: NodeSection {
            name: NodeName::parse("aurora").expect("a name"),
            role,
            environment: EnvironmentName::parse("prod").expect("a name"),
            state_dir: "/var/lib/aurora".into(),
        },
        mesh: MeshSection { leads: vec!["lead.example:7700".to_owned()], ..MeshSection::default() },
        cache: FreshnessPolicy::default(),
        unseal: UnsealSource::File { path: "/var/lib/aurora/unseal.key".into() },
        audit: AuditSection::default(),
        api: ApiSection { socket_dir: "/run/aurora".into(), socket_group: None, listen: None },
        limits: LimitsSection::default(),
        connectivity: ConnectivitySection::default(),
        metrics: MetricsSection::default(),
        log: LogSection::default(),
        notify: Notify::default(),
        snapshot: SnapshotSection::default(),
        credentials: std::collections::BTreeMap::new(),
    }
}

/// What a lead that is well says.
pub(super) fn said() -> Said {
    Said {
        status: "healthy".to_owned(),
        lead_heard: None,
        freshness: "lead".to_owned(),
        certificate: None,
        lead_ahead_ms: None,
        journal_works: true,
        unlocked_key_pages: 0,
        protocol: 6,
        oldest_follower: None,
        journals: Vec::new(),
        store: StoreSaid::default(),
    }
}

/// A node that does not run.
pub(super) fn stopped() -> Stopped {
    Stopped { store: StoreSaid::default(), last_noted: None, certificate: None, lead: LeadReading::Here }
}

/// The finding of this id.
pub(super) fn finding(findings: &[Finding], id: &str) -> Finding {
    let found: Vec<&Finding> = findings.iter().filter(|finding| finding.id == id).collect();
    assert_eq!(found.len(), 1, "one finding {id} among {findings:?}");
    found[0].clone()
}
