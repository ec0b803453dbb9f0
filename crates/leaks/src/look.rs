//! A look at the bytes around a literal: bounded, and aware of whether more may come.

/// The bytes from a place on. Whoever asks for a byte behind the end is noted: in a stream, what was
/// read then is no answer yet.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    text: &'a [u8],
    at: usize,
    ran_out: bool,
}

impl<'a> Look<'a> {
    pub(crate) const fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at, ran_out: false }
    }

    /// Where it is.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Whether the end of the text decided something.
    pub(crate) const fn ran_out(&self) -> bool {
        self.ran_out
    }

    /// What stands before a place.
    pub(crate) fn before(&self, at: usize, most: usize) -> &'a [u8] {
        self.text.get(at.saturating_sub(most)..at).unwrap_or_default()
    }

    /// What was read from a place on.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next byte, which stays.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.peek_at(0)
    }

    /// The byte so far ahead.
    pub(crate) fn peek_at(&mut self, ahead: usize) -> Option<u8> {
        let byte = self.text.get(self.at.saturating_add(ahead)).copied();
        self.ran_out |= byte.is_none();
        byte
    }

    /// Goes on by so many bytes.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// Returns to a place that it came by.
    pub(crate) fn back_to(&mut self, at: usize) {
        self.at = self.at.min(at);
    }

    /// Takes these bytes, if they come next.
    pub(crate) fn takes(&mut self, bytes: &[u8]) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.len() < bytes.len() && bytes.starts_with(rest) {
            self.ran_out = true;
            return false;
        }
        let is_next = rest.starts_with(bytes);
        if is_next {
            self.at = self.at.saturating_add(bytes.len());
        }
        is_next
    }

    /// Takes one of several, if it comes next.
    pub(crate) fn takes_one(&mut self, all: &[&[u8]]) -> bool {
        all.iter().any(|one| self.takes(one))
    }

    /// Takes bytes of a kind, so many at most. Returns how many.
    pub(crate) fn run(&mut self, most: usize, is_one: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.at - start < most {
            match self.peek() {
                Some(byte) if is_one(byte) => self.at = self.at.saturating_add(1),
                _ => break,
            }
        }
        self.at - start
    }

    /// Goes behind these bytes, if they come within so many.
    pub(crate) fn finds(&mut self, bytes: &[u8], within: usize) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let window = rest.get(..within).unwrap_or(rest);
        if let Some(found) = memchr::memmem::find(window, bytes) {
            self.at = self.at.saturating_add(found).saturating_add(bytes.len());
            return true;
        }
        self.ran_out |= rest.len() < within;
        false
    }

    /// Takes blanks, line ends and what stands for them in JSON and HTML. Returns whether any came.
    pub(crate) fn blanks(&mut self) -> bool {
        let start = self.at;
        while self.at - start < BLANKS_MAX {
            let is_blank = self.takes_one(BLANKS);
            if !is_blank {
                break;
            }
        }
        self.at > start
    }

    /// Takes a quotation mark, as it is or as JSON and HTML write it.
    pub(crate) fn quote(&mut self) -> bool {
        self.takes_one(QUOTES)
    }

    /// Whether nothing follows that would belong to a word.
    pub(crate) fn is_end_of_word(&mut self) -> bool {
        self.peek().is_none_or(|byte| !is_word(byte))
    }

    /// Whether a word can begin at a place. Escapes of JSON and of addresses end in letters, too.
    pub(crate) fn begins_word(&self, at: usize) -> bool {
        let before = self.before(at, 6);
        is_border(before) && before.last() != Some(&b'-')
    }
}

/// Whether what comes next begins anew: no letter before it, unless that is the end of an escape.
pub(crate) fn is_border(before: &[u8]) -> bool {
    let is_escape = matches!(
        before,
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't']
            | [.., b'\\', b'u', _, _, _, _]
            | [.., b'%', _, _]
    );
    is_escape || before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
}

/// Letters, digits, and what tokens are made of besides.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

const BLANKS_MAX: usize = 64;
const BLANKS: &[&[u8]] = &[
    b" ", b"\n", b"\r", b"\t", b"\\n", b"\\r", b"\\t", b"<br />", b"<br>", b"<br/>", b"<b>",
    b"</b>", b"&nbsp;",
];
const QUOTES: &[&[u8]] = &[
    b"\"", b"'", b"`", b"\\\"", b"\\'", b"&#34;", b"&#39;", b"&quot;", b"&#x27;", b"&#x22;",
    b"&#039;", b"\\u0022", b"\\u0027", b"&apos;",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_behind_the_end_is_noted() {
        let mut look = Look::new(b"abc", 0);
        assert_eq!(look.run(3, |byte| byte.is_ascii_alphabetic()), 3);
        assert!(!look.ran_out());
        assert_eq!(look.peek(), None);
        assert!(look.ran_out());
        let mut look = Look::new(b"abc", 1);
        assert!(!look.takes(b"bx") && !look.ran_out());
        assert!(!look.takes(b"bcd") && look.ran_out());
    }

    #[test]
    fn a_word_begins_after_an_escape() {
        for (text, at, begins) in [
            ("ghp_", 0, true),
            (" ghp_", 1, true),
            ("xghp_", 1, false),
            ("\\nghp_", 2, true),
            ("%20ghp_", 3, true),
            ("\\u000aghp_", 6, true),
            ("nghp_", 1, false),
        ] {
            assert_eq!(Look::new(text.as_bytes(), at).begins_word(at), begins, "{text}");
        }
    }
}
