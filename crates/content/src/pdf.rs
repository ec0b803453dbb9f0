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
    read(bytes, budget, findings, &mut |rest| memchr::memmem::find(rest, b"stream"));
}

/// Finds the next stream; a test counts what is searched.
type Find<'a> = dyn FnMut(&[u8]) -> Option<usize> + 'a;

/// Reads names, and objects in streams until one cannot be read: all of it is refused or passes then.
fn read(bytes: &[u8], budget: &mut Budget, findings: &mut Findings, find: &mut Find<'_>) {
    // Where the last stream began: what two names of one dictionary lead to is read once.
    let mut stream = 0_usize;
    let mut is_readable = true;
    for at in memchr::memchr_iter(b'/', bytes) {
        let rest = from(bytes, at.saturating_add(1));
        let name = name_of(rest);
        action(&name, findings);
        if !is_readable || at < stream {
            continue;
        }
        if !(name == b"ObjStm" || (name == b"First" && is_number(rest))) {
            continue;
        }
        // Each search begins behind the last stream or is the last one: together they are linear.
        is_readable = match find(rest) {
            // A string or a comment may hold anything, also the word.
            Some(end) if !rest.iter().take(end).any(|byte| b"(%".contains(byte)) => {
                let start = end.saturating_add(6);
                stream = at.saturating_add(start).saturating_add(1);
                objects(from(rest, start), budget, findings)
            }
            None if name == b"First" => false,
            Some(_) | None => {
                findings.active(UNREAD);
                false
            }
        };
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

/// Looks at objects in a stream. One that nobody can read is not taken on trust. Says whether it was
/// read.
fn objects(stream: &[u8], budget: &mut Budget, findings: &mut Findings) -> bool {
    let stream = stream.strip_prefix(b"\r").unwrap_or(stream);
    let stream = stream.strip_prefix(b"\n").unwrap_or(stream);
    // Not packed, it begins with numbers, and has been seen.
    let is_plain = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace();
    if stream.iter().take(PDF_PLAIN_BYTES).all(is_plain) {
        return true;
    }
    let Some(found) = archive::inflate(stream, PDF_OBJECTS_BYTES_MAX, budget) else {
        findings.active(UNREAD);
        return false;
    };
    for at in memchr::memchr_iter(b'/', &found) {
        action(&name_of(from(&found, at.saturating_add(1))), findings);
    }
    // A stream that was packed otherwise first, or with a predictor, begins with something else.
    let is_read = found.iter().take(PDF_PLAIN_BYTES).all(is_plain);
    if !is_read {
        findings.active(UNREAD);
    }
    is_read
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
    use crate::limits::PDF_STREAMS_MAX;

    #[test]
    fn a_document_that_does_something_is_found() {
        for (text, want) in [
            ("%PDF-1.7 << /S /JavaScript /JS (app.alert(1)) >>", 1),
            ("%PDF-1.7 << /S /J#61vaScript >>", 1),
            ("%PDF-1.7 << /S /Launch >>", 1),
            ("%PDF-1.7 /EmbeddedFile /XFA", 2),
            ("x%PDF-1.7", 1),
            ("%PDF-1.7 << /First 9 >> << /S /JavaScript >>", 1),
            ("%PDF-1.7 << /Type /Page /JSX /OpenAction [1 0 R /Fit] >>", 0),
        ] {
            let mut findings = Findings::default();
            check(text.as_bytes(), &mut budget(), &mut findings);
            assert_eq!(findings.into_list().len(), want, "{text}");
        }
    }

    fn budget() -> Budget {
        Budget::new(&crate::upload::Bounds::default())
    }

    /// How many bytes are searched for streams, and what is found.
    fn searched(bytes: &[u8]) -> (usize, Vec<String>) {
        let (mut sum, mut findings) = (0, Findings::default());
        read(bytes, &mut budget(), &mut findings, &mut |rest| {
            let found = memchr::memmem::find(rest, b"stream");
            sum += found.unwrap_or(rest.len());
            found
        });
        (sum, findings.into_list().into_iter().map(|one| one.message).collect())
    }

    #[test]
    fn no_byte_is_searched_twice() {
        let repeated = |text: &str, end: &str| ["%PDF-1.7", &text.repeat(10_000), end].concat();
        for (text, is_unread) in [
            (repeated("/ObjStm ", ""), true),
            (repeated("/ObjStm (", "stream"), true),
            (repeated("/First 9 ", ""), false),
            (repeated("/First 9 (", "stream"), true),
            (repeated("/ObjStm ", "stream 1 0"), false),
            (repeated("/ObjStm stream\n1 0 ", ""), false),
        ] {
            let (sum, found) = searched(text.as_bytes());
            assert!(sum <= text.len(), "{sum} of {}", text.len());
            assert_eq!(found == [UNREAD], is_unread, "{found:?}");
        }
    }

    #[test]
    fn a_request_has_a_last_stream_and_none_when_its_bytes_are_spent() {
        let stream = [b"/ObjStm stream\n", zlib(b"7 0 ").as_slice(), b" "].concat();
        let left = |count: usize, budget: &mut Budget| {
            let mut findings = Findings::default();
            check(&[b"%PDF-1.7 ", stream.repeat(count).as_slice()].concat(), budget, &mut findings);
            (budget.streams_left, findings.into_list().len())
        };
        let mut most = budget();
        assert_eq!(left(1, &mut most), (PDF_STREAMS_MAX - 1, 0));
        assert_eq!(left(PDF_STREAMS_MAX - 1, &mut most), (0, 0));
        assert_eq!(left(1, &mut most), (0, 1), "of all documents of a request together");
        let bounds = crate::upload::Bounds { unpacked_bytes_max: Some(8), ..Default::default() };
        assert_eq!(left(9, &mut Budget::new(&bounds)), (PDF_STREAMS_MAX - 2, 1));
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
