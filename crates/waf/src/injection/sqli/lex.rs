//! A value to tokens of SQL, as many dialects at once read it.

use crate::cursor::Cursor;
use crate::injection::sqli::Reading;
use crate::injection::sqli::token::{TEXT_MAX, Token};
use crate::injection::sqli::words;

/// Whether a value is one word that means nothing: `json.items.array_0.id`. The shape of one such
/// word is none of an injection, and without a quote in it there is one way to read it.
pub(super) fn is_bare_word(value: &[u8]) -> bool {
    let begins = value.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    begins && value.iter().all(is_word) && word_in(value).0 == b'n'
}

/// The kind of a word and its length: `SELECT.1` and SELECT`a` are a keyword and more.
fn word_in(whole: &[u8]) -> (u8, usize) {
    let kept = whole.get(..TEXT_MAX).unwrap_or(whole);
    for (at, _) in kept.iter().enumerate().filter(|(_, byte)| matches!(byte, b'.' | b'`')) {
        let before = kept.get(..at).unwrap_or_default();
        if let Some(kind) = words::kind(before).filter(|kind| *kind != b'n') {
            return (kind, at);
        }
    }
    let kind = if whole.len() <= TEXT_MAX { words::kind(whole) } else { None };
    (kind.unwrap_or(b'n'), whole.len())
}

/// Reads tokens one by one.
#[derive(Debug)]
pub(super) struct Lexer<'v> {
    at: Cursor<'v>,
    reading: Reading,
    is_begun: bool,
    pub(super) read: usize,
    pub(super) has_mysql_comment: bool,
}

impl<'v> Lexer<'v> {
    pub(super) fn new(value: &'v [u8], reading: Reading) -> Self {
        let at = Cursor::new(value);
        Self { at, reading, is_begun: false, read: 0, has_mysql_comment: false }
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        let was_begun = std::mem::replace(&mut self.is_begun, true);
        if let Some(quote) = self.reading.quote.filter(|_| !was_begun) {
            self.read += 1;
            return Some(self.string(quote, 0));
        }
        self.at.take_while(is_blank);
        let token = self.token(self.at.peek()?);
        self.read += 1;
        Some(token)
    }

    fn token(&mut self, first: u8) -> Token {
        match first {
            b'(' | b')' | b',' | b';' | b'{' | b'}' => self.sign(first),
            b'%' | b'+' | b'^' | b'~' => self.sign(b'o'),
            b'?' | b']' => self.sign(b'?'),
            b'!' | b'&' | b'*' | b':' | b'<' | b'=' | b'>' | b'|' => self.operator(),
            b'"' | b'\'' => self.string(first, 1),
            b'#' => self.hash(),
            b'$' => self.money(),
            b'-' => self.dash(),
            b'/' => self.slash(),
            b'.' | b'0'..=b'9' => self.number(),
            b'@' => self.variable(),
            b'[' => self.bracketed(),
            b'\\' => self.backslash(),
            b'`' => self.tick(),
            b'b' | b'B' => self.bits(b"01"),
            b'x' | b'X' => self.bits(b"0123456789ABCDEFabcdef"),
            b'e' | b'E' => self.prefixed_string(),
            b'n' | b'N' => self.national_string(),
            b'q' | b'Q' => self.oracle_string(0),
            b'u' | b'U' => self.unicode_string(),
            _ => self.word(),
        }
    }

    /// One byte as a token.
    fn sign(&mut self, kind: u8) -> Token {
        Token::new(kind, self.at.take(1))
    }

    fn operator(&mut self) -> Token {
        if self.at.rest().starts_with(b"<=>") {
            return Token::new(b'o', self.at.take(3));
        }
        let two = self.at.rest().get(..2);
        if let Some(kind) = two.and_then(words::kind) {
            return Token::new(kind, self.at.take(2));
        }
        let is_colon = self.at.peek() == Some(b':') && two.is_some();
        self.sign(if is_colon { b':' } else { b'o' })
    }

    fn line_comment(&mut self) -> Token {
        let text = self.at.take_while(|byte| byte != b'\n');
        self.at.skip(1);
        Token::new(b'c', text)
    }

    /// A comment for MySQL, an operator for all others.
    fn hash(&mut self) -> Token {
        self.has_mysql_comment = true;
        if self.reading.is_mysql { self.line_comment() } else { self.sign(b'o') }
    }

    /// `-- ` is a comment everywhere, `--x` everywhere but in MySQL.
    fn dash(&mut self) -> Token {
        if self.at.peek_at(1) != Some(b'-') {
            return self.sign(b'o');
        }
        if self.at.peek_at(2).is_none_or(is_white) {
            return self.line_comment();
        }
        if self.reading.is_mysql {
            return self.sign(b'o');
        }
        self.has_mysql_comment = true;
        self.line_comment()
    }

    /// A comment in a comment, and one that MySQL runs, cannot be read in one way.
    fn slash(&mut self) -> Token {
        if self.at.peek_at(1) != Some(b'*') {
            return self.sign(b'o');
        }
        let whole = self.at.rest();
        let inside = whole.get(2..).unwrap_or_default();
        let end = memchr::memmem::find(inside, b"*/");
        let is_nested = end.is_some_and(|end| {
            // As the original: the `/` of the end may be part of it.
            let to = inside.get(..=end).unwrap_or(inside);
            memchr::memmem::find(to, b"/*").is_some()
        });
        let is_evil = is_nested || whole.get(2) == Some(&b'!');
        let text = self.at.take(end.map_or(whole.len(), |end| end + 4));
        Token::new(if is_evil { b'X' } else { b'c' }, text)
    }

    fn backslash(&mut self) -> Token {
        // MySQL's other name of NULL.
        if self.at.peek_at(1) == Some(b'N') {
            return Token::new(b'1', self.at.take(2));
        }
        self.sign(b'\\')
    }

    /// A string that ends at its quote, unless that is escaped or doubled. `skip` bytes open it.
    fn string(&mut self, quote: u8, skip: usize) -> Token {
        self.at.skip(skip);
        let text = self.at.rest();
        let open = if skip > 0 { quote } else { 0 };
        let mut from = 0;
        loop {
            let found = text.get(from..).and_then(|rest| memchr::memchr(quote, rest));
            let Some(end) = found.map(|at| from + at) else {
                self.at.skip(text.len());
                return Token::quoted(text, open, 0);
            };
            let before = text.get(..end).unwrap_or_default();
            let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            if escapes % 2 == 1 {
                from = end + 1;
            } else if text.get(end + 1) == Some(&quote) {
                from = end + 2;
            } else {
                self.at.skip(end + 1);
                return Token::quoted(before, open, quote);
            }
        }
    }

    /// `E'…'`.
    fn prefixed_string(&mut self) -> Token {
        if self.at.rest().len() <= 2 || self.at.peek_at(1) != Some(b'\'') {
            return self.word();
        }
        self.string(b'\'', 2)
    }

    /// `U&'…'`.
    fn unicode_string(&mut self) -> Token {
        if !(self.at.peek_at(1) == Some(b'&') && self.at.peek_at(2) == Some(b'\'')) {
            return self.word();
        }
        self.at.skip(2);
        let token = self.string(b'\'', 1);
        let close = if token.close == b'\'' { b'u' } else { token.close };
        Token { open: b'u', close, ..token }
    }

    /// `N'…'`, or Oracle's `NQ'[…]'`.
    fn national_string(&mut self) -> Token {
        if self.at.rest().len() > 2 && self.at.peek_at(1) == Some(b'\'') {
            return self.prefixed_string();
        }
        self.oracle_string(1)
    }

    /// `Q'[…]'` with any brackets.
    fn oracle_string(&mut self, offset: usize) -> Token {
        let begins = matches!(self.at.peek_at(offset), Some(b'q' | b'Q'))
            && self.at.peek_at(offset + 1) == Some(b'\'');
        // The original compares a signed byte.
        let Some(bracket) =
            self.at.peek_at(offset + 2).filter(|byte| begins && (33..0x80).contains(byte))
        else {
            return self.word();
        };
        let close = match bracket {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            other => other,
        };
        self.at.skip(offset + 3);
        self.until(&[close, b'\''], b'q')
    }

    /// A string up to an end of several bytes.
    fn until(&mut self, end: &[u8], mark: u8) -> Token {
        let rest = self.at.rest();
        match memchr::memmem::find(rest, end) {
            None => Token::quoted(self.at.take(rest.len()), mark, 0),
            Some(at) => {
                let text = self.at.take(at);
                self.at.skip(end.len());
                Token::quoted(text, mark, mark)
            }
        }
    }

    /// `B'01'`, `X'1F'`.
    fn bits(&mut self, digits: &[u8]) -> Token {
        if self.at.peek_at(1) != Some(b'\'') || self.at.rest().len() <= 2 {
            return self.word();
        }
        let inside = self.at.rest().get(2..).unwrap_or_default();
        let count = span(inside, digits);
        if inside.get(count) != Some(&b'\'') {
            return self.word();
        }
        Token::new(b'1', self.at.take(count + 3))
    }

    /// `[name]`.
    fn bracketed(&mut self) -> Token {
        let rest = self.at.rest();
        let end = memchr::memchr(b']', rest).map_or(rest.len(), |end| end + 1);
        Token::new(b'n', self.at.take(end))
    }

    fn word(&mut self) -> Token {
        let rest = self.at.rest();
        let length = rest.iter().position(|byte| ends_word(*byte)).unwrap_or(rest.len());
        let whole = rest.get(..length).unwrap_or_default();
        let (kind, length) = word_in(whole);
        Token::new(kind, self.at.take(length))
    }

    /// MySQL's quoted name; one that is a function stays one.
    fn tick(&mut self) -> Token {
        let token = self.string(b'`', 1);
        let is_function = words::kind(token.text()) == Some(b'f');
        Token { kind: if is_function { b'f' } else { b'n' }, ..token }
    }

    /// `@a`, `@@a`, @@`a`.
    fn variable(&mut self) -> Token {
        self.at.skip(1);
        self.at.eat(b'@');
        let kind = b'v';
        match self.at.peek() {
            Some(b'`') => Token { kind, ..self.tick() },
            Some(quote @ (b'\'' | b'"')) => Token { kind, ..self.string(quote, 1) },
            _ => Token::new(kind, self.at.take_while(|byte| !ends_variable(byte))),
        }
    }

    /// `$1,000.00`, `$$…$$`, `$tag$…$tag$`.
    fn money(&mut self) -> Token {
        let after = self.at.rest().get(1..).unwrap_or_default();
        if after.is_empty() {
            return self.sign(b'n');
        }
        let digits = span(after, b"0123456789.,");
        if digits == 1 && after.first() == Some(&b'.') {
            return self.word();
        }
        if digits > 0 {
            return Token::new(b'1', self.at.take(digits + 1));
        }
        if after.first() == Some(&b'$') {
            self.at.skip(2);
            return self.until(b"$$", b'$');
        }
        let letters = after
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic() && *byte != 0)
            .unwrap_or(after.len());
        if letters == 0 || after.get(letters) != Some(&b'$') {
            return self.sign(b'n');
        }
        let tag = self.at.take(letters + 2);
        self.until(tag, b'$')
    }

    fn number(&mut self) -> Token {
        if let Some(token) = self.radix_number() {
            return token;
        }
        let whole = self.at.rest();
        let digit = |byte: u8| byte.is_ascii_digit();
        self.at.take_while(digit);
        if self.at.eat(b'.') {
            self.at.take_while(digit);
            if whole.len() - self.at.rest().len() == 1 {
                return Token::new(b'.', b".");
            }
        }
        let mut is_broken = false;
        if self.at.eat(b'e') || self.at.eat(b'E') {
            if !self.at.eat(b'+') {
                self.at.eat(b'-');
            }
            is_broken = self.at.take_while(digit).is_empty();
        }
        self.number_suffix();
        let text = whole.get(..whole.len() - self.at.rest().len()).unwrap_or_default();
        // `1.e` is a word to MySQL, and hides what follows it.
        Token::new(if is_broken { b'n' } else { b'1' }, text)
    }

    fn radix_number(&mut self) -> Option<Token> {
        let digits: &[u8] = match (self.at.peek()?, self.at.peek_at(1)?) {
            (b'0', b'x' | b'X') => b"0123456789ABCDEFabcdef",
            (b'0', b'b' | b'B') => b"01",
            _ => return None,
        };
        let count = span(self.at.rest().get(2..).unwrap_or_default(), digits);
        let kind = if count == 0 { b'n' } else { b'1' };
        Some(Token::new(kind, self.at.take(count + 2)))
    }

    /// Oracle's `d` and `f`, where a number can end.
    fn number_suffix(&mut self) {
        if !matches!(self.at.peek(), Some(b'd' | b'D' | b'f' | b'F')) {
            return;
        }
        let ends = self
            .at
            .peek_at(1)
            .is_none_or(|next| is_white(next) || matches!(next, b';' | b'u' | b'U'));
        if ends {
            self.at.skip(1);
        }
    }
}

/// What stands between tokens.
fn is_blank(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || byte == 0xa0
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0xa0 | 0)
}

/// How many bytes belong to a set; a NUL byte belongs to every set, as C's `strchr` has it.
fn span(text: &[u8], set: &[u8]) -> usize {
    text.iter().position(|byte| *byte != 0 && !set.contains(byte)).unwrap_or(text.len())
}

fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'['
            | b']'
            | b'{'
            | b'}'
            | b'<'
            | b'>'
            | b':'
            | b'\\'
            | b'?'
            | b'='
            | b'@'
            | b'!'
            | b'#'
            | b'~'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'&'
            | b'|'
            | b'^'
            | b'%'
            | b'('
            | b')'
            | b','
            | b'\''
            | b';'
            | b'\t'
            | b'\n'
            | 0x0b
            | 0x0c
            | b'\r'
            | b'"'
            | 0xa0
            | 0
    )
}

fn ends_variable(byte: u8) -> bool {
    b" <>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r'`\"\0".contains(&byte)
}
