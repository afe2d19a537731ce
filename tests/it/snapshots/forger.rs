//! Somebody who has every key of a lead, and makes snapshots that are signed and yet not whole: what an examination must find.

use std::path::Path;

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::root::RootKey;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::crypto::unseal::UnsealKey;
use aurora_mesh::snapshot::header::{FreshKey, Header};
use aurora_mesh::snapshot::read::Reader;
use aurora_mesh::snapshot::row::Row;
use aurora_mesh::snapshot::write::Writer;
use aurora_mesh::store::blob::BlobName;
use aurora_mesh::store::table::Table;
use aurora_mesh::transport::authority::Authority;

use crate::support::callers::admin;
use crate::support::mesh::TestMesh;

/// A snapshot taken apart.
pub struct Forger {
    pub header: Header,
    pub rows: Vec<Row>,
    root: RootKey,
    authority: Authority,
}

/// A snapshot of the lead, as it is sent to whoever asks.
pub async fn saved(mesh: &TestMesh) -> Vec<u8> {
    let (making, receipt) = mesh.lead.vault().send_snapshot(&admin(), None).await.expect("begun");
    let mut bytes = Vec::new();
    let sent = making.write(&mut bytes);
    mesh.lead.vault().snapshot_sent(receipt, sent).await;
    bytes
}

pub fn unseal_key(state_dir: &Path) -> UnsealKey {
    let text = std::fs::read(state_dir.join("unseal.key")).expect("a key file");
    UnsealKey::from_key_file(&Plaintext::new(text)).expect("a key")
}

impl Forger {
    /// Takes a snapshot of the lead apart.
    pub async fn of(mesh: &TestMesh) -> Self {
        let bytes = saved(mesh).await;
        let reader = Reader::open(bytes.as_slice()).expect("opened");
        let header = reader.header().clone();
        let root = unseal_key(&mesh.lead.config.node.state_dir);
        let root = root.unwrap_root(&header.mesh, &header.root_key.wrapped).expect("the root key");
        let key = header.open_with_root(&root).expect("the key of the text");
        let rows = reader.rows(&key).collect::<Result<Vec<_>, _>>().expect("whole");
        let blob = |name: BlobName| {
            let is_it = |row: &&Row| row.table == Table::Blobs.number() && row.key == name.as_str().as_bytes();
            let row = rows.iter().find(is_it).expect("a blob");
            root.unwrap(&header.mesh, name.as_str(), &row.row[1..]).expect("opened")
        };
        let certificate = blob(BlobName::AuthorityCertificate).expose().to_vec();
        let authority = Authority::from_parts(&blob(BlobName::AuthorityKey), certificate).expect("the authority");
        Self { header, rows, root, authority }
    }

    /// Puts it together again, and signs it.
    pub fn forge(&self) -> Vec<u8> {
        self.forge_signed_by(&self.authority)
    }

    pub fn forge_signed_by(&self, authority: &Authority) -> Vec<u8> {
        let fresh = FreshKey::generate(&self.header.mesh, &self.root, &[], &SystemEntropy).expect("a key");
        let header = Header { content: fresh.content.clone(), ..self.header.clone() };
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, &header, &fresh.key).expect("begun");
        self.rows.iter().for_each(|row| writer.row(row).expect("written"));
        writer.finish(authority).expect("finished");
        bytes
    }

    /// The rows of one table.
    pub fn table(&mut self, table: Table) -> impl Iterator<Item = &mut Row> {
        self.rows.iter_mut().filter(move |row| row.table == table.number())
    }

    /// Leaves the last row of a table out.
    pub fn lose_one(&mut self, table: Table) {
        let at = self.rows.iter().rposition(|row| row.table == table.number()).expect("a row");
        self.rows.remove(at);
    }
}
