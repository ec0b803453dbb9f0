//! Statements inside a transaction.

use std::ops::Deref;

use rusqlite::{Connection, params_from_iter};

use crate::{Row, StoreError, Value};

/// A consistent view of the database: all its queries see the same moment.
#[derive(Debug)]
pub struct View<'c> {
    connection: &'c Connection,
}

/// A view that can also change rows. Its changes are durable only when the write is acknowledged.
#[derive(Debug)]
pub struct Transaction<'c> {
    view: View<'c>,
}

impl<'c> View<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// Runs a query and returns all its rows. Whoever may meet many puts a `LIMIT` into it.
    ///
    /// # Errors
    /// When the statement is wrong or the disk fails.
    pub fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.collect(sql, values, usize::MAX)
    }

    /// Runs a query and returns its first row, if there is one.
    ///
    /// # Errors
    /// As [`View::query`].
    pub fn first(&self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.collect(sql, values, 1)?.pop())
    }

    fn collect(&self, sql: &str, values: &[Value], max: usize) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut found = statement.query(params_from_iter(values))?;
        let mut rows = Vec::new();
        while rows.len() < max {
            let Some(row) = found.next()? else { break };
            let values: Result<_, rusqlite::Error> =
                (0..columns).map(|index| row.get_ref(index).map(Value::from)).collect();
            rows.push(Row::new(values?));
        }
        Ok(rows)
    }
}

impl<'c> Transaction<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { view: View::new(connection) }
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// When a constraint forbids it, the statement is wrong, or the disk fails.
    pub fn execute(&self, sql: &str, values: &[Value]) -> Result<usize, StoreError> {
        // A full disk may have rolled everything back: outside a transaction this statement would be
        // kept alone, half of what was asked.
        if self.view.connection.is_autocommit() {
            return Err(StoreError::Closed);
        }
        let mut statement = self.view.connection.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(values))?)
    }
}

/// A transaction reads as a view does, and sees its own changes.
impl<'c> Deref for Transaction<'c> {
    type Target = View<'c>;

    fn deref(&self) -> &View<'c> {
        &self.view
    }
}
