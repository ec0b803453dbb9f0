//! What a body is by its beginning, where its media type does not say: an app that reads JSON
//! whatever the type (`get_json(force=True)`, `json.loads(request.data)`) must not see what no rule
//! has seen.

use crate::rule::Processor;

/// Who reads it; `None` for what is neither text nor markup, as an image or an archive.
pub(crate) fn processor(content_type: &[u8], content: &[u8]) -> Option<Processor> {
    if is_wide(content) {
        // Readers of JSON and XML know UTF-16 and UTF-32 by their zeros. Here they stay, for rules
        // that refuse them.
        return Some(Processor::UrlEncoded);
    }
    match content.iter().find(|byte| !b" \t\r\n".contains(byte)) {
        Some(b'{' | b'[' | b'"') => Some(Processor::Json),
        Some(b'<') => Some(Processor::Xml),
        _ => (is_text(content_type, content) || is_form(content)).then_some(Processor::UrlEncoded),
    }
}

/// Whether something reads it as text: a type of its own with signs that no text has says no.
pub(crate) fn is_text(content_type: &[u8], body: &[u8]) -> bool {
    content_type.is_empty() || is_text_type(content_type) || !is_binary(body)
}

/// Whether it begins with a name and a value.
fn is_form(body: &[u8]) -> bool {
    let start = body.get(..NAME_BYTES).unwrap_or(body);
    let end = memchr::memchr(b'=', start).unwrap_or_default();
    let name = body.get(..end).unwrap_or_default();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.[]%+~$-".contains(byte);
    !name.is_empty() && name.iter().all(is_plain)
}

fn is_text_type(content_type: &[u8]) -> bool {
    content_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"text/"))
}

/// Without a byte order mark.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    marks.iter().find_map(|mark| body.strip_prefix(*mark)).unwrap_or(body)
}

/// Whether it begins as JSON or XML does in UTF-16 or UTF-32.
fn is_wide(body: &[u8]) -> bool {
    let opens = |byte: u8| b"{[\"<".contains(&byte);
    match body {
        // What is no four zeros apart is UTF-16.
        [first, 0, ..] | [0, first, ..] if *first != 0 => opens(*first),
        // `<` is 60: a film may begin so, a document of UTF-32 does not.
        [0, 0, 0, first, ..] => *first != b'<' && opens(*first),
        _ => false,
    }
}

/// Whether it has signs that no text has.
fn is_binary(body: &[u8]) -> bool {
    let start = body.get(..LOOKED_AT_BYTES).unwrap_or(body);
    start.iter().any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1f | 0x7f))
}

/// Longer names are in no form that people made.
const NAME_BYTES: usize = 128;
/// Every format of files that is in use has such a sign by then.
const LOOKED_AT_BYTES: usize = 512;
