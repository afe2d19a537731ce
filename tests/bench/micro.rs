//! What the parts of a read and of a change cost by themselves: sealing, resolution, the codec, the journal. Policy has a
//! benchmark of its own, and so have commits together.
//!
//! `cargo bench --bench micro`; `cargo test --benches` runs each once.

use std::sync::Arc;

use aurora_mesh::audit::entry::Entry;
use aurora_mesh::audit::journal::Journal;
use aurora_mesh::audit::options::JournalOptions;
use aurora_mesh::config::node_config::Durability;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::record::{open, seal};
use aurora_mesh::crypto::scope_key::ScopeKey;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::daemon::system_clock::SystemClock;
use aurora_mesh::model::change::ChangeKind;
use aurora_mesh::model::fields::Fields;
use aurora_mesh::model::identity::MeshId;
use aurora_mesh::model::metadata::{Metadata, SecretOptions};
use aurora_mesh::model::name::{EnvironmentName, KeyName, NodeName, ServiceName};
use aurora_mesh::model::number::{Generation, Position, Revision, Version};
use aurora_mesh::model::record::{Record, RecordBody, SealedValue};
use aurora_mesh::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::replication::view::View;
use aurora_mesh::store::ground::Ground;
use aurora_mesh::vault::resolve::{CompanyChoice, resolve};
use aurora_mesh::wire::frame::{decode, encode};
use aurora_mesh::wire::record::RecordFrame;
use aurora_mesh::wire::subscription::{Change, FromLead};
use divan::Bencher;
use divan::counter::BytesCount;

/// Lengths of a value: an API key, a long token, a certificate with its chain.
const LENGTHS: [usize; 3] = [50, 1 << 10, 8 << 10];

const MESH: MeshId = MeshId([7; 16]);

fn main() {
    divan::main();
}

fn address(number: usize) -> SecretAddress {
    SecretAddress {
        environment: EnvironmentName::parse("prod").expect("a name"),
        name: SecretName {
            service: ServiceName::parse(&format!("service-{}", number % 500)).expect("a name"),
            key: KeyName::parse(&format!("key_{number}")).expect("a name"),
        },
    }
}

fn sealed(key: &ScopeKey, at: &ScopedSecret, length: usize) -> SealedValue {
    let value = Plaintext::new(vec![b'x'; length]);
    seal(key, Generation::FIRST, &MESH, at, Version::FIRST, &value, &SystemEntropy).expect("sealed")
}

fn record(number: usize, length: usize) -> Record {
    let key = ScopeKey::generate(&SystemEntropy).expect("a key");
    let at = address(number).within(Scope::Global);
    Record {
        secret_id: 1,
        version: Version::FIRST,
        revision: Revision(1),
        change: ChangeKind::Stored,
        purged: None,
        body: RecordBody::Sealed(sealed(&key, &at, length)),
        metadata: Metadata::default().into(),
        options: SecretOptions::default().into(),
        fields: Fields::default().into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        at,
    }
}

#[divan::bench(args = LENGTHS)]
fn seal_value(bencher: Bencher<'_, '_>, length: usize) {
    let key = ScopeKey::generate(&SystemEntropy).expect("a key");
    let at = address(1).within(Scope::Global);
    bencher.counter(BytesCount::new(length)).bench(|| sealed(&key, &at, length));
}

#[divan::bench(args = LENGTHS)]
fn open_value(bencher: Bencher<'_, '_>, length: usize) {
    let key = ScopeKey::generate(&SystemEntropy).expect("a key");
    let at = address(1).within(Scope::Global);
    let value = sealed(&key, &at, length);
    bencher.counter(BytesCount::new(length)).bench(|| open(&key, &MESH, &at, Version::FIRST, &value).expect("opens"));
}

#[divan::bench(args = [100, 10_000, 100_000])]
fn resolve_secret(bencher: Bencher<'_, '_>, secrets: usize) {
    let like = record(0, 50);
    let records = (0..secrets).map(|number| Record { at: address(number).within(Scope::Global), ..like.clone() });
    let view = View::new(Position::default(), records);
    let node = NodeName::parse("vengeance").expect("a name");
    // A thousand of them in turn: what is asked for again and again is near, among however many.
    let asked: Vec<SecretAddress> = (0..1000).map(|turn| address(turn * 7919 % secrets)).collect();
    let mut turns = asked.iter().cycle();
    bencher
        .with_inputs(|| turns.next().expect("it goes on"))
        .bench_local_values(|wanted| resolve(&view, wanted, &node, CompanyChoice::NotNamed));
}

fn change(length: usize) -> FromLead {
    let records = vec![RecordFrame::from(&record(1, length))];
    FromLead::from(Change { epoch: 1, previous: 1, revision: 2, records })
}

#[divan::bench(args = LENGTHS)]
fn encode_change(bencher: Bencher<'_, '_>, length: usize) {
    let change = change(length);
    bencher.bench(|| encode(&change).expect("encodes"));
}

#[divan::bench(args = LENGTHS)]
fn decode_change(bencher: Bencher<'_, '_>, length: usize) {
    let frame = encode(&change(length)).expect("encodes");
    // Behind the length that stands before each frame.
    bencher.bench(|| decode::<FromLead>(&frame[4..]).expect("decodes"));
}

/// A line, from the call until it is written to the file.
#[divan::bench(args = [1, 16])]
fn journal_lines(bencher: Bencher<'_, '_>, together: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let options = JournalOptions {
        directory: directory.path().join("audit"),
        node: NodeName::parse("vengeance").expect("a name"),
        clock: Arc::new(SystemClock::new().expect("a Linux kernel")),
        durability: Durability::Batched,
        file_bytes_max: 128 << 20,
        spool: None,
        crew: Ground::machine().crew,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let (journal, _) = Journal::open(options).expect("a journal");
    bencher.counter(divan::counter::ItemsCount::new(together)).bench(|| {
        let entries = (0..together).map(|_| Entry::of_node("secret.read", String::new()));
        runtime.block_on(journal.append_all(entries)).expect("written");
    });
}
