//! XML documents that grow when they are read, or that lead elsewhere.

use crate::bytes::find_tag;
use crate::finding::Findings;

/// Whether a media type is one of XML documents; drawings have rules of their own.
pub(crate) fn is_type(essence: &str) -> bool {
    (essence.ends_with("/xml") || essence.ends_with("+xml")) && essence != "image/svg+xml"
}

/// Looks at a body: programs that talk to each other declare no types in it.
pub(crate) fn check_body(bytes: &[u8], findings: &mut Findings) {
    let plain = narrow(bytes);
    if find_tag(&plain, b"<!DOCTYPE").is_some() {
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
    let value = crate::bytes::from(head, at.saturating_add(8));
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let name: Vec<u8> = value
        .iter()
        .skip_while(|byte| !is_word(byte))
        .take_while(|byte| is_word(byte))
        .copied()
        .collect();
    let name = name.to_ascii_lowercase();
    if !ENCODINGS.contains(&name.as_slice()) {
        findings.danger("an XML document in an encoding that hides what is in it");
    }
}

/// Without a mark and zero bytes, UTF-16 is as plain as the rest.
fn narrow(bytes: &[u8]) -> Vec<u8> {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let rest = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
    rest.iter().copied().filter(|byte| *byte != 0).collect()
}

const ENCODINGS: [&[u8]; 8] = [
    b"ascii",
    b"iso-8859-1",
    b"iso-8859-15",
    b"latin1",
    b"us-ascii",
    b"utf-16",
    b"utf-8",
    b"windows-1252",
];

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
        check(b"\xef\xbb\xbf<?xml version=\"1.0\"?><a>encoding='x'?></a>", (0, 0));
    }
}
