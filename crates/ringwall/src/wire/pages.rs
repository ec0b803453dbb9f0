//! Reads the operator's error pages: a folder of small files, held in memory.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ringwall_gateway::{Core, Pages};
use ringwall_manifest::Model;

use crate::paths::Place;

/// Puts the pages of the manifest's `error_pages` in the place of the plain ones.
///
/// # Errors
/// When the folder or a page in it cannot be read, is too large, or has a name that no status has.
pub(super) fn show(core: &Core, place: &Place, model: &Model) -> Result<()> {
    let pages = match &model.gateway.error_pages {
        None => None,
        Some(folder) => {
            let folder = place.folder().join(folder);
            let pages = read(&folder);
            Some(pages.with_context(|| format!("error pages of {}", folder.display()))?)
        }
    };
    core.show(pages);
    Ok(())
}

fn read(folder: &Path) -> Result<Pages> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension() != Some("html".as_ref()) {
            continue;
        }
        if entry.metadata()?.len() > PAGE_BYTES_MAX || files.len() >= PAGES_MAX {
            bail!("`{name}`: at most {PAGES_MAX} pages of {PAGE_BYTES_MAX} bytes");
        }
        let text = std::fs::read_to_string(entry.path()).with_context(|| name.clone())?;
        files.push((name, text));
    }
    Pages::new(files).map_err(|name| {
        anyhow::anyhow!("`{name}`: named like `404.html`, `4xx.html`, `5xx.html`, `default.html`")
    })
}

/// A page is shown when something is wrong: it loads nothing, so it is small.
const PAGE_BYTES_MAX: u64 = 256 * 1024;

/// There are not more statuses in use.
const PAGES_MAX: usize = 64;
