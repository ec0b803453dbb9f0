//! A strict JSON reader: RFC 8259 with one reading.
//!
//! Refused are doubled names (parsers differ in which one wins), lone surrogates, a byte order
//! mark, invalid UTF-8, numbers that no double can hold, and whatever is over a limit.

use std::collections::HashSet;

use crate::Limits;
use crate::node::{Data, Member, Node};
use crate::number::Number;

/// Why a text is not read. `at` is a byte offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) message: &'static str,
}

/// Reads one value and nothing after it.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Node, JsonError> {
    if bytes.len() > limits.bytes_max {
        return Err(JsonError { at: 0, message: "too large" });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError { at: error.valid_up_to(), message: "not UTF-8" })?;
    let mut reader = Reader { text, at: 0, depth: 0, members: 0, items: 0, limits };
    reader.blank();
    let node = reader.value()?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.error("text after the value"));
    }
    Ok(node)
}

/// Characters of one number. Nobody computes with more, and reading them is work.
const NUMBER_BYTES_MAX: usize = 400;

/// Reads what is between brackets.
type Inside<R> = fn(&mut R) -> Result<Data, JsonError>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    members: usize,
    items: usize,
    limits: &'a Limits,
}

impl Reader<'_> {
    fn error(&self, message: &'static str) -> JsonError {
        JsonError { at: self.at, message }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip(1);
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.skip(1);
        }
        found
    }

    fn value(&mut self) -> Result<Node, JsonError> {
        let at = self.at;
        let data = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Data::Text(self.string()?),
            Some(b't') => self.word("true", Data::Bool(true))?,
            Some(b'f') => self.word("false", Data::Bool(false))?,
            Some(b'n') => self.word("null", Data::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => return Err(self.error("not a JSON value")),
            None => return Err(self.error("unexpected end")),
        };
        Ok(Node { at, end: self.at, data })
    }

    fn nested(&mut self, read: Inside<Self>) -> Result<Data, JsonError> {
        if self.depth >= self.limits.depth_max {
            return Err(self.error("nested too deep"));
        }
        self.depth = self.depth.saturating_add(1);
        self.skip(1);
        let data = read(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(data)
    }

    fn object(&mut self) -> Result<Data, JsonError> {
        let mut members = Vec::new();
        self.blank();
        if self.eat(b'}') {
            return Ok(Data::Object(members));
        }
        loop {
            self.blank();
            members.push(self.member()?);
            self.blank();
            if self.eat(b'}') {
                break;
            }
            if !self.eat(b',') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
        match doubled(&members) {
            Some(at) => Err(JsonError { at, message: "doubled name" }),
            None => Ok(Data::Object(members)),
        }
    }

    fn member(&mut self) -> Result<Member, JsonError> {
        self.members = self.members.saturating_add(1);
        if self.members > self.limits.members_max {
            return Err(self.error("too many members"));
        }
        let at = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a name"));
        }
        let name = self.string()?;
        self.blank();
        if !self.eat(b':') {
            return Err(self.error("expected `:`"));
        }
        self.blank();
        Ok(Member { at, name, value: self.value()? })
    }

    fn array(&mut self) -> Result<Data, JsonError> {
        let mut items = Vec::new();
        self.blank();
        if self.eat(b']') {
            return Ok(Data::Array(items));
        }
        loop {
            self.items = self.items.saturating_add(1);
            if self.items > self.limits.items_max {
                return Err(self.error("too many elements"));
            }
            self.blank();
            items.push(self.value()?);
            self.blank();
            if self.eat(b']') {
                return Ok(Data::Array(items));
            }
            if !self.eat(b',') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self, word: &str, data: Data) -> Result<Data, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.error("not a JSON value"));
        }
        self.skip(word.len());
        Ok(data)
    }

    fn number(&mut self) -> Result<Data, JsonError> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            self.digits()?;
        }
        // Python refuses integers of 4,300 digits with an error that few apps expect.
        if self.at.saturating_sub(start) > NUMBER_BYTES_MAX {
            return Err(JsonError { at: start, message: "number too long" });
        }
        let number = self.text.get(start..self.at).and_then(Number::parse);
        number.map(Data::Number).ok_or(JsonError { at: start, message: "number out of range" })
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.skip(1);
        }
        if self.at == start { Err(self.error("malformed number")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.skip(1);
        let mut value = String::new();
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=31));
            let plain = plain.ok_or_else(|| self.error("unexpected end"))?;
            let end = self.at.saturating_add(plain);
            value.push_str(self.text.get(self.at..end).unwrap_or_default());
            self.at = end;
            if value.len() > self.limits.string_bytes_max {
                return Err(self.error("string too long"));
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => value.push(self.escape()?),
                _ => return Err(self.error("control character in a string")),
            }
        }
        self.skip(1);
        Ok(value)
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.skip(1);
        let letter = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("unknown escape")),
        };
        self.skip(1);
        Ok(letter)
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        self.skip(1);
        let high = self.hex()?;
        let code = match high {
            0xd800..=0xdbff if self.eat(b'\\') && self.eat(b'u') => {
                let low = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.error("lone surrogate"));
                }
                let (high, low) = (high & 0x3ff, low & 0x3ff);
                0x1_0000_u32.saturating_add(high << 10 | low)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.error("lone surrogate"))
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at.saturating_add(4)).unwrap_or_default();
        // `from_str_radix` alone would also take a sign.
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.error("malformed escape"));
        }
        self.skip(4);
        u32::from_str_radix(digits, 16).or(Err(self.error("malformed escape")))
    }
}

/// Where a name stands that the object already has.
fn doubled(members: &[Member]) -> Option<usize> {
    // Most objects are small, and a few comparisons are cheaper than a set.
    if members.len() <= 8 {
        let twin = |(index, member): (usize, &Member)| {
            let before = members.get(..index).unwrap_or_default();
            before.iter().any(|other| other.name == member.name).then_some(member.at)
        };
        return members.iter().enumerate().find_map(twin);
    }
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|member| !seen.insert(member.name.as_str())).map(|member| member.at)
}

#[cfg(test)]
mod tests;
