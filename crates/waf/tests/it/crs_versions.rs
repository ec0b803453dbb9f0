//! Every version of the Core Rule Set since 3.0, and rule files that others publish: they load
//! whole, or are refused for what is documented to be refused.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ringwall_waf::{Ruleset, Source};

use crate::crs::{Folder, folder_if_named};

/// The folders that are named, in order of their names.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    found.sort();
    found
}

/// The rule files of a folder, as a server reads them.
fn sources(folder: &Path) -> Vec<Source> {
    let is_rules = |path: &PathBuf| path.extension().is_some_and(|one| one == "conf");
    let files = sorted(folder).into_iter().filter(is_rules);
    let source = |path: PathBuf| Source {
        name: path.to_string_lossy().into_owned(),
        text: fs::read(&path).unwrap(),
    };
    files.map(source).collect()
}

fn setup(folder: &Path) -> Source {
    let engine = crate::crs_4::setup("On", 4);
    let names = ["crs-setup.conf.example", "modsecurity_crs_10_setup.conf.example"];
    let example = names.iter().find_map(|name| fs::read_to_string(folder.join(name)).ok());
    let text = format!("{engine}{}", example.unwrap_or_default());
    Source { name: "setup.conf".to_owned(), text: text.into() }
}

/// Why a rule set does not load; empty when it does.
fn refusal(sources: &[Source]) -> String {
    Ruleset::load(sources, &Folder).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn every_version_of_the_core_rule_set_loads() {
    let Some(folder) = folder_if_named("RINGWALL_CRS_VERSIONS", ".") else { return };
    let mut failed = String::new();
    let mut count = 0;
    for version in sorted(&folder) {
        let mut all = vec![setup(&version)];
        all.extend(sources(&version.join("rules")));
        let why = refusal(&all);
        count += 1;
        if !why.is_empty() || all.len() < 10 {
            writeln!(failed, "{}, {} files: {why}", version.display(), all.len()).unwrap();
        }
    }
    assert!(failed.is_empty() && count > 0, "of {count}:\n{failed}");
}

/// Plugins of the Core Rule Set that run programs, and what is said of them.
const REFUSED: [(&str, &str); 5] = [
    ("antivirus-plugin", "operator `inspectfile` is not supported"),
    ("body-decompress-plugin", "directive `SecRuleScript` is not supported"),
    ("database-logging-plugin", "directive `SecRuleScript` is not supported"),
    ("fake-bot-plugin", "operator `inspectfile` is not supported"),
    ("machine-learning-integration-plugin", "directive `SecRuleScript` is not supported"),
];

#[test]
fn plugins_load_or_are_refused_for_the_programs_they_run() {
    let Some(folder) = folder_if_named("RINGWALL_CRS_PLUGINS", ".") else { return };
    let mut failed = String::new();
    for plugin in sorted(&folder) {
        let own = ["plugins", "plugin", "."].map(|place| plugin.join(place));
        let own = own.iter().filter(|place| place.is_dir()).flat_map(|place| sources(place));
        let mut all: Vec<Source> = own.collect();
        // Settings come before what asks for them.
        all.sort_by_key(|source| !source.name.ends_with("-config.conf"));
        let why = refusal(&all);
        let name = plugin.file_name().unwrap().to_string_lossy();
        let wanted = REFUSED.iter().find(|(refused, _)| *refused == name);
        let is_good = wanted.map_or(why.is_empty(), |(_, said)| why.contains(said));
        if !is_good {
            writeln!(failed, "{name}: {why}").unwrap();
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
