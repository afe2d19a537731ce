//! Invariant 12, at the store: a page that cannot be read is an error, never an empty table and never the end of one.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aurora_mesh::model::identity::{MeshId, Role};
use aurora_mesh::model::number::{Revision, Version};
use aurora_mesh::model::record::Record;
use aurora_mesh::store::error::StoreError;
use aurora_mesh::store::facts::Facts;
use aurora_mesh::store::handle::Store;
use aurora_mesh::store::mutation::Mutation;
use redb::StorageBackend;

use crate::checks::sample;
use crate::names::{NODES, PLACES};

/// Bytes in memory, of which one read fails.
#[derive(Debug, Clone, Default)]
struct Failing {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// How many reads there are until one fails; below zero none does.
    left: Arc<AtomicI64>,
    failed: Arc<AtomicI64>,
}

impl Failing {
    fn of(bytes: Vec<u8>, left: i64) -> Self {
        let bytes = Arc::new(Mutex::new(bytes));
        Self { bytes, left: Arc::new(AtomicI64::new(left)), failed: Arc::default() }
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.bytes.lock().expect("whole").len()).expect("small"))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::other("this page cannot be read"));
        }
        let bytes = self.bytes.lock().expect("whole");
        let begin = usize::try_from(offset).expect("small");
        out.copy_from_slice(bytes.get(begin..begin + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.bytes.lock().expect("whole").resize(usize::try_from(length).expect("small"), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let begin = usize::try_from(offset).expect("small");
        self.bytes.lock().expect("whole")[begin..begin + data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_never_taken_for_an_empty_store() {
    let whole = Failing::of(Vec::new(), -1);
    let facts = Facts {
        mesh: MeshId([7; 16]),
        node: NODES[0].clone(),
        role: Role::Lead,
        environment: PLACES[0].secret.environment.clone(),
    };
    let (store, _) = Store::create_backend(whole.clone(), facts).await.expect("created");
    let put = |number: usize| {
        let record = sample::record(1, 1);
        let at = PLACES[number % PLACES.len()].clone();
        Mutation::PutRecord(Record {
            at,
            secret_id: u64::try_from(number).expect("small"),
            revision: Revision(1),
            version: Version::FIRST,
            ..record
        })
    };
    store.commit((0..PLACES.len()).map(put).collect()).await.expect("committed");
    store.close().await.expect("closed");
    let bytes = whole.bytes.lock().expect("whole").clone();
    let (_, expected) = Store::open_backend(Failing::of(bytes.clone(), -1)).await.expect("whole");
    assert_eq!(expected.records.len(), PLACES.len());
    let (mut refused, mut last) = (0, false);
    for left in 0.. {
        let disk = Failing::of(bytes.clone(), left);
        match Store::open_backend(disk.clone()).await {
            Ok((_, contents)) => {
                assert_eq!(contents, expected, "read {left} failed and was taken for the end");
                last = disk.failed.load(Ordering::SeqCst) == 0;
            }
            // Of a missing store a restore makes a new one.
            Err(StoreError::Missing { .. }) => panic!("read {left} failed and was taken for no store at all"),
            Err(_) => refused += 1,
        }
        if last {
            break;
        }
    }
    assert!(refused > 3, "only {refused} reads failed");
}
