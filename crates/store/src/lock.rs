//! One process on one database: an exclusive lock on `<db>.lock`.
//!
//! SQLite's own locks would let two processes take turns, and each would keep keys, sessions and
//! migrations in memory that the other changes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::{io, process};

use crate::OpenError;

/// Holds the lock until it is dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock for the database at `path`, or names who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let lock = beside(path);
        let failed = |source| OpenError::File { path: lock.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { path: path.to_owned(), pid: pid(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        sign(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // Only for the message: a holder that has not signed yet is "another process".
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn sign(file: &mut File) -> Result<(), io::Error> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    // A full disk must not keep an old store from opening: the name of the holder is a courtesy.
    match writeln!(file, "{}", process::id()) {
        Err(error) if error.kind() != io::ErrorKind::StorageFull => Err(error),
        _ => Ok(()),
    }
}
