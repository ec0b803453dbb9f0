//! The files of a log: segments named by their first event, and the checkpoints.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::frame::{self, MAGIC, Next};

const PREFIX: &str = "events-";
const SUFFIX: &str = ".log";
/// All checkpoints, oldest first, framed like events.
pub(crate) const CHECKPOINTS: &str = "checkpoints.log";
/// The newest checkpoint alone, under the name that C2SP tlog-tiles gives it.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// One file of events.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Segment {
    /// The sequence of its first event.
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
}

impl Segment {
    pub(crate) fn at(dir: &Path, first: u64) -> Self {
        Self { first, path: dir.join(format!("{PREFIX}{first:020}{SUFFIX}")) }
    }

    /// The file name, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.path)
    }
}

/// All segments of a folder, in order.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
        if let Some(first) = number.and_then(|number| number.parse().ok()) {
            segments.push(Segment { first, path });
        }
    }
    segments.sort();
    Ok(segments)
}

/// Walks the frames of a file, and where each begins. Ends after what is torn.
pub(crate) fn frames(bytes: &[u8]) -> impl Iterator<Item = (usize, Next<'_>)> {
    let has_magic = bytes.starts_with(MAGIC);
    let mut offset = if has_magic { MAGIC.len() } else { 0 };
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let at = offset;
        let next = match (has_magic, bytes.get(offset..)) {
            (true, Some(rest)) => frame::read(rest),
            _ => Next::Torn,
        };
        match next {
            Next::Good(frame) => offset += frame.length,
            Next::Bad { length } => offset += length,
            Next::Torn => is_over = true,
            Next::End => return None,
        }
        Some((at, next))
    })
}

/// Whether what is wrong at `offset` can be the trace of a crash: then nothing behind it was ever
/// acknowledged. A commit that started later proves the opposite. It is looked for at every byte,
/// because a wrong length does not say where the next frame begins.
pub(crate) fn is_torn_tail(bytes: &[u8], offset: usize) -> bool {
    let behind = (offset.saturating_add(1)..bytes.len()).filter_map(|at| bytes.get(at..));
    !behind.map(frame::read).any(|next| matches!(next, Next::Good(frame) if frame.is_first))
}

/// The checkpoints that a log has signed.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// The notes, oldest first, and where each begins.
    pub(crate) notes: Vec<(u64, String)>,
    /// Where bytes were changed.
    pub(crate) damaged: Vec<u64>,
    /// The end of the last whole note.
    pub(crate) whole: u64,
}

/// Reads the checkpoints of a folder. What is torn at the end is left out.
pub(crate) fn checkpoints(dir: &Path) -> io::Result<Checkpoints> {
    let bytes = match fs::read(dir.join(CHECKPOINTS)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut found = Checkpoints::default();
    let position = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
    for (offset, next) in frames(&bytes) {
        match next {
            Next::Good(frame) => {
                let note = String::from_utf8_lossy(frame.line).into_owned();
                found.notes.push((position(offset), note));
                found.whole = position(offset + frame.length);
            }
            Next::Bad { .. } | Next::Torn if !is_torn_tail(&bytes, offset) => {
                found.damaged.push(position(offset));
            }
            Next::Bad { .. } | Next::Torn | Next::End => {}
        }
    }
    Ok(found)
}

/// Makes a new file name durable.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
