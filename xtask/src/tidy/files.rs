//! Rules about single files: names, marks, blanks, titles, reachability.

use std::path::Path;

/// Names that say nothing about what is inside.
const BANNED_NAMES: &[&str] = &[
    "mod.rs",
    "utils.rs",
    "util.rs",
    "helpers.rs",
    "helper.rs",
    "common.rs",
    "types.rs",
    "misc.rs",
];

/// Names every breach in one file.
pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let file_name = name.rsplit('/').next().unwrap_or(name);
    if BANNED_NAMES.contains(&file_name) {
        breaches.push(format!("{name}: the name says nothing about what is inside"));
    }
    let is_vector = name.contains("/tests/data/") || name.contains("/corpus/");
    if is_vector || has_extension(name, "snap") || has_extension(name, "lock") {
        return breaches;
    }
    let mut in_tests = is_test(name);
    for (index, line) in text.lines().enumerate() {
        // An inline test module stands at the end of its file.
        in_tests |= line.trim() == "#[cfg(test)]";
        let why = in_line(name, line).or_else(|| if in_tests { None } else { glob(name, line) });
        breaches.extend(why.map(|why| format!("{name}:{}: {why}", index + 1)));
    }
    if has_extension(name, "rs") && !text.starts_with("//!") && !is_test(name) {
        breaches.push(format!("{name}: no module doc on the first line"));
    }
    if has_extension(name, "md") && titles(text) != 1 {
        breaches.push(format!("{name}: a document has one title"));
    }
    breaches
}

/// A note about a file that is longer than a reader likes.
pub(super) fn long(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let counts = has_extension(name, "rs") && !is_test(name) && !text.starts_with("//! Catalogue");
    (counts && lines > 500).then(|| format!("{name} has {lines} lines"))
}

/// Every package has its paragraph in `ARCHITECTURE.md`.
pub(super) fn mapped(listing: &str, architecture: &str) -> Vec<String> {
    let packages = listing.lines().filter_map(|name| name.strip_suffix("/Cargo.toml"));
    packages
        .filter(|folder| !architecture.contains(&format!("`{folder}`")))
        .map(|folder| format!("ARCHITECTURE.md does not name `{folder}`"))
        .collect()
}

/// Every path that the map names exists. A path is what stands in back-quotes and has a slash.
pub(super) fn named_paths_exist(architecture: &str, root: &Path) -> Vec<String> {
    let quoted = architecture.split('`').skip(1).step_by(2);
    let roots = ["crates/", "xtask", "sdk/", "docs/", "examples/", "fuzz", "judges/", ".ci/"];
    quoted
        .filter(|path| {
            roots.iter().any(|start| path.starts_with(start)) && !path.contains([' ', '*', '<'])
        })
        .filter(|path| !root.join(path).exists())
        .map(|path| format!("ARCHITECTURE.md names `{path}`, which does not exist"))
        .collect()
}

/// Every Rust file is named by a `mod` line of the file above it, or is a root.
pub(super) fn reachable(listing: &str, root: &Path) -> Vec<String> {
    let sources =
        listing.lines().filter(|name| has_extension(name, "rs") && name.contains("/src/"));
    sources
        .filter(|name| !is_reached(name, root))
        .map(|name| format!("{name}: no `mod` line reaches it"))
        .collect()
}

fn is_reached(name: &str, root: &Path) -> bool {
    let path = Path::new(name);
    let (Some(stem), Some(folder)) = (path.file_stem().and_then(|s| s.to_str()), path.parent())
    else {
        return false;
    };
    if ["lib", "main"].contains(&stem) || name.contains("/src/bin/") {
        return true;
    }
    let parents = if folder.ends_with("src") {
        vec![folder.join("lib.rs"), folder.join("main.rs")]
    } else {
        vec![folder.with_extension("rs")]
    };
    let line = format!("mod {stem};");
    parents.iter().any(|parent| {
        std::fs::read_to_string(root.join(parent))
            .is_ok_and(|text| text.lines().any(|found| found.trim_end().ends_with(&line)))
    })
}

fn in_line(name: &str, line: &str) -> Option<&'static str> {
    if line.ends_with([' ', '\t']) && !has_extension(name, "md") {
        return Some("trailing blank");
    }
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Some("control character");
    }
    if name.starts_with("xtask/src/tidy") {
        return None;
    }
    let marks = ["FIXME", "XXX", "HACK"];
    if marks.iter().any(|mark| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == *mark))
    {
        return Some("a mark that promises something without an issue");
    }
    if line.contains("TODO")
        && !line.contains("TODO(#")
        // In back-quotes it is a mark that the product writes, not one of ours.
        && !line.contains("`# TODO`")
        && has_extension(name, "rs")
        && line.trim_start().starts_with("//")
    {
        return Some("TODO without an issue");
    }
    None
}

fn glob(name: &str, line: &str) -> Option<&'static str> {
    let line = line.trim();
    let is_glob = has_extension(name, "rs") && line.starts_with("use ") && line.ends_with("::*;");
    is_glob.then_some("glob import outside tests")
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/")
        || name.ends_with("/tests.rs")
        || name.contains("/benches/")
        || name.contains("/examples/")
}

pub(super) fn has_extension(name: &str, wanted: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == wanted)
}

fn titles(text: &str) -> usize {
    let mut fenced = false;
    let mut count = 0;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        count += usize::from(!fenced && line.starts_with("# "));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(name: &str, text: &str, why: &str) {
        let found = check(name, text);
        assert!(found.iter().any(|breach| breach.contains(why)), "{found:?}");
    }

    #[test]
    fn names_that_say_nothing_are_refused() {
        refused("crates/a/src/utils.rs", "//! Doc.\n", "name says nothing");
        refused("crates/a/src/b/mod.rs", "//! Doc.\n", "name says nothing");
        assert_eq!(check("crates/a/src/revoke.rs", "//! Doc.\n"), Vec::<String>::new());
    }

    #[test]
    fn marks_blanks_and_control_characters_are_refused() {
        refused("crates/a/src/b.rs", "//! Doc.\n// FIXME later\n", "promises");
        refused("crates/a/src/b.rs", "//! Doc.\n// TODO later\n", "TODO");
        refused("crates/a/src/b.rs", "//! Doc.\nlet a = 1; \n", "trailing");
        refused("crates/a/src/b.rs", "//! Doc.\n\u{7}\n", "control");
        assert_eq!(
            check("crates/a/src/b.rs", "//! Doc.\n// TODO(#142): more\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_file_needs_its_doc_and_a_document_one_title() {
        refused("crates/a/src/b.rs", "use std::io;\n", "module doc");
        refused("docs/a.md", "# One\n# Two\n", "one title");
        assert_eq!(check("docs/a.md", "# One\n```\n# comment\n```\n"), Vec::<String>::new());
    }

    #[test]
    fn a_glob_is_refused_outside_tests_only() {
        refused("crates/a/src/b.rs", "//! Doc.\nuse std::io::*;\n", "glob");
        assert_eq!(check("crates/a/src/b/tests.rs", "use super::*;\n"), Vec::<String>::new());
    }

    #[test]
    fn a_package_that_the_map_does_not_name_is_found() {
        let found = mapped("crates/a/Cargo.toml\ncrates/b/Cargo.toml\n", "`crates/a` is");
        assert_eq!(found, ["ARCHITECTURE.md does not name `crates/b`"]);
    }
}
