//! `zip`: stored and deflated files, read by the central directory, which is what tools show.

use anyhow::{Context, Result, bail};
use flate2::read::DeflateDecoder;

use super::{Chosen, UNPACKED_BYTES_MAX, is_wanted, limited};

/// Reads all plain files.
pub(super) fn read(bytes: &[u8], chosen: &mut Chosen) -> Result<()> {
    let end = bytes.windows(4).rposition(|four| four == END).context("the archive is cut off")?;
    let count = number(bytes, end.saturating_add(10), 2)?;
    let mut at = number(bytes, end.saturating_add(16), 4)?;
    for _ in 0..count {
        let entry = bytes.get(at..).context("the archive's directory is cut off")?;
        if !entry.starts_with(ENTRY) {
            bail!("the archive's directory is damaged");
        }
        let length = |offset: usize| number(entry, offset, 2);
        let name = part(entry, 46, length(28)?)?;
        let name = std::str::from_utf8(name).context("a name in the archive is no text")?;
        if is_wanted(name) {
            // The upper half is the mode of Unix: a link is 0o120000.
            if number(entry, 38, 4)? >> 28 == 0o12 {
                bail!("the archive has a link `{}`", name.escape_debug());
            }
            chosen.add(name, content(bytes, entry)?)?;
        }
        let all = 46_usize.saturating_add(length(28)?).saturating_add(length(30)?);
        at = at.saturating_add(all).saturating_add(length(32)?);
    }
    Ok(())
}

fn content(bytes: &[u8], entry: &[u8]) -> Result<Vec<u8>> {
    if number(entry, 8, 2)? & 1 == 1 {
        bail!("the archive is encrypted");
    }
    let local = bytes.get(number(entry, 42, 4)?..).context("the archive is cut off")?;
    let before = number(local, 26, 2)?.saturating_add(number(local, 28, 2)?).saturating_add(30);
    let packed = part(local, before, number(entry, 20, 4)?)?;
    let size = u64::try_from(number(entry, 24, 4)?)?.min(UNPACKED_BYTES_MAX);
    match number(entry, 10, 2)? {
        0 => Ok(packed.to_vec()),
        8 => limited(DeflateDecoder::new(packed), size, "a file"),
        other => bail!("the archive packs by method {other}; deflate is known"),
    }
}

fn part(bytes: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    bytes.get(at..at.saturating_add(length)).context("the archive is cut off")
}

/// Little-endian.
fn number(bytes: &[u8], at: usize, length: usize) -> Result<usize> {
    let found = part(bytes, at, length)?;
    Ok(found.iter().rev().fold(0, |all, byte| (all << 8) | usize::from(*byte)))
}

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
