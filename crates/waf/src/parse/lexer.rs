//! Bytes of a file to logical lines, and a line to words.

use crate::cursor::{Cursor, is_space, trim, trim_end};
use crate::limits::LINE_BYTES_MAX;
use crate::parse::error::Cause;

/// A line after its continuations are joined.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// Where it begins, from 1.
    pub(crate) number: u32,
    pub(crate) text: Vec<u8>,
}

/// The lines of a file that are neither empty nor comments.
///
/// Continuation comes first: a comment that ends in `\` takes the next line with it, so that a rule
/// that was commented out does not come back to life by half.
pub(crate) fn lines(file: &[u8]) -> Result<Vec<Line>, (u32, Cause)> {
    let mut found = Vec::new();
    let mut joined: Option<Line> = None;
    for (number, physical) in (1_u32..).zip(file.split(|byte| *byte == b'\n')) {
        let line = joined.get_or_insert_with(|| Line { number, text: Vec::new() });
        let body = trim_end(physical);
        if let Some((b'\\', continued)) = body.split_last() {
            line.text.extend_from_slice(continued);
        } else {
            line.text.extend_from_slice(body);
            found.extend(joined.take().filter(is_directive));
        }
        let length = joined.as_ref().map_or(0, |line| line.text.len());
        if length > LINE_BYTES_MAX {
            return Err((number, Cause::Limit { what: "bytes in a line", max: LINE_BYTES_MAX }));
        }
    }
    found.extend(joined.filter(is_directive));
    Ok(found)
}

fn is_directive(line: &Line) -> bool {
    trim(&line.text).first().is_some_and(|first| *first != b'#')
}

/// The words of a directive: bare, or in quotes.
///
/// In double quotes `\"` is a quote and `\\` a backslash; any other backslash stays for whoever
/// reads the word, a regular expression for one. Single quotes around a whole word work as in
/// Apache, which reads the files of ModSecurity 2.
pub(crate) fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, Cause> {
    let mut at = Cursor::new(line);
    let mut words = Vec::new();
    loop {
        at.take_while(is_space);
        match at.peek() {
            None => return Ok(words),
            Some(quote @ (b'"' | b'\'')) => {
                at.skip(1);
                words.push(quoted(&mut at, quote)?);
            }
            Some(_) => words.push(bare(&mut at)),
        }
    }
}

fn quoted(at: &mut Cursor<'_>, quote: u8) -> Result<Vec<u8>, Cause> {
    let mut word = Vec::new();
    loop {
        match (at.next(), at.peek()) {
            (None, _) => return Err(Cause::Quote),
            (Some(b'\\'), Some(escaped)) if escaped == quote || escaped == b'\\' => {
                word.push(escaped);
                at.skip(1);
            }
            (Some(byte), _) if byte == quote => return Ok(word),
            (Some(byte), _) => word.push(byte),
        }
    }
}

fn bare(at: &mut Cursor<'_>) -> Vec<u8> {
    let mut word = Vec::new();
    let mut raw = Cursor::new(at.take_while(|byte| !is_space(byte)));
    while let Some(byte) = raw.next() {
        word.push(byte);
        if byte == b'\\' {
            raw.eat(b'\\');
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &str) -> Vec<(u32, String)> {
        let lines = lines(file.as_bytes()).unwrap();
        lines.into_iter().map(|line| (line.number, String::from_utf8(line.text).unwrap())).collect()
    }

    #[test]
    fn lines_join_with_what_stands_between_them() {
        let got = texts("A \\\r\n  b\\\nc\r\n\n# x\n D");
        assert_eq!(got, [(1, "A   bc".to_owned()), (6, " D".to_owned())]);
    }

    #[test]
    fn a_comment_takes_its_continuation_with_it() {
        assert_eq!(texts("# SecRule A \\\n SecAction\nB"), [(3, "B".to_owned())]);
        assert_eq!(texts("#a\\"), []);
    }

    #[test]
    fn words_are_bare_or_quoted() {
        let check = |line: &str, want: &[&str]| {
            let got = words(line.as_bytes()).unwrap();
            let got: Vec<_> = got.iter().map(|word| String::from_utf8_lossy(word)).collect();
            assert_eq!(got, want, "{line}");
        };
        check("SecRule\tARGS  \"@rx a b\" id:1", &["SecRule", "ARGS", "@rx a b", "id:1"]);
        check(r#"A "x\"y" "\\d\s""#, &["A", "x\"y", r"\d\s"]);
        check(r"A a\\b\c it's", &["A", r"a\b\c", "it's"]);
        check("A '@rx \"' \"\"", &["A", "@rx \"", ""]);
        assert!(matches!(words(b"A \"x"), Err(Cause::Quote)));
        assert!(matches!(words(b"A \"x\\\""), Err(Cause::Quote)));
    }
}
