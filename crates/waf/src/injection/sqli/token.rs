//! A token of SQL.

/// What is kept of a token's text; longer words are no keywords.
pub(super) const TEXT_MAX: usize = 31;

/// A token: its kind as a letter of the fingerprint, and the beginning of its text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Token {
    pub(super) kind: u8,
    /// The quote that opens and the one that closes it; 0 where it is not in the value.
    pub(super) open: u8,
    pub(super) close: u8,
    pub(super) length: usize,
    pub(super) text: [u8; TEXT_MAX + 1],
}

impl Token {
    pub(super) fn new(kind: u8, text: &[u8]) -> Self {
        let mut token = Self { kind, ..Self::default() };
        for (place, byte) in token.text.iter_mut().zip(text).take(TEXT_MAX) {
            *place = *byte;
        }
        token.length = text.len().min(TEXT_MAX);
        token
    }

    pub(super) fn quoted(text: &[u8], open: u8, close: u8) -> Self {
        Self { open, close, ..Self::new(b's', text) }
    }

    pub(super) fn text(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.text().eq_ignore_ascii_case(word.as_bytes())
    }

    pub(super) fn is_arithmetic(&self) -> bool {
        self.kind == b'o' && matches!(self.text(), [b'*' | b'/' | b'-' | b'+' | b'%'])
    }

    pub(super) fn is_unary(&self) -> bool {
        let is_sign = matches!(self.text(), [b'+' | b'-' | b'!' | b'~'] | [b'!', b'!']);
        self.kind == b'o' && (is_sign || self.is("NOT"))
    }
}
