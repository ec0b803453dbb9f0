//! `ringwall init`: reads a repository without running anything in it, and writes a first manifest.
//!
//! Nothing is guessed silently: each guess carries the mark `# guess`, and what only a person can
//! know carries `# TODO`.

mod fleet;
mod draft;
mod found;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ringwall_manifest::{Severity, format};
use ringwall_scan::survey;
use serde_json::json;

use self::fleet::Fleet;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::render;
use crate::tree::Disk;

/// Where to look.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ringwall init            reads the repository here
  ringwall init --force    reads it again; the old file is kept as ringwall.toml.bak")]
pub(crate) struct Args {
    /// Folder with the Flask apps
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Replace a ringwall.toml that is there; the old one is kept as ringwall.toml.bak
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit> {
    let dir = args.dir.as_path();
    let full =
        dir.canonicalize().with_context(|| format!("cannot read the folder {}", dir.display()))?;
    let path = dir.join(NAME);
    let is_there = path.symlink_metadata().is_ok();
    if is_there && !args.force {
        let help =
            "`ringwall check` checks it; `ringwall init --force` replaces it and keeps a copy";
        out.problem("RW4010", &format!("{} is there already", path.display()), Some(help));
        return Ok(Exit::Failed);
    }
    let tree = Disk::at(&full);
    let survey = survey(&tree);
    if survey.apps.is_empty() {
        let (message, help) = found::nothing(&tree, &survey, dir);
        out.problem("RW4011", &message, Some(&help));
        return Ok(Exit::Findings);
    }
    let folder = full.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fleet = Fleet::of(&tree, survey, &folder);
    let text = draft::manifest(&fleet);
    let text = format(&text).unwrap_or(text);
    let loaded = put(&full, &text, is_there)?;
    tell(&fleet, &text, &loaded, is_there, out)
}

/// Writes the manifest: beside, checked, then moved. A crash leaves the old file or the new one.
fn put(dir: &Path, text: &str, is_there: bool) -> Result<Loaded> {
    let path = dir.join(NAME);
    let beside = dir.join(format!(".ringwall-init-{}.toml", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .with_context(|| format!("cannot write in {}", dir.display()))?;
    let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        // The old file stays under its own name until the new one takes it.
        if is_there { std::fs::copy(&path, dir.join(BACKUP)).map(drop) } else { Ok(()) }
    });
    let done = done.and_then(|()| std::fs::rename(&beside, &path));
    if done.is_err() {
        drop(std::fs::remove_file(&beside));
    }
    done.with_context(|| format!("cannot write {}", path.display()))?;
    Loaded::read(&Place::find(Some(&path), None, None))
}

fn tell(fleet: &Fleet, text: &str, loaded: &Loaded, had_old: bool, out: &mut Out) -> Result<Exit> {
    let findings = &loaded.report.findings;
    if out.format() == Format::Json {
        let mut value = found::json(fleet);
        if let Some(object) = value.as_object_mut() {
            let list = findings.iter().map(render::to_json).collect::<Vec<_>>();
            object.insert("wrote".to_owned(), json!(NAME));
            object.insert("findings".to_owned(), json!(list));
        }
        out.json(&value)?;
    }
    for line in found::lines(fleet) {
        out.talk(&line);
    }
    out.talk(&found::wrote(NAME, text));
    if had_old {
        out.talk(&format!("  kept   the old one as {BACKUP}"));
    }
    let errors: Vec<_> =
        findings.iter().filter(|finding| finding.severity == Severity::Error).cloned().collect();
    if errors.is_empty() {
        out.talk("  next   read it, then `ringwall check` and `ringwall dev`");
        return Ok(Exit::Ok);
    }
    if out.format() != Format::Json {
        render::findings(&errors, &loaded.texts, out)?;
    }
    out.talk("  next   correct what `ringwall check` shows: reading alone could not settle it");
    Ok(Exit::Findings)
}

const NAME: &str = "ringwall.toml";
const BACKUP: &str = "ringwall.toml.bak";

#[cfg(test)]
mod tests;
