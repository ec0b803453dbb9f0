//! Archives: what they would unpack to, and where.
//!
//! Nothing is kept of what is unpacked but the beginning of each entry, and an archive in it.

mod meter;
mod tar;
mod zip;

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use flate2::read::{DeflateDecoder, ZlibDecoder};

use crate::Grade;
use crate::bytes::length;
use crate::finding::Findings;
use crate::kind::{self, Kind};
use crate::limits::{
    GZIP_MEMBERS_MAX, NESTED_BYTES_MAX, NESTED_RATIO, PDF_STREAMS_MAX, UNPACKED_BYTES_MAX,
};
use crate::upload::Bounds;
use meter::{Meter, Over};

/// What the archives of one request may still do.
#[derive(Debug)]
pub(crate) struct Budget {
    unpacked_left: u64,
    entries_left: usize,
    depth_max: usize,
    ratio_max: u64,
    /// Streams of other formats that may still be begun.
    pub(crate) streams_left: usize,
}

impl Budget {
    /// For one request.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            unpacked_left: bounds.unpacked_bytes_max.unwrap_or(UNPACKED_BYTES_MAX),
            streams_left: PDF_STREAMS_MAX,
            entries_left: bounds.entries_max,
            depth_max: bounds.depth_max,
            ratio_max: bounds.ratio_max,
        }
    }

    /// Takes one entry; says whether there was one left.
    fn entry(&mut self) -> bool {
        let left = self.entries_left.checked_sub(1);
        self.entries_left = left.unwrap_or_default();
        left.is_some()
    }
}

/// Whether the kind is an archive that is looked into.
pub(crate) const fn is_archive(kind: Kind) -> bool {
    matches!(kind, Kind::Gzip | Kind::Tar | Kind::Zip)
}

/// Whether the kind is an archive that nobody here looks into.
pub(crate) const fn is_closed(kind: Kind) -> bool {
    matches!(kind, Kind::Bzip2 | Kind::Rar | Kind::SevenZip | Kind::Xz | Kind::Zstd)
}

/// Whether the end is that of a ZIP archive.
pub(crate) fn ends_as_zip(bytes: &[u8]) -> bool {
    zip::has_end(bytes)
}

/// Looks into an archive of one of these kinds.
pub(crate) fn check(bytes: &[u8], kind: Kind, budget: &mut Budget, findings: &mut Findings) {
    let mut walk = Walk { budget, findings, depth: 0, packed_bytes: length(bytes) };
    walk.inner(length(bytes), |walk| walk.archive(bytes, kind));
}

/// What a stream of another format unpacks to, up to this many bytes; `None` where it cannot be read,
/// is more, or is more than the request may still unpack.
pub(crate) fn inflate(packed: &[u8], bytes_max: u64, budget: &mut Budget) -> Option<Vec<u8>> {
    // To begin costs as well.
    if budget.unpacked_left == 0 {
        return None;
    }
    budget.streams_left = budget.streams_left.checked_sub(1)?;
    let mut decoder = ZlibDecoder::new(packed);
    let mut meter =
        Meter::new(&mut decoder, (length(packed), budget.ratio_max), budget.unpacked_left);
    let unpacked = meter.whole(bytes_max);
    budget.unpacked_left = budget.unpacked_left.saturating_sub(meter.unpacked());
    unpacked
}

/// One archive that is looked into, and those in it.
struct Walk<'a> {
    budget: &'a mut Budget,
    findings: &'a mut Findings,
    depth: usize,
    /// How many bytes this archive is packed in.
    packed_bytes: u64,
}

impl Walk<'_> {
    fn archive(&mut self, bytes: &[u8], kind: Kind) {
        match kind {
            Kind::Gzip => {
                self.unpack(
                    &mut Members { member: GzDecoder::new(bytes), left: GZIP_MEMBERS_MAX },
                    kind,
                    length(bytes),
                );
            }
            Kind::Tar => tar::walk(&mut { bytes }, self),
            Kind::Zip => zip::check(bytes, self),
            _ => {}
        }
    }

    /// Looks at what a packed entry of an archive unpacks to. Returns how many bytes that is.
    fn unpack(&mut self, packed: &mut dyn Read, outer: Kind, packed_bytes: u64) -> Option<u64> {
        let mut meter =
            Meter::new(packed, (packed_bytes, self.budget.ratio_max), self.budget.unpacked_left);
        self.look(&mut meter, outer, packed_bytes);
        let (over, unpacked) = (meter.drain(), meter.unpacked());
        self.budget.unpacked_left = self.budget.unpacked_left.saturating_sub(unpacked);
        match over {
            None => return Some(unpacked),
            Some(Over::Broken) => self.findings.danger("an archive that cannot be unpacked"),
            Some(Over::Ratio) => {
                self.findings.size(Grade::Danger, TOO_DENSE);
            }
            Some(Over::Size) => self.findings.size(Grade::Danger, TOO_MUCH),
        }
        None
    }

    /// Looks at unpacked bytes: they may be an archive as well.
    fn look<R: Read>(&mut self, meter: &mut Meter<R>, outer: Kind, packed_bytes: u64) {
        match kind::of(meter.head()) {
            // Both together are one archive.
            Kind::Tar if outer == Kind::Gzip => tar::walk(meter, self),
            Kind::Tar => self.inner(packed_bytes, |walk| tar::walk(meter, walk)),
            kind @ (Kind::Gzip | Kind::Zip) => {
                // What is packed hardly becomes smaller when it is packed again.
                let most = packed_bytes.saturating_mul(NESTED_RATIO).max(NESTED_BYTES_MAX);
                if let Some(bytes) = meter.whole(most) {
                    self.inner(length(&bytes), |walk| walk.archive(&bytes, kind));
                } else if meter.drain().is_none() {
                    self.findings.size(Grade::Danger, "a large archive inside an archive");
                }
            }
            kind => self.closed(kind),
        }
    }

    /// An archive inside an archive that nobody can look into: what is in it is not bounded.
    fn closed(&mut self, kind: Kind) {
        if is_closed(kind) {
            self.findings.strict("an archive inside an archive that cannot be looked into");
        }
    }

    /// An archive inside this one.
    fn inner(&mut self, packed_bytes: u64, look: impl FnOnce(&mut Walk<'_>)) {
        let depth = self.depth.saturating_add(1);
        if depth > self.budget.depth_max {
            self.findings.danger("archives inside archives, too deep");
            return;
        }
        look(&mut Walk { budget: self.budget, findings: self.findings, depth, packed_bytes });
    }

    fn deflated(&mut self, packed: &[u8]) -> Option<u64> {
        let mut decoder = DeflateDecoder::new(packed);
        let unpacked = self.unpack(&mut decoder, Kind::Zip, length(packed))?;
        // Who reads from the beginning finds an entry there that the directory does not list.
        if decoder.total_in() < length(packed) {
            self.findings.danger("a ZIP archive with bytes behind a packed entry");
        }
        Some(unpacked)
    }

    /// An entry that is not packed.
    fn stored(&mut self, bytes: &[u8]) -> u64 {
        let kind = kind::of(bytes);
        if is_archive(kind) {
            self.inner(length(bytes), |walk| walk.archive(bytes, kind));
        }
        self.closed(kind);
        length(bytes)
    }
}

/// The members of a gzip file, one after another, and zeros behind them as tapes have.
struct Members<'a> {
    member: GzDecoder<&'a [u8]>,
    left: usize,
}

impl Read for Members<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.member.read(room)?;
            let rest = *self.member.get_ref();
            if read > 0 || room.is_empty() || rest.iter().all(|byte| *byte == 0) {
                return Ok(read);
            }
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return Err(io::Error::other("too many members"));
            }
            self.member = GzDecoder::new(rest);
        }
    }
}

const TOO_DENSE: &str = "an archive that unpacks to too many times its size";
const TOO_MUCH: &str = "an archive that unpacks to too much";
const TOO_MANY: &str = "an archive with too many entries";

#[cfg(test)]
mod tests;
