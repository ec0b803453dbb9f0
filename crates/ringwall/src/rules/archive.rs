//! Rule sets as they come: a folder, a `.tar.gz` or a `.zip`.
//!
//! An archive is hostile until read: it may hold links, paths that climb out, or a little that
//! unpacks to very much. Only plain files with plain names are taken, within limits.

mod tar;
mod zip;

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;

use super::installed::Files;

/// The bytes of an archive file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    limited(file, ARCHIVE_BYTES_MAX, "the archive")
}

/// The files of an archive, by what its first bytes say that it is.
pub(super) fn unpack(bytes: &[u8]) -> Result<Files> {
    let mut chosen = Chosen::default();
    if bytes.starts_with(b"\x1f\x8b") {
        let unpacked = limited(MultiGzDecoder::new(bytes), UNPACKED_BYTES_MAX, "what is packed")?;
        tar::read(&unpacked, &mut chosen)?;
    } else if bytes.starts_with(b"PK\x03\x04") {
        zip::read(bytes, &mut chosen)?;
    } else {
        bail!("neither a .tar.gz nor a .zip archive");
    }
    chosen.finish()
}

/// The files of a folder. Links are not followed.
pub(super) fn folder(path: &Path) -> Result<Files> {
    let mut chosen = Chosen::default();
    walk(path, "", 0, &mut chosen)?;
    chosen.finish()
}

fn walk(root: &Path, below: &str, depth: usize, chosen: &mut Chosen) -> Result<()> {
    let folder = root.join(below);
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        // A package links its setup file to where an administrator changes it: that is followed,
        // any other link is not.
        let kind = if is_wanted(&path) { fs::metadata(entry.path())? } else { entry.metadata()? };
        if kind.is_dir() && depth < DEPTH_MAX {
            walk(root, &path, depth.saturating_add(1), chosen)?;
        } else if kind.is_file() && is_wanted(&path) {
            chosen.add(&path, bytes(&entry.path())?)?;
        }
    }
    Ok(())
}

/// The files that are rules, within the limits.
#[derive(Debug, Default)]
struct Chosen {
    files: Files,
    bytes: u64,
}

impl Chosen {
    /// Takes a file, or refuses its name.
    fn add(&mut self, path: &str, content: Vec<u8>) -> Result<()> {
        let is_plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
                && !segment.contains(['\\', ':'])
        };
        if !path.split('/').all(is_plain) {
            bail!("the archive has a file `{}`: no plain path", path.escape_debug());
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX));
        if self.bytes > UNPACKED_BYTES_MAX || self.files.len() >= FILES_MAX {
            bail!("more than {FILES_MAX} files or {UNPACKED_BYTES_MAX} bytes");
        }
        if self.files.insert(path.to_owned(), content).is_some() {
            bail!("the archive has `{path}` twice");
        }
        Ok(())
    }

    /// The files, without the one folder that release archives put around everything.
    fn finish(self) -> Result<Files> {
        let mut files = self.files;
        while !files.keys().any(|path| path.starts_with("rules/") || !path.contains('/')) {
            let Some((outer, _)) = files.keys().next().and_then(|path| path.split_once('/')) else {
                break;
            };
            let outer = format!("{outer}/");
            if !files.keys().all(|path| path.starts_with(&outer)) {
                break;
            }
            let inner = |(path, content): (String, Vec<u8>)| {
                (path.strip_prefix(&outer).map_or_else(|| path.clone(), str::to_owned), content)
            };
            files = files.into_iter().map(inner).collect();
        }
        files.retain(|path, _| is_wanted(path));
        if !files.keys().any(|path| matches!(path.rsplit_once('.'), Some((_, "conf")))) {
            bail!("no rules are in it: no file ends in .conf");
        }
        Ok(files)
    }
}

/// Rules, their data and how they are set up; not the tests and tools of a release.
fn is_wanted(path: &str) -> bool {
    let end = path.strip_suffix(".example").unwrap_or(path).rsplit_once('.');
    matches!(end, Some((_, "conf" | "data")))
        && !["tests/", "util/", "docs/"].iter().any(|part| path.contains(part))
}

fn limited(reader: impl Read, max: u64, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max.saturating_add(1)).read_to_end(&mut bytes).context("the archive is damaged")?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        bail!("{what} is larger than {max} bytes");
    }
    Ok(bytes)
}

/// A release of CRS is half a megabyte.
const ARCHIVE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// With its tests and documents it unpacks to eight.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
const FILES_MAX: usize = 5_000;
const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests;
