//! Checks a whole log from its files and a public key alone, and makes proofs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::frame::Next;
use crate::merkle::{Frontier, Hash, Proof, consistency_path, inclusion_path, leaf_hash};
use crate::query::ReadError;
use crate::segment::{self, CHECKPOINTS, Segment};

/// What was found to be whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// How many events.
    pub events: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// How many checkpoints were signed by the key and agree.
    pub checkpoints: u64,
    /// The events up to here are covered by a checkpoint.
    pub signed: u64,
    /// Bytes of a write that was going on, or that a crash has torn; never acknowledged.
    pub unfinished_bytes: u64,
}

/// What is wrong, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Problem {
    /// The file.
    pub segment: String,
    /// The byte in it.
    pub offset: u64,
    /// The event.
    pub sequence: u64,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What can be wrong with a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProblemKind {
    /// A checkpoint is not one.
    Checkpoint(CheckpointError),
    /// A byte was changed.
    Checksum,
    /// One of the events in `after..until` is not what was signed.
    Root {
        /// The size of the last checkpoint that agrees.
        after: u64,
        /// The size of the first that does not.
        until: u64,
    },
    /// Another event is where this one should be: some were removed, added or moved.
    Sequence {
        /// The sequence that is there.
        found: u64,
    },
    /// A checkpoint has seen more events.
    Truncated {
        /// The size that was signed.
        checkpoint: u64,
    },
    /// A file cannot be read.
    Unreadable(String),
    /// There are events and no checkpoint, although a log begins with one.
    Unsigned,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, offset, sequence, kind } = self;
        write!(f, "{segment}, byte {offset}, event {sequence}: ")?;
        match kind {
            ProblemKind::Checkpoint(error) => write!(f, "{error}"),
            ProblemKind::Checksum => f.write_str("its bytes were changed"),
            ProblemKind::Root { after, until } => {
                write!(
                    f,
                    "an event from {after} to {} is not what was signed",
                    until.saturating_sub(1)
                )
            }
            ProblemKind::Sequence { found } => {
                write!(f, "event {found} is in its place: events were removed, added or moved")
            }
            ProblemKind::Truncated { checkpoint } => {
                write!(f, "the log ends here, but {checkpoint} events were signed")
            }
            ProblemKind::Unreadable(cause) => write!(f, "cannot be read ({cause})"),
            ProblemKind::Unsigned => f.write_str("the checkpoints were removed"),
        }
    }
}

/// Checks every byte, every sequence number and every checkpoint.
///
/// # Errors
/// With everything that is wrong.
pub fn verify(dir: &Path, public_key: &[u8]) -> Result<Verified, Vec<Problem>> {
    verify_against(dir, public_key, &[])
}

/// As [`verify`], and against checkpoints that were kept outside: only these show that a log and
/// all its own checkpoints were cut.
///
/// # Errors
/// With everything that is wrong.
pub fn verify_against(
    dir: &Path,
    public_key: &[u8],
    outside: &[String],
) -> Result<Verified, Vec<Problem>> {
    let mut check = Check::default();
    check.checkpoints(dir, public_key, outside);
    check.compare("", 0);
    match segment::list(dir) {
        Ok(segments) => {
            for (index, segment) in segments.iter().enumerate() {
                check.segment(segment, index + 1 == segments.len());
            }
        }
        Err(error) => check.report("", 0, ProblemKind::Unreadable(error.to_string())),
    }
    check.end()
}

#[derive(Debug, Default)]
struct Check {
    frontier: Frontier,
    sequence: u64,
    /// Size to root, of all checkpoints that the key has signed.
    signed: BTreeMap<u64, Hash>,
    agreed: u64,
    checkpoints: u64,
    is_broken: bool,
    unfinished_bytes: u64,
    problems: Vec<Problem>,
    /// Where the walk is, for the problem of a cut end.
    at: (String, u64),
}

impl Check {
    fn checkpoints(&mut self, dir: &Path, public_key: &[u8], outside: &[String]) {
        let inside = match segment::checkpoints(dir) {
            Ok(inside) => inside,
            Err(error) => {
                let kind = ProblemKind::Unreadable(error.to_string());
                return self.report(CHECKPOINTS, 0, kind);
            }
        };
        for offset in inside.damaged {
            self.report(CHECKPOINTS, offset, ProblemKind::Checksum);
        }
        let mut origin = None;
        let outside = outside.iter().map(|note| (0, note.clone()));
        for (offset, note) in inside.notes.into_iter().chain(outside) {
            match Checkpoint::verify(&note, public_key) {
                Ok(checkpoint) => self.checkpoint(offset, checkpoint, &mut origin),
                Err(error) => self.report(CHECKPOINTS, offset, ProblemKind::Checkpoint(error)),
            }
        }
    }

    fn checkpoint(&mut self, offset: u64, checkpoint: Checkpoint, ours: &mut Option<String>) {
        let Checkpoint { origin, size, root } = checkpoint;
        if *ours.get_or_insert_with(|| origin.clone()) != origin {
            let kind = ProblemKind::Checkpoint(CheckpointError::Origin);
            return self.report(CHECKPOINTS, offset, kind);
        }
        self.checkpoints = self.checkpoints.saturating_add(1);
        if self.signed.insert(size, root).is_some_and(|other| other != root) {
            // Two roots of one size: two histories were signed.
            self.report(CHECKPOINTS, offset, ProblemKind::Root { after: 0, until: size });
        }
    }

    fn segment(&mut self, segment: &Segment, is_last: bool) {
        let name = segment.name();
        let bytes = match segment.read() {
            Ok(bytes) => bytes,
            Err(error) => return self.report(&name, 0, ProblemKind::Unreadable(error.to_string())),
        };
        if segment.first != self.sequence {
            self.break_off(&name, 0, ProblemKind::Sequence { found: segment.first });
            self.sequence = segment.first;
        }
        for (offset, next) in segment::frames(&bytes) {
            let at = u64::try_from(offset).unwrap_or(u64::MAX);
            let is_tail = !matches!(next, Next::Good(_))
                && is_last
                && self.signed.keys().next_back().is_none_or(|size| self.sequence >= *size)
                && segment::is_torn_tail(&bytes, offset);
            if is_tail {
                self.unfinished_bytes = u64::try_from(bytes.len() - offset).unwrap_or(u64::MAX);
                break;
            }
            self.frame(&name, at, next);
        }
        self.at = (name, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    fn frame(&mut self, name: &str, offset: u64, next: Next<'_>) {
        let Next::Good(frame) = next else {
            self.break_off(name, offset, ProblemKind::Checksum);
            self.sequence = self.sequence.saturating_add(1);
            return;
        };
        let found = serde_json::from_slice::<Numbered>(frame.line).map(|line| line.event.sequence);
        match found {
            Ok(found) if found == self.sequence => {}
            Ok(found) => {
                self.break_off(name, offset, ProblemKind::Sequence { found });
                self.sequence = found;
            }
            Err(_) => self.break_off(name, offset, ProblemKind::Checksum),
        }
        self.frontier.push(leaf_hash(frame.line));
        self.sequence = self.sequence.saturating_add(1);
        self.compare(name, offset);
    }

    /// After the first break every root differs: only what breaks is reported.
    fn compare(&mut self, name: &str, offset: u64) {
        let size = self.frontier.size();
        if self.is_broken {
            return;
        }
        match self.signed.get(&size) {
            Some(root) if *root == self.frontier.root() => self.agreed = size,
            Some(_) => {
                let kind = ProblemKind::Root { after: self.agreed, until: size };
                self.break_off(name, offset, kind);
            }
            None => {}
        }
    }

    fn break_off(&mut self, name: &str, offset: u64, kind: ProblemKind) {
        self.is_broken = true;
        self.report(name, offset, kind);
    }

    fn report(&mut self, segment: &str, offset: u64, kind: ProblemKind) {
        let (segment, sequence) = (segment.to_owned(), self.sequence);
        self.problems.push(Problem { segment, offset, sequence, kind });
    }

    fn end(mut self) -> Result<Verified, Vec<Problem>> {
        let signed = self.signed.keys().next_back().copied().unwrap_or_default();
        if signed > self.sequence {
            let (name, offset) = std::mem::take(&mut self.at);
            self.report(&name, offset, ProblemKind::Truncated { checkpoint: signed });
        }
        if self.signed.is_empty() && self.frontier.size() > 0 {
            self.report(CHECKPOINTS, 0, ProblemKind::Unsigned);
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        Ok(Verified {
            events: self.frontier.size(),
            root: self.frontier.root(),
            checkpoints: self.checkpoints,
            signed: self.agreed,
            unfinished_bytes: self.unfinished_bytes,
        })
    }
}

/// The proof that event `sequence` is in the tree of the first `size` events.
///
/// # Errors
/// When a file cannot be read. `Ok(None)` when there are not so many events.
pub fn prove(dir: &Path, sequence: u64, size: u64) -> Result<Option<Proof>, ReadError> {
    let leaves = leaves(dir)?;
    let (Ok(size), Ok(index)) = (usize::try_from(size), usize::try_from(sequence)) else {
        return Ok(None);
    };
    Ok(leaves.get(..size).and_then(|leaves| inclusion_path(leaves, index)))
}

/// The proof that the first `old` events are a prefix of the first `new`.
///
/// # Errors
/// When a file cannot be read. `Ok(None)` when there are not so many events.
pub fn consistency(dir: &Path, old: u64, new: u64) -> Result<Option<Proof>, ReadError> {
    let leaves = leaves(dir)?;
    let (Ok(old), Ok(new)) = (usize::try_from(old), usize::try_from(new)) else {
        return Ok(None);
    };
    Ok(leaves.get(..new).and_then(|leaves| consistency_path(leaves, old)))
}

fn leaves(dir: &Path) -> Result<Vec<Hash>, ReadError> {
    let mut leaves = Vec::new();
    for segment in segment::list(dir)? {
        let bytes = segment.read()?;
        leaves.extend(segment::frames(&bytes).filter_map(|(_, next)| match next {
            Next::Good(frame) => Some(leaf_hash(frame.line)),
            Next::Bad { .. } | Next::Torn | Next::End => None,
        }));
    }
    Ok(leaves)
}

#[derive(Debug, Deserialize)]
struct Numbered {
    event: Sequence,
}

#[derive(Debug, Deserialize)]
struct Sequence {
    sequence: u64,
}
