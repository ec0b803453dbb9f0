//! XML to text and attribute values, for `XML:/*` and `XML://@*`.
//!
//! Entities that a document declares are never expanded, and nothing is loaded. A document that is
//! not well formed is an error.

use crate::arena::{Arena, Grown};
use crate::body::Pair;
use crate::cursor::{Cursor, is_space, trim};
use crate::limits::{NAME_BYTES_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX};

/// The paths that can be asked for: those of the language's core.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PathKind {
    /// `//@*`: the value of each attribute.
    Attributes,
    /// `/*`: the text of the whole document.
    Text,
}

impl PathKind {
    pub(crate) fn parse(path: &[u8]) -> Option<Self> {
        match path {
            b"/*" => Some(Self::Text),
            b"//@*" => Some(Self::Attributes),
            _ => None,
        }
    }
}

/// What a document holds.
#[derive(Debug, Default)]
pub(crate) struct Document<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) attributes: Vec<&'a [u8]>,
    /// Elements as arguments, where they are asked for: `xml.order.item` and its text.
    pub(crate) arguments: Vec<Pair<'a>>,
    /// Whether their names are longer than they may be.
    pub(crate) is_too_large: bool,
}

/// Reads a document; with an error comes what was read before it. `arguments_max` is `None` where
/// elements do not become arguments.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    arena: &'a Arena,
    arguments_max: Option<usize>,
) -> (Document<'a>, Result<(), &'static str>) {
    let mut reader = Reader {
        at: Cursor::new(body),
        arena,
        text: arena.grow(body.len()),
        attributes: Vec::new(),
        open: Vec::new(),
        arguments: arguments_max.map(|most| Arguments { most, ..Arguments::default() }),
        has_root: false,
        has_doctype: false,
    };
    let read = reader.document();
    let arguments = reader.arguments.unwrap_or_default();
    let document = Document {
        text: reader.text.into_bump_slice(),
        attributes: reader.attributes,
        arguments: arguments.pairs,
        is_too_large: arguments.name_bytes > NAME_BYTES_MAX,
    };
    (document, read)
}

struct Reader<'a> {
    at: Cursor<'a>,
    arena: &'a Arena,
    text: Grown<'a>,
    attributes: Vec<&'a [u8]>,
    /// The names of the elements that are not closed yet.
    open: Vec<&'a [u8]>,
    arguments: Option<Arguments<'a>>,
    has_root: bool,
    has_doctype: bool,
}

/// Elements that become arguments.
#[derive(Debug, Default)]
struct Arguments<'a> {
    most: usize,
    pairs: Vec<Pair<'a>>,
    name_bytes: usize,
    /// The names of the open elements, without their prefixes.
    path: Vec<u8>,
    /// Of each open element how long the path was before it.
    lengths: Vec<usize>,
    /// Where the text begins that belongs to the innermost element alone.
    text_start: usize,
    /// Whether a tag was opened last, so that the element has no child.
    is_leaf: bool,
}

impl<'a> Arguments<'a> {
    fn open(&mut self, name: &[u8], text: &[u8], arena: &'a Arena) -> Result<(), &'static str> {
        // Text beside children is no argument in ModSecurity, and nobody would look at it by name.
        self.push_text(text, false, arena)?;
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        self.lengths.push(self.path.len());
        self.path.push(b'.');
        self.path.extend_from_slice(local);
        (self.text_start, self.is_leaf) = (text.len(), true);
        Ok(())
    }

    fn close(&mut self, text: &[u8], arena: &'a Arena) -> Result<(), &'static str> {
        self.push_text(text, self.is_leaf, arena)?;
        self.path.truncate(self.lengths.pop().unwrap_or_default());
        (self.text_start, self.is_leaf) = (text.len(), false);
        Ok(())
    }

    fn push_text(
        &mut self,
        text: &[u8],
        is_whole: bool,
        arena: &'a Arena,
    ) -> Result<(), &'static str> {
        let own = text.get(self.text_start..).unwrap_or_default();
        if !is_whole && trim(own).is_empty() {
            return Ok(());
        }
        if self.pairs.len() >= self.most {
            return Err("it has more elements than arguments are allowed");
        }
        self.name_bytes += self.path.len() + 3;
        if self.name_bytes > NAME_BYTES_MAX {
            return Err("its names are too long");
        }
        self.pairs.push((arena.join(&[b"xml", &self.path]), arena.keep(own)));
        Ok(())
    }
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<(), &'static str> {
        // A mark of UTF-8 is allowed; of another encoding rules would see nothing they know.
        self.at.eat_all(b"\xef\xbb\xbf");
        if self.at.rest().contains(&0) || std::str::from_utf8(self.at.rest()).is_err() {
            return Err("it is not UTF-8");
        }
        while !self.at.is_empty() {
            let text = self.at.take_while(|byte| byte != b'<');
            self.characters(text)?;
            if !self.at.is_empty() {
                self.markup()?;
            }
        }
        match (self.has_root, self.open.is_empty()) {
            (false, _) => Err("it has no element"),
            (true, false) => Err("an element is not closed"),
            (true, true) => Ok(()),
        }
    }

    fn characters(&mut self, text: &'a [u8]) -> Result<(), &'static str> {
        if self.open.is_empty() {
            return if trim(text).is_empty() { Ok(()) } else { Err("text stands outside") };
        }
        decode(text, &mut self.text, self.has_doctype)
    }

    fn markup(&mut self) -> Result<(), &'static str> {
        if self.at.eat_all(b"<!--") {
            return self.skip_to(b"-->");
        }
        if self.at.eat_all(b"<![CDATA[") {
            let rest = self.at.rest();
            let end = memchr::memmem::find(rest, b"]]>").ok_or("a section is not closed")?;
            if self.open.is_empty() {
                return Err("text stands outside");
            }
            self.text.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.at.skip(end + 3);
            return Ok(());
        }
        if self.at.eat_all(b"<!DOCTYPE") {
            return self.doctype();
        }
        if self.at.eat_all(b"<?") {
            return self.skip_to(b"?>");
        }
        if self.at.eat_all(b"</") { self.end_tag() } else { self.start_tag() }
    }

    fn skip_to(&mut self, end: &[u8]) -> Result<(), &'static str> {
        let at = memchr::memmem::find(self.at.rest(), end).ok_or("markup is not closed")?;
        self.at.skip(at + end.len());
        Ok(())
    }

    /// Goes over declarations; quotes and brackets count.
    fn doctype(&mut self) -> Result<(), &'static str> {
        if self.has_root || self.has_doctype {
            return Err("a declaration stands too late");
        }
        self.has_doctype = true;
        let mut depth = 0_usize;
        while let Some(byte) = self.at.next() {
            match byte {
                b'"' | b'\'' => {
                    self.at.take_while(|other| other != byte);
                    self.at.skip(1);
                }
                b'<' if self.at.eat_all(b"!--") => self.skip_to(b"-->")?,
                b'[' | b'<' => depth += 1,
                b'>' if depth == 0 => return Ok(()),
                b']' | b'>' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Err("a declaration is not closed")
    }

    fn end_tag(&mut self) -> Result<(), &'static str> {
        let name = self.at.take_while(is_name);
        self.at.take_while(is_space);
        if !self.at.eat(b'>') || self.open.pop() != Some(name) {
            return Err("an end tag does not match");
        }
        self.closed()
    }

    fn closed(&mut self) -> Result<(), &'static str> {
        match &mut self.arguments {
            Some(arguments) => arguments.close(&self.text, self.arena),
            None => Ok(()),
        }
    }

    fn start_tag(&mut self) -> Result<(), &'static str> {
        self.at.skip(1);
        let name = self.at.take_while(is_name);
        if name.is_empty() || name.first().is_some_and(|first| !is_name_start(*first)) {
            return Err("a tag has no name");
        }
        if self.open.is_empty() && self.has_root {
            return Err("it has two elements");
        }
        if self.open.len() >= XML_DEPTH_MAX {
            return Err("it is nested too deep");
        }
        self.has_root = true;
        if let Some(arguments) = &mut self.arguments {
            arguments.open(name, &self.text, self.arena)?;
        }
        let mut names: Vec<&[u8]> = Vec::new();
        loop {
            let has_space = !self.at.take_while(is_space).is_empty();
            match self.at.peek() {
                Some(b'>') => {
                    self.at.skip(1);
                    self.open.push(name);
                    return Ok(());
                }
                Some(b'/') if self.at.eat_all(b"/>") => return self.closed(),
                Some(first) if has_space && is_name_start(first) => self.attribute(&mut names)?,
                _ => return Err("a tag is broken"),
            }
        }
    }

    fn attribute(&mut self, names: &mut Vec<&'a [u8]>) -> Result<(), &'static str> {
        let name = self.at.take_while(is_name);
        if names.contains(&name) || names.len() >= XML_ATTRIBUTES_MAX {
            return Err("an attribute stands twice, or there are too many");
        }
        names.push(name);
        self.at.take_while(is_space);
        if !self.at.eat(b'=') {
            return Err("an attribute has no value");
        }
        self.at.take_while(is_space);
        let Some(quote @ (b'"' | b'\'')) = self.at.next() else {
            return Err("an attribute has no quotes");
        };
        let raw = self.at.take_while(|byte| byte != quote && byte != b'<');
        if !self.at.eat(quote) {
            return Err("an attribute is not closed");
        }
        let mut value = self.arena.grow(raw.len());
        decode(raw, &mut value, self.has_doctype)?;
        // A declaration of a namespace is no attribute to XPath.
        if name != b"xmlns" && !name.starts_with(b"xmlns:") {
            self.attributes.push(value.into_bump_slice());
        }
        Ok(())
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || !byte.is_ascii()
}

fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}

/// Text with its references resolved. An entity of the document's own is left out.
fn decode(raw: &[u8], out: &mut Grown<'_>, has_doctype: bool) -> Result<(), &'static str> {
    let mut at = Cursor::new(raw);
    while !at.is_empty() {
        out.extend_from_slice(at.take_while(|byte| byte != b'&'));
        if !at.eat(b'&') {
            continue;
        }
        let name = at.take_while(|byte| byte != b';');
        if !at.eat(b';') {
            return Err("a reference does not end");
        }
        match name {
            b"amp" => out.push(b'&'),
            b"lt" => out.push(b'<'),
            b"gt" => out.push(b'>'),
            b"quot" => out.push(b'"'),
            b"apos" => out.push(b'\''),
            _ => match name.strip_prefix(b"#") {
                Some(number) => {
                    let one = character(number).ok_or("a reference names no character")?;
                    out.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
                }
                None if has_doctype
                    && !name.is_empty()
                    && name.iter().all(|byte| is_name(*byte)) => {}
                None => return Err("a reference names nothing"),
            },
        }
    }
    Ok(())
}

fn character(number: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(number).ok()?;
    let code_point = match text.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => text.parse().ok()?,
    };
    char::from_u32(code_point).filter(|one| *one != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(String, Vec<String>), &'static str> {
        let arena = Arena::new();
        let (document, read) = parse(body.as_bytes(), &arena, None);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        read.map(|()| {
            (text(document.text), document.attributes.iter().map(|one| text(one)).collect())
        })
    }

    #[test]
    fn text_and_attributes_are_found() {
        let body = "<?xml version=\"1.0\"?><!-- x --><a b='1&lt;' xmlns:n=\"u\"><n:c d = \"&#65;&#x42;\"/>t&amp;<![CDATA[<&]]></a>\n";
        assert_eq!(
            read(body).unwrap(),
            ("t&<&".to_owned(), vec!["1<".to_owned(), "AB".to_owned()])
        );
    }

    #[track_caller]
    fn arguments(body: &str, most: usize, want: &[(&str, &str)]) {
        let arena = Arena::new();
        let (document, _) = parse(body.as_bytes(), &arena, Some(most));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pairs = document.arguments.iter().map(|(name, value)| (text(name), text(value)));
        let want = want.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        assert_eq!(pairs.collect::<Vec<_>>(), want.collect::<Vec<_>>());
    }

    #[test]
    fn elements_become_arguments() {
        let body = "<a>\n<s:b c='1'>x&lt;<![CDATA[y]]></s:b>\n<b/><d><e> z </e></d></a>";
        let want = [("xml.a.b", "x<y"), ("xml.a.b", ""), ("xml.a.d.e", " z ")];
        arguments(body, 9, &want);
        arguments(body, 2, &want[..2]);
        arguments("<a/>", 9, &[("xml.a", "")]);
        // Text beside children is seen by name too.
        let mixed = [("xml.a", "evil"), ("xml.a.b", "c"), ("xml.a", "more")];
        arguments("<a>evil<b>c</b>more</a>", 9, &mixed);
        let arena = Arena::new();
        let long = format!("<{0}>{1}</{0}>", "n".repeat(60_000), "<a/>".repeat(100));
        let (document, read) = parse(long.as_bytes(), &arena, Some(1_000));
        assert!(read.is_err() && document.is_too_large);
        let (document, read) = parse(b"<a/><", &arena, Some(0));
        assert!(read.is_err() && !document.is_too_large);
    }

    #[test]
    fn entities_of_a_document_are_not_expanded() {
        let body = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\"> <!ENTITY y '>]'>]><a b=\"&x;\">1&x;&y;2</a>";
        assert_eq!(read(body).unwrap(), ("12".to_owned(), vec![String::new()]));
        assert!(read("<a>&x;</a>").is_err());
    }

    #[test]
    fn what_is_not_well_formed_is_an_error() {
        let wrong = [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a b/>",
            "<a b=1/>",
            "<a b='1' b='2'/>",
            "<a b='1'c='2'/>",
            "<a>&amp</a>",
            "<a><!--</a>",
            "<a/>x",
            "< a/>",
            "<a>&#0;</a>",
            "<a b='<'/>",
            "</a>",
            "<a>\0</a>",
            "<!DOCTYPE a [",
            "<a><![CDATA[x</a>",
        ];
        for body in wrong {
            assert!(read(body).is_err(), "{body}");
        }
        assert!(read(&"<a>".repeat(100_000)).is_err());
    }
}
