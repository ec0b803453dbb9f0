//! Files that do something when they are opened: drawings and pages with scripts, documents with macros.

use crate::bytes::{begins, find_tag, from, slice};
use crate::finding::Findings;
use crate::markup::{Tag, tags};

/// Looks at an SVG image. Browsers run what is in it when it is opened on its own.
pub(crate) fn check_svg(bytes: &[u8], findings: &mut Findings) {
    if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) || has_odd_encoding(bytes) {
        findings.strict("an SVG image that is not UTF-8");
    }
    // What is UTF-16 is read without the half that is zero.
    let narrow: Vec<u8>;
    let bytes = if bytes.contains(&0) {
        narrow = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        &narrow
    } else {
        bytes
    };
    if find_tag(bytes, b"<!ENTITY").is_some() {
        findings.danger("an SVG image that declares entities");
    }
    // Attributes that stand at no tag: `onload` as well.
    if find_tag(bytes, b"<!ATTLIST").is_some() {
        findings.active("an SVG image that declares attributes");
    }
    if find_tag(bytes, b"<?xml-stylesheet").is_some() {
        findings.active("an SVG image with a style sheet of its own");
    }
    let is_whole = tags(bytes, |tag| {
        if ACTIVE_TAGS.contains(&tag.name.as_str()) {
            findings.active("an SVG image with scripts or foreign content");
        }
        if tag.is_cut {
            findings.strict("an SVG image with a tag that is too long to be read");
        }
        check_attributes(tag, findings);
    });
    if !is_whole {
        findings.danger("an SVG image whose tags have no end");
    }
}

/// Looks at a page: what in it is not text, tables and pictures.
pub(crate) fn check_page(bytes: &[u8], findings: &mut Findings) {
    let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let is_whole = tags(&narrow, |tag| {
        let handler = |name: &str| name.starts_with("on") && name.len() > 3;
        let is_script = ACTIVE_TAGS.contains(&tag.name.as_str()) || tag.is_cut;
        let leads = |value: &[u8]| is_script_address(value);
        if is_script || tag.attributes.iter().any(|(name, value)| handler(name) || leads(value)) {
            findings.active("a page with scripts");
        }
    });
    if !is_whole {
        findings.active("a page whose tags have no end");
    }
}

/// Looks at the name of an entry of a document that is an archive.
pub(crate) fn check_entry(name: &[u8], findings: &mut Findings) {
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_ascii_lowercase();
    if MACROS.contains(&name.as_slice()) {
        findings.active("a document with macros");
    }
}

/// Looks at a document of older programs: its folders are named in UTF-16.
pub(crate) fn check_ole(bytes: &[u8], findings: &mut Findings) {
    let wide = |name: &str| name.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>();
    let has = |name: &str| memchr::memmem::find(bytes, &wide(name)).is_some();
    if ["_VBA_PROJECT", "Macros"].iter().any(|name| has(name)) {
        findings.active("a document with macros");
    }
}

/// Looks at XML that may be a drawing or a page inside: browsers go by the names of its namespaces.
pub(crate) fn check_xml(bytes: &[u8], findings: &mut Findings) {
    if find_tag(bytes, b"<!ENTITY").is_some() {
        findings.strict("an XML document that declares entities");
    }
    let has = |name: &[u8]| memchr::memmem::find(bytes, name).is_some();
    // A name with references is another one than it looks.
    let is_hidden = || {
        memchr::memmem::find_iter(bytes, b"xmlns").any(|at| {
            let near = slice(bytes, at, XMLNS_BYTES_MAX).unwrap_or_else(|| from(bytes, at));
            memchr::memmem::find(near, b"&").is_some()
        })
    };
    if has(b"2000/svg") || has(b"1999/xhtml") || is_hidden() {
        check_svg(bytes, findings);
    }
}

/// An encoding in which `<` may be another byte, such as UTF-7.
fn has_odd_encoding(bytes: &[u8]) -> bool {
    let head = bytes.get(..XML_HEAD_BYTES).unwrap_or(bytes);
    let head = head.split(|byte| *byte == b'>').next().unwrap_or_default();
    let Some(at) = memchr::memmem::find(head, b"encoding") else { return false };
    let name = from(head, at.saturating_add(8)).trim_ascii_start();
    let name = name.strip_prefix(b"=").unwrap_or(name).trim_ascii_start();
    let name = from(name, 1);
    !PLAIN_ENCODINGS.iter().any(|plain| begins(name, plain))
}

fn check_attributes(tag: &Tag<'_>, findings: &mut Findings) {
    let is_animation = matches!(tag.name.as_str(), "set" | "animate" | "animatetransform");
    for (name, value) in &tag.attributes {
        if name.starts_with("on") && name.len() > 3 {
            findings.active("an SVG image with handlers of events");
        }
        let is_address = matches!(name.as_str(), "action" | "formaction" | "href" | "src")
            || (is_animation && matches!(name.as_str(), "by" | "from" | "to" | "values"));
        // Written with character references, an address is what nobody can read at once.
        if is_address && is_script_address(value) {
            findings.active("an SVG image that leads to a script");
        }
        let is_target = name == "attributename" && is_animation;
        let target = value.rsplit(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
        if is_target && (begins(target, b"on") || begins(target, b"href")) {
            findings.active("an SVG image that sets a handler or an address");
        }
    }
}

fn has_reference(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"&#").is_some()
        || [&b"&colon;"[..], b"&Tab;", b"&NewLine;"]
            .iter()
            .any(|one| memchr::memmem::find(value, one).is_some())
}

/// As browsers read addresses: without blanks and control characters.
fn is_script(value: &[u8]) -> bool {
    let plain: Vec<u8> = value
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_control() && *byte != b' ')
        .take(64)
        .collect();
    let is_image = begins(&plain, b"data:image/") && !begins(&plain, b"data:image/svg");
    begins(&plain, b"javascript:")
        || begins(&plain, b"vbscript:")
        || (begins(&plain, b"data:") && !is_image)
}

fn is_script_address(value: &[u8]) -> bool {
    is_script(value) || (value.contains(&b'&') && has_reference(value))
}

/// Where documents that are archives keep their macros, in lower case.
const MACROS: [&[u8]; 4] = [b"basic-lc.xml", b"script-lc.xml", b"vbadata.xml", b"vbaproject.bin"];

/// Where a file says its encoding, and where a namespace has its name.
const XML_HEAD_BYTES: usize = 256;
const XMLNS_BYTES_MAX: usize = 256;
const PLAIN_ENCODINGS: [&[u8]; 5] = [b"utf-8", b"utf8", b"us-ascii", b"iso-8859-", b"windows-125"];

/// Sorted; by their names without prefix.
const ACTIVE_TAGS: [&str; 9] = [
    "audio",
    "embed",
    "foreignobject",
    "handler",
    "iframe",
    "listener",
    "object",
    "script",
    "video",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn svg(text: &str, want: usize) {
        let mut findings = Findings::default();
        check_svg(text.as_bytes(), &mut findings);
        let list = findings.into_list();
        assert_eq!(list.len(), want, "{text}: {list:?}");
    }

    #[test]
    fn an_image_that_does_something_is_found() {
        for text in [
            "<svg><script>alert(1)</script></svg>",
            "<svg><s:script xmlns:s='http://www.w3.org/2000/svg'/></svg>",
            "<svg><!-- --><ScRiPt/></svg>",
            "<svg onload=alert(1)>",
            "<svg\nonload\n=\n'alert(1)'>",
            "<svg/onload=alert(1)>",
            "<svg><foreignObject><p/></foreignObject></svg>",
            "<svg><a xlink:href='javascript:alert(1)'/></svg>",
            "<svg><a href=' java\nscript:alert(1)'/></svg>",
            "<svg><a href='&#106;avascript:alert(1)'/></svg>",
            "<svg><use href='data:image/svg+xml;base64,AAAA'/></svg>",
            "<svg><set attributeName='onmouseover' to='alert(1)'/></svg>",
            "<svg><animate attributeName='href' values='#a'/></svg>",
            "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>",
            "<?xml-stylesheet href='a.xsl'?><svg/>",
            "<_:script xmlns:_='http://www.w3.org/2000/svg'>alert(1)</_:script>",
            "<!DOCTYPE svg [<!ATTLIST svg onload CDATA 'alert(1)'>]><svg/>",
            "<?xml version='1.0' encoding='UTF-7'?><svg/>",
            "<svg><animate attributeName='opacity' from='javascript:alert(1)'/></svg>",
            "<svg><animate attributeName='opacity' by='javascript:alert(1)'/></svg>",
            "<svg><animate attributeName='xlink:href' to='x'/></svg>",
            "<svg><h:button formaction='javascript:alert(1)'/></svg>",
            "<svg><h:form action='javascript:alert(1)'/></svg>",
        ] {
            svg(text, 1);
        }
        svg(&format!("<svg{} onload='alert(1)'/>", " a='b'".repeat(256)), 1);
        svg(&"<svg/b=".repeat(2_000), 1);
        let wide: String = "<!ENTITY a 'b'>".chars().flat_map(|c| [c, '\0']).collect();
        svg(&wide, 2);
    }

    #[test]
    fn a_drawing_in_an_xml_document_is_looked_at() {
        for (text, want) in [
            ("<note><script>a</script></note>", 0),
            ("<a xmlns:x='http://www.w3.org/1999/xhtml'><x:script/></a>", 1),
            ("<a xmlns:x='&#104;ttp://www.w3.org/1999/xhtm&#108;'><x:script/></a>", 1),
            ("<a xmlns:x='http://www.w3.org/2000/svg'><x:path d='M0'/></a>", 0),
            ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", 1),
        ] {
            let mut findings = Findings::default();
            check_xml(text.as_bytes(), &mut findings);
            assert_eq!(findings.into_list().len(), want, "{text}");
        }
    }

    #[test]
    fn an_image_that_only_draws_passes() {
        for text in [
            "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'a'><svg><path d='M0 0'/></svg>",
            "<svg><a href='https://a.example/?a=1&amp;b=2'><text>on=1 java</text></a></svg>",
            "<svg><image href='data:image/png;base64,AAAA'/><use xlink:href='#a'/></svg>",
            "<svg><animate attributeName='opacity' values='0;1'/><title>scripts</title></svg>",
        ] {
            svg(text, 0);
        }
    }
}
