//! The files of a log: segments named by their first event, and the checkpoints.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
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

    /// What is behind a byte.
    pub(crate) fn read_from(&self, offset: u64) -> io::Result<Vec<u8>> {
        read_from(&self.path, offset)
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
    frames_behind(bytes, 0)
}

/// As [`frames`], of what a file has behind byte `start`, where a frame ends.
pub(crate) fn frames_behind(bytes: &[u8], start: u64) -> impl Iterator<Item = (usize, Next<'_>)> {
    let from = match (start, bytes.starts_with(MAGIC)) {
        (0, true) => MAGIC.len(),
        // A file that does not begin as it should is torn where it begins.
        (0, false) => usize::MAX,
        (_, _) => 0,
    };
    walk(bytes, from)
}

fn walk(bytes: &[u8], from: usize) -> impl Iterator<Item = (usize, Next<'_>)> {
    let mut offset = from;
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let (at, next) = match bytes.get(offset..) {
            Some(rest) => (offset, frame::read(rest)),
            None => (0, Next::Torn),
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
    checkpoints_behind(dir, 0)
}

/// As [`checkpoints`], those behind a byte where one ends.
pub(crate) fn checkpoints_behind(dir: &Path, start: u64) -> io::Result<Checkpoints> {
    let bytes = match read_from(&dir.join(CHECKPOINTS), start) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && start == 0 => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut found = Checkpoints { whole: start, ..Checkpoints::default() };
    let position = |at: usize| start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
    for (offset, next) in frames_behind(&bytes, start) {
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

/// What a file has behind a byte. It is an error that it has less.
fn read_from(path: &Path, start: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() < start {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a new file name durable.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
