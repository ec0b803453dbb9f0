//! A strict reader of XML 1.0 with namespaces.

use super::{Element, Name, XmlError};

/// Elements inside one another.
const DEPTH_MAX: usize = 64;

/// Elements of one document.
const ELEMENTS_MAX: usize = 100_000;

/// Attributes of one element, with declarations of namespaces.
const ATTRIBUTES_MAX: usize = 64;

/// Names of namespaces are short addresses.
const NAMESPACE_BYTES_MAX: usize = 256;

/// Prefixes that are declared at one place.
const SCOPE_MAX: usize = 64;

/// Reads one document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| XmlError { at: error.valid_up_to(), message: "not UTF-8" })?;
    let mut reader = Reader { text, at: 0, elements: 0, scope: Vec::new() };
    // XML 1.0 section 4.3.3: the mark at the beginning is no part of the document.
    reader.eat("\u{feff}");
    reader.declaration()?;
    reader.around()?;
    if !reader.eat("<") {
        return Err(reader.error("expected an element"));
    }
    let root = reader.element(0)?;
    reader.around()?;
    if reader.rest().is_empty() { Ok(root) } else { Err(reader.error("text after the root")) }
}

/// Names and values, and whether the element is empty.
type Attributes<'a> = (Vec<(&'a str, String)>, bool);

struct Reader<'a> {
    text: &'a str,
    at: usize,
    elements: usize,
    /// Prefixes and their namespaces, the innermost last.
    scope: Vec<(&'a str, String)>,
}

impl<'a> Reader<'a> {
    fn error(&self, message: &'static str) -> XmlError {
        XmlError { at: self.at, message }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at = self.at.saturating_add(word.len());
        }
        found
    }

    /// Takes everything before a word, and the word.
    fn until(&mut self, word: &str, missing: &'static str) -> Result<&'a str, XmlError> {
        let (before, _) = self.rest().split_once(word).ok_or_else(|| self.error(missing))?;
        self.at = self.at.saturating_add(before.len()).saturating_add(word.len());
        Ok(before)
    }

    fn blank(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(is_blank);
        self.at = self.at.saturating_add(rest.len().saturating_sub(trimmed.len()));
        trimmed.len() < rest.len()
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>`, where nothing else may be said.
    fn declaration(&mut self) -> Result<(), XmlError> {
        if !self.eat("<?xml") {
            return Ok(());
        }
        let inside = self.until("?>", "unfinished declaration")?;
        let bare = inside.replace('\'', "\"").to_ascii_lowercase();
        let mut words = bare.split_ascii_whitespace();
        let is_version = words.next() == Some("version=\"1.0\"");
        let has_one_reading = words.all(|word| {
            matches!(word, "encoding=\"utf-8\"" | "standalone=\"yes\"" | "standalone=\"no\"")
        });
        if !is_version || !has_one_reading || !inside.starts_with(is_blank) {
            return Err(self.error("not XML 1.0 in UTF-8"));
        }
        Ok(())
    }

    /// Comments and blanks around the root.
    fn around(&mut self) -> Result<(), XmlError> {
        loop {
            self.blank();
            if !self.eat("<!--") {
                break;
            }
            self.comment()?;
        }
        if self.rest().starts_with("<!") {
            return Err(self.error("a document type is not allowed"));
        }
        if self.rest().starts_with("<?") {
            return Err(self.error("a processing instruction is not allowed"));
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), XmlError> {
        let inside = self.until("--", "unfinished comment")?;
        if !inside.chars().all(is_letter) || !self.eat(">") {
            return Err(self.error("malformed comment"));
        }
        Ok(())
    }

    /// An element, after its `<`.
    fn element(&mut self, depth: usize) -> Result<Element, XmlError> {
        self.elements = self.elements.saturating_add(1);
        if depth >= DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(self.error("too many elements"));
        }
        let raw = self.name()?;
        let outer = self.scope.len();
        let (attributes, is_empty) = self.attributes()?;
        let mut element = Element { name: self.resolve(raw, true)?, ..Element::default() };
        for (name, value) in attributes {
            let name = self.resolve(name, false)?;
            let same = |(other, _): &(Name, String)| {
                other.local == name.local && other.namespace == name.namespace
            };
            if element.attributes.iter().any(same) {
                return Err(self.error("doubled attribute"));
            }
            element.attributes.push((name, value));
        }
        if !is_empty {
            self.content(&mut element, depth)?;
            if self.name()? != raw {
                return Err(self.error("another element ends here"));
            }
            self.blank();
            if !self.eat(">") {
                return Err(self.error("expected `>`"));
            }
        }
        self.scope.truncate(outer);
        Ok(element)
    }

    /// What is inside an element, up to the name in its end tag.
    fn content(&mut self, element: &mut Element, depth: usize) -> Result<(), XmlError> {
        loop {
            let text = self.rest().find('<').and_then(|end| self.rest().get(..end));
            let text = text.ok_or_else(|| self.error("unfinished element"))?;
            // XML 1.0 section 2.4: this would be the end of a CDATA section that does not begin.
            if text.contains("]]>") {
                return Err(self.error("end of a CDATA section"));
            }
            element.text.push_str(&self.characters(text)?);
            self.at = self.at.saturating_add(text.len()).saturating_add(1);
            if self.eat("/") {
                return Ok(());
            }
            if self.eat("!--") {
                self.comment()?;
            } else if self.eat("![CDATA[") {
                let inside = self.until("]]>", "unfinished CDATA section")?;
                element.text.push_str(&self.letters(inside)?);
            } else if self.rest().starts_with(['!', '?']) {
                return Err(self.error("only elements, text and comments are allowed"));
            } else {
                element.children.push(self.element(depth.saturating_add(1))?);
            }
        }
    }

    /// Attributes up to `>`; whether the element ends here.
    fn attributes(&mut self) -> Result<Attributes<'a>, XmlError> {
        let mut attributes = Vec::new();
        let mut count = 0_usize;
        loop {
            let has_blank = self.blank();
            if self.eat("/>") {
                return Ok((attributes, true));
            }
            if self.eat(">") {
                return Ok((attributes, false));
            }
            count = count.saturating_add(1);
            if !has_blank || count > ATTRIBUTES_MAX {
                return Err(self.error("malformed element, or too many attributes"));
            }
            let name = self.name()?;
            self.blank();
            if !self.eat("=") {
                return Err(self.error("expected `=`"));
            }
            self.blank();
            let quote = if self.eat("\"") { "\"" } else { "'" };
            if quote == "'" && !self.eat("'") {
                return Err(self.error("expected a quote"));
            }
            let value = self.until(quote, "unfinished attribute")?;
            if value.contains('<') {
                return Err(self.error("`<` in an attribute"));
            }
            let value = self.characters(value)?;
            match name.strip_prefix("xmlns") {
                Some("") => self.declare("", value)?,
                Some(prefix) if prefix.starts_with(':') => {
                    self.declare(prefix.trim_start_matches(':'), value)?;
                }
                _ => attributes.push((name, value)),
            }
        }
    }

    fn declare(&mut self, prefix: &'a str, namespace: String) -> Result<(), XmlError> {
        if prefix.starts_with("xml") || (namespace.is_empty() && !prefix.is_empty()) {
            return Err(self.error("a prefix that cannot be declared"));
        }
        // Each element keeps its namespace, and looks its prefix up.
        if namespace.len() > NAMESPACE_BYTES_MAX || self.scope.len() >= SCOPE_MAX {
            return Err(self.error("a namespace that is too long, or too many of them"));
        }
        self.scope.push((prefix, namespace));
        Ok(())
    }

    fn name(&mut self) -> Result<&'a str, XmlError> {
        let rest = self.rest();
        let end = rest.find(|letter: char| !is_name(letter)).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let first = name.chars().next();
        if !first.is_some_and(|letter| letter.is_alphabetic() || letter == '_') {
            return Err(self.error("expected a name"));
        }
        self.at = self.at.saturating_add(end);
        Ok(name)
    }

    fn resolve(&self, raw: &str, is_element: bool) -> Result<Name, XmlError> {
        let (prefix, local) = raw.split_once(':').unwrap_or(("", raw));
        if local.is_empty() || local.contains(':') {
            return Err(self.error("malformed name"));
        }
        let known = self.scope.iter().rev().find(|(known, _)| *known == prefix);
        let namespace = match known {
            // Namespaces in XML, section 6.2: the default is not for attributes.
            Some((_, namespace)) if is_element || !prefix.is_empty() => namespace.clone(),
            None if !prefix.is_empty() && prefix != "xml" => {
                return Err(self.error("a prefix that is not declared"));
            }
            _ => String::new(),
        };
        Ok(Name { prefix: prefix.to_owned(), local: local.to_owned(), namespace })
    }

    /// Text with its references replaced: the five of XML, and numbers.
    fn characters(&self, text: &str) -> Result<String, XmlError> {
        let mut value = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('&') {
            value.push_str(before);
            let (name, after) =
                after.split_once(';').ok_or_else(|| self.error("malformed reference"))?;
            value.push(reference(name).ok_or_else(|| self.error("an entity that XML has not"))?);
            rest = after;
        }
        value.push_str(rest);
        self.letters(&value)
    }

    fn letters(&self, text: &str) -> Result<String, XmlError> {
        if text.chars().all(is_letter) {
            // XML 1.0 section 2.11: one end of line.
            return Ok(text.replace("\r\n", "\n"));
        }
        Err(self.error("a character that XML has not"))
    }
}

fn reference(name: &str) -> Option<char> {
    let code = match name {
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "gt" => return Some('>'),
        "lt" => return Some('<'),
        "quot" => return Some('"'),
        name => name.strip_prefix('#')?,
    };
    let (digits, radix) = code.strip_prefix('x').map_or((code, 10), |hex| (hex, 16));
    // `from_str_radix` alone would also take a sign.
    let is_plain = digits.len() <= 8 && digits.chars().all(|digit| digit.is_digit(radix));
    let code = is_plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()?;
    char::from_u32(code).filter(|letter| is_letter(*letter))
}

const fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// XML 1.0 section 2.2.
const fn is_letter(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':')
}
