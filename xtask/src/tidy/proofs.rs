//! A test that a table of promises names has to be there.

use std::collections::HashSet;

use super::files::has_extension;

/// The documents whose tables name tests.
pub(super) const DOCUMENTS: [&str; 2] = ["docs/claims.md", "docs/specifications.md"];

/// The functions of a source, in Rust or Python.
pub(super) fn functions(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim_start);
    let starts = lines.filter_map(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ").or_else(|| line.strip_prefix("def "))
    });
    starts.filter_map(|rest| rest.split('(').next()).map(str::to_owned)
}

/// The tests that rows of this document name and that are not there.
pub(super) fn missing(name: &str, text: &str, known: &HashSet<String>) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let tests = quoted.filter_map(test);
    let unknown = tests.filter(|test| !known.contains(*test));
    unknown.map(|test| format!("{name} names the test `{test}`, which does not exist")).collect()
}

/// `file.rs: test`, or a name that is long enough to be nothing else.
fn test(quoted: &str) -> Option<&str> {
    let (file, test) = quoted.rsplit_once(": ").unwrap_or(("", quoted));
    let is_word = test.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    (is_word && (has_extension(file, "rs") || test.matches('_').count() >= 3)).then_some(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let source =
            "fn one_two_three_four() {\n    async fn short() {\ndef test_of_python_code(a):\n";
        let known: HashSet<_> = functions(source).collect();
        let row = |test: &str| missing("a.md", &format!("| x | `{test}` |"), &known).len();
        assert_eq!(row("one_two_three_four"), 0);
        assert_eq!(row("it.rs: short"), 0);
        assert_eq!(row("tests/a.py: test_of_python_code"), 0);
        assert_eq!(row("client_secret_basic"), 0, "no test");
        assert_eq!(row("one_two_three_five"), 1);
        assert_eq!(row("it.rs: long"), 1);
    }
}
