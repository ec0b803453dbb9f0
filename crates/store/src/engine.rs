//! Opens SQLite the way that durability and hostile files ask for.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::{OpenError, Settings, StoreError};

/// Opens the one connection that writes, and makes the file if there is none.
pub(crate) fn open_writer(path: &Path, settings: &Settings) -> Result<Connection, OpenError> {
    // Made by us first, so that it is never readable by others; the engine gives its `-wal` and
    // `-shm` files the same mode.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    Ok(connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, settings).and_then(|connection| {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // FULL: a commit that was acknowledged is on the disk when the power goes.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Deleted rows are overwritten with zeros: a removed secret's wrapped key is gone from the
        // pages, not only from the index.
        connection.pragma_update(None, "secure_delete", true)?;
        Ok(connection)
    })?)
}

/// Opens a connection that cannot write.
pub(crate) fn open_reader(path: &Path, settings: &Settings) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, settings)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path, mode: OpenFlags, settings: &Settings) -> Result<Connection, StoreError> {
    // No URI names: a `?` in a path is a path. NO_MUTEX: each connection has one thread at a time.
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_millis(settings.busy_millis))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A file that someone prepared cannot run functions through its schema.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Sorting never spills rows into a file of its own.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Prepared statements kept per connection: more than all packages together have.
const STATEMENTS_MAX: usize = 256;
