//! Files as real tools make them, and as attackers do.

use std::io::Write;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringwall_content::{Finding, Grade, upload};

/// One line of what `files.py` prints. A `?` before what is wanted: only where files are expected.
/// Says what is found instead.
fn check(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, want, media_type, bytes] = fields[..] else { panic!("{line}") };
    let bytes = STANDARD.decode(bytes).unwrap();
    let found = upload::check(media_type, &bytes, None);
    let of = |grade| found.iter().filter(move |one| one.grade == grade).map(Finding::to_string);
    let (grade, want) = match want.strip_prefix('?') {
        Some(want) => (Grade::Strict, want),
        None => (Grade::Danger, want),
    };
    let is_harmless = want.is_empty() || grade == Grade::Strict;
    let mut is_right = !is_harmless || of(Grade::Danger).next().is_none();
    let mut strict = Vec::new();
    if want.is_empty() {
        let rule = upload::Rule { types: vec![media_type.to_owned()], ..upload::Rule::default() };
        strict = upload::check(media_type, &bytes, Some(&rule));
        is_right &= strict.iter().all(|one| one.message.contains("with links"));
    } else {
        is_right &= of(grade).any(|one| one.contains(want));
    }
    (!is_right).then(|| format!("{name}: {found:?} {strict:?}, wanted `{want}`"))
}

#[test]
fn files_of_real_tools_pass_and_bombs_and_polyglots_do_not() {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("files.py")]);
    let output = python.output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let wrong: Vec<String> = text.lines().filter_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (images, archives): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.contains("\timage/"));
    assert!(archives.len() > 45, "{}", archives.len());
    // Without Pillow it has said that they are not run.
    assert!(images.len() > 15 || String::from_utf8_lossy(&output.stderr).contains(NOT_RUN));
}

const NOT_RUN: &str = "NOT RUN: Pillow is not installed";
