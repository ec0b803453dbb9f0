//! The handle that everybody shares.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SendError, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use ringwall_base::Clock;

use crate::engine::open_writer;
use crate::lock::Lock;
use crate::migration::migrate;
use crate::readers::Readers;
use crate::writer::{Message, Operation, Writer};
use crate::{CheckError, Migration, OpenError, StoreError, Transaction, View};

/// How the store works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How long a statement waits for a file that another program holds.
    pub busy_millis: u64,
    /// Operations that may wait for the writer before [`Store::write`] itself waits.
    pub queue_max: usize,
    /// Connections that read.
    pub readers: usize,
}

/// An open database. Share it as `Arc<Store>`; the last one dropped closes it.
///
/// All calls block. An async caller uses [`Store::write_then`], which answers through a callback,
/// and runs [`Store::read`] (microseconds) in place or on a blocking thread.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    inbox: SyncSender<Message>,
    readers: Readers,
    writer: Option<JoinHandle<()>>,
    /// Empty while another process takes over.
    lock: RwLock<Option<Lock>>,
}

impl Store {
    /// Opens the database at `path`, makes it if there is none, and brings its tables forward.
    ///
    /// # Errors
    /// When another process has it open, a newer program wrote it, or the file does not open.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        migrations: &[Migration],
    ) -> Result<Self, OpenError> {
        Self::open_with(path, clock, migrations, &Settings::default())
    }

    /// As [`Store::open`], with other settings.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        path: &Path,
        clock: Arc<dyn Clock>,
        migrations: &[Migration],
        settings: &Settings,
    ) -> Result<Self, OpenError> {
        let lock = Lock::take(path)?;
        let mut connection = open_writer(path, settings)?;
        migrate(&mut connection, clock.now(), migrations)?;
        let readers = Readers::open(path, settings)?;
        let (inbox, queue) = sync_channel(settings.queue_max);
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || Writer::new(connection, clock, queue).run())
            .map_err(OpenError::Thread)?;
        Ok(Self {
            path: path.to_owned(),
            inbox,
            readers,
            writer: Some(writer),
            lock: RwLock::new(Some(lock)),
        })
    }

    /// Changes rows in one transaction, and returns when the commit is on the disk.
    ///
    /// The closure runs on the writer thread and may run more than once (a second engine retries
    /// conflicts): it only talks to the transaction. When it returns an error, all that it did is
    /// undone.
    ///
    /// # Errors
    /// The closure's own, or a [`StoreError`] when the change did not become durable.
    pub fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = sync_channel(1);
        // A caller that is gone does not take its answer; the change is durable all the same.
        self.write_then(change, move |result| drop(reply.send(result)));
        answer.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// As [`Store::write`], but answers by calling `then`, on the writer thread, after the commit.
    ///
    /// `then` must be quick: complete a one-shot channel and no more. This call itself waits only
    /// when the queue is full.
    pub fn write_then<T, E, F, D>(&self, change: F, then: D)
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        D: FnOnce(Result<T, E>) + Send + 'static,
    {
        if self.is_writer() {
            then(Err(StoreError::Nested.into()));
            return;
        }
        // Held while the change is queued: what was taken before a release is written before it.
        let lock = self.lock.read().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            then(Err(StoreError::Closed.into()));
            return;
        }
        let operation = Box::new(Pending { change, then, result: None });
        if let Err(SendError(Message::Write(mut operation))) =
            self.inbox.send(Message::Write(operation))
        {
            operation.fail(StoreError::Closed);
            operation.answer();
        }
    }

    /// Reads in one consistent view. Sees every write that was acknowledged before.
    ///
    /// # Errors
    /// The closure's own, or a [`StoreError`].
    pub fn read<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&View<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.readers.read(read)
    }

    /// Moves the write-ahead log into the database file and cuts it: what was deleted is then in
    /// neither. A reader at work puts off a part of it until the next time.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        if self.is_writer() {
            return Err(StoreError::Nested);
        }
        let (reply, answer) = sync_channel(1);
        if self.inbox.send(Message::Checkpoint(reply)).is_err() {
            return Err(StoreError::Closed);
        }
        answer.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Reads every page and compares tables, indexes and references.
    ///
    /// # Errors
    /// [`CheckError::Damaged`] with what was found.
    pub fn check(&self) -> Result<(), CheckError> {
        let mut findings: Vec<String> = Vec::new();
        self.read(|view| {
            for row in view.query("PRAGMA integrity_check(100)", &[])? {
                findings.push(row.get(0)?);
            }
            for row in view.query("PRAGMA foreign_key_check", &[])? {
                findings.push(format!("a reference of `{}` is broken", row.get::<String>(0)?));
            }
            Ok::<_, StoreError>(())
        })?;
        findings.retain(|finding| finding != "ok");
        findings.truncate(100);
        if findings.is_empty() { Ok(()) } else { Err(CheckError::Damaged { findings }) }
    }

    /// Lets another process open the database. Every write before is durable; every write after it
    /// is refused as [`StoreError::Closed`], and reads go on.
    ///
    /// # Errors
    /// When the disk fails. The store is released all the same.
    pub fn release(&self) -> Result<(), StoreError> {
        // The lock of the file is given up last, when the queue is empty.
        let mut lock = self.lock.write().unwrap_or_else(PoisonError::into_inner);
        let emptied = self.checkpoint();
        drop(lock.take());
        emptied
    }

    /// Takes the database back after a [`Store::release`] that nobody made use of.
    ///
    /// # Errors
    /// When another process has it open.
    pub fn retake(&self) -> Result<(), OpenError> {
        let mut lock = self.lock.write().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            *lock = Some(Lock::take(&self.path)?);
        }
        Ok(())
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn is_writer(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.thread().id() == thread::current().id())
    }
}

impl Drop for Store {
    /// Waits for the writes that are under way, then closes.
    fn drop(&mut self) {
        // Both fail only when the writer is already gone.
        drop(self.inbox.send(Message::Close));
        // The last handle may be dropped by a callback on the writer thread: it ends by itself.
        if let Some(writer) =
            self.writer.take().filter(|w| w.thread().id() != thread::current().id())
        {
            drop(writer.join());
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { busy_millis: 5_000, queue_max: 1_024, readers: 4 }
    }
}

struct Pending<T, E, F, D> {
    change: F,
    then: D,
    result: Option<Result<T, E>>,
}

impl<T, E, F, D> Operation for Pending<T, E, F, D>
where
    T: Send,
    E: From<StoreError> + Send,
    F: Fn(&Transaction<'_>) -> Result<T, E> + Send,
    D: FnOnce(Result<T, E>) + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> bool {
        let result = (self.change)(transaction);
        let kept = result.is_ok();
        self.result = Some(result);
        kept
    }

    fn fail(&mut self, error: StoreError) {
        if !matches!(self.result, Some(Err(_))) {
            self.result = Some(Err(error.into()));
        }
    }

    fn answer(self: Box<Self>) {
        (self.then)(self.result.unwrap_or_else(|| Err(StoreError::Closed.into())));
    }
}
