//! SQL injection: the value is read as SQL in up to five ways, folded to at most five tokens, and
//! their kinds are looked up among the shapes that injections have.

mod fold;
mod lex;
mod token;
mod words;

use fold::fold;
use token::Token;
pub(crate) use words::prepare;

/// The shape of an injection: the kinds of its tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fingerprint {
    bytes: [u8; 8],
    length: usize,
}

/// Where the value is thought to stand, and whose comments count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The quote that is thought to be open before the value.
    quote: Option<u8>,
    is_mysql: bool,
}

/// What reading and folding found.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    tokens: [Token; 8],
    length: usize,
    /// Tokens before folding.
    read: usize,
    /// Whether there was something that is a comment for MySQL only.
    has_mysql_comment: bool,
}

/// Whether a byte can only make words and numbers. A value of such bytes alone has no shape of an
/// injection: it is one word, or numbers with one word behind them.
pub(crate) fn is_of_one_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The shape of the injection in a value, if there is one.
pub(crate) fn detect(value: &[u8]) -> Option<Fingerprint> {
    if value.is_empty() || is_prose(value) || lex::is_bare_word(value) {
        return None;
    }
    detect_in_full(value)
}

/// Words that mean nothing, and numbers, with spaces between them. All their tokens are `n` or `1`, and so
/// are what they fold to: no injection has such a shape, whatever their number.
fn is_prose(value: &[u8]) -> bool {
    value.split(|byte| *byte == b' ').all(|word| match word.first() {
        None => true,
        Some(b'0'..=b'9') => word.iter().all(u8::is_ascii_digit),
        Some(_) => word.iter().all(|byte| is_of_one_word(*byte)) && words::is_plain(word),
    })
}

fn detect_in_full(value: &[u8]) -> Option<Fingerprint> {
    let both = |quote| read_in_both(value, quote);
    both(None).or_else(|| if value.contains(&b'\'') { both(Some(b'\'')) } else { None }).or_else(
        || {
            let reading = Reading { quote: Some(b'"'), is_mysql: true };
            if value.contains(&b'"') { read(value, reading).0 } else { None }
        },
    )
}

/// As standard SQL, and, when that makes a difference, as MySQL.
fn read_in_both(value: &[u8], quote: Option<u8>) -> Option<Fingerprint> {
    let (found, has_mysql_comment) = read(value, Reading { quote, is_mysql: false });
    found.or_else(|| {
        if has_mysql_comment { read(value, Reading { quote, is_mysql: true }).0 } else { None }
    })
}

fn read(value: &[u8], reading: Reading) -> (Option<Fingerprint>, bool) {
    let mut folded = fold(value, reading);
    let fingerprint = folded.fingerprint();
    let is_injection =
        words::is_fingerprint(fingerprint.as_bytes()) && folded.is_no_prose(value, &fingerprint);
    (is_injection.then_some(fingerprint), folded.has_mysql_comment)
}

impl Fingerprint {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Folded {
    fn token(&self, place: usize) -> Token {
        self.tokens.get(place).copied().unwrap_or_default()
    }

    fn fingerprint(&mut self) -> Fingerprint {
        // An open backquote with nothing behind it is a comment to PHP.
        if self.length > 2
            && let Some(last) = self.tokens.get_mut(self.length - 1)
            && last.kind == b'n'
            && last.open == b'`'
            && last.text().is_empty()
            && last.close == 0
        {
            last.kind = b'c';
        }
        let mut fingerprint = Fingerprint { bytes: [0; 8], length: self.length };
        for (byte, token) in fingerprint.bytes.iter_mut().zip(&self.tokens).take(self.length) {
            *byte = token.kind;
        }
        // Nested comments and their like: nobody can say how it is read.
        if fingerprint.as_bytes().contains(&b'X') {
            return Fingerprint { bytes: [b'X', 0, 0, 0, 0, 0, 0, 0], length: 1 };
        }
        fingerprint
    }

    /// What looks like an injection by its shape, and is often none, is looked at more closely.
    fn is_no_prose(&self, value: &[u8], fingerprint: &Fingerprint) -> bool {
        let shape = fingerprint.as_bytes();
        let ends_in_comment = shape.len() > 1 && shape.last() == Some(&b'c');
        if ends_in_comment && memchr::memmem::find(value, b"sp_password").is_some() {
            return true;
        }
        match shape.len() {
            2 => self.is_no_prose_of_two(value, shape),
            3 => self.is_no_prose_of_three(shape),
            _ => true,
        }
    }

    fn is_no_prose_of_two(&self, value: &[u8], shape: &[u8]) -> bool {
        let (first, second) = (self.token(0), self.token(1));
        if shape.get(1) == Some(&b'U') {
            return self.read != 2;
        }
        let begin = second.text().first().copied().unwrap_or(0);
        if begin == b'#' {
            return false;
        }
        let is_comment = second.kind == b'c';
        if first.kind == b'n' && is_comment && begin != b'/' {
            return false;
        }
        if first.kind == b'1' && is_comment {
            return begin == b'/' || self.read > 2 || self.is_true_number(value);
        }
        !(second.text().len() > 2 && begin == b'-')
    }

    /// Whether the number before a comment ends where it seems to: `1--`, `1 --`, `1/*`.
    fn is_true_number(&self, value: &[u8]) -> bool {
        let length = self.token(0).text().len();
        let next = value.get(length).copied().unwrap_or(0);
        let after = value.get(length + 1).copied().unwrap_or(0);
        // The original reads this byte as a signed one.
        next <= b' ' || next >= 0x80 || matches!((next, after), (b'/', b'*') | (b'-', b'-'))
    }

    fn is_no_prose_of_three(&self, shape: &[u8]) -> bool {
        let (first, second, third) = (self.token(0), self.token(1), self.token(2));
        match shape {
            // `foo" + "bar`: between quotes that the value does not open.
            b"sos" | b"s&s" => first.open == 0 && third.close == 0 && first.close == third.open,
            b"s&n" | b"n&1" | b"1&1" | b"1&v" | b"1&s" => self.read != 3,
            _ if second.kind == b'k' => {
                let text = second.text();
                text.len() >= 5 && text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case(b"INTO"))
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
