//! Values of data classes, masked where they stand: in JSON strings and numbers, and in text.

use std::borrow::Cow;

use ringwall_leaks::{Detector, Detectors, Finding, Scanner};
use ringwall_manifest::Mask;

use super::is_json_text;
use crate::operation::Detect;
use crate::record::Leaked;

/// What is looked for, and what becomes of it.
#[derive(Debug)]
pub(super) struct Masker<'a> {
    scanner: &'a Scanner,
    rules: &'a [Detect],
    wanted: Detectors,
}

/// An answer that was looked through.
#[derive(Debug, Default)]
pub(super) struct Masked {
    /// It, with stars in it; `None` where nothing was found.
    pub(super) bytes: Option<Vec<u8>>,
    /// What was found.
    pub(super) found: Vec<Leaked>,
    /// Whether a class says that the answer is refused.
    pub(super) is_refused: bool,
    /// Whether it is nested so deeply that it was not looked through.
    pub(super) is_too_deep: bool,
}

impl<'a> Masker<'a> {
    pub(super) fn new(scanner: &'a Scanner, rules: &'a [Detect]) -> Self {
        let wanted = rules.iter().fold(Detectors::NONE, |all, rule| all.and(rule.detectors));
        Self { scanner, rules, wanted }
    }

    /// All that is looked for.
    pub(super) const fn wanted(&self) -> Detectors {
        self.wanted
    }

    /// Looks through an answer, as JSON where it is some.
    pub(super) fn run(&self, bytes: &[u8]) -> Masked {
        if is_json_text(bytes) { Walk::new(self, bytes).run() } else { self.text(bytes, "at byte") }
    }

    /// The same for text. So many bytes come out as went in.
    pub(super) fn text(&self, bytes: &[u8], place: &str) -> Masked {
        let found = self.scanner.scan_values(bytes, self.wanted);
        let mut masked = Masked::default();
        for one in &found {
            let place = match place {
                _ if masked.found.len() >= PLACES_MAX => String::new(),
                "at byte" => format!("at byte {}", one.range.start),
                place => place.to_owned(),
            };
            masked.found.push(Leaked { detector: one.detector, place });
            masked.is_refused |= self.refuses(one.detector);
        }
        masked.bytes = (!found.is_empty()).then(|| self.starred(bytes, &found));
        masked
    }

    fn find(&self, text: &[u8]) -> Vec<Finding> {
        if text.len() < VALUE_BYTES_MIN {
            return Vec::new();
        }
        self.scanner.scan_values(text, self.wanted)
    }

    fn refuses(&self, detector: Detector) -> bool {
        self.rules.iter().any(|rule| rule.refuses && rule.detectors.has(detector))
    }

    fn starred(&self, text: &[u8], found: &[Finding]) -> Vec<u8> {
        let mut text = text.to_vec();
        for one in found {
            let mut rules = self.rules.iter().filter(|rule| rule.detectors.has(one.detector));
            // The end of a number says which one it is; the end of a password is a part of it. The
            // stricter of two classes.
            let is_number = matches!(one.detector, Detector::Card | Detector::Iban);
            let is_all = rules.any(|rule| rule.mask == Mask::All);
            let keeps = if is_number && !is_all { 4 } else { 0 };
            cover(text.get_mut(one.range.clone()).unwrap_or_default(), keeps);
        }
        text
    }
}

/// Stars for a value, but for so many of its last letters and what stands between them.
fn cover(value: &mut [u8], keeps: usize) {
    let mut left = keeps;
    for byte in value.iter_mut().rev() {
        let is_value = byte.is_ascii_alphanumeric();
        if keeps == 0 || is_value && left == 0 || !byte.is_ascii() {
            *byte = b'*';
        }
        left = left.saturating_sub(usize::from(is_value));
    }
}

const fn is_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

/// One way through a JSON text that is known to be well formed. What is not masked stays as it is,
/// byte for byte.
#[derive(Debug)]
struct Walk<'a> {
    masker: &'a Masker<'a>,
    text: &'a [u8],
    out: Vec<u8>,
    /// How much of the text is in `out`.
    copied: usize,
    path: Vec<Step>,
    masked: Masked,
}

/// Where in an object or list it is.
#[derive(Debug)]
enum Step {
    /// Behind a key, or before one.
    Object(Option<String>),
    /// At an element.
    List(usize),
}

impl<'a> Walk<'a> {
    const fn new(masker: &'a Masker<'a>, text: &'a [u8]) -> Self {
        let masked =
            Masked { bytes: None, found: Vec::new(), is_refused: false, is_too_deep: false };
        Self { masker, text, out: Vec::new(), copied: 0, path: Vec::new(), masked }
    }

    fn run(mut self) -> Masked {
        let mut at = 0;
        while let Some(byte) = self.text.get(at) {
            let start = at;
            at = at.saturating_add(1);
            match byte {
                b'{' | b'[' if self.path.len() >= DEPTH_MAX => {
                    return Masked { is_too_deep: true, ..Masked::default() };
                }
                b'{' => self.path.push(Step::Object(None)),
                b'[' => self.path.push(Step::List(0)),
                b'}' | b']' => drop(self.path.pop()),
                b',' => match self.path.last_mut() {
                    Some(Step::Object(key)) => *key = None,
                    Some(Step::List(index)) => *index = index.saturating_add(1),
                    None => {}
                },
                b'"' => {
                    at = self.end_of_string(at);
                    self.string(start, at);
                }
                b'-' | b'0'..=b'9' => {
                    let rest = self.text.get(at..).unwrap_or_default();
                    let digits = rest.iter().take_while(|byte| is_number(**byte)).count();
                    at = at.saturating_add(digits);
                    let number = self.text.get(start..at).unwrap_or_default();
                    self.value(number, (start, at));
                }
                _ => {}
            }
        }
        if self.copied > 0 {
            self.out.extend_from_slice(self.text.get(self.copied..).unwrap_or_default());
            self.masked.bytes = Some(self.out);
        }
        self.masked
    }

    /// Behind its closing quotation mark.
    fn end_of_string(&self, start: usize) -> usize {
        let mut is_escaped = false;
        for (at, byte) in self.text.get(start..).unwrap_or_default().iter().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => return start.saturating_add(at).saturating_add(1),
                _ => {}
            }
        }
        self.text.len()
    }

    fn string(&mut self, start: usize, end: usize) {
        let literal = self.text.get(start..end).unwrap_or_default();
        let raw = self.text.get(start.saturating_add(1)..end.saturating_sub(1)).unwrap_or_default();
        let is_plain = !raw.contains(&b'\\');
        let read = || serde_json::from_slice::<String>(literal).ok();
        let value = match if is_plain { None } else { read() } {
            Some(text) => Cow::Owned(text.into_bytes()),
            None => Cow::Borrowed(raw),
        };
        let is_key = matches!(self.path.last(), Some(Step::Object(None)));
        if is_key && let Some(Step::Object(key)) = self.path.last_mut() {
            let found = self.masker.find(&value);
            // What is written down of a key is what leaves of it.
            let shown = self.masker.starred(&value, &found);
            *key = Some(String::from_utf8_lossy(&shown).into_owned());
            self.replace(&value, &found, (start, end));
            return;
        }
        self.value(&value, (start, end));
    }

    fn value(&mut self, value: &[u8], place: (usize, usize)) {
        let found = self.masker.find(value);
        self.replace(value, &found, place);
    }

    fn replace(&mut self, value: &[u8], found: &[Finding], (start, end): (usize, usize)) {
        if found.is_empty() {
            return;
        }
        for one in found {
            let is_told = self.masked.found.len() < PLACES_MAX;
            let place = if is_told { format!("at {}", self.pointer()) } else { String::new() };
            self.masked.found.push(Leaked { detector: one.detector, place });
            self.masked.is_refused |= self.masker.refuses(one.detector);
        }
        let shown = self.masker.starred(value, found);
        let shown = String::from_utf8_lossy(&shown);
        self.out.extend_from_slice(self.text.get(self.copied..start).unwrap_or_default());
        self.out.extend_from_slice(serde_json::Value::from(shown).to_string().as_bytes());
        self.copied = end;
    }

    /// RFC 6901, as far as it is of use.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Object(key) => {
                    let key = key.as_deref().unwrap_or_default();
                    let short: String = key.chars().take(KEY_CHARS_MAX).collect();
                    pointer.push_str(&short.replace('~', "~0").replace('/', "~1"));
                }
                Step::List(index) => pointer.push_str(&index.to_string()),
            }
            if pointer.len() > POINTER_BYTES_MAX {
                pointer.push('…');
                break;
            }
        }
        if pointer.is_empty() { "the top".to_owned() } else { pointer }
    }
}

/// The shortest card number.
const VALUE_BYTES_MIN: usize = 12;
/// More than readers of JSON take: 128 by most.
const DEPTH_MAX: usize = 512;
/// Of more, it is counted how many there are: more places than are written down.
const PLACES_MAX: usize = 64;
const KEY_CHARS_MAX: usize = 64;
const POINTER_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests;
