//! PDF documents that do something when they are opened: scripts, programs, files inside.

use crate::archive::{self, Budget};
use crate::bytes::from;
use crate::finding::Findings;
use crate::limits::PDF_OBJECTS_BYTES_MAX;

/// Looks at a PDF document. Of what is packed, streams that hold objects are read.
pub(crate) fn check(bytes: &[u8], budget: &mut Budget, findings: &mut Findings) {
    if !bytes.starts_with(b"%PDF-") {
        findings.strict("a PDF document whose head is not at its beginning");
    }
    let mut stream = 0_usize;
    for at in memchr::memchr_iter(b'/', bytes) {
        let rest = from(bytes, at.saturating_add(1));
        let name = name_of(rest);
        action(&name, findings);
        // What two names of one dictionary lead to is read once.
        if at < stream || !(name == b"ObjStm" || (name == b"First" && is_number(rest))) {
            continue;
        }
        match memchr::memmem::find(rest, b"stream") {
            // A string or a comment may hold anything, also the word.
            Some(end) if !rest.iter().take(end).any(|byte| b"(%".contains(byte)) => {
                let start = end.saturating_add(6);
                stream = at.saturating_add(start);
                objects(from(rest, start), budget, findings);
            }
            Some(_) => findings.active(UNREAD),
            None if name == b"ObjStm" => findings.active(UNREAD),
            None => return,
        }
    }
}

/// Whether `First` says a number: where objects begin. A list of headings has a reference there.
fn is_number(rest: &[u8]) -> bool {
    let mut words = from(rest, 5)
        .split(|byte| byte.is_ascii_whitespace() || b"/<>[]".contains(byte))
        .filter(|word| !word.is_empty());
    let is_digits =
        |word: Option<&[u8]>| word.is_some_and(|word| word.iter().all(u8::is_ascii_digit));
    is_digits(words.next()) && !(is_digits(words.next()) && words.next() == Some(b"R"))
}

/// Looks at objects in a stream. One that nobody can read is not taken on trust.
fn objects(stream: &[u8], budget: &mut Budget, findings: &mut Findings) {
    let stream = stream.strip_prefix(b"\r").unwrap_or(stream);
    let stream = stream.strip_prefix(b"\n").unwrap_or(stream);
    // Not packed, it begins with numbers, and has been seen.
    let is_plain = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace();
    if stream.iter().take(PDF_PLAIN_BYTES).all(is_plain) {
        return;
    }
    let Some(found) = archive::inflate(stream, PDF_OBJECTS_BYTES_MAX, budget) else {
        findings.active(UNREAD);
        return;
    };
    // A stream that was packed otherwise first, or with a predictor, begins with something else.
    if !found.iter().take(PDF_PLAIN_BYTES).all(is_plain) {
        findings.active(UNREAD);
    }
    for at in memchr::memchr_iter(b'/', &found) {
        action(&name_of(from(&found, at.saturating_add(1))), findings);
    }
}

fn action(name: &[u8], findings: &mut Findings) {
    match name {
        b"JavaScript" | b"JS" => findings.active("a PDF document with scripts"),
        b"Launch" => findings.active("a PDF document that starts programs"),
        b"EmbeddedFile" | b"EmbeddedFiles" | b"RichMedia" => {
            findings.active("a PDF document with files inside");
        }
        b"XFA" => findings.active("a PDF document with a form that has scripts"),
        _ => {}
    }
}

/// A name of PDF, with `#4a` undone; as long as the longest that is looked for.
fn name_of(rest: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut rest = rest;
    while name.len() <= PDF_NAME_BYTES_MAX {
        match rest {
            [b'#', high, low, after @ ..] => {
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else { break };
                name.push(high << 4 | low);
                rest = after;
            }
            [byte, after @ ..] if byte.is_ascii_alphanumeric() => {
                name.push(*byte);
                rest = after;
            }
            _ => break,
        }
    }
    name
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

const UNREAD: &str = "a PDF document with objects that cannot be read";
/// An object's number and its place have as many.
const PDF_PLAIN_BYTES: usize = 4;
const PDF_NAME_BYTES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_does_something_is_found() {
        for (text, want) in [
            ("%PDF-1.7 << /S /JavaScript /JS (app.alert(1)) >>", 1),
            ("%PDF-1.7 << /S /J#61vaScript >>", 1),
            ("%PDF-1.7 << /S /Launch >>", 1),
            ("%PDF-1.7 /EmbeddedFile /XFA", 2),
            ("x%PDF-1.7", 1),
            ("%PDF-1.7 << /Type /Page /JSX /OpenAction [1 0 R /Fit] >>", 0),
        ] {
            let mut findings = Findings::default();
            check(text.as_bytes(), &mut budget(), &mut findings);
            assert_eq!(findings.into_list().len(), want, "{text}");
        }
    }

    fn budget() -> Budget {
        Budget::new(0, &crate::upload::Bounds::default())
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn objects(dictionary: &str, stream: &[u8], want: &[&str]) {
        let head = format!("%PDF-1.7\n1 0 obj << {dictionary} >>\nstream\r\n");
        let bytes = [head.as_bytes(), stream, b"\nendstream endobj\n"].concat();
        let mut findings = Findings::default();
        check(&bytes, &mut budget(), &mut findings);
        let list: Vec<_> = findings.into_list().into_iter().map(|one| one.message).collect();
        assert_eq!(list, want, "{dictionary}");
    }

    #[test]
    fn actions_in_packed_objects_are_found() {
        let script =
            zlib(&b"7 0 8 30 << /S /JavaScript /JS (app.alert(1)) >> << /A 1 >> ".repeat(9));
        let scripts = ["a PDF document with scripts"];
        objects("/Type /ObjStm /N 2 /Filter /FlateDecode", &script, &scripts);
        objects("/Type /Obj#53tm /N 2 /Filter /FlateDecode", &script, &scripts);
        objects("/N 2 /Filter /FlateDecode /Type /ObjStm", &script, &scripts);
        objects("/Type /ObjStm /Filter /FlateDecode", &zlib(b"7 0 << /Type /Page >>"), &[]);
        objects("/Type /ObjStm", b"7 0 << /S /Launch >>", &["a PDF document that starts programs"]);
        // A picture or a page's text is packed too, and has no objects in it.
        objects("/Length 9 /Filter /FlateDecode", &zlib(&b"/JavaScript ".repeat(9)), &[]);
        // A string that looks like the stream leads to what cannot be read.
        let hidden = "/Type /ObjStm /A (>>stream\n12 3) /Filter /FlateDecode";
        objects(hidden, &script, &[UNREAD]);
        // Some readers do not ask for the type.
        objects("/N 2 /First 9 /Filter /FlateDecode", &script, &scripts);
        objects("/First 9 0 R /Filter /FlateDecode", &script, &[]);
        objects("/Type /ObjStm /Filter /LZWDecode", b"\x80\x0b\x60\x50", &[UNREAD]);
        objects("/Type /ObjStm /Filter [/FlateDecode /FlateDecode]", &zlib(&script), &[UNREAD]);
        let bomb = zlib(&vec![b' '; 9 * 1024 * 1024]);
        objects("/Type /ObjStm /Filter /FlateDecode", &bomb, &[UNREAD]);
    }
}
