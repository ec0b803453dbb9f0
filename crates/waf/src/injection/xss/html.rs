//! HTML to tags, attributes and comments, as browsers read it, old ones too.

/// Where the value stands in the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Start {
    Data,
    /// In a value within these quotes.
    Quote(u8),
    /// Between the attributes of a tag.
    Tag,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    AttributeName,
    AttributeValue,
    Comment,
    Doctype,
    /// Text, and ends of tags.
    Other,
    TagOpen,
}

/// A token and its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'v> {
    pub(super) kind: Kind,
    pub(super) text: &'v [u8],
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum State {
    AfterName,
    AfterQuoted,
    BeforeName,
    BeforeValue,
    Data,
    End,
    Quoted(u8),
    SelfClosing,
    TagClose,
    TagOpen,
}

/// Reads tokens one by one.
#[derive(Debug)]
pub(super) struct Html<'v> {
    value: &'v [u8],
    at: usize,
    state: State,
    is_close: bool,
}

impl<'v> Html<'v> {
    pub(super) fn new(value: &'v [u8], start: Start) -> Self {
        let state = match start {
            Start::Data => State::Data,
            Start::Quote(quote) => State::Quoted(quote),
            Start::Tag => State::BeforeName,
        };
        Self { value, at: 0, state, is_close: false }
    }

    /// The next token. Each round reads at least a byte or changes to a state that does.
    pub(super) fn next(&mut self) -> Option<Token<'v>> {
        loop {
            let token = match self.state {
                State::AfterName => self.after_name(),
                State::AfterQuoted => self.after_quoted(),
                State::BeforeName => self.before_name(),
                State::BeforeValue => self.before_value(),
                State::Data => self.data(),
                State::End => return None,
                State::Quoted(quote) => Some(self.quoted(quote)),
                State::SelfClosing => self.self_closing(),
                State::TagClose => {
                    self.is_close = false;
                    let token = self.take(Kind::Other, 1, 0, State::Data);
                    Some(token)
                }
                State::TagOpen => self.tag_open(),
            };
            if token.is_some() {
                return token;
            }
        }
    }

    fn rest(&self) -> &'v [u8] {
        self.value.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    /// Takes a token of some bytes and goes over more.
    fn take(&mut self, kind: Kind, length: usize, more: usize, state: State) -> Token<'v> {
        let text = self.rest().get(..length).unwrap_or(self.rest());
        self.at += length + more;
        self.state = state;
        Token { kind, text }
    }

    /// Takes all that is left.
    fn take_all(&mut self, kind: Kind) -> Token<'v> {
        let length = self.rest().len();
        self.take(kind, length, 0, State::End)
    }

    fn go(&mut self, state: State) -> Option<Token<'v>> {
        self.state = state;
        None
    }

    fn data(&mut self) -> Option<Token<'v>> {
        match memchr::memchr(b'<', self.rest()) {
            None if self.rest().is_empty() => self.go(State::End),
            None => Some(self.take_all(Kind::Other)),
            Some(0) => {
                self.at += 1;
                self.go(State::TagOpen)
            }
            Some(length) => Some(self.take(Kind::Other, length, 1, State::TagOpen)),
        }
    }

    fn tag_open(&mut self) -> Option<Token<'v>> {
        match self.peek() {
            None => self.go(State::End),
            Some(b'!') => {
                self.at += 1;
                Some(self.declaration())
            }
            Some(b'/') => {
                self.at += 1;
                self.is_close = true;
                self.end_tag_open()
            }
            Some(b'?') => {
                self.at += 1;
                Some(self.bogus_comment())
            }
            Some(b'%') => {
                self.at += 1;
                Some(self.server_comment())
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == 0 => Some(self.tag_name()),
            Some(_) => {
                self.state = State::Data;
                Some(Token { kind: Kind::Other, text: b"<" })
            }
        }
    }

    fn end_tag_open(&mut self) -> Option<Token<'v>> {
        match self.peek() {
            None => self.go(State::End),
            Some(b'>') => self.go(State::Data),
            Some(byte) if byte.is_ascii_alphabetic() => Some(self.tag_name()),
            Some(_) => {
                self.is_close = false;
                Some(self.bogus_comment())
            }
        }
    }

    fn tag_name(&mut self) -> Token<'v> {
        let ends = |byte: &u8| *byte != 0 && (is_white(*byte) || matches!(byte, b'/' | b'>'));
        let Some(length) = self.rest().iter().position(ends) else {
            return self.take_all(Kind::TagOpen);
        };
        match self.rest().get(length) {
            Some(b'/') => self.take(Kind::TagOpen, length, 1, State::SelfClosing),
            Some(b'>') if self.is_close => {
                self.is_close = false;
                self.take(Kind::Other, length, 1, State::Data)
            }
            Some(b'>') => self.take(Kind::TagOpen, length, 0, State::TagClose),
            _ => self.take(Kind::TagOpen, length, 1, State::BeforeName),
        }
    }

    fn skip_white(&mut self) -> Option<u8> {
        while self.peek().is_some_and(|byte| is_white(byte) || byte == 0) {
            self.at += 1;
        }
        self.peek()
    }

    fn before_name(&mut self) -> Option<Token<'v>> {
        match self.skip_white() {
            None => self.go(State::End),
            Some(b'/') => {
                self.at += 1;
                match self.peek() {
                    Some(b'>') | None => self.go(State::SelfClosing),
                    Some(_) => None,
                }
            }
            Some(b'>') => Some(self.take(Kind::Other, 1, 0, State::Data)),
            Some(_) => Some(self.name()),
        }
    }

    /// The first byte belongs to the name whatever it is.
    fn name(&mut self) -> Token<'v> {
        let ends = |byte: &u8| is_white(*byte) || matches!(byte, b'/' | b'=' | b'>');
        let after = self.rest().get(1..).unwrap_or_default();
        let Some(length) = after.iter().position(ends).map(|at| at + 1) else {
            return self.take_all(Kind::AttributeName);
        };
        let (more, state) = match self.rest().get(length) {
            Some(b'/') => (1, State::SelfClosing),
            Some(b'=') => (1, State::BeforeValue),
            Some(b'>') => (0, State::TagClose),
            _ => (1, State::AfterName),
        };
        self.take(Kind::AttributeName, length, more, state)
    }

    fn after_name(&mut self) -> Option<Token<'v>> {
        match self.skip_white() {
            None => self.go(State::End),
            Some(b'/') => {
                self.at += 1;
                self.go(State::SelfClosing)
            }
            Some(b'=') => {
                self.at += 1;
                self.go(State::BeforeValue)
            }
            Some(b'>') => self.go(State::TagClose),
            Some(_) => Some(self.name()),
        }
    }

    fn before_value(&mut self) -> Option<Token<'v>> {
        match self.skip_white() {
            None => self.go(State::End),
            Some(quote @ (b'"' | b'\'' | b'`')) => Some(self.quoted(quote)),
            Some(_) => Some(self.unquoted()),
        }
    }

    /// At the beginning of the value the quote stands before it.
    fn quoted(&mut self, quote: u8) -> Token<'v> {
        if self.at > 0 {
            self.at += 1;
        }
        match memchr::memchr(quote, self.rest()) {
            None => self.take_all(Kind::AttributeValue),
            Some(length) => self.take(Kind::AttributeValue, length, 1, State::AfterQuoted),
        }
    }

    fn unquoted(&mut self) -> Token<'v> {
        let ends = |byte: &u8| is_white(*byte) || *byte == b'>';
        match self.rest().iter().position(ends) {
            None => self.take_all(Kind::AttributeValue),
            Some(length) if self.rest().get(length) == Some(&b'>') => {
                self.take(Kind::AttributeValue, length, 0, State::TagClose)
            }
            Some(length) => self.take(Kind::AttributeValue, length, 1, State::BeforeName),
        }
    }

    fn after_quoted(&mut self) -> Option<Token<'v>> {
        match self.peek() {
            None => self.go(State::End),
            Some(byte) if is_white(byte) => {
                self.at += 1;
                self.go(State::BeforeName)
            }
            Some(b'/') => {
                self.at += 1;
                self.go(State::SelfClosing)
            }
            Some(b'>') => Some(self.take(Kind::Other, 1, 0, State::Data)),
            Some(_) => self.go(State::BeforeName),
        }
    }

    fn self_closing(&mut self) -> Option<Token<'v>> {
        match self.peek() {
            None => self.go(State::End),
            Some(b'>') => Some(self.take(Kind::Other, 1, 0, State::Data)),
            Some(_) => self.go(State::BeforeName),
        }
    }

    fn bogus_comment(&mut self) -> Token<'v> {
        match memchr::memchr(b'>', self.rest()) {
            None => self.take_all(Kind::Comment),
            Some(length) => self.take(Kind::Comment, length, 1, State::Data),
        }
    }

    /// `<% … %>`.
    fn server_comment(&mut self) -> Token<'v> {
        match memchr::memmem::find(self.rest(), b"%>") {
            None => self.take_all(Kind::Comment),
            Some(length) => self.take(Kind::Comment, length, 2, State::Data),
        }
    }

    /// After `<!`.
    fn declaration(&mut self) -> Token<'v> {
        let rest = self.rest();
        if rest.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"DOCTYPE")) {
            return match memchr::memchr(b'>', rest) {
                None => self.take_all(Kind::Doctype),
                Some(length) => self.take(Kind::Doctype, length, 1, State::Data),
            };
        }
        if rest.starts_with(b"[CDATA[") {
            self.at += 7;
            return match memchr::memmem::find(self.rest(), b"]]>") {
                None => self.take_all(Kind::Other),
                Some(length) => self.take(Kind::Other, length, 3, State::Data),
            };
        }
        if rest.starts_with(b"--") {
            self.at += 2;
            return self.comment();
        }
        self.bogus_comment()
    }

    /// Ends at `-->` or `-!>`, where NUL bytes may stand after the first dash.
    fn comment(&mut self) -> Token<'v> {
        let rest = self.rest();
        for dash in memchr::memchr_iter(b'-', rest) {
            if dash + 3 > rest.len() {
                break;
            }
            let after = rest.get(dash + 1..).unwrap_or_default();
            let nulls = after.iter().take_while(|byte| **byte == 0).count();
            let end = after.get(nulls..).unwrap_or_default();
            if end.len() < 2 && !end.first().is_some_and(|byte| !matches!(byte, b'-' | b'!')) {
                break;
            }
            if matches!(end, [b'-' | b'!', b'>', ..]) {
                return self.take(Kind::Comment, dash, nulls + 3, State::Data);
            }
        }
        self.take_all(Kind::Comment)
    }
}

/// What separates attributes; the original counts a NUL byte among it.
fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0)
}
