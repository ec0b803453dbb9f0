//! XML documents that grow when they are read, or that lead elsewhere.

use crate::bytes::{find_tag, from};
use crate::finding::Findings;

/// Whether a media type is one of XML documents; drawings have rules of their own.
pub(crate) fn is_type(essence: &str) -> bool {
    (essence.ends_with("/xml") || essence.ends_with("+xml")) && essence != "image/svg+xml"
}

/// Looks at a body: programs that talk to each other declare no types in it.
pub(crate) fn check_body(bytes: &[u8], findings: &mut Findings) {
    let plain = narrow(bytes);
    // Of two bytes for each letter, one may look like the end of a comment.
    let prolog = if bytes.contains(&0) { &plain } else { prolog(&plain) };
    if find_tag(prolog, b"<!DOCTYPE").is_some() {
        findings.danger("an XML document with a document type");
    }
    check_encoding(&plain, findings);
}

/// Looks at a file: a document type is usual in some, entities of their own are in none.
pub(crate) fn check_file(bytes: &[u8], findings: &mut Findings) {
    let plain = narrow(bytes);
    if find_tag(&plain, b"<!ENTITY").is_some() {
        findings.danger("an XML document that declares entities");
    }
    check_encoding(&plain, findings);
}

/// In UTF-7, or in EBCDIC, markup does not look like markup.
fn check_encoding(plain: &[u8], findings: &mut Findings) {
    let Some(end) = memchr::memmem::find(plain, b"?>").filter(|_| plain.starts_with(b"<?xml"))
    else {
        return;
    };
    let head = plain.get(..end).unwrap_or_default();
    let Some(at) = memchr::memmem::find(head, b"encoding") else { return };
    let value = from(head, at.saturating_add(8));
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let name: Vec<u8> = value
        .iter()
        .skip_while(|byte| !is_word(byte))
        .take_while(|byte| is_word(byte))
        .copied()
        .collect();
    let name = name.to_ascii_lowercase();
    let is_plain = ENCODINGS.contains(&name.as_slice())
        || ENCODING_FAMILIES.iter().any(|family| name.starts_with(family));
    if !is_plain {
        findings.danger("an XML document in an encoding that hides what is in it");
    }
}

/// What stands before the first element, where alone a document type may be: behind it, pages stand in
/// comments and in quoted text. Its own comments are part of it, as some readers end them earlier. All
/// where it is not clear where that is.
fn prolog(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        rest = rest.trim_ascii_start();
        let after = if let Some(comment) = rest.strip_prefix(b"<!--") {
            memchr::memmem::find(comment, b"-->").map(|at| from(comment, at.saturating_add(3)))
        } else if rest.starts_with(b"<?") {
            memchr::memmem::find(rest, b"?>").map(|at| from(rest, at.saturating_add(2)))
        } else {
            let is_element = matches!(rest, [b'<', first, ..]
                if first.is_ascii_alphabetic() || matches!(first, b'_' | b':' | 0x80..));
            let end = bytes.len().saturating_sub(rest.len());
            return bytes.get(..end).filter(|_| is_element).unwrap_or(bytes);
        };
        let Some(after) = after else { return bytes };
        rest = after;
    }
}

/// Without a mark and zero bytes, UTF-16 is as plain as the rest.
fn narrow(bytes: &[u8]) -> Vec<u8> {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let rest = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
    rest.iter().copied().filter(|byte| *byte != 0).collect()
}

/// Sorted. In these, and in those that begin as the next ones do, ASCII bytes below `@` are what they
/// look like.
const ENCODINGS: [&[u8]; 17] = [
    b"ascii",
    b"big5",
    b"euc-jp",
    b"euc-kr",
    b"gb18030",
    b"gb2312",
    b"gbk",
    b"koi8-r",
    b"koi8-u",
    b"latin1",
    b"shift_jis",
    b"tis-620",
    b"us-ascii",
    b"utf-16",
    b"utf-8",
    b"utf8",
    b"windows-874",
];
const ENCODING_FAMILIES: [&[u8]; 3] = [b"cp125", b"iso-8859-", b"windows-125"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], want: (usize, usize)) {
        let [mut body, mut file] = [Findings::default(), Findings::default()];
        check_body(bytes, &mut body);
        check_file(bytes, &mut file);
        let text = String::from_utf8_lossy(bytes);
        assert_eq!((body.into_list().len(), file.into_list().len()), want, "{text}");
    }

    #[test]
    fn what_grows_or_leads_elsewhere_or_hides_is_found() {
        let laughs = b"<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
        check(laughs, (1, 1));
        let wide: Vec<u8> = laughs.iter().flat_map(|byte| [*byte, 0]).collect();
        check(&[b"\xff\xfe", wide.as_slice()].concat(), (1, 1));
        check(b"<!DOCTYPE a SYSTEM 'http://a.example/a.dtd'><a/>", (1, 0));
        check(b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a+AD4-", (1, 1));
        check(b"<?xml version='1.0' encoding='utf-8'?><a b='&lt;!ENTITY'>1</a>", (0, 0));
        check(b"<?xml version='1.0' encoding='cp037'?><a/>", (1, 1));
        check(b"<?xml version='1.0' encoding='ISO-2022-JP'?><a/>", (1, 1));
        check(b"\xef\xbb\xbf<?xml version=\"1.0\"?><a>encoding='x'?></a>", (0, 0));
    }

    #[test]
    fn encodings_that_hide_nothing_pass() {
        for name in ["windows-1251", "ISO-8859-2", "Shift_JIS", "gb18030", "KOI8-R", "cp1250"] {
            check(format!("<?xml version='1.0' encoding='{name}'?><a/>").as_bytes(), (0, 0));
        }
    }

    #[test]
    fn a_page_inside_a_document_is_no_document_type() {
        check(b"<a><![CDATA[<!DOCTYPE html><p>]]></a>", (0, 0));
        check(b"<?xml version='1.0'?>\n<!-- a --><a><!-- <!DOCTYPE html> --></a>", (0, 0));
        check(b" <?a <b>?><!-- <b> --><!doctype a><a/>", (1, 0));
        // Readers differ in where these comments end, and in what may stand before an element.
        check(b"<!--><!DOCTYPE a>--><a/>", (1, 0));
        check(b"<!-- a --!><a/> --><!DOCTYPE a><a/>", (1, 0));
        check(b"text <a/><!DOCTYPE a>", (1, 0));
        check(b"<!-- <a/><!DOCTYPE a>", (1, 0));
        // A letter of UTF-16 that is `--` without its half, and the end of the comment behind it.
        let wide = |text: &str| text.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>();
        let comment = [wide("<!-- "), b"--".to_vec(), wide("><a> --><!DOCTYPE a><a/>")].concat();
        check(&[&b"\xff\xfe"[..], &comment].concat(), (1, 0));
    }
}
