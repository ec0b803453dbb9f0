//! Tidy: the rules of the house that a compiler does not check. Seconds, and no compilation.

mod layers;
mod bans;
mod files;
mod proofs;

use std::collections::HashSet;

use anyhow::{Result, bail};

use crate::shell::{command, read, root, say};

/// Checks all rules and lists every breach.
pub(crate) fn run() -> Result<()> {
    let root = root();
    let metadata =
        read(command(env!("CARGO")).args(["metadata", "--format-version=1", "--no-deps"]))?;
    let mut breaches = layers::check(&serde_json::from_str(&metadata)?);

    let tree = ["tree", "--workspace", "--target=all", "--prefix=none", "--format={p}", "--locked"];
    breaches.extend(bans::check(&read(command(env!("CARGO")).args(tree))?));

    let listing =
        read(command("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let (mut notes, mut functions) = (Vec::new(), HashSet::new());
    for name in listing.lines() {
        let Ok(bytes) = std::fs::read(root.join(name)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        breaches.extend(files::check(name, &text));
        notes.extend(files::long(name, &text));
        if ["rs", "py"].iter().any(|end| files::has_extension(name, end)) {
            functions.extend(proofs::functions(&text));
        }
    }
    for name in proofs::DOCUMENTS {
        let text = std::fs::read_to_string(root.join(name)).unwrap_or_default();
        breaches.extend(proofs::missing(name, &text, &functions));
    }
    breaches.extend(files::mapped(&listing, &architecture));
    breaches.extend(files::named_paths_exist(&architecture, &root));
    breaches.extend(files::reachable(&listing, &root));

    for note in &notes {
        say(&format!("note: {note}"));
    }
    for breach in &breaches {
        say(&format!("tidy: {breach}"));
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the house rules", breaches.len());
    }
    say("tidy: the house rules hold");
    Ok(())
}
