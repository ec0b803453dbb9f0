//! What a log finds when it opens: the tree, the last checkpoint, and perhaps a torn tail.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::OpenError;
use crate::checkpoint::Checkpoint;
use crate::frame::{MAGIC, Next};
use crate::merkle::{Frontier, leaf_hash};
use crate::segment::{self, CHECKPOINTS, Checkpoints, Segment};
use crate::verify::{Problem, ProblemKind};

/// The state to go on from.
#[derive(Debug)]
pub(super) struct Recovered {
    /// Held for as long as the log is open.
    pub(super) lock: File,
    pub(super) frontier: Frontier,
    /// The segment to append to; `None` in an empty log.
    pub(super) last: Option<Segment>,
    /// Bytes that were cut.
    pub(super) cut: u64,
    /// The size that the last checkpoint covers.
    pub(super) signed: u64,
}

/// Reads everything, compares it with the last checkpoint, and cuts what a crash left torn.
pub(super) fn recover(dir: &Path, public_key: &[u8]) -> Result<Recovered, OpenError> {
    let lock = lock(dir)?;
    let Checkpoints { notes, damaged: bad, whole } =
        segment::checkpoints(dir).map_err(OpenError::Open)?;
    if let Some(offset) = bad.first() {
        return Err(damaged(CHECKPOINTS, *offset, 0, ProblemKind::Checksum));
    }
    cut_file(&dir.join(CHECKPOINTS), whole).map_err(OpenError::Open)?;
    let last_checkpoint = notes
        .last()
        .map(|(_, note)| Checkpoint::verify(note, public_key))
        .transpose()
        .map_err(|error| damaged(CHECKPOINTS, whole, 0, ProblemKind::Checkpoint(error)))?;
    let segments = segment::list(dir).map_err(OpenError::Open)?;
    let mut walk = Walk { frontier: Frontier::default(), checkpoint: last_checkpoint, cut: 0 };
    walk.compare(CHECKPOINTS, 0)?;
    for (index, segment) in segments.iter().enumerate() {
        walk.segment(segment, index + 1 == segments.len())?;
    }
    let Walk { frontier, checkpoint, cut } = walk;
    if checkpoint.is_none() && frontier.size() > 0 {
        return Err(damaged(CHECKPOINTS, whole, frontier.size(), ProblemKind::Unsigned));
    }
    let signed = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    if frontier.size() < signed {
        let kind = ProblemKind::Truncated { checkpoint: signed };
        return Err(damaged(CHECKPOINTS, whole, frontier.size(), kind));
    }
    Ok(Recovered { lock, frontier, last: segments.into_iter().next_back(), cut, signed })
}

struct Walk {
    frontier: Frontier,
    checkpoint: Option<Checkpoint>,
    cut: u64,
}

impl Walk {
    fn segment(&mut self, segment: &Segment, is_last: bool) -> Result<(), OpenError> {
        let name = segment.name();
        if segment.first != self.frontier.size() {
            let kind = ProblemKind::Sequence { found: segment.first };
            return Err(damaged(&name, 0, self.frontier.size(), kind));
        }
        let bytes = segment.read().map_err(OpenError::Open)?;
        for (offset, next) in segment::frames(&bytes) {
            let at = u64::try_from(offset).unwrap_or(u64::MAX);
            if let Next::Good(frame) = next {
                self.frontier.push(leaf_hash(frame.line));
                self.compare(&name, at)?;
                continue;
            }
            let sequence = self.frontier.size();
            let signed = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
            if !is_last || sequence < signed || !segment::is_torn_tail(&bytes, offset) {
                return Err(damaged(&name, at, sequence, ProblemKind::Checksum));
            }
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.cut = length.saturating_sub(at);
            return cut_segment(segment, at).map_err(OpenError::Open);
        }
        if bytes.is_empty() {
            return cut_segment(segment, 0).map_err(OpenError::Open);
        }
        Ok(())
    }

    fn compare(&self, segment: &str, offset: u64) -> Result<(), OpenError> {
        match &self.checkpoint {
            Some(checkpoint)
                if checkpoint.size == self.frontier.size()
                    && checkpoint.root != self.frontier.root() =>
            {
                let kind = ProblemKind::Root { after: 0, until: checkpoint.size };
                Err(damaged(segment, offset, checkpoint.size, kind))
            }
            _ => Ok(()),
        }
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(OpenError::Open)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse(dir.to_owned())),
        Err(errno) => Err(OpenError::Open(errno.into())),
    }
}

/// Cuts a segment, and gives it back its first bytes when even those were torn.
fn cut_segment(segment: &Segment, whole: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = OpenOptions::new().write(true).open(&segment.path)?;
    file.set_len(whole)?;
    if whole == 0 {
        file.write_all_at(MAGIC, 0)?;
    }
    file.sync_all()
}

fn cut_file(path: &Path, whole: u64) -> io::Result<()> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) if file.metadata()?.len() > whole => {
            file.set_len(whole)?;
            file.sync_all()
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn damaged(segment: &str, offset: u64, sequence: u64, kind: ProblemKind) -> OpenError {
    OpenError::Damaged(Box::new(Problem { segment: segment.to_owned(), offset, sequence, kind }))
}
