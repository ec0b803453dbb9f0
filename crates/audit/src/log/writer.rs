//! The one thread that writes: serialize, hash, append, make durable, answer, sign.
//!
//! INVARIANT (one writer): only this thread moves the tail and the tree.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::{Class, Clock, Entropy, Event, Signer, Ulid};

use super::file::AppendFile;
use super::queue::{Dropped, Item, Queue, Windows};
use super::recover::Recovered;
use super::{OpenError, Settings};
use crate::checkpoint::Checkpoint;
use crate::frame;
use crate::line::canonical;
use crate::merkle::{Frontier, Hash, leaf_hash};
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
    waiting: Vec<Item>,
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
            waiting: Vec::new(),
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
            let event = own("audit-recovered", format!("{cut} bytes of a torn write were cut"));
            writer.write(&[&event]).map_err(OpenError::Open)?;
            writer.sign().map_err(OpenError::Open)?;
        }
        Ok(writer)
    }

    pub(super) fn run(mut self) {
        loop {
            let mut batch = self.parts.queue.take(self.windows());
            self.waiting.append(&mut batch.items);
            let is_retry = self.failure.is_some() && !self.is_broken;
            if !self.waiting.is_empty() || batch.dropped > 0 || is_retry {
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
        let loss = (dropped > 0).then(|| own("audit-dropped", dropped.to_string()));
        let failure = self.failure.as_ref().map(|text| own("audit-degraded", text.clone()));
        let events: Vec<&Event> =
            waiting.iter().map(|item| &item.event).chain(&loss).chain(&failure).collect();
        let accepted = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        let written = self.write(&events);
        self.waiting = waiting;
        match written {
            Ok(()) => {
                let now = self.parts.clock.now();
                self.failure = None;
                self.parts.queue.committed(accepted, self.frontier.size(), now);
                for item in self.waiting.drain(..) {
                    answer(item, Ok(()));
                }
            }
            Err(error) => {
                self.keep_group_events(&error, dropped);
                self.failure = Some(error.to_string());
            }
        }
    }

    fn keep_group_events(&mut self, error: &io::Error, unreported: u64) {
        let all = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        let mut dropped = 0_u64;
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        for item in self.waiting.drain(..) {
            match item.event.class {
                Class::Group if !self.is_broken => kept.push(item),
                Class::Sampled => dropped = dropped.saturating_add(1),
                Class::Group | Class::Sync => refused.push(item),
            }
        }
        let lost = all.saturating_sub(u64::try_from(kept.len()).unwrap_or(u64::MAX));
        self.waiting = kept;
        // First the state, then the answers: who was refused must not find the log writable.
        self.parts.queue.failed(error, lost, Dropped { new: dropped, unreported });
        for item in refused {
            answer(item, Err(io::Error::new(error.kind(), error.to_string())));
        }
    }

    /// Appends events as one commit. The tree moves only when they are durable.
    fn write(&mut self, events: &[&Event]) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("the audit log was closed after a failed write"));
        }
        let (mut frontier, mut bytes) = (self.frontier.clone(), Vec::new());
        let at = self.parts.clock.now();
        for event in events {
            let time = if event.at.micros() == 0 { at } else { event.at };
            let id = Ulid::generate(time, self.parts.entropy.as_ref())?;
            let line = canonical(event, time, &id, frontier.size())?;
            frame::write(&mut bytes, &line, frontier.size() == self.frontier.size());
            frontier.push(leaf_hash(&line));
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

fn own(action: &'static str, reason: String) -> Event {
    Event { action, reason: Some(reason), class: Class::Group, ..Event::default() }
}

fn answer(item: Item, result: io::Result<()>) {
    if let Some(waiter) = item.waiter {
        match waiter.send(result) {
            // Whoever waited past the deadline is gone.
            Ok(()) | Err(_) => {}
        }
    }
}
