use std::fs;
use std::path::PathBuf;

use super::*;

fn shape(value: &str) -> Option<String> {
    detect(value.as_bytes()).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
}

#[test]
fn injections_have_a_shape() {
    for (value, want) in [
        ("1' OR '1'='1", "s&sos"),
        ("1 UNION SELECT 1,2", "1UE1"),
        ("' or 1=1 --", "s&1c"),
        ("1; DROP TABLE users", "1;Tnn"),
        ("1/*!00000union*/", "X"),
        ("-1' and 1=1 union/* foo */select load_file('/etc/passwd')--", "s&1UE"),
    ] {
        assert_eq!(shape(value).as_deref(), Some(want), "{value}");
    }
}

#[test]
fn prose_and_names_have_none() {
    for value in [
        "",
        "O'Brien",
        "hello world",
        "rock and roll",
        "1234",
        "a-b--c",
        "select your union rep",
        "'",
    ] {
        assert_eq!(shape(value), None, "{value}");
    }
}

/// The folder `tests` of the public libinjection.
#[expect(clippy::disallowed_methods, reason = "only tests read this variable")]
fn public_tests(kind: &str) -> Vec<PathBuf> {
    let folder = std::env::var("RINGWALL_LIBINJECTION_TESTS").unwrap_or_default();
    let files = fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!("name the tests of libinjection in RINGWALL_LIBINJECTION_TESTS ({folder}: {error})")
    });
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap().to_string_lossy().starts_with(kind));
    files.sort();
    files
}

#[test]
#[ignore = "needs the public tests of libinjection: name their folder in RINGWALL_LIBINJECTION_TESTS"]
fn the_public_tests_agree() {
    let files = public_tests("test-sqli-");
    let mut wrong = Vec::new();
    for file in &files {
        let text = fs::read(file).unwrap();
        let text = String::from_utf8_lossy(&text);
        let (input, want) =
            text.split_once("--INPUT--").unwrap().1.split_once("--EXPECTED--").unwrap();
        let got = shape(input.trim()).unwrap_or_default();
        if got != want.trim() {
            wrong.push(format!("{}: {got}, not {}", file.display(), want.trim()));
        }
    }
    assert!(
        !files.is_empty() && wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        files.len()
    );
}
