//! Words of GraphQL (October 2021, section 2.1).

use crate::limits::GRAPHQL_TOKENS_MAX;

/// A word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token<'a> {
    End,
    Name(&'a str),
    Number {
        text: &'a str,
        is_whole: bool,
    },
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(u8),
    Spread,
    Text(&'a str),
}

/// Why a text is no document.
pub(super) type Why = &'static str;

/// Reads a text word by word.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    left: u32,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str, tokens_max: u32) -> Self {
        Self { text, at: 0, left: tokens_max }
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Why> {
        self.skip_ignored();
        let Some(byte) = self.peek(0) else { return Ok(Token::End) };
        self.left = self.left.checked_sub(1).ok_or("a query of too many words")?;
        match byte {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|'
            | b'}' => {
                self.at += 1;
                Ok(Token::Punctuator(byte))
            }
            b'.' if self.rest().starts_with("...") => {
                self.at += 3;
                Ok(Token::Spread)
            }
            b'"' if self.rest().starts_with("\"\"\"") => self.block_text(),
            b'"' => self.quoted_text(),
            b'-' | b'0'..=b'9' => self.number(),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let start = self.at;
                self.skip_while(is_name_byte);
                Ok(Token::Name(self.since(start)))
            }
            _ => Err(SYNTAX),
        }
    }

    /// Blanks, commas, comments and byte order marks mean nothing.
    fn skip_ignored(&mut self) {
        loop {
            match self.peek(0) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => self.at += 1,
                Some(b'#') => self.skip_while(|byte| !matches!(byte, b'\n' | b'\r')),
                Some(0xef) if self.rest().starts_with('\u{feff}') => self.at += 3,
                _ => return,
            }
        }
    }

    fn number(&mut self) -> Result<Token<'a>, Why> {
        let start = self.at;
        self.skip_one(b"-");
        match self.peek(0) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let mut is_whole = true;
        if self.skip_one(b".") {
            is_whole = false;
            self.digits()?;
        }
        if self.skip_one(b"eE") {
            is_whole = false;
            self.skip_one(b"+-");
            self.digits()?;
        }
        // `0x1`, `01` and `1.` are no numbers.
        if self.peek(0).is_some_and(|byte| byte == b'.' || is_name_byte(byte)) {
            return Err(SYNTAX);
        }
        Ok(Token::Number { text: self.since(start), is_whole })
    }

    fn digits(&mut self) -> Result<(), Why> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.at == start { Err(SYNTAX) } else { Ok(()) }
    }

    fn quoted_text(&mut self) -> Result<Token<'a>, Why> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek(0) {
                None | Some(b'\n' | b'\r') => return Err(SYNTAX),
                Some(b'"') => {
                    let text = self.since(start);
                    self.at += 1;
                    return Ok(Token::Text(text));
                }
                Some(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Why> {
        let escaped = self.peek(1);
        self.at += 2;
        match escaped {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => self.character(),
            _ => Err(SYNTAX),
        }
    }

    fn character(&mut self) -> Result<(), Why> {
        let code = self.code_unit()?;
        if !matches!(code, 0xd800..=0xdbff) {
            return char::from_u32(code).map(|_| ()).ok_or(SYNTAX);
        }
        // Half of a character is none.
        let is_pair = self.skip_one(b"\\") && self.skip_one(b"u") && self.peek(0) != Some(b'{');
        let low = if is_pair { self.code_unit()? } else { 0 };
        if matches!(low, 0xdc00..=0xdfff) { Ok(()) } else { Err(SYNTAX) }
    }

    /// `00e4` or `{1f600}`.
    fn code_unit(&mut self) -> Result<u32, Why> {
        let is_braced = self.skip_one(b"{");
        let start = self.at;
        while self.at - start < 8 && self.peek(0).is_some_and(|byte| byte.is_ascii_hexdigit()) {
            self.at += 1;
            if !is_braced && self.at - start == 4 {
                break;
            }
        }
        let digits = self.since(start);
        if (!is_braced && digits.len() != 4) || (is_braced && !self.skip_one(b"}")) {
            return Err(SYNTAX);
        }
        let code = u32::from_str_radix(digits, 16).or(Err(SYNTAX))?;
        // In braces, half of a character cannot be mended by the next.
        if is_braced && char::from_u32(code).is_none() { Err(SYNTAX) } else { Ok(code) }
    }

    fn block_text(&mut self) -> Result<Token<'a>, Why> {
        self.at += 3;
        let start = self.at;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.rest().as_bytes()).ok_or(SYNTAX)?;
            self.at += found;
            if self.rest().starts_with("\\\"\"\"") {
                self.at += 4;
            } else if self.rest().starts_with("\"\"\"") {
                let text = self.since(start);
                self.at += 3;
                return Ok(Token::Text(text));
            } else {
                self.at += 1;
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Passes one of these, if it is there.
    fn skip_one(&mut self, any: &[u8]) -> bool {
        let is_there = self.peek(0).is_some_and(|byte| any.contains(&byte));
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_while(&mut self, is: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&is) {
            self.at += 1;
        }
    }
}

/// The words of a text as they are written, each with a blank behind it.
pub(super) fn words(text: &str) -> Result<String, Why> {
    let mut lexer = Lexer::new(text, GRAPHQL_TOKENS_MAX);
    let mut words = String::with_capacity(text.len());
    loop {
        lexer.skip_ignored();
        let start = lexer.at;
        if lexer.next()? == Token::End {
            return Ok(words);
        }
        words.push_str(lexer.since(start));
        words.push(' ');
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) const SYNTAX: Why = "a text that is no GraphQL document";
