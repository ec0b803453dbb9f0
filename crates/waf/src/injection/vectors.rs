//! The public tests of the C library: a name, an input and what is to come of it.

use std::fs;

/// One of them.
pub(super) struct Vector {
    pub(super) name: String,
    pub(super) input: Vec<u8>,
    pub(super) want: String,
}

/// Those of a kind, by the beginning of their file names; none, and said so, where they are not.
#[expect(clippy::disallowed_methods, reason = "only tests read this variable")]
#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
pub(super) fn vectors(kind: &str) -> Vec<Vector> {
    let Some(folder) =
        std::env::var("RINGWALL_LIBINJECTION_TESTS").ok().filter(|folder| !folder.is_empty())
    else {
        eprintln!("NOT RUN: RINGWALL_LIBINJECTION_TESTS names no folder");
        return Vec::new();
    };
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let vectors = files.into_iter().filter_map(|file| {
        let name = file.file_name()?.to_string_lossy().into_owned();
        let text = fs::read(&file).unwrap();
        let (_, rest) = split(&text, b"--INPUT--\n").filter(|_| name.starts_with(kind))?;
        let (input, want) = split(rest, b"--EXPECTED--").unwrap();
        let input = input.trim_ascii().to_vec();
        Some(Vector { name, input, want: String::from_utf8_lossy(want).trim().to_owned() })
    });
    let vectors: Vec<_> = vectors.collect();
    assert!(!vectors.is_empty(), "{folder} has no {kind}");
    vectors
}

fn split<'t>(text: &'t [u8], at: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let found = memchr::memmem::find(text, at)?;
    Some((text.get(..found)?, text.get(found + at.len()..)?))
}

/// Compares what is made of each input with what is to come of it.
#[track_caller]
pub(super) fn check(kind: &str, made: impl Fn(&[u8], &str) -> (String, String)) {
    let mut wrong = Vec::new();
    for vector in vectors(kind) {
        let (got, want) = made(&vector.input, &vector.want);
        // The files have lost the spaces at their ends.
        if got.trim_end() != want {
            wrong.push(format!("{}: {got:?}, not {want:?}", vector.name));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}
