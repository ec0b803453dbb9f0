//! Tar archives (POSIX.1-2001 pax, and what GNU tar adds): names, links and files, as a stream.
//!
//! Readers differ in what they make of a size that is said twice, of a broken head and of a link
//! with bytes behind it: what one skips is an entry to the next. Such archives are dangerous.

use std::io::{self, Read};

use super::meter::Meter;
use super::{TOO_MANY, Walk};
use crate::Grade;
use crate::bytes::{from, length, slice};
use crate::finding::Findings;
use crate::kind;
use crate::limits::TAR_NAME_BYTES_MAX;
use crate::name::{check_entry, leaves_its_folder};

/// Looks at the entries one after another, and into those that are archives.
pub(super) fn walk(archive: &mut dyn Read, walk: &mut Walk<'_>) {
    if read(archive, walk).is_none() {
        walk.findings.danger("a tar archive that is broken");
    }
}

/// What the heads before an entry say of it. Not all readers know all of them, so all count; none is
/// kept, as there is no end to them.
#[derive(Debug, Default)]
struct Given {
    /// Whether a name or a target is said.
    says_name: bool,
    /// Whether a target leads out of its folder.
    leads_out: bool,
    size: Option<u64>,
    /// Whether two sizes are said, or that the file has holes: readers differ in what they read.
    is_odd: bool,
}

fn read(archive: &mut dyn Read, walk: &mut Walk<'_>) -> Option<()> {
    let mut given = Given::default();
    let mut block = [0_u8; BLOCK];
    loop {
        match fill(archive, &mut block)? {
            0 => return Some(()),
            BLOCK => {}
            _ => return None,
        }
        // Two empty blocks are the end; what follows them some readers read on.
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        if !walk.budget.entry() {
            walk.findings.size(Grade::Danger, TOO_MANY);
            return Some(());
        }
        if !kind::is_tar_head(&block) {
            return None;
        }
        let size = number(slice(&block, 124, 12)?)?;
        match *block.get(156)? {
            kind @ (b'L' | b'K') => {
                let text = content(archive, size)?;
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                if kind == b'L' {
                    given.name(text, walk.findings);
                } else {
                    given.target(text);
                }
            }
            b'x' | b'X' => given.add(&content(archive, size)?, walk.findings)?,
            b'g' => {
                let mut all = Given::default();
                all.add(&content(archive, size)?, walk.findings)?;
                // For which entries it counts, readers differ: nobody packs files so.
                if all.says_name || all.size.is_some() || all.is_odd {
                    walk.findings.danger("a tar archive with one name for all entries");
                }
            }
            kind => entry(&block, kind, &std::mem::take(&mut given), (archive, size), walk)?,
        }
    }
}

fn entry(
    block: &[u8],
    kind: u8,
    given: &Given,
    (archive, size): (&mut dyn Read, u64),
    walk: &mut Walk<'_>,
) -> Option<()> {
    // A sparse file's map may go on behind its head, which some readers do not know.
    let is_odd = given.is_odd || kind == b'S' || (matches!(kind, b'1'..=b'6') && size > 0);
    if is_odd || given.size.is_some_and(|said| said != size) {
        walk.findings.danger("a tar archive with more than one reading");
    }
    match kind {
        b'1' | b'2' => {
            let leads_out = given.leads_out || leaves_its_folder(&field(block, 157, 100)?);
            if leads_out {
                walk.findings.danger("an archive with a link that leads out of its folder");
            } else {
                walk.findings.strict("an archive with links");
            }
        }
        b'3' | b'4' | b'6' => walk.findings.danger("an archive with devices in it"),
        _ => {}
    }
    check_entry(&full_name(block)?, walk.findings);
    if size > 0 {
        let mut file = Meter::new((&mut *archive).take(size), (size, u64::MAX), u64::MAX);
        walk.look(&mut file, kind::Kind::Tar, walk.packed_bytes);
        if file.drain().is_some() || file.unpacked() != size {
            return None;
        }
    }
    skip(archive, padding(size)?)
}

impl Given {
    fn name(&mut self, name: &[u8], findings: &mut Findings) {
        self.says_name = true;
        check_entry(name, findings);
    }

    fn target(&mut self, target: &[u8]) {
        self.says_name = true;
        self.leads_out |= leaves_its_folder(target);
    }

    /// Records such as `30 path=a/b\n`, one after another.
    fn add(&mut self, records: &[u8], findings: &mut Findings) -> Option<()> {
        let mut rest = records;
        while !rest.is_empty() {
            let space = memchr::memchr(b' ', rest)?;
            let digits = std::str::from_utf8(rest.get(..space)?).ok()?;
            let end = digits.parse::<usize>().ok()?;
            let record = rest.get(space.checked_add(1)?..end)?.strip_suffix(b"\n")?;
            let (key, value) = record.split_at_checked(memchr::memchr(b'=', record)?)?;
            let value = from(value, 1);
            match key {
                b"path" | b"GNU.sparse.name" => self.name(value, findings),
                b"linkpath" => self.target(value),
                b"size" => {
                    let size = std::str::from_utf8(value).ok()?.parse().ok()?;
                    self.is_odd |= self.size.replace(size).is_some_and(|before| before != size);
                }
                _ => {}
            }
            self.is_odd |= key.starts_with(b"GNU.sparse.");
            rest = from(rest, end);
        }
        Some(())
    }
}

/// As many bytes as there are, a block at most.
fn fill(archive: &mut dyn Read, block: &mut [u8]) -> Option<usize> {
    let mut filled = 0_usize;
    while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
        match archive.read(room).ok()? {
            0 => break,
            read => filled = filled.checked_add(read)?,
        }
    }
    Some(filled)
}

fn content(archive: &mut dyn Read, size: u64) -> Option<Vec<u8>> {
    if size > TAR_NAME_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    archive.take(size).read_to_end(&mut bytes).ok()?;
    skip(archive, padding(size)?)?;
    (length(&bytes) == size).then_some(bytes)
}

fn padding(size: u64) -> Option<u64> {
    size.checked_next_multiple_of(512)?.checked_sub(size)
}

fn skip(archive: &mut dyn Read, bytes: u64) -> Option<()> {
    let skipped = io::copy(&mut archive.take(bytes), &mut io::sink()).ok()?;
    (skipped == bytes).then_some(())
}

/// Octal digits, or base 256 with the first bit set.
fn number(field: &[u8]) -> Option<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        let start = u64::from(first & 0x3f);
        return rest
            .iter()
            .try_fold(start, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let field = field.trim_ascii_start();
    let end = field.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(field.len());
    let (digits, rest) = field.split_at_checked(end)?;
    if !rest.iter().all(|byte| matches!(byte, b'\0' | b' ')) {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = char::from(*digit).to_digit(8)?;
        sum.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

fn field(block: &[u8], at: usize, size: usize) -> Option<Vec<u8>> {
    let bytes = slice(block, at, size)?;
    Some(bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
}

/// The name with its prefix, which GNU's format has not.
fn full_name(block: &[u8]) -> Option<Vec<u8>> {
    let name = field(block, 0, 100)?;
    let prefix = field(block, 345, 155)?;
    let is_posix = slice(block, 257, 6) == Some(b"ustar\0");
    if !is_posix || prefix.is_empty() {
        return Some(name);
    }
    Some([prefix.as_slice(), b"/", &name].concat())
}

const BLOCK: usize = 512;
