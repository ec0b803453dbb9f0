//! Query strings and form bodies: `application/x-www-form-urlencoded`.

use percent_encoding::percent_decode_str;

/// One `name=value`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
    /// The value as sent, for separators that count before decoding.
    raw: String,
}

/// More pairs are refused.
const PAIRS_MAX: usize = 1_000;

/// Reads all pairs; `Err` says why the text has not one clear reading.
pub(crate) fn pairs(text: &str) -> Result<Vec<Pair>, &'static str> {
    let mut pairs = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        if pairs.len() >= PAIRS_MAX {
            return Err("too many parameters");
        }
        let (name, raw) = part.split_once('=').unwrap_or((part, ""));
        pairs.push(Pair { name: decode(name)?, value: decode(raw)?, raw: raw.to_owned() });
    }
    Ok(pairs)
}

impl Pair {
    /// `filter[state]` for `filter`: `state`. `None` where there are brackets inside.
    pub(crate) fn key_of(&self, parameter: &str) -> Option<&str> {
        let rest = self.name.strip_prefix(parameter)?;
        let key = rest.strip_prefix('[')?.strip_suffix(']')?;
        (!key.contains(['[', ']'])).then_some(key)
    }

    /// The parts between separators, decoded one by one.
    pub(crate) fn parts(&self, separator: char) -> Option<Vec<String>> {
        let raw = match separator {
            // A space is always encoded, in one of two ways.
            ' ' => self.raw.replace("%20", "+"),
            '|' => self.raw.replace("%7C", "|").replace("%7c", "|"),
            _ => self.raw.clone(),
        };
        let separator = if separator == ' ' { '+' } else { separator };
        raw.split(separator).map(|part| decode(part).ok()).collect()
    }
}

fn decode(text: &str) -> Result<String, &'static str> {
    let bytes = text.as_bytes();
    let is_escape = |at: usize| {
        let digits = bytes.get(at.saturating_add(1)..at.saturating_add(3)).unwrap_or_default();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
    };
    if memchr::memchr_iter(b'%', bytes).any(|at| !is_escape(at)) {
        return Err("malformed percent-encoding");
    }
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().or(Err("not UTF-8"))?;
    Ok(decoded.into_owned())
}
