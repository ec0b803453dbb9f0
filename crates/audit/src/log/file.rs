//! An append-only file that is written at a known place and made durable on request.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::frame::MAGIC;
use crate::segment::sync_folder;

#[derive(Debug)]
pub(super) struct AppendFile {
    file: File,
    path: PathBuf,
    length: u64,
}

impl AppendFile {
    /// Opens a file, or makes it with its first bytes; both durable.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let mut opened = Self { length: file.metadata()?.len(), file, path: path.to_owned() };
        if opened.length == 0 {
            opened.append(MAGIC)?;
            opened.sync()?;
            path.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(opened)
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Writes at the end. When that fails nothing of it stays.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all_at(bytes, self.length) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Makes what was written durable, and checks that it is still this file that has the name: a
    /// log that was unlinked or swapped while open would be written for nobody.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        let (ours, named) = (self.file.metadata()?, std::fs::metadata(&self.path)?);
        if (ours.dev(), ours.ino()) == (named.dev(), named.ino()) {
            Ok(())
        } else {
            Err(io::Error::other("the audit file was replaced while open"))
        }
    }
}
