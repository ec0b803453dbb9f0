//! The one thread that writes: serialize, hash, append, make durable, answer, sign.
//!
//! INVARIANT (one writer): only this thread moves the tail and the tree.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::{Class, Clock, Entropy, Notice, Signer, Timestamp, Ulid};

use super::file::AppendFile;
use super::queue::{Dropped, Item, Queue, Waiting, Windows};
use super::recover::Recovered;
use super::{OpenError, Settings};
use crate::checkpoint::Checkpoint;
use crate::frame;
use crate::line;
use crate::merkle::{Frontier, Hash, prefixed_leaf_hash};
use crate::segment::{CHECKPOINT, CHECKPOINTS, Segment};

/// Space that is returned to the disk when it is full.
const RESERVE: &str = "reserve";
/// How often a full disk is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// What the writer works with.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) dir: PathBuf,
    pub(super) settings: Settings,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) queue: Arc<Queue>,
}

#[derive(Debug)]
pub(super) struct Writer {
    parts: Parts,
    frontier: Frontier,
    file: AppendFile,
    checkpoints: AppendFile,
    signed: u64,
    signed_at: Duration,
    /// Events that were accepted but could not be written yet.
    waiting: Waiting,
    /// Why the last commit failed; the next one that succeeds tells it.
    failure: Option<String>,
    /// After a failed sync nobody knows what is on disk: nothing is written any more.
    is_broken: bool,
    /// Released when the log is closed.
    _lock: File,
}

impl Writer {
    pub(super) fn begin(parts: Parts, recovered: Recovered) -> Result<Self, OpenError> {
        let Recovered { lock, frontier, last, cut, signed } = recovered;
        let segment = last.unwrap_or_else(|| Segment::at(&parts.dir, 0));
        let file = AppendFile::open(&segment.path).map_err(OpenError::Open)?;
        let checkpoints =
            AppendFile::open(&parts.dir.join(CHECKPOINTS)).map_err(OpenError::Open)?;
        parts.queue.opened(frontier.size());
        let signed_at = parts.clock.monotonic();
        let mut writer = Self {
            parts,
            frontier,
            file,
            checkpoints,
            signed,
            signed_at,
            waiting: Waiting::default(),
            failure: None,
            is_broken: false,
            _lock: lock,
        };
        writer.check_key()?;
        if writer.reserve().is_err() {
            tracing::warn!("no disk space can be reserved for the audit log");
        }
        if writer.frontier.size() == 0 {
            // A log begins with a checkpoint, so that events without one are seen as such.
            writer.sign().map_err(OpenError::Open)?;
        }
        if cut > 0 {
            let mut told = Waiting::default();
            own(&mut told, "audit-recovered", &format!("{cut} bytes of a torn write were cut"));
            writer.write(&told, &Waiting::default()).map_err(OpenError::Open)?;
            writer.sign().map_err(OpenError::Open)?;
        }
        Ok(writer)
    }

    pub(super) fn run(mut self) {
        loop {
            let windows = self.windows();
            let batch = self.parts.queue.take(windows, &mut self.waiting);
            let is_retry = self.failure.is_some() && !self.is_broken;
            if !self.waiting.items.is_empty() || batch.dropped > 0 || is_retry {
                self.commit(batch.dropped);
            }
            if self.is_checkpoint_due(batch.is_last)
                && let Err(error) = self.sign()
            {
                tracing::error!(%error, "no checkpoint could be written");
                self.signed_at = self.parts.clock.monotonic();
            }
            if batch.is_last {
                return;
            }
        }
    }

    fn windows(&self) -> Windows {
        let settings = &self.parts.settings;
        let idle =
            if self.failure.is_none() { settings.checkpoint_interval } else { RETRY_INTERVAL };
        Windows { idle, group: settings.group_window, sampled: settings.sampled_window }
    }

    /// Writes everything that waits. On failure only group events stay: a sync event has told its
    /// cause, and a sampled one may be lost.
    fn commit(&mut self, dropped: u64) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut ours = Waiting::default();
        if dropped > 0 {
            own(&mut ours, "audit-dropped", &dropped.to_string());
        }
        if let Some(failure) = &self.failure {
            own(&mut ours, "audit-degraded", failure);
        }
        let accepted = u64::try_from(waiting.items.len()).unwrap_or(u64::MAX);
        let written = self.write(&waiting, &ours);
        self.waiting = waiting;
        match written {
            Ok(()) => {
                let now = self.parts.clock.now();
                self.failure = None;
                self.parts.queue.committed(accepted, self.frontier.size(), now);
                for item in self.waiting.items.drain(..) {
                    answer(item, Ok(()));
                }
                self.waiting.forget();
            }
            Err(error) => {
                self.keep_group_events(&error, dropped);
                self.failure = Some(error.to_string());
            }
        }
    }

    fn keep_group_events(&mut self, error: &io::Error, unreported: u64) {
        let is_broken = self.is_broken;
        let gone = self.waiting.retain(|item| item.class == Class::Group && !is_broken);
        let lost = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        let (sampled, refused): (Vec<Item>, Vec<Item>) =
            gone.into_iter().partition(|item| item.class == Class::Sampled);
        let dropped = u64::try_from(sampled.len()).unwrap_or(u64::MAX);
        // First the state, then the answers: who was refused must not find the log writable.
        self.parts.queue.failed(error, lost, Dropped { new: dropped, unreported });
        for item in refused {
            answer(item, Err(io::Error::new(error.kind(), error.to_string())));
        }
    }

    /// Appends events as one commit. The tree moves only when they are durable.
    fn write(&mut self, waiting: &Waiting, ours: &Waiting) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("the audit log was closed after a failed write"));
        }
        let (mut frontier, mut bytes) = (self.frontier.clone(), Vec::new());
        let now = self.parts.clock.now();
        // One draw for all: each is a system call.
        let count = waiting.items.len().saturating_add(ours.items.len());
        let mut random = vec![0; count.saturating_mul(Ulid::RANDOM_BYTES)];
        self.parts.entropy.fill(&mut random)?;
        let (ids, _rest) = random.as_chunks::<{ Ulid::RANDOM_BYTES }>();
        // A leaf is hashed with a zero before its line (RFC 6962 section 2.1).
        let mut leaf = Vec::with_capacity(line::TAIL_BYTES_USUAL);
        for ((at, tail), random) in waiting.events().chain(ours.events()).zip(ids) {
            let at = if at == Timestamp::default() { now } else { at };
            leaf.clear();
            leaf.push(0);
            line::head(&mut leaf, at, Ulid::new(at, *random), frontier.size());
            leaf.extend_from_slice(tail);
            let line = leaf.get(1..).unwrap_or_default();
            frame::write(&mut bytes, line, frontier.size() == self.frontier.size());
            frontier.push(prefixed_leaf_hash(&leaf));
        }
        self.rotate(bytes.len())?;
        if let Err(error) = self.file.append(&bytes) {
            let is_full = error.kind() == io::ErrorKind::StorageFull;
            if !is_full || !self.release_reserve() {
                return Err(error);
            }
            self.file.append(&bytes)?;
        }
        if let Err(error) = self.file.sync() {
            // The kernel reports a lost write once; a second sync would succeed and prove nothing.
            self.is_broken = true;
            return Err(error);
        }
        self.frontier = frontier;
        Ok(())
    }

    fn rotate(&mut self, more: usize) -> io::Result<()> {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        let is_empty = self.file.length() <= 8;
        if is_empty
            || self.file.length().saturating_add(more) <= self.parts.settings.segment_bytes_max
        {
            return Ok(());
        }
        let segment = Segment::at(&self.parts.dir, self.frontier.size());
        self.file = AppendFile::open(&segment.path)?;
        Ok(())
    }

    fn is_checkpoint_due(&self, is_last: bool) -> bool {
        let unsigned = self.frontier.size().saturating_sub(self.signed);
        let settings = &self.parts.settings;
        let age = self.parts.clock.monotonic().saturating_sub(self.signed_at);
        let is_due = is_last
            || unsigned >= settings.checkpoint_events
            || age >= settings.checkpoint_interval;
        unsigned > 0 && !self.is_broken && is_due
    }

    /// Signs what is durable.
    fn sign(&mut self) -> io::Result<()> {
        let note = self.note()?;
        let mut bytes = Vec::new();
        frame::write(&mut bytes, note.as_bytes(), true);
        self.checkpoints.append(&bytes)?;
        self.checkpoints.sync()?;
        let path = self.parts.dir.join(CHECKPOINT);
        let new = path.with_extension("new");
        fs::write(&new, &note)?;
        fs::rename(&new, &path)?;
        self.signed = self.frontier.size();
        self.signed_at = self.parts.clock.monotonic();
        Ok(())
    }

    fn note(&self) -> io::Result<String> {
        let settings = &self.parts.settings;
        let checkpoint = Checkpoint {
            origin: settings.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        };
        checkpoint.sign(self.parts.signer.as_ref(), &settings.public_key).map_err(io::Error::other)
    }

    /// A key that does not match would make every checkpoint worthless.
    fn check_key(&self) -> Result<(), OpenError> {
        let settings = &self.parts.settings;
        let checkpoint =
            Checkpoint { origin: settings.origin.clone(), size: 0, root: Hash::default() };
        let note = checkpoint
            .sign(self.parts.signer.as_ref(), &settings.public_key)
            .map_err(OpenError::Sign)?;
        let read = Checkpoint::verify(&note, &settings.public_key);
        if read.is_ok_and(|read| read == checkpoint) { Ok(()) } else { Err(OpenError::Key) }
    }

    fn reserve(&self) -> io::Result<()> {
        let path = self.parts.dir.join(RESERVE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        let bytes = self.parts.settings.reserve_bytes;
        if bytes > 0 {
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
        }
        Ok(())
    }

    /// True when there was a reserve; its space is then free for what cannot wait.
    fn release_reserve(&self) -> bool {
        tracing::error!("the disk of the audit log is full; its reserve is in use");
        fs::remove_file(self.parts.dir.join(RESERVE)).is_ok()
    }
}

/// Adds an event of the log's own.
fn own(events: &mut Waiting, action: &'static str, reason: &str) {
    let notice = Notice { action, reason: Some(reason), ..Notice::default() };
    let mut tail = Vec::new();
    line::tail(&mut tail, &notice);
    let (at, class) = (notice.at, Class::Group);
    events.add(Item { at, class, tail_bytes: tail.len(), waiter: None }, &tail);
}

fn answer(item: Item, result: io::Result<()>) {
    if let Some(waiter) = item.waiter {
        match waiter.send(result) {
            // Whoever waited past the deadline is gone.
            Ok(()) | Err(_) => {}
        }
    }
}
