//! What can go wrong, named so that a caller can act on it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use ringwall_base::Fault;
use rusqlite::ErrorCode;

/// Why a read or a write did not happen. Nothing of a failed write is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the database file.
    #[error("the database is held by another program")]
    Busy(#[source] EngineError),
    /// The store was closed, or its writer ended.
    #[error("the database is closed")]
    Closed,
    /// The row has no such column, or one of another type.
    #[error("column {index} is not of the expected type")]
    Column {
        /// From zero.
        index: usize,
    },
    /// A rule of the schema forbids the row.
    #[error("the row breaks a rule of its table ({kind})")]
    Constraint {
        /// Which kind of rule.
        kind: Constraint,
        /// The engine's words; they name the column, never the value.
        #[source]
        source: EngineError,
    },
    /// The file is damaged, or is no database.
    #[error("the database file is damaged")]
    Damaged(#[source] EngineError),
    /// No space is left. What was acknowledged before is safe.
    #[error("the disk is full")]
    Full(#[source] EngineError),
    /// Reading or writing failed below us. After a failed flush nothing more is written until the
    /// store is opened again, because the kernel may have dropped the data.
    #[error("the disk failed")]
    Io(#[source] EngineError),
    /// A write inside a write would wait for itself.
    #[error("a write was started inside a write")]
    Nested,
    /// The file or its file system is read-only.
    #[error("the database is read-only")]
    ReadOnly(#[source] EngineError),
    /// The statement is wrong.
    #[error("the statement failed")]
    Statement(#[source] EngineError),
}

/// Which rule of a table a row breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Constraint {
    /// A `CHECK`.
    Check,
    /// A `REFERENCES`.
    ForeignKey,
    /// A `NOT NULL`.
    NotNull,
    /// Anything else.
    Other,
    /// A `PRIMARY KEY` or `UNIQUE`: the row is already there.
    Unique,
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The text of a migration that was already applied is no longer the same.
    #[error("migration {version} of `{area}` was changed after it was applied")]
    Changed {
        /// Whose tables.
        area: String,
        /// Which one.
        version: u32,
    },
    /// A file could not be made or read.
    #[error("`{}` cannot be opened", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("`{}` is in use by {}", path.display(), holder(*pid))]
    Locked {
        /// The database file.
        path: PathBuf,
        /// The process, if it said so.
        pid: Option<u32>,
    },
    /// A migration did not run; the database is as it was before it.
    #[error("migration {version} of `{area}` failed")]
    Migration {
        /// Whose tables.
        area: String,
        /// Which one.
        version: u32,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The database is from a newer program: going back is refused.
    #[error(
        "the database was written by a newer Ringwall (it has migration {found} of `{area}`, this \
         program knows {known}); start the newer program, or restore a backup made before it"
    )]
    Newer {
        /// Whose tables.
        area: String,
        /// The version in the database.
        found: u32,
        /// The last version of this program; zero for an area that it does not have.
        known: u32,
    },
    /// The list of migrations does not count 1, 2, 3 in an area.
    #[error("migration {version} of `{area}` is out of order")]
    Order {
        /// Whose tables.
        area: String,
        /// The first one that is out of order.
        version: u32,
    },
    /// The engine refused.
    #[error("the database does not open")]
    Store(#[from] StoreError),
    /// The writer thread could not start.
    #[error("the writer thread does not start")]
    Thread(#[source] io::Error),
}

/// What an integrity check found.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Pages, indexes or references do not agree.
    #[error("the database is damaged: {}", findings.join("; "))]
    Damaged {
        /// In the engine's words, at most a hundred.
        findings: Vec<String>,
    },
    /// The check itself did not run.
    #[error("the database cannot be checked")]
    Store(#[from] StoreError),
}

/// The engine's own error: for people to read, not for programs to match.
#[derive(Debug)]
pub struct EngineError(rusqlite::Error);

impl StoreError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Busy(_) | Self::Damaged(_) | Self::Full(_) | Self::Io(_) | Self::ReadOnly(_) => {
                Fault::Upstream
            }
            Self::Closed | Self::Column { .. } | Self::Nested | Self::Statement(_) => Fault::Ours,
            Self::Constraint { .. } => Fault::Caller,
        }
    }

    /// Whether the row was refused because one with its key is already there.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Constraint { kind: Constraint::Unique, .. })
    }

    /// Whether a flush to the disk failed, after which the kernel's cache is not to be believed.
    pub(crate) fn is_lost_flush(&self) -> bool {
        let Self::Io(EngineError(rusqlite::Error::SqliteFailure(failure, _))) = self else {
            return false;
        };
        matches!(
            failure.extended_code,
            rusqlite::ffi::SQLITE_IOERR_FSYNC | rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error().copied() else {
            return Self::Statement(EngineError(error));
        };
        let source = EngineError(error);
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy(source),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(source),
            ErrorCode::DiskFull => Self::Full(source),
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => Self::Io(source),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly(source),
            ErrorCode::ConstraintViolation => {
                Self::Constraint { kind: Constraint::of(failure.extended_code), source }
            }
            _ => Self::Statement(source),
        }
    }
}

impl Constraint {
    fn of(code: i32) -> Self {
        match code {
            rusqlite::ffi::SQLITE_CONSTRAINT_CHECK => Self::Check,
            rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Self::ForeignKey,
            rusqlite::ffi::SQLITE_CONSTRAINT_NOTNULL => Self::NotNull,
            rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID => Self::Unique,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check => "check",
            Self::ForeignKey => "reference",
            Self::NotNull => "not null",
            Self::Other => "other",
            Self::Unique => "unique",
        })
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for EngineError {}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
