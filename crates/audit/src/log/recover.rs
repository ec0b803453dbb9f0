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

/// How far a log was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    frontier: Frontier,
    /// The last segment that was read, by its first event, and where in it.
    segment: u64,
    offset: u64,
    /// The last checkpoint, and where in its file the next one is.
    checkpoint: Option<Checkpoint>,
    checkpoints: u64,
}

impl Mark {
    /// Whether nothing was read.
    fn is_start(&self) -> bool {
        self.checkpoints == 0 && self.frontier.size() == 0
    }
}

/// Reads everything, and compares it with the last checkpoint, while somebody else writes. What is
/// not whole at the end may be on its way.
pub(super) fn look(dir: &Path, public_key: &[u8]) -> Result<Mark, OpenError> {
    Ok(walk(dir, public_key, Mark::default(), true)?.mark)
}

/// Reads what is behind the mark, compares it with the last checkpoint, and cuts what a crash left
/// torn. If it does not fit, the mark is not believed, and everything is read.
pub(super) fn recover(dir: &Path, public_key: &[u8], mark: Mark) -> Result<Recovered, OpenError> {
    let lock = lock(dir)?;
    let is_start = mark.is_start();
    let walked = match walk(dir, public_key, mark, false) {
        Err(error) if !is_start => {
            tracing::debug!(%error, "the audit log is read from its beginning");
            walk(dir, public_key, Mark::default(), false)
        }
        walked => walked,
    };
    let Walk { mark, cut, last, .. } = walked?;
    let signed = mark.checkpoint.map_or(0, |checkpoint| checkpoint.size);
    Ok(Recovered { lock, frontier: mark.frontier, last, cut, signed })
}

fn walk(dir: &Path, public_key: &[u8], mark: Mark, is_live: bool) -> Result<Walk, OpenError> {
    let is_start = mark.is_start();
    let mut walk = Walk { mark, cut: 0, last: None, is_live, is_start };
    walk.checkpoints(dir, public_key)?;
    walk.compare(CHECKPOINTS, 0)?;
    let mut segments = segment::list(dir).map_err(OpenError::Open)?;
    segments.retain(|segment| segment.first >= walk.mark.segment);
    let (size, found) = (walk.mark.frontier.size(), segments.first().map(|segment| segment.first));
    if size > 0 && found != Some(walk.mark.segment) {
        // What was read last is gone, and what is there may be anything.
        let kind = ProblemKind::Sequence { found: found.unwrap_or(0) };
        return Err(damaged(&Segment::at(dir, walk.mark.segment).name(), 0, size, kind));
    }
    for (index, segment) in segments.iter().enumerate() {
        walk.segment(segment, index + 1 == segments.len())?;
    }
    let (size, whole) = (walk.mark.frontier.size(), walk.mark.checkpoints);
    let signed = walk.mark.checkpoint.as_ref().map(|checkpoint| checkpoint.size);
    match signed {
        None if size > 0 => Err(damaged(CHECKPOINTS, whole, size, ProblemKind::Unsigned)),
        Some(signed) if size < signed => {
            let kind = ProblemKind::Truncated { checkpoint: signed };
            Err(damaged(CHECKPOINTS, whole, size, kind))
        }
        None | Some(_) => Ok(Walk { last: segments.into_iter().next_back(), ..walk }),
    }
}

struct Walk {
    mark: Mark,
    cut: u64,
    last: Option<Segment>,
    /// Whether somebody else writes: nothing is changed then.
    is_live: bool,
    /// Whether it began without a mark. Else a torn tail may be the mark's fault.
    is_start: bool,
}

impl Walk {
    /// Reads the checkpoints behind the mark. Only the last one counts: it is about all events.
    fn checkpoints(&mut self, dir: &Path, public_key: &[u8]) -> Result<(), OpenError> {
        let Checkpoints { notes, damaged: bad, whole } =
            segment::checkpoints_behind(dir, self.mark.checkpoints).map_err(OpenError::Open)?;
        let size = self.mark.frontier.size();
        if let Some(offset) = bad.first() {
            return Err(damaged(CHECKPOINTS, *offset, size, ProblemKind::Checksum));
        }
        if !self.is_live {
            cut_file(&dir.join(CHECKPOINTS), whole).map_err(OpenError::Open)?;
        }
        self.mark.checkpoints = whole;
        let Some((_, note)) = notes.last() else { return Ok(()) };
        let checkpoint = Checkpoint::verify(note, public_key)
            .map_err(|error| damaged(CHECKPOINTS, whole, size, ProblemKind::Checkpoint(error)))?;
        if checkpoint.size < size {
            // It is about events that were read before it was: nothing says that they fit.
            let kind = ProblemKind::Root { after: 0, until: checkpoint.size };
            return Err(damaged(CHECKPOINTS, whole, size, kind));
        }
        self.mark.checkpoint = Some(checkpoint);
        Ok(())
    }

    fn segment(&mut self, segment: &Segment, is_last: bool) -> Result<(), OpenError> {
        let name = segment.name();
        let start = if segment.first == self.mark.segment { self.mark.offset } else { 0 };
        if start == 0 && segment.first != self.mark.frontier.size() {
            let kind = ProblemKind::Sequence { found: segment.first };
            return Err(damaged(&name, 0, self.mark.frontier.size(), kind));
        }
        let bytes = segment.read_from(start).map_err(OpenError::Open)?;
        let position = |at: usize| start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        self.mark.segment = segment.first;
        for (offset, next) in segment::frames_behind(&bytes, start) {
            let at = position(offset);
            self.mark.offset = at;
            if let Next::Good(frame) = next {
                self.mark.frontier.push(leaf_hash(frame.line));
                self.compare(&name, at)?;
                continue;
            }
            let sequence = self.mark.frontier.size();
            let signed = self.mark.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
            // While somebody writes, more may be signed by now than was read.
            let is_unsigned = self.is_live || sequence >= signed;
            let can_be_torn = is_last && self.is_start && is_unsigned;
            if !can_be_torn || !segment::is_torn_tail(&bytes, offset) {
                return Err(damaged(&name, at, sequence, ProblemKind::Checksum));
            }
            if self.is_live {
                return Ok(());
            }
            self.cut = position(bytes.len()).saturating_sub(at);
            return cut_segment(segment, at).map_err(OpenError::Open);
        }
        self.mark.offset = position(bytes.len());
        Ok(())
    }

    fn compare(&self, segment: &str, offset: u64) -> Result<(), OpenError> {
        let Mark { frontier, checkpoint, .. } = &self.mark;
        match checkpoint {
            Some(checkpoint)
                if checkpoint.size == frontier.size() && checkpoint.root != frontier.root() =>
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
