//! `tar` (POSIX ustar, with the long names of GNU and of pax): plain files, and nothing else.

use anyhow::{Context, Result, bail};

use super::{Chosen, is_wanted};

/// Reads all plain files.
pub(super) fn read(mut rest: &[u8], chosen: &mut Chosen) -> Result<()> {
    let mut long_name: Option<String> = None;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let size = number(field(header, 124, 12))?;
        let padded = size.div_ceil(BLOCK).saturating_mul(BLOCK);
        let content = after.get(..size).context("the archive ends inside a file")?;
        rest = after.get(padded..).unwrap_or_default();
        match header.get(156).copied().unwrap_or_default() {
            b'0' | 0 => {
                let name = long_name.take().map_or_else(|| name_of(header), Ok)?;
                let name = name.strip_prefix("./").unwrap_or(&name);
                if is_wanted(name) {
                    chosen.add(name, content.to_vec())?;
                }
            }
            b'L' => long_name = Some(text(content)?),
            b'x' => long_name = pax_path(content)?.or(long_name),
            // A folder, a comment for all: nothing of them is needed.
            b'5' | b'g' => long_name = None,
            b'1' | b'2' => {
                let name = long_name.take().map_or_else(|| name_of(header), Ok)?;
                if is_wanted(&name) {
                    bail!("the archive has a link `{}`", name.escape_debug());
                }
            }
            other => bail!("the archive has an entry of the kind {other:#x}"),
        }
    }
    Ok(())
}

fn name_of(header: &[u8]) -> Result<String> {
    let name = text(field(header, 0, 100))?;
    let prefix = text(field(header, 345, 155))?;
    let is_ustar = field(header, 257, 5) == b"ustar";
    Ok(if is_ustar && !prefix.is_empty() { format!("{prefix}/{name}") } else { name })
}

fn field(header: &[u8], at: usize, length: usize) -> &[u8] {
    header.get(at..at.saturating_add(length)).unwrap_or_default()
}

fn text(bytes: &[u8]) -> Result<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let bytes = bytes.get(..end).unwrap_or_default();
    String::from_utf8(bytes.to_vec()).context("a name in the archive is no text")
}

/// Octal digits; the binary form is for files that are far over every limit here.
fn number(bytes: &[u8]) -> Result<usize> {
    let digits = text(bytes)?;
    usize::from_str_radix(digits.trim(), 8).context("a size in the archive is no number")
}

/// `path` of lines such as `27 path=rules/a.conf`.
fn pax_path(content: &[u8]) -> Result<Option<String>> {
    let text = text(content)?;
    let path = text.lines().filter_map(|line| line.split_once(' ')).find_map(|(_, pair)| {
        let (key, value) = pair.split_once('=')?;
        (key == "path").then(|| value.to_owned())
    });
    Ok(path)
}

const BLOCK: usize = 512;
