//! `ringwall fmt`: the one format.

use std::io::Write;

use anyhow::{Context, Result};
use ringwall_manifest::format;

use crate::exit::Exit;
use crate::load::read_text;
use crate::out::Out;
use crate::paths::Place;

/// What to do with the result.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only say whether the file has the one format
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let path = place.manifest.display();
    let text = read_text(&place.manifest).with_context(|| format!("cannot read {path}"))?;
    let formatted = match format(&text) {
        Ok(formatted) => formatted,
        Err(error) => {
            out.problem(
                "RW0001",
                &format!("{path}: {error}"),
                Some("`ringwall check` shows the place"),
            );
            return Ok(Exit::Invalid);
        }
    };
    if formatted == text {
        return Ok(Exit::Ok);
    }
    if args.check {
        let changed = similar::TextDiff::from_lines(text.as_str(), formatted.as_str());
        out.data(
            &changed.unified_diff().header("as it is", "as `ringwall fmt` writes it").to_string(),
        )?;
        return Ok(Exit::Findings);
    }
    // Written beside and moved: a crash leaves the old file or the new one, never half of it.
    let folder = place.folder();
    let mut beside = tempfile_in(&folder)?;
    beside.1.write_all(formatted.as_bytes()).and_then(|()| beside.1.sync_all())?;
    std::fs::rename(&beside.0, &place.manifest)
        .with_context(|| format!("cannot replace {path}"))?;
    out.talk(&format!("formatted {path}"));
    Ok(Exit::Ok)
}

fn tempfile_in(folder: &std::path::Path) -> Result<(std::path::PathBuf, std::fs::File)> {
    let path = folder.join(format!(".ringwall-fmt-{}", std::process::id()));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    Ok((path.clone(), file.with_context(|| format!("cannot write {}", path.display()))?))
}
