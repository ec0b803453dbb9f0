//! Stack traces of languages, and the pages of their debuggers.

use crate::look::Look;

/// Behind Python's first line: a file and a line, also in the HTML of Werkzeug.
pub(crate) fn python(look: &mut Look<'_>) -> bool {
    look.finds(b"File ", 512) && look.quote() && look.finds(b"line ", 1024) && is_digit(look)
}

/// Behind `.java:`, `.kt:`, `.scala:`: a line, and `at` with a method before.
pub(crate) fn java(look: &mut Look<'_>, at: usize) -> bool {
    if look.run(7, |byte| byte.is_ascii_digit()) == 0 || !look.takes(b")") {
        return false;
    }
    let line = same_line(look.before(at, FRAME_MAX));
    let opening = line.iter().rposition(|byte| *byte == b'(');
    opening.and_then(|at| line.get(..at)).is_some_and(has_frame)
}

/// Behind `.js:` and the like: a line and a column, and `at` before.
pub(crate) fn node(look: &mut Look<'_>, at: usize) -> bool {
    line_and_column(look) && has_frame(same_line(look.before(at, FRAME_MAX)))
}

/// Behind `node:internal/`: the rest of its name.
pub(crate) fn node_internal(look: &mut Look<'_>, at: usize) -> bool {
    look.run(128, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.'));
    look.takes(b":") && node(look, at)
}

/// Behind `at System.` and its kin: a method with its parameters.
pub(crate) fn dotnet(look: &mut Look<'_>) -> bool {
    let is_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'`' | b'+');
    look.run(256, is_name) > 0 && look.takes_one(&[b"(", b"[", b"<", b"&lt;"])
}

/// Behind `goroutine `: its number and state.
pub(crate) fn go(look: &mut Look<'_>) -> bool {
    look.run(12, |byte| byte.is_ascii_digit()) > 0
        && look.takes(b" [")
        && look.run(64, |byte| byte.is_ascii_graphic() && byte != b']' || byte == b' ') > 0
        && look.takes(b"]:")
}

/// Behind `Stack trace:`, of PHP.
pub(crate) fn php(look: &mut Look<'_>) -> bool {
    look.blanks() && look.takes(b"#0 ")
}

/// Behind ` on line `, of PHP in HTML and in text: after a warning's file.
pub(crate) fn php_line(look: &mut Look<'_>, at: usize) -> bool {
    look.blanks();
    let line = same_line(look.before(at, FRAME_MAX));
    let has_file = memchr::memmem::find(line, b".php").is_some();
    is_digit(look) && has_file && memchr::memmem::find(line, b" in ").is_some()
}

/// Behind `.rb:`: a line, and where.
pub(crate) fn ruby(look: &mut Look<'_>) -> bool {
    look.run(7, |byte| byte.is_ascii_digit()) > 0 && look.takes(b":in ") && look.quote()
}

/// Behind ` panicked at `: a source file with its line.
pub(crate) fn rust(look: &mut Look<'_>, at: usize) -> bool {
    let is_thread = memchr::memmem::find(look.before(at, 128), b"thread ").is_some();
    is_thread && look.finds(b".rs:", 512) && line_and_column(look)
}

fn line_and_column(look: &mut Look<'_>) -> bool {
    look.run(7, |byte| byte.is_ascii_digit()) > 0
        && look.takes(b":")
        && look.run(7, |byte| byte.is_ascii_digit()) > 0
}

fn is_digit(look: &mut Look<'_>) -> bool {
    look.peek().is_some_and(|byte| byte.is_ascii_digit())
}

/// What stands on the last line.
fn same_line(text: &[u8]) -> &[u8] {
    let newline = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let escaped = memchr::memmem::rfind(text, b"\\n").map_or(0, |at| at + 2);
    text.get(newline.max(escaped)..).unwrap_or_default()
}

/// Whether a line begins as frames do: blanks, and `at`.
fn has_frame(line: &[u8]) -> bool {
    let found = memchr::memmem::find(line, b"at ");
    found.is_some_and(|at| {
        let before = line.get(..at).unwrap_or_default();
        before.last().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'>' | b';' | b't'))
    })
}

/// Paths and names of classes are long.
const FRAME_MAX: usize = 300;
