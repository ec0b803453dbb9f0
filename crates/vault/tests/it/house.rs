//! A vault in a folder of its own.

use std::path::Path;
use std::sync::Arc;

use ringwall_base::{Event, ManualClock, Secret, Sink, SinkError, SystemEntropy, Timestamp};
use ringwall_store::{Store, StoreError, Value};
use ringwall_testkit::MemorySink;
use ringwall_vault::{MIGRATIONS, OpenError, RootKey, Vault};
use tempfile::TempDir;

/// 2026-11-21T22:30:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_300_200);

pub(crate) struct House {
    pub(crate) vault: Vault,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) folder: TempDir,
}

/// An audit log on a full disk.
#[derive(Debug)]
pub(crate) struct Refusing;

impl Sink for Refusing {
    fn put(&self, _: Event) -> Result<(), SinkError> {
        Err(SinkError::Deadline)
    }
}

pub(crate) fn root(byte: u8) -> RootKey {
    RootKey::from_bytes(Secret::new(vec![byte; 32])).unwrap()
}

pub(crate) fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(&folder.path().join("store.db"));
    let (clock, sink) = (Arc::new(ManualClock::at(NOW)), Arc::new(MemorySink::default()));
    let entropy = Arc::new(SystemEntropy::open().unwrap());
    let (held, held_clock, held_sink) = (Arc::clone(&store), Arc::clone(&clock), Arc::clone(&sink));
    let vault = Vault::open(held, root(1), entropy, held_clock, held_sink).unwrap();
    House { vault, store, clock, sink, folder }
}

pub(crate) fn open_store(path: &Path) -> Arc<Store> {
    let clock = Arc::new(ManualClock::at(NOW));
    Arc::new(Store::open(path, clock, MIGRATIONS).unwrap())
}

/// Opens the vault of a house a second time.
pub(crate) fn open(
    store: &Arc<Store>,
    root: RootKey,
    sink: Arc<dyn Sink>,
) -> Result<Vault, OpenError> {
    let entropy = Arc::new(SystemEntropy::open().unwrap());
    Vault::open(Arc::clone(store), root, entropy, Arc::new(ManualClock::at(NOW)), sink)
}

pub(crate) fn secret(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

/// Does to the tables what somebody with the file could do.
pub(crate) fn sql(store: &Store, statement: &'static str) -> usize {
    let values: [Value; 0] = [];
    store.write::<_, StoreError, _>(move |t| t.execute(statement, &values)).unwrap()
}
