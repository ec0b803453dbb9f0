//! Tags, attributes and addresses that run code.

use std::sync::LazyLock;

use crate::cursor::Cursor;

/// What an attribute may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Danger {
    None,
    /// Its value is an address.
    Address,
    Always,
    /// Its value names an attribute.
    NamesAttribute,
}

const ATTRIBUTES: &[(&str, Danger)] = &[
    ("ACTION", Danger::Address),
    ("ATTRIBUTENAME", Danger::NamesAttribute),
    ("BACKGROUND", Danger::Address),
    ("BY", Danger::Address),
    ("DATAFORMATAS", Danger::Always),
    ("DATASRC", Danger::Always),
    ("DYNSRC", Danger::Address),
    ("FILTER", Danger::Always),
    ("FOLDER", Danger::Address),
    ("FORMACTION", Danger::Address),
    ("FROM", Danger::Address),
    ("HANDLER", Danger::Address),
    ("HREF", Danger::Address),
    ("LOWSRC", Danger::Address),
    ("POSTER", Danger::Address),
    ("SRC", Danger::Address),
    ("STYLE", Danger::Always),
    ("TO", Danger::Address),
    ("VALUES", Danger::Address),
    ("XLINK:HREF", Danger::Address),
];

const TAGS: &[&str] = &[
    "APPLET", "BASE", "COMMENT", "EMBED", "FRAME", "FRAMESET", "HANDLER", "IFRAME", "IMPORT",
    "ISINDEX", "LINK", "LISTENER", "META", "NOSCRIPT", "OBJECT", "SCRIPT", "STYLE", "VMLFRAME",
    "XML", "XSS",
];

static EVENTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    include_str!("events.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

pub(super) fn is_dangerous_tag(name: &[u8]) -> bool {
    let begins = |with: &[u8]| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(with));
    name.len() >= 3
        && (TAGS.iter().any(|tag| is_name(tag, name)) || begins(b"SVG") || begins(b"XSL"))
}

pub(super) fn danger_of(name: &[u8]) -> Danger {
    if name.len() < 2 {
        return Danger::None;
    }
    if name.len() >= 5 {
        let event = name.get(2..).unwrap_or_default();
        let is_on = name.get(..2).is_some_and(|on| on.eq_ignore_ascii_case(b"ON"));
        if is_on && EVENTS.iter().any(|known| begins_as(known, event)) {
            return Danger::Always;
        }
        let five = name.get(..5).unwrap_or_default();
        if is_name("XMLNS", five) || is_name("XLINK", five) {
            return Danger::Always;
        }
    }
    let known = ATTRIBUTES.iter().find(|(known, _)| is_name(known, name));
    known.map_or(Danger::None, |(_, danger)| *danger)
}

/// Whether the first bytes, as many as the event has letters, are the event.
fn begins_as(event: &str, name: &[u8]) -> bool {
    name.get(..event.len()).is_some_and(|start| is_name(event, start))
}

/// Whether a name is this one, in any case, and without NUL bytes, which browsers ignore.
fn is_name(known: &str, name: &[u8]) -> bool {
    let letters = name.iter().filter(|byte| **byte != 0).map(u8::to_ascii_uppercase);
    letters.eq(known.bytes())
}

pub(super) fn is_dangerous_comment(text: &[u8]) -> bool {
    let begins =
        |with: &[u8]| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    let six = text.get(..6).unwrap_or_default();
    text.contains(&b'`')
        || (text.len() > 3 && (begins(b"[IF") || begins(b"XML")))
        || (text.len() > 5 && (is_name("IMPORT", six) || is_name("ENTITY", six)))
}

/// `javascript:` and its kin, with entities decoded.
pub(super) fn is_dangerous_address(text: &[u8]) -> bool {
    let start = text.iter().position(|byte| (33..127).contains(byte)).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    ["DATA", "VIEW-SOURCE", "JAVA", "VBSCRIPT"].iter().any(|scheme| begins_decoded(scheme, text))
}

fn begins_decoded(scheme: &str, text: &[u8]) -> bool {
    let mut wanted = scheme.bytes().peekable();
    let mut at = Cursor::new(text);
    let mut is_first = true;
    while !at.is_empty() {
        let Some(want) = wanted.peek().copied() else { return true };
        let code_point = decoded(&mut at);
        if is_first && code_point <= 32 {
            continue;
        }
        is_first = false;
        if matches!(code_point, 0 | 10) {
            continue;
        }
        // The original keeps the low byte.
        let byte = u8::try_from(code_point & 0xff).unwrap_or(0);
        let upper = if code_point < 128 { byte.to_ascii_uppercase() } else { byte };
        if upper != want {
            return false;
        }
        wanted.next();
    }
    wanted.peek().is_none()
}

/// A character, or the number that an entity names; what is no entity is `&`.
fn decoded(at: &mut Cursor<'_>) -> u32 {
    const CODE_POINT_MAX: u32 = 0x10_00ff;
    let first = u32::from(at.next().unwrap_or(0));
    let mut ahead = *at;
    if first != u32::from(b'&') || !ahead.eat(b'#') {
        return first;
    }
    let radix = if ahead.eat(b'x') || ahead.eat(b'X') { 16 } else { 10 };
    let mut number = None;
    while let Some(digit) = ahead.peek().and_then(|byte| char::from(byte).to_digit(radix)) {
        ahead.skip(1);
        let next = number.unwrap_or(0) * radix + digit;
        if next > CODE_POINT_MAX {
            return first;
        }
        number = Some(next);
    }
    let Some(number) = number else { return first };
    ahead.eat(b';');
    *at = ahead;
    number
}
