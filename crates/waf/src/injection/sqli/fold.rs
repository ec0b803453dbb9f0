//! Tokens to at most five: what does not change the shape of an injection is folded away.

use crate::injection::sqli::lex::Lexer;
use crate::injection::sqli::token::{TEXT_MAX, Token};
use crate::injection::sqli::words;
use crate::injection::sqli::{Folded, Reading};

/// Tokens of a fingerprint.
const TOKENS_MAX: usize = 5;

/// Reads and folds a value.
pub(super) fn fold(value: &[u8], reading: Reading) -> Folded {
    let mut folder = Folder {
        lexer: Lexer::new(value, reading),
        tokens: [Token::default(); 8],
        next: 0,
        left: 0,
        has_more: true,
        last_comment: None,
    };
    let length = folder.run();
    Folded {
        tokens: folder.tokens,
        length,
        read: folder.lexer.read,
        has_mysql_comment: folder.lexer.has_mysql_comment,
    }
}

struct Folder<'v> {
    lexer: Lexer<'v>,
    tokens: [Token; 8],
    /// Where the next token goes.
    next: usize,
    /// How many tokens are done with.
    left: usize,
    has_more: bool,
    last_comment: Option<Token>,
}

/// What a look at the tokens came to.
#[derive(Eq, PartialEq)]
enum Step {
    /// Something changed: look again.
    Again,
    /// The shape is known; so many tokens.
    End(usize),
    /// Nothing to fold.
    Nothing,
}

impl Folder<'_> {
    fn run(&mut self) -> usize {
        if !self.skip_beginning() {
            return 0;
        }
        loop {
            self.fold_five();
            if !self.has_more || self.left >= TOKENS_MAX {
                self.left = self.next;
                break;
            }
            if !self.fill(2) {
                self.left = self.next;
                continue;
            }
            match self.fold_two() {
                Step::Again => continue,
                Step::End(length) => return length,
                Step::Nothing => {}
            }
            if !self.fill(3) {
                self.left = self.next;
                continue;
            }
            if self.fold_three() == Step::Nothing {
                self.left += 1;
            }
        }
        if self.left < TOKENS_MAX
            && let Some(comment) = self.last_comment
        {
            self.put(self.left, comment);
            self.left += 1;
        }
        self.left.min(TOKENS_MAX)
    }

    /// Goes over comments, parentheses, types and signs to the first token that counts.
    fn skip_beginning(&mut self) -> bool {
        while let Some(token) = self.lexer.next() {
            if !matches!(token.kind, b'c' | b'(' | b't') && !token.is_unary() {
                self.put(0, token);
                self.next = 1;
                return true;
            }
        }
        false
    }

    fn token(&self, place: usize) -> Token {
        self.tokens.get(place).copied().unwrap_or_default()
    }

    fn put(&mut self, place: usize, token: Token) {
        if let Some(old) = self.tokens.get_mut(place) {
            *old = token;
        }
    }

    fn set_kind(&mut self, place: usize, kind: u8) {
        if let Some(token) = self.tokens.get_mut(place) {
            token.kind = kind;
        }
    }

    /// Reads until there are so many tokens to look at.
    fn fill(&mut self, count: usize) -> bool {
        while self.has_more
            && self.next <= TOKENS_MAX
            && self.next.saturating_sub(self.left) < count
        {
            match self.lexer.next() {
                None => self.has_more = false,
                Some(token) if token.kind == b'c' => {
                    self.put(self.next, token);
                    self.last_comment = Some(token);
                }
                Some(token) => {
                    self.last_comment = None;
                    self.put(self.next, token);
                    self.next += 1;
                }
            }
        }
        self.next.saturating_sub(self.left) >= count
    }

    /// `fewer` tokens less, looked at from the beginning again.
    fn drop_from_start(&mut self, fewer: usize) -> Step {
        self.next = self.next.saturating_sub(fewer);
        self.left = 0;
        Step::Again
    }

    /// Five tokens that are a sum and no injection are one.
    fn fold_five(&mut self) {
        if self.next < TOKENS_MAX {
            return;
        }
        let kinds = [0, 1, 2, 3, 4].map(|place| self.token(place).kind);
        let is_plain = matches!(
            kinds,
            [b'1', b'o' | b',', b'(', b'1', b')']
                | [b'n', b'o', b'(', b'n' | b'1', b')']
                | [b'1', b')', b',', b'(', b'1']
                | [b'n', b')', b'o', b'(', b'n']
        );
        if !is_plain {
            return;
        }
        self.left = 0;
        if self.next > TOKENS_MAX {
            self.put(1, self.token(TOKENS_MAX));
            self.next = 2;
        } else {
            self.next = 1;
        }
    }

    fn fold_two(&mut self) -> Step {
        let (a, b) = (self.token(self.left), self.token(self.left + 1));
        match (a.kind, b.kind) {
            (b's', b's') | (b';', b';') => {
                self.next -= 1;
                return Step::Again;
            }
            (b'o' | b'&', _) if b.is_unary() || b.kind == b't' => return self.drop_from_start(1),
            (b'(', _) if b.is_unary() => return self.step_back(),
            _ => {}
        }
        if self.merge(&a, &b) {
            return self.step_back();
        }
        match self.fold_words(&a, &b) {
            Step::Nothing => self.fold_signs(&a, &b),
            step => step,
        }
    }

    fn step_back(&mut self) -> Step {
        self.next -= 1;
        self.left = self.left.saturating_sub(1);
        Step::Again
    }

    /// Two words that are one phrase: `UNION` `ALL`.
    fn merge(&mut self, a: &Token, b: &Token) -> bool {
        let is_word = |kind| matches!(kind, b'k' | b'n' | b'o' | b'U' | b'f' | b'E' | b'T' | b't');
        let length = a.text().len() + b.text().len() + 1;
        if !is_word(a.kind) || !(is_word(b.kind) || b.kind == b'&') || length > TEXT_MAX {
            return false;
        }
        let phrase = [a.text(), b.text()].join(&b' ');
        let Some(kind) = words::kind(&phrase) else { return false };
        let merged = Token { open: a.open, close: a.close, ..Token::new(kind, &phrase) };
        self.put(self.left, merged);
        true
    }

    /// Words that are what they are by what follows them.
    fn fold_words(&mut self, a: &Token, b: &Token) -> Step {
        let left = self.left;
        match (a.kind, b.kind) {
            // `; IF` is a statement to Transact-SQL.
            (b';', b'f') if b.text().get(..2).is_some_and(|it| it.eq_ignore_ascii_case(b"IF")) => {
                self.set_kind(left + 1, b'T');
                Step::Again
            }
            (b'n' | b'v', b'(') if FUNCTIONS.iter().any(|name| a.is(name)) => {
                self.set_kind(left, b'f');
                Step::Again
            }
            (b'k', _) if a.is("IN") || a.is("NOT IN") => {
                self.set_kind(left, if b.kind == b'(' { b'o' } else { b'n' });
                Step::Again
            }
            (b'o', _) if a.is("LIKE") || a.is("NOT LIKE") => {
                if b.kind == b'(' {
                    self.set_kind(left, b'f');
                }
                Step::Nothing
            }
            (b't', b'n' | b'1' | b't' | b'(' | b'f' | b'v' | b's') => {
                self.put(left, *b);
                self.drop_from_start(1)
            }
            (b'A', b'n') => {
                if b.text().contains(&b'_') {
                    self.set_kind(left + 1, b't');
                    self.left = 0;
                }
                Step::Nothing
            }
            _ => Step::Nothing,
        }
    }

    #[expect(clippy::match_same_arms, reason = "one arm for each rule, in their order")]
    fn fold_signs(&mut self, a: &Token, b: &Token) -> Step {
        match (a.kind, b.kind) {
            // A word that was looked at above is not looked at here.
            (b'o', _) if a.is("LIKE") || a.is("NOT LIKE") => Step::Nothing,
            (b'A', b'n') => Step::Nothing,
            (b'\\', _) if b.is_arithmetic() => {
                self.set_kind(self.left, b'1');
                self.left = 0;
                Step::Again
            }
            (b'\\', _) => {
                self.put(self.left, *b);
                self.drop_from_start(1)
            }
            (b'(', b'(') | (b')', b')') => self.drop_from_start(1),
            (b'{', b'n') if b.text().is_empty() => {
                self.set_kind(self.left + 1, b'X');
                Step::End(self.left + 2)
            }
            (b'{', b'n') => self.drop_from_start(2),
            (_, b'}') => self.drop_from_start(1),
            _ => Step::Nothing,
        }
    }

    #[expect(clippy::match_same_arms, reason = "one arm for each rule, in their order")]
    fn fold_three(&mut self) -> Step {
        let left = self.left;
        let [a, b, c] = [left, left + 1, left + 2].map(|place| self.token(place));
        let step = self.fold_expression(&a, &b, &c);
        if step != Step::Nothing {
            return step;
        }
        match (a.kind, b.kind, c.kind) {
            (b'E' | b'B' | b',', _, b'(')
            | (b'k' | b'E' | b'B', _, b'1' | b'n' | b'v' | b's' | b'f')
                if b.is_unary() =>
            {
                self.put(left + 1, c);
                self.drop_from_start(1)
            }
            (b',', _, b'1' | b'n' | b'v' | b's') if b.is_unary() => {
                self.put(left + 1, c);
                self.drop_from_start(3)
            }
            (b',', _, b'f') if b.is_unary() => {
                self.put(left + 1, c);
                self.drop_from_start(1)
            }
            (b'n', b'.', b'n') => self.drop_from_start(2),
            (b'E', b'.', b'n') => {
                self.put(left + 1, c);
                self.drop_from_start(1)
            }
            (b'f', b'(', kind) if kind != b')' && a.is("USER") => {
                self.set_kind(left, b'n');
                Step::Nothing
            }
            _ => Step::Nothing,
        }
    }

    /// Three tokens that are one value: `1 + 1`, `a = b`, `'x'::int`, `1, 2`.
    #[expect(clippy::match_same_arms, reason = "one arm for each rule, in their order")]
    fn fold_expression(&mut self, a: &Token, b: &Token, c: &Token) -> Step {
        let is_cast = b.text() == b"::" && c.kind == b't';
        let is_value = match (a.kind, b.kind, c.kind) {
            (b'1', b'o', b'1') | (b'&', _, b'&') => true,
            (b'o', other, b'o') => other != b'(',
            (b'v', b'o', b'v' | b'1' | b'n') | (b'n' | b'1', b'o', b'1' | b'n') => true,
            (b'n' | b'1' | b'v' | b's', b'o', _) => is_cast,
            (b'n' | b'1' | b's' | b'v', b',', b'1' | b'n' | b's' | b'v') => true,
            _ => false,
        };
        if is_value { self.drop_from_start(2) } else { Step::Nothing }
    }
}

/// Names that are functions only before a parenthesis.
const FUNCTIONS: [&str; 11] = [
    "USER_ID",
    "USER_NAME",
    "DATABASE",
    "PASSWORD",
    "USER",
    "CURRENT_USER",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
];
