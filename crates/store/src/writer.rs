//! The one writer: takes operations from a bounded queue and commits them in groups.
//!
//! A group is what is waiting when a commit begins, up to [`GROUP_MAX`] operations or
//! [`GROUP_TIME`] of work. Each operation has a savepoint, so a refused one undoes only itself. If
//! the group as a whole is lost (a full disk rolls back everything), each operation is run again
//! alone: the one that fits is kept, and each learns its own result.
//!
//! INVARIANT (durable first): an operation is answered only after the commit that holds it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use ringwall_base::Clock;
use rusqlite::Connection;

use crate::{StoreError, Transaction};

/// What the writer is asked for.
pub(crate) enum Message {
    /// Move the log into the database file and cut it.
    Checkpoint(SyncSender<Result<(), StoreError>>),
    /// Stop when everything before is done.
    Close,
    /// Change rows.
    Write(Box<dyn Operation>),
}

/// A write whose types are known only to the one who asked.
pub(crate) trait Operation: Send {
    /// Runs the closure; false when it refused. May run more than once.
    fn run(&mut self, transaction: &Transaction<'_>) -> bool;

    /// Replaces a result that did not become durable. A refusal of the closure's own stays.
    fn fail(&mut self, error: StoreError);

    /// Gives the result to the one who asked.
    fn answer(self: Box<Self>);
}

/// The writer thread's state.
pub(crate) struct Writer {
    connection: Connection,
    clock: Arc<dyn Clock>,
    inbox: Receiver<Message>,
    /// Taken from the inbox while a group was filled, and not part of it.
    next: VecDeque<Message>,
    /// Set for good when a flush failed: the kernel may have dropped pages and call the next
    /// flush a success.
    is_broken: bool,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        clock: Arc<dyn Clock>,
        inbox: Receiver<Message>,
    ) -> Self {
        Self { connection, clock, inbox, next: VecDeque::new(), is_broken: false }
    }

    /// Works until it is told to close, or nobody is left to ask.
    pub(crate) fn run(mut self) {
        while let Some(message) = self.next.pop_front().or_else(|| self.inbox.recv().ok()) {
            match message {
                Message::Checkpoint(reply) => {
                    // Nobody waits any more when this fails, and nobody needs to know.
                    drop(reply.send(self.checkpoint()));
                }
                Message::Close => return,
                Message::Write(first) => self.group(first),
            }
        }
    }

    fn group(&mut self, first: Box<dyn Operation>) {
        let mut operations = Vec::new();
        if let Err(error) = self.try_group(first, &mut operations) {
            self.one_by_one(&mut operations, error);
        }
        for operation in operations {
            operation.answer();
        }
    }

    fn try_group(
        &mut self,
        first: Box<dyn Operation>,
        operations: &mut Vec<Box<dyn Operation>>,
    ) -> Result<(), StoreError> {
        operations.push(first);
        self.begin()?;
        let deadline = self.clock.monotonic().saturating_add(GROUP_TIME);
        while let Some(operation) = operations.last_mut() {
            self.step(operation.as_mut())?;
            if operations.len() >= GROUP_MAX || self.clock.monotonic() >= deadline {
                break;
            }
            match self.inbox.try_recv() {
                Ok(Message::Write(operation)) => operations.push(operation),
                Ok(other) => {
                    self.next.push_back(other);
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit()
    }

    /// Runs each operation in a transaction of its own after the group was lost.
    fn one_by_one(&mut self, operations: &mut [Box<dyn Operation>], error: StoreError) {
        self.is_broken |= error.is_lost_flush();
        self.undo();
        if let [only] = operations {
            only.fail(error);
            return;
        }
        for operation in operations {
            let done = self.begin().and_then(|()| self.step(operation.as_mut()));
            if let Err(error) = done.and_then(|()| self.commit()) {
                self.is_broken |= error.is_lost_flush();
                self.undo();
                operation.fail(error);
            }
        }
    }

    fn begin(&self) -> Result<(), StoreError> {
        if self.is_broken {
            return Err(StoreError::Closed);
        }
        // IMMEDIATE: the write lock is taken now, not in the middle.
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Runs one operation in its savepoint. An error means that the whole group is lost.
    fn step(&self, operation: &mut dyn Operation) -> Result<(), StoreError> {
        self.connection.execute_batch("SAVEPOINT op")?;
        let kept = operation.run(&Transaction::new(&self.connection));
        // After a full disk or an I/O error the engine may have rolled back everything.
        let end = if kept { "RELEASE op" } else { "ROLLBACK TO op; RELEASE op" };
        Ok(self.connection.execute_batch(end)?)
    }

    fn commit(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn undo(&mut self) {
        if !self.connection.is_autocommit() && self.connection.execute_batch("ROLLBACK").is_err() {
            // A transaction that cannot be left would swallow every later write.
            self.is_broken = true;
        }
    }

    fn checkpoint(&self) -> Result<(), StoreError> {
        let busy: i64 =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        // Busy means that a reader still uses the log; the next checkpoint gets it.
        debug_assert!(busy <= 1, "the engine answers zero or one");
        Ok(())
    }
}

/// Operations in one commit, at most.
const GROUP_MAX: usize = 512;

/// How long a group may be filled before its first operation gets its commit.
const GROUP_TIME: Duration = Duration::from_millis(1);
