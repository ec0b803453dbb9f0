//! What is written down.

use std::path::Path;

use crate::house::House;
use crate::library::Library;

/// Literal actions in the sources of all packages.
fn actions(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "tests", "benches"].contains(&name.as_str()) {
                actions(&path, found);
            }
            continue;
        }
        if path.extension().is_none_or(|end| end != "rs") || name == "tests.rs" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for start in STARTS {
            let parts = text.split(start).skip(1).filter_map(|part| part.split('"').next());
            found.extend(parts.map(str::to_owned));
        }
    }
}

/// What stands before an action in the sources.
const STARTS: [&str; 5] = [
    "Record::of(\"",
    "Record::refused(\"",
    "action: \"",
    "refused(house, call, client, \"",
    "refused(house, call, client, (\"",
];

#[test]
fn every_action_that_is_written_down_is_in_the_catalogue() {
    let mut found = Vec::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    actions(crates, &mut found);
    assert!(found.len() > 10, "the sources are elsewhere now: {found:?}");
    let known: Vec<&str> = ringwall_audit::ACTIONS.iter().map(|action| action.name).collect();
    let unknown: Vec<_> = found.iter().filter(|name| !known.contains(&name.as_str())).collect();
    // The log refuses what it does not know, and with it the request that wanted to be on record.
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn one_flipped_byte_in_the_log_is_found_and_named() {
    let library = Library::open();
    for _ in 0..5 {
        library.house.get("/books/7");
    }
    let Library { house, mut server, .. } = library;
    assert!(server.stop().success());
    house.run(&["audit", "verify"]).good();
    let (path, bytes) = segment(&house);
    let at = find(&bytes, b"getBook");
    let mut changed = bytes.clone();
    changed[at] = b'G';
    std::fs::write(&path, &changed).unwrap();
    let outcome = house.run(&["audit", "verify"]);
    assert_ne!(outcome.code, 0);
    let said = format!("{}{}", outcome.out, outcome.err);
    assert!(said.contains("event") && said.chars().any(|sign| sign.is_ascii_digit()), "{said}");
    let shorter = [&bytes[..at], &bytes[at + 1..]].concat();
    std::fs::write(&path, &shorter).unwrap();
    assert_ne!(house.run(&["audit", "verify"]).code, 0, "a removed byte");
    std::fs::write(&path, &bytes).unwrap();
    house.run(&["audit", "verify"]).good();
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

/// The file that the denials are in.
fn segment(house: &House) -> (std::path::PathBuf, Vec<u8>) {
    let mut folders = vec![house.state().join("audit")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(7).any(|window| window == b"getBook") {
                return (path, bytes);
            }
        }
    }
    panic!("no segment has the denial")
}
