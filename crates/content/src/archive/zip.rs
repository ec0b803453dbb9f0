//! ZIP archives (PKWARE APPNOTE 6.3.10): the directory against what it lists.
//!
//! Readers differ: some follow the directory at the end, some read from the beginning. An archive
//! in which the two disagree is two archives.

use std::collections::BTreeSet;

use super::{TOO_DENSE, TOO_MANY, TOO_MUCH, Walk};
use crate::bytes::{length, place, slice, u16_le, u32_le, u64_le};
use crate::limits::{RATIO_FREE_BYTES, ZIP_FIELDS_MAX};
use crate::name::check_entry;
use crate::{Grade, active};

/// Looks at the directory, then at each entry.
pub(super) fn check(bytes: &[u8], walk: &mut Walk<'_>) {
    let Some(directory) = Directory::find(bytes, walk) else {
        walk.findings.danger("a ZIP archive whose directory cannot be read");
        return;
    };
    let Some(entries) = directory.entries(bytes, walk) else {
        walk.findings.danger("a ZIP archive whose directory cannot be read");
        return;
    };
    // That there are too many has been said.
    if entries.len() < directory.count {
        return;
    }
    let Some(ranges) = ranges(bytes, &entries, walk) else { return };
    if overlap(&ranges) {
        walk.findings.danger("a ZIP archive whose entries overlap");
        return;
    }
    let first = ranges.iter().map(|range| range.start).min();
    if directory.offset == 0 && first.is_some_and(|first| first > 0) {
        walk.findings.strict("bytes before an archive");
    }
    if hides_entries(bytes, &ranges, directory.start) {
        walk.findings.danger("a ZIP archive whose directory does not list what is in it");
        return;
    }
    let packed = entries.iter().filter(|entry| entry.method != STORED);
    let said = packed.fold(0_u64, |sum, entry| sum.saturating_add(entry.unpacked));
    if said > walk.budget.unpacked_left {
        walk.findings.size(Grade::Danger, TOO_MUCH);
        return;
    }
    for (entry, range) in entries.iter().zip(&ranges) {
        if !unpack(bytes, entry, range, walk) {
            return;
        }
    }
}

/// Whether there is an end that is one.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    ends(bytes).next().is_some()
}

/// Ends whose comment is the end of the bytes.
fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let from = bytes.len().saturating_sub(END_BYTES_MAX);
    memchr::memmem::find_iter(crate::bytes::from(bytes, from), END).filter_map(move |at| {
        let at = from.checked_add(at)?;
        let comment = usize::from(u16_le(bytes, at.checked_add(20)?)?);
        (at.checked_add(END_BYTES)?.checked_add(comment)? == bytes.len()).then_some(at)
    })
}

/// Where the directory is.
struct Directory {
    start: usize,
    end: usize,
    count: usize,
    /// Bytes before the archive.
    offset: usize,
}

/// What the directory says of an entry.
struct Entry<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    packed: u64,
    unpacked: u64,
    local: usize,
}

/// Where an entry is.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    data: usize,
    end: usize,
}

impl Directory {
    fn find(bytes: &[u8], walk: &mut Walk<'_>) -> Option<Self> {
        let mut ends = ends(bytes);
        let (at, another) = (ends.next()?, ends.next());
        // Python looks for the last one, others for the first whose comment ends the file.
        let last = memchr::memmem::rfind(bytes, END);
        if another.is_some() || last != Some(at) {
            walk.findings.danger("a ZIP archive with two ends");
        }
        let end = slice(bytes, at, END_BYTES)?;
        let disks = (u16_le(end, 4)?, u16_le(end, 6)?);
        let counts = (u16_le(end, 8)?, u16_le(end, 10)?);
        if disks != (0, 0) || counts.0 != counts.1 {
            return None;
        }
        let count = usize::from(counts.0);
        let [size, said] = [place(u32_le(end, 12)?), place(u32_le(end, 16)?)];
        let locator = at.checked_sub(LOCATOR_BYTES);
        let found = match locator.filter(|at| slice(bytes, *at, 4) == Some(b"PK\x06\x07")) {
            None => Self::new(at, [count, size, said]),
            Some(locator) => Self::large(bytes, locator, [count, size, said]).or_else(|| {
                // Some read the one, some the other.
                walk.findings.danger("a ZIP archive with two ends");
                None
            }),
        }?;
        if found.offset > 0 {
            walk.findings.strict("bytes before an archive");
        }
        Some(found)
    }

    fn new(end: usize, [count, size, said]: [usize; 3]) -> Option<Self> {
        let start = end.checked_sub(size)?;
        Some(Self { start, end, count, offset: start.checked_sub(said)? })
    }

    /// The end of large archives, which some writers always write: it says what the other end does.
    fn large(bytes: &[u8], locator: usize, small: [usize; 3]) -> Option<Self> {
        let at = locator.checked_sub(LARGE_END_BYTES)?;
        let end = slice(bytes, at, LARGE_END_BYTES)?;
        let counts = (u64_le(end, 24)?, u64_le(end, 32)?);
        let is_one = u32_le(bytes, locator.checked_add(4)?)? == 0
            && u32_le(bytes, locator.checked_add(16)?)? <= 1
            && end.starts_with(b"PK\x06\x06")
            && u64_le(end, 4)? == u64::try_from(LARGE_END_BYTES).ok()?.checked_sub(12)?
            && (u32_le(end, 16)?, u32_le(end, 20)?) == (0, 0)
            && counts.0 == counts.1;
        let mut large = [0_usize; 3];
        for (to, from) in large.iter_mut().zip([counts.0, u64_le(end, 40)?, u64_le(end, 48)?]) {
            *to = usize::try_from(from).ok()?;
        }
        let most = [usize::from(u16::MAX), place(u32::MAX), place(u32::MAX)];
        let mut pairs = small.iter().zip(&large).zip(&most);
        let is_same = pairs.all(|((small, large), most)| small == large || small == most);
        let found = Self::new(at, large)?;
        let said =
            u64_le(bytes, locator.checked_add(8)?)?.checked_add(found.offset.try_into().ok()?);
        (is_one && is_same && said? == u64::try_from(at).ok()?).then_some(found)
    }

    fn entries<'a>(&self, bytes: &'a [u8], walk: &mut Walk<'_>) -> Option<Vec<Entry<'a>>> {
        let mut entries = Vec::new();
        let mut names = BTreeSet::new();
        let mut at = self.start;
        for _ in 0..self.count {
            if !walk.budget.entry() {
                walk.findings.size(Grade::Danger, TOO_MANY);
                return Some(entries);
            }
            let (entry, end) = self.entry(bytes, at, walk)?;
            check_entry(entry.name, walk.findings);
            active::check_entry(entry.name, walk.findings);
            if !names.insert(entry.name) {
                walk.findings.danger("a ZIP archive with two entries of one name");
            }
            entries.push(entry);
            at = end;
        }
        (at == self.end).then_some(entries)
    }

    fn entry<'a>(
        &self,
        bytes: &'a [u8],
        at: usize,
        walk: &mut Walk<'_>,
    ) -> Option<(Entry<'a>, usize)> {
        let head = slice(bytes, at, 46)?;
        if !head.starts_with(b"PK\x01\x02") {
            return None;
        }
        let [name, extra, comment] = [u16_le(head, 28)?, u16_le(head, 30)?, u16_le(head, 32)?];
        let name_at = at.checked_add(46)?;
        let name = slice(bytes, name_at, usize::from(name))?;
        let extra_at = name_at.checked_add(name.len())?;
        let extra = slice(bytes, extra_at, usize::from(extra))?;
        let end = extra_at.checked_add(extra.len())?.checked_add(usize::from(comment))?;
        let sizes = [u32_le(head, 24)?, u32_le(head, 20)?, u32_le(head, 42)?];
        let [unpacked, packed, local] = wide(sizes, extra)?;
        other_name(name, extra, walk);
        // The upper half holds the mode where Unix wrote it.
        if u32_le(head, 38)? >> 28 == 0o12 {
            walk.findings.danger("an archive with links");
        }
        let local = usize::try_from(local).ok()?.checked_add(self.offset)?;
        let (flags, method) = (u16_le(head, 8)?, u16_le(head, 10)?);
        Some((Entry { name, flags, method, packed, unpacked, local }, end))
    }
}

/// A name in Unicode, which some readers take instead: it may only say the same in other letters.
fn other_name(name: &[u8], extra: &[u8], walk: &mut Walk<'_>) {
    let Some(other) = extra_field(extra, 0x7075).and_then(|field| field.get(5..)) else { return };
    check_entry(other, walk.findings);
    active::check_entry(other, walk.findings);
    if name.is_ascii() && name != other {
        walk.findings.danger("a ZIP archive with an entry of two names");
    }
}

/// Sizes and place; where one is all ones, it stands in the extra field for large archives.
fn wide(sizes: [u32; 3], extra: &[u8]) -> Option<[u64; 3]> {
    let mut large = extra_field(extra, 1);
    let mut wide = [0_u64; 3];
    for (to, from) in wide.iter_mut().zip(sizes) {
        *to = if from == u32::MAX {
            let field = large?;
            large = field.get(8..);
            u64_le(field, 0)?
        } else {
            u64::from(from)
        };
    }
    Some(wide)
}

fn extra_field(extra: &[u8], id: u16) -> Option<&[u8]> {
    let mut rest = extra;
    for _ in 0..ZIP_FIELDS_MAX {
        let (found, size) = (u16_le(rest, 0)?, usize::from(u16_le(rest, 2)?));
        let field = slice(rest, 4, size)?;
        if found == id {
            return Some(field);
        }
        rest = rest.get(size.checked_add(4)?..)?;
    }
    None
}

/// Where the entries are, each as its own head says it too. `None` where the two disagree.
fn ranges(bytes: &[u8], entries: &[Entry<'_>], walk: &mut Walk<'_>) -> Option<Vec<Range>> {
    let ranges: Option<Vec<Range>> = entries.iter().map(|entry| range(bytes, entry)).collect();
    if ranges.is_none() {
        walk.findings.danger("a ZIP archive whose directory does not list what is in it");
    }
    ranges
}

fn range(bytes: &[u8], entry: &Entry<'_>) -> Option<Range> {
    let head = slice(bytes, entry.local, 30)?;
    let (flags, method) = (u16_le(head, 6)?, u16_le(head, 8)?);
    let name_at = entry.local.checked_add(30)?;
    let name = slice(bytes, name_at, usize::from(u16_le(head, 26)?))?;
    let extra_at = name_at.checked_add(name.len())?;
    let extra = slice(bytes, extra_at, usize::from(u16_le(head, 28)?))?;
    let data = extra_at.checked_add(extra.len())?;
    let end = data.checked_add(usize::try_from(entry.packed).ok()?)?;
    let sizes = [u32_le(head, 22)?, u32_le(head, 18)?, 0];
    let [unpacked, packed, _] = wide(sizes, extra).unwrap_or([0; 3]);
    // What was not known when the head was written stands behind the data.
    let is_known = |said: u64, size: u64| said == size || (flags & 8 != 0 && said == 0);
    let is_same_size = is_known(unpacked, entry.unpacked) && is_known(packed, entry.packed);
    let is_same = head.starts_with(b"PK\x03\x04")
        && name == entry.name
        && method == entry.method
        && (flags ^ entry.flags) & 1 == 0
        && is_same_size
        && end <= bytes.len();
    is_same.then_some(Range { start: entry.local, data, end })
}

/// Whether an entry stands where the directory has none: readers that begin at the beginning find
/// it. Other bytes may stand there, as the signatures of Android do.
fn hides_entries(bytes: &[u8], ranges: &[Range], directory: usize) -> bool {
    let mut sorted: Vec<Range> = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    let ends = std::iter::once(0).chain(sorted.iter().map(|range| range.end));
    let starts = sorted.iter().map(|range| range.start).chain(std::iter::once(directory));
    ends.zip(starts).any(|(end, start)| {
        let gap = bytes.get(end..start).unwrap_or_default();
        memchr::memmem::find(gap, b"PK\x03\x04").is_some()
    })
}

fn overlap(ranges: &[Range]) -> bool {
    let mut sorted: Vec<Range> = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    sorted.iter().zip(sorted.iter().skip(1)).any(|(one, next)| next.start < one.end)
}

/// Unpacks an entry. Says whether to go on.
fn unpack(bytes: &[u8], entry: &Entry<'_>, range: &Range, walk: &mut Walk<'_>) -> bool {
    let packed = bytes.get(range.data..range.end).unwrap_or_default();
    if entry.unpacked > length(packed).saturating_mul(walk.budget.ratio_max).max(RATIO_FREE_BYTES) {
        walk.findings.size(Grade::Danger, TOO_DENSE);
        return false;
    }
    if entry.flags & 1 != 0 {
        walk.findings.strict("an archive with encrypted entries");
        return true;
    }
    let unpacked = match entry.method {
        STORED => Some(walk.stored(packed)),
        8 => walk.deflated(packed),
        _ => {
            walk.findings.danger("an archive that is packed in a way that cannot be checked");
            return true;
        }
    };
    if unpacked.is_some_and(|unpacked| unpacked != entry.unpacked) {
        walk.findings.danger("a ZIP archive that says another size than it has");
    }
    unpacked.is_some()
}

/// How an entry is packed that is not packed.
const STORED: u16 = 0;

const LOCATOR_BYTES: usize = 20;
const LARGE_END_BYTES: usize = 56;
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
/// With the longest comment.
const END_BYTES_MAX: usize = 22 + 0xffff;
