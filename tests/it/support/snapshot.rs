//! A snapshot of a lead that is stopped, made by hand of the rooms that make one.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use aurora_mesh::config::node_config::UnsealSource;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::recovery::Recipient;
use aurora_mesh::crypto::signature::Signer;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::crypto::unseal::UnsealKey;
use aurora_mesh::model::identity::StoreId;
use aurora_mesh::snapshot::header::{FreshKey, Header, JournalHead, WrappedRoot};
use aurora_mesh::snapshot::row::Row;
use aurora_mesh::snapshot::write::Writer;
use aurora_mesh::store::blob::BlobName;
use aurora_mesh::store::handle::Store;
use aurora_mesh::transport::authority::Authority;

use super::forge::now;
use super::mesh::TestNode;

/// Stops the lead, writes a snapshot of its store, and starts it again.
pub async fn save(lead: &mut TestNode, to: &Path, recipients: &[Recipient]) {
    lead.stop().await;
    save_stopped(lead, to, recipients).await;
    lead.start().await;
}

/// The same of a lead that is stopped already.
pub async fn save_stopped(lead: &TestNode, to: &Path, recipients: &[Recipient]) {
    let UnsealSource::File { path } = &lead.config.unseal else { panic!("a key file") };
    save_files((&lead.store_file(), path), to, recipients).await;
}

/// The same of a store that nobody has open, and its key file.
pub async fn save_files((store, key): (&Path, &Path), to: &Path, recipients: &[Recipient]) {
    let (store, contents) = Store::open(store).await.expect("opens");
    let unseal = UnsealKey::from_key_file(&Plaintext::new(std::fs::read(key).expect("a key"))).expect("a key");
    let mesh = contents.facts.mesh;
    let blob = |name| contents.blobs.get(&name).expect("kept");
    let root = unseal.unwrap_root(&mesh, blob(BlobName::RootKey)).expect("opens");
    let open = |name: BlobName| root.unwrap(&mesh, name.as_str(), blob(name)).expect("opens");
    let certificate = open(BlobName::AuthorityCertificate).expose().to_vec();
    let authority = Authority::from_parts(&open(BlobName::AuthorityKey), certificate).expect("an authority");
    let FreshKey { key, content, recipients } =
        FreshKey::generate(&mesh, &root, recipients, &SystemEntropy).expect("a key");
    let export = store.export().await.expect("begun");
    let header = Header {
        mesh,
        store: StoreId(blob(BlobName::StoreId).as_slice().try_into().expect("16 bytes")),
        node: contents.facts.node.clone(),
        position: export.position,
        schema: export.schema,
        build: "test".to_owned(),
        taken_at: now(),
        heads: vec![JournalHead { node: contents.facts.node.clone(), chain: None, seq: 0, hash: [0; 32] }],
        root_key: WrappedRoot { wrapped: blob(BlobName::RootKey).clone(), passphrase: None, shares: None },
        content,
        recipients,
        authority: authority.public_key(),
    };
    let file = BufWriter::new(File::create(to).expect("a file"));
    let mut writer = Writer::begin(file, &header, &key).expect("begun");
    for row in export {
        let row = row.expect("a row");
        writer.row(&Row { table: row.table, key: row.key, row: row.row }).expect("written");
    }
    writer.finish(&authority).expect("finished");
    store.close().await.expect("closes");
}
