//! The log as its writers see it: a bounded queue in front of one writer thread.

mod queue;
mod recover;
mod ahead;
mod file;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use ringwall_base::{Clock, Entropy, Event, Notice, SignError, Signer, Sink, SinkError, Timestamp};

use crate::action::Action;
use crate::query::{self, Entry, Filter, ReadError};
use crate::verify::Problem;
pub use ahead::Ahead;
use queue::Queue;
use recover::{Mark, Recovered};
use writer::Writer;

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The log's unique name, such as `shop/audit`: the first line of every checkpoint.
    pub origin: String,
    /// The Ed25519 public key of the signer, 32 bytes.
    pub public_key: Vec<u8>,
    /// Events that wait for the writer. Beyond it sampled events drop and others wait.
    pub queue_max: usize,
    /// How long an event waits for a place in the queue.
    pub queue_deadline: Duration,
    /// How long the cause of a sync event waits for the disk.
    pub sync_deadline: Duration,
    /// How long group events gather before one commit.
    pub group_window: Duration,
    /// How long sampled events gather before one commit.
    pub sampled_window: Duration,
    /// A checkpoint is signed when this time has passed since the last and something is new.
    pub checkpoint_interval: Duration,
    /// A checkpoint is signed after this many events at the latest.
    pub checkpoint_events: u64,
    /// A new segment is begun beyond this size.
    pub segment_bytes_max: u64,
    /// Disk space held back, so that the log can still say that the disk is full.
    pub reserve_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origin: "ringwall/audit".to_owned(),
            public_key: Vec::new(),
            queue_max: 8_192,
            queue_deadline: Duration::from_secs(1),
            sync_deadline: Duration::from_secs(5),
            group_window: Duration::from_millis(3),
            sampled_window: Duration::from_millis(50),
            checkpoint_interval: Duration::from_secs(1),
            checkpoint_events: 4_096,
            segment_bytes_max: 32 * 1024 * 1024,
            reserve_bytes: 1024 * 1024,
        }
    }
}

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is on disk contradicts a checkpoint, or is damaged where it was durable.
    #[error("the audit log is damaged")]
    Damaged(#[source] Box<Problem>),
    /// Another process writes it.
    #[error("the audit log `{}` is in use", .0.display())]
    InUse(PathBuf),
    /// The public key in the settings is not the signer's.
    #[error("the audit key does not match its signer")]
    Key,
    /// The folder or a file cannot be used.
    #[error("the audit log cannot be used")]
    Open(#[source] io::Error),
    /// The checkpoint key is not there.
    #[error("the audit log cannot be signed")]
    Sign(#[source] SignError),
}

/// How the log is doing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Events on disk.
    pub events: u64,
    /// Sampled events that were dropped since the log was opened.
    pub dropped: u64,
    /// When the last commit became durable.
    pub last_durable: Timestamp,
    /// False while the disk is full or the files are gone.
    pub is_writable: bool,
}

/// The audit log. Dropping it writes what waits, signs a checkpoint and ends the writer.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    settings: Settings,
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens or makes the log in `dir`. Every event is hashed again, and the tree compared with
    /// the last checkpoint.
    ///
    /// # Errors
    /// When the folder cannot be used, or what is there is not what was signed.
    pub fn open(
        dir: &Path,
        settings: Settings,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        make_folder(dir).map_err(OpenError::Open)?;
        let recovered = recover::recover(dir, &settings.public_key, Mark::default())?;
        Self::begin(dir.to_owned(), settings, (signer, clock, entropy), recovered)
    }

    fn begin(
        dir: PathBuf,
        settings: Settings,
        (signer, clock, entropy): Seams,
        recovered: Recovered,
    ) -> Result<Self, OpenError> {
        let queue = Arc::new(Queue::new(settings.queue_max));
        let parts = writer::Parts {
            dir: dir.clone(),
            settings: settings.clone(),
            signer,
            clock,
            entropy,
            queue: Arc::clone(&queue),
        };
        let writer = Writer::begin(parts, recovered)?;
        let thread = Builder::new().name("audit".to_owned());
        let writer = thread.spawn(move || writer.run()).map_err(OpenError::Open)?;
        Ok(Self { dir, settings, queue, writer: Mutex::new(Some(writer)) })
    }

    /// Waits until everything put so far is on disk.
    ///
    /// # Errors
    /// When that takes longer than the deadline of sync events, or cannot be done.
    pub fn flush(&self) -> Result<(), SinkError> {
        self.queue.flush(self.settings.sync_deadline)
    }

    /// Events that match, oldest first, the newest `filter.limit` of them.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn query(&self, filter: &Filter) -> Result<Vec<Entry>, ReadError> {
        query::query(&self.dir, filter)
    }

    /// The newest `count` events, oldest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn tail(&self, count: usize) -> Result<Vec<Entry>, ReadError> {
        query::tail(&self.dir, count)
    }

    /// All events of one request, oldest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn find_request(&self, request: &str) -> Result<Vec<Entry>, ReadError> {
        query::find_request(&self.dir, request)
    }

    /// Writes what waits, signs a checkpoint and ends the writer, so that another process can open
    /// the log. Events after it are not taken; what is on disk can still be read.
    pub fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_panic)) = writer.map(JoinHandle::join) {
            tracing::error!("the audit writer ended by a panic");
        }
    }

    /// How the log is doing.
    pub fn stats(&self) -> Stats {
        self.queue.stats()
    }
}

impl Sink for Log {
    fn put(&self, event: Event) -> Result<(), SinkError> {
        self.note(&event.notice())
    }

    fn note(&self, notice: &Notice<'_>) -> Result<(), SinkError> {
        if cfg!(debug_assertions) && Action::find(notice.action).is_none() {
            let text = format!("`{}` is not in the catalogue of actions", notice.action);
            return Err(SinkError::Write(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        self.queue.put(notice, self.settings.queue_deadline, self.settings.sync_deadline)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a log signs, dates and numbers with.
type Seams = (Arc<dyn Signer>, Arc<dyn Clock>, Arc<dyn Entropy>);

/// What is in the log is for the operator only.
fn make_folder(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
