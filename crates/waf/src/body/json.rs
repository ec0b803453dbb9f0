//! JSON to arguments: one for each string, number, `true`, `false` and `null`.
//!
//! Names are those of libmodsecurity 3, `json.items.array_0.sku`, which exclusions in use are
//! written for; the language leaves them open (seclang-spec ADR-0020). A key that stands twice
//! makes two arguments, so that no reader of the body sees a value that rules did not.

use crate::arena::Arena;
use crate::body::Pair;
use crate::cursor::Cursor;
use crate::limits::NAME_BYTES_MAX;

/// Where the leaves of a document go.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'a> {
    pub(crate) pairs: Vec<Pair<'a>>,
    pub(crate) depth_max: usize,
    /// More leaves are an error.
    pub(crate) pairs_max: usize,
    /// How long all names together are, and whether that is more than they may be.
    pub(crate) name_bytes: usize,
    pub(crate) is_too_large: bool,
}

/// Reads a whole document.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    arena: &'a Arena,
    leaves: &mut Leaves<'a>,
) -> Result<(), &'static str> {
    let mut reader =
        Reader { at: Cursor::new(body), arena, name: b"json".to_vec(), open: Vec::new(), leaves };
    reader.document()
}

struct Reader<'a, 'l> {
    at: Cursor<'a>,
    arena: &'a Arena,
    /// The name of the place where the reader is.
    name: Vec<u8>,
    open: Vec<Container>,
    leaves: &'l mut Leaves<'a>,
}

/// An object or array that is not closed yet.
struct Container {
    /// How long the name was before it.
    name_length: usize,
    /// For arrays the number of the next element.
    next: Option<usize>,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<(), &'static str> {
        self.space();
        self.value()?;
        while let Some(container) = self.open.last() {
            let is_array = container.next.is_some();
            self.space();
            match (is_array, self.at.next()) {
                (true, Some(b']')) | (false, Some(b'}')) => self.close(),
                (_, Some(b',')) => {
                    self.space();
                    self.element()?;
                }
                _ => return Err("a comma or a closing bracket is missing"),
            }
        }
        self.space();
        if self.at.is_empty() { Ok(()) } else { Err("something stands behind the document") }
    }

    fn space(&mut self) {
        self.at.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    }

    /// A value; a container that is not empty is left open at its first element.
    fn value(&mut self) -> Result<(), &'static str> {
        loop {
            let (is_array, end) = match self.at.peek() {
                Some(b'[') => (true, b']'),
                Some(b'{') => (false, b'}'),
                _ => return self.scalar(),
            };
            self.at.skip(1);
            if self.open.len() >= self.leaves.depth_max {
                return Err("it is nested too deep");
            }
            let next = is_array.then_some(0);
            self.open.push(Container { name_length: self.name.len(), next });
            self.space();
            if self.at.eat(end) {
                self.close();
                return Ok(());
            }
            self.enter()?;
        }
    }

    fn close(&mut self) {
        if let Some(container) = self.open.pop() {
            self.name.truncate(container.name_length);
        }
    }

    /// Names the next element of the innermost container and goes to its value.
    fn enter(&mut self) -> Result<(), &'static str> {
        let Some(container) = self.open.last_mut() else { return Ok(()) };
        self.name.truncate(container.name_length);
        self.name.push(b'.');
        if let Some(next) = &mut container.next {
            self.name.extend_from_slice(b"array_");
            self.name.extend_from_slice(next.to_string().as_bytes());
            *next += 1;
            return Ok(());
        }
        let key = self.string()?;
        self.name.extend_from_slice(key);
        self.space();
        if !self.at.eat(b':') {
            return Err("a colon is missing");
        }
        self.space();
        Ok(())
    }

    fn element(&mut self) -> Result<(), &'static str> {
        self.enter()?;
        self.value()
    }

    fn scalar(&mut self) -> Result<(), &'static str> {
        let value: &'a [u8] = match self.at.peek() {
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.at.eat_all(b"true") => b"true",
            _ if self.at.eat_all(b"false") => b"false",
            _ if self.at.eat_all(b"null") => b"",
            _ => return Err("a value is missing"),
        };
        if self.leaves.pairs.len() >= self.leaves.pairs_max {
            return Err("it has more values than arguments are allowed");
        }
        self.leaves.name_bytes += self.name.len();
        if self.leaves.name_bytes > NAME_BYTES_MAX {
            self.leaves.is_too_large = true;
            return Err("its names are too long");
        }
        self.leaves.pairs.push((self.arena.keep(&self.name), value));
        Ok(())
    }

    fn number(&mut self) -> Result<&'a [u8], &'static str> {
        let whole = self.at.rest();
        let digits = |at: &mut Cursor<'a>| at.take_while(|byte| byte.is_ascii_digit()).len();
        self.at.eat(b'-');
        let starts_with_zero = self.at.peek() == Some(b'0');
        let count = digits(&mut self.at);
        let mut is_good = count > 0 && (count == 1 || !starts_with_zero);
        if self.at.eat(b'.') {
            is_good &= digits(&mut self.at) > 0;
        }
        if self.at.eat(b'e') || self.at.eat(b'E') {
            if !self.at.eat(b'-') {
                self.at.eat(b'+');
            }
            is_good &= digits(&mut self.at) > 0;
        }
        let length = whole.len() - self.at.rest().len();
        if is_good { Ok(whole.get(..length).unwrap_or_default()) } else { Err("a number is none") }
    }

    fn string(&mut self) -> Result<&'a [u8], &'static str> {
        if !self.at.eat(b'"') {
            return Err("a string is missing");
        }
        let plain = self.at.take_while(|byte| byte != b'"' && byte != b'\\' && byte >= b' ');
        let whole: &'a [u8] = match self.at.peek() {
            Some(b'\\') => self.escaped(plain)?,
            Some(b'"') => {
                self.at.skip(1);
                plain
            }
            _ => return Err("a string does not end"),
        };
        if std::str::from_utf8(whole).is_err() {
            return Err("a string is not UTF-8");
        }
        Ok(whole)
    }

    fn escaped(&mut self, plain: &[u8]) -> Result<&'a [u8], &'static str> {
        let mut text = self.arena.grow(plain.len() * 2);
        text.extend_from_slice(plain);
        loop {
            match self.at.next() {
                Some(b'"') => return Ok(text.into_bump_slice()),
                Some(b'\\') => self.escape(&mut text)?,
                Some(byte) if byte >= b' ' => text.push(byte),
                _ => return Err("a string does not end"),
            }
        }
    }

    fn escape(&mut self, text: &mut crate::arena::Grown<'a>) -> Result<(), &'static str> {
        let byte = match self.at.next() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let one = self.code_point()?;
                text.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err("an escape is none"),
        };
        text.push(byte);
        Ok(())
    }

    /// After `\u`. Half of a pair alone is a replacement character, as yajl has it in effect.
    fn code_point(&mut self) -> Result<char, &'static str> {
        let first = self.at.peek_hex(0, 4).ok_or("an escape is none")?;
        self.at.skip(4);
        let second = self.at.peek_hex(2, 4).filter(|_| self.at.rest().starts_with(b"\\u"));
        if let (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) = (first, second) {
            self.at.skip(6);
            let joined = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, depth_max: usize) -> (Vec<(String, String)>, Option<&'static str>) {
        let arena = Arena::new();
        let mut leaves = Leaves { depth_max, pairs_max: 100, ..Leaves::default() };
        let error = parse(body.as_bytes(), &arena, &mut leaves).err();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (leaves.pairs.iter().map(|(name, value)| (text(name), text(value))).collect(), error)
    }

    #[test]
    fn leaves_become_arguments() {
        let body = r#" {"a":{"b":[1,"x\n\u00e9\ud83d\ude00",{"c":null}],"d":true},"e":-1.5e3,"a":[],"":{}} "#;
        let (pairs, error) = read(body, 64);
        assert_eq!(error, None);
        let want = [
            ("json.a.b.array_0", "1"),
            ("json.a.b.array_1", "x\né😀"),
            ("json.a.b.array_2.c", ""),
            ("json.a.d", "true"),
            ("json.e", "-1.5e3"),
        ];
        assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(read("\"a\"", 1).0, [("json".to_owned(), "a".to_owned())]);
        assert_eq!(read(r#"{"a":1,"a":2}"#, 1).0.len(), 2);
    }

    #[test]
    fn what_is_not_json_is_an_error_and_what_came_before_stays() {
        let wrong = [
            "",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "1e",
            "\"\\x\"",
            "tru",
            "nul",
            "{a:1}",
            "[1] 2",
            "\"a",
            "\"a\nb\"",
            "'a'",
            "NaN",
            "\u{feff}{}",
            "[1}",
            "\"\\u12\"",
        ];
        for body in wrong {
            assert!(read(body, 64).1.is_some(), "{body}");
        }
        assert_eq!(read("[1,2,x", 64).0.len(), 2);
        assert_eq!(read("[[1]]", 2).1, None);
        assert!(read("[[[1]]]", 2).1.is_some());
        let deep = "[".repeat(100_000);
        assert!(read(&deep, 1_000_000).1.is_some());
    }
}
