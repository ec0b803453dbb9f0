//! The connections that read: a fixed number, taken in turn.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use crate::engine::open_reader;
use crate::{Settings, StoreError, View};

/// Readers see the last commit and never wait for the writer.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Self, StoreError> {
        let idle: Result<_, _> =
            (0..settings.readers.max(1)).map(|_| open_reader(path, settings)).collect();
        Ok(Self { idle: Mutex::new(idle?), returned: Condvar::new() })
    }

    /// Runs `read` inside one read transaction. Waits when all connections are busy.
    pub(crate) fn read<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&View<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let loan = self.borrow();
        let connection = loan.connection.as_ref().ok_or(StoreError::Closed)?;
        // A plain query would see a moment of its own; two queries must agree.
        connection.execute_batch("BEGIN").map_err(StoreError::from)?;
        let answer = read(&View::new(connection));
        connection.execute_batch("ROLLBACK").map_err(StoreError::from)?;
        answer
    }

    fn borrow(&self) -> Loan<'_> {
        // The list is whole at every instant: a reader that panicked leaves nothing half done.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = idle.pop() {
                return Loan { readers: self, connection: Some(connection) };
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Gives the connection back, also when the reader panics.
struct Loan<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            // Kept all the same: a pool that shrinks would end in readers that wait for ever, and
            // the next `BEGIN` reports the failure.
        }
        self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        self.readers.returned.notify_one();
    }
}
