//! Gen: writes `docs/reference` from the code, or checks that it is fresh.

use anyhow::{Result, bail};

use crate::shell::{build_ringwall, command, read, root, say};

/// What to do with the generated text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Compare with what is committed.
    Check,
    /// Write it.
    Write,
}

/// A generated page: file under `docs/reference`, and the arguments that print it.
type Page = (&'static str, &'static [&'static str]);

const PAGES: &[Page] = &[
    ("cli.md", &["reference", "cli"]),
    ("errors.md", &["reference", "errors"]),
    ("events.md", &["reference", "events"]),
    ("limits.md", &["reference", "limits"]),
    ("manifest.schema.json", &["export", "schema"]),
];

/// Writes or checks every page.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let ringwall = build_ringwall(false)?;
    let folder = root().join("docs/reference");
    std::fs::create_dir_all(&folder)?;
    let mut stale = Vec::new();
    for (file, arguments) in PAGES {
        let fresh = read(command(&ringwall).args(*arguments))?;
        let path = folder.join(file);
        let is_fresh = std::fs::read_to_string(&path).is_ok_and(|found| found == fresh);
        match mode {
            _ if is_fresh => {}
            Mode::Check => stale.push(*file),
            Mode::Write => {
                std::fs::write(&path, fresh)?;
                say(&format!("gen: wrote docs/reference/{file}"));
            }
        }
    }
    if !stale.is_empty() {
        bail!("docs/reference is stale ({}): run `cargo xtask gen`", stale.join(", "));
    }
    Ok(())
}
