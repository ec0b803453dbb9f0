use super::*;
use crate::source::{Source, Sources};

#[track_caller]
fn check(text: &str, want: &[&str]) {
    let mut sources = Sources::default();
    sources.push(Source::new("t.toml", text));
    let mut findings = Findings::new(&sources, Vec::new());
    read(0, &mut findings);
    let (found, _) = findings.finish();
    let got: Vec<&str> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(got, want, "{text}: {found:?}");
}

#[test]
fn toml_1_0_is_accepted() {
    check("a = { b = 1, c = [\n 1,\n 2,\n] }\n", &[]);
    check("a = \"{,}\" # {\nb = '''{\n,}'''\nc = \"\"\"\\\n  {\n\"\"\"\n", &[]);
    check("[a.b]\nc.d = [1, 2,]\n", &[]);
}

#[test]
fn toml_1_1_is_refused() {
    check("a = {\n b = 1 }\n", &["RW0003"]);
    check("a = { b = 1, }\n", &["RW0003"]);
    check("a = \"\\e\"\n", &["RW0003"]);
    check("a = \"\\x41\"\n", &["RW0003"]);
}

#[test]
fn depth_is_bounded() {
    check(&format!("{}a = 1", "a.".repeat(15)), &[]);
    check(&format!("{}a = 1", "a.".repeat(16)), &["RW0004"]);
    check(&format!("a = {}", "[".repeat(500_000)), &["RW0004"]);
    check(&"[".repeat(500_000), &["RW0004"]);
    check(&"a = {".repeat(100_000), &["RW0004"]);
    check(&"x.".repeat(500_000), &["RW0004"]);
}

#[test]
fn a_file_has_at_most_a_mebibyte() {
    check(&"#".repeat(FILE_BYTES_MAX), &[]);
    check(&"#".repeat(FILE_BYTES_MAX + 1), &["RW0002"]);
}

#[test]
fn several_mistakes_are_all_found() {
    check("a = \nb = 1\nb = 2\n", &["RW0001", "RW0001"]);
}
