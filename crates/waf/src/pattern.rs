//! Patterns of rules, which are written for PCRE, for an engine that takes linear time.
//!
//! Compiled for bytes, not characters, with `.` matching a line end and `^`, `$` the ends of the
//! whole value only: what ModSecurity 2 asks of PCRE (`DOTALL`, `DOLLAR_ENDONLY`). The text is
//! rewritten where PCRE's syntax is wider; what no finite automaton can do is an error, never
//! dropped.

mod size;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::cursor::{Cursor, hex_value};
use crate::limits::PATTERN_BYTES_MAX;
use crate::parse::error::Cause;
use crate::rare::{self, Bytes};
use crate::required;

/// A pattern that is known to compile.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// Built when it is first asked, when its size is known not to be too much: most patterns of a
    /// rule set wait for a value that passes the prefilter, and most of them for ever.
    regex: Arc<OnceLock<Option<Regex>>>,
    is_multi_line: bool,
    /// What every value that matches begins with, in any case.
    begins: Option<Box<[u8]>>,
    text: Arc<str>,
    /// For the prefilter: of these every match holds one.
    pub(crate) literals: Option<Arc<[Vec<u8>]>>,
    /// Of these, too: signs that few values have.
    pub(crate) bytes: Option<Bytes>,
}

impl Pattern {
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        let is_possible = self.begins.as_ref().is_none_or(|begins| {
            value.get(..begins.len()).is_some_and(|text| text.eq_ignore_ascii_case(begins))
        });
        is_possible && self.regex().is_none_or(|regex| regex.is_match(value))
    }

    /// The first match that begins at a place or behind it.
    pub(crate) fn find_at(&self, value: &[u8], from: usize) -> Option<Range<usize>> {
        let input = Input::new(value).range(from..);
        match self.regex() {
            Some(regex) => regex.search(&input).map(|found| found.range()),
            None => Some(input.get_range()),
        }
    }

    /// The first match and its groups.
    pub(crate) fn captures<'v>(&self, value: &'v [u8]) -> Option<Vec<Option<&'v [u8]>>> {
        let Some(regex) = self.regex() else { return Some(vec![Some(value)]) };
        let mut captures = regex.create_captures();
        regex.captures(value, &mut captures);
        let text = |place| captures.get_group(place).and_then(|span| value.get(span.range()));
        captures.is_match().then(|| (0..captures.group_len()).map(text).collect())
    }

    /// The pattern as the engine reads it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The engine. `None` cannot be, since the pattern was read and measured; it would match.
    fn regex(&self) -> Option<&Regex> {
        let build = || {
            let tree = parse(&self.text, self.is_multi_line).ok()?;
            build(&tree).ok()
        };
        self.regex.get_or_init(build).as_ref()
    }
}

/// Compiles a pattern of a rule.
pub(crate) fn compile(text: &[u8]) -> Result<Pattern, Cause> {
    compile_with(text, false)
}

/// With `^` and `$` at line ends too, as `@verifyCC` and its kin want it.
pub(crate) fn compile_with(text: &[u8], is_multi_line: bool) -> Result<Pattern, Cause> {
    let pattern = translate(text)?;
    let tree = parse(&pattern, is_multi_line)?;
    let literals = required::literals(&tree).map(Arc::from);
    let bytes = rare::bytes(&tree);
    // What every value is asked is built now, and what may be too large for an engine.
    let is_open = literals.is_none() && bytes.is_none();
    let is_now = is_open || size::bytes_at_most(&tree) > PATTERN_BYTES_MAX / 4;
    let regex = if is_now { OnceLock::from(Some(build(&tree)?)) } else { OnceLock::new() };
    let begins = required::beginning(&tree).map(Vec::into_boxed_slice);
    Ok(Pattern {
        regex: Arc::new(regex),
        is_multi_line,
        begins,
        text: pattern.into(),
        literals,
        bytes,
    })
}

fn parse(pattern: &str, is_multi_line: bool) -> Result<Hir, Cause> {
    ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(is_multi_line)
        .build()
        .parse(pattern)
        .map_err(|error| Cause::Pattern { why: error.to_string() })
}

fn build(tree: &Hir) -> Result<Regex, Cause> {
    // The rule set has its own prefilter, for all patterns together; that of each pattern, and
    // automata that pay only for long texts, would take most of the time of loading.
    let config = Regex::config()
        .utf8_empty(false)
        .auto_prefilter(false)
        .onepass(false)
        .dfa(false)
        .nfa_size_limit(Some(PATTERN_BYTES_MAX));
    let regex = Regex::builder().configure(config).build_from_hir(tree);
    regex.map_err(|error| Cause::Pattern { why: reason(&error) })
}

/// The cause of the cause: the outer errors only say that something went wrong.
fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), reason)
}

/// PCRE's syntax to that of the `regex` crate.
fn translate(text: &[u8]) -> Result<String, Cause> {
    let mut at = Cursor::new(text);
    let mut out = String::with_capacity(text.len() + 16);
    while let Some(byte) = at.next() {
        match byte {
            b'\\' => escape(&mut at, &mut out)?,
            b'[' => class(&mut at, &mut out)?,
            b'(' => group(&mut at, &mut out)?,
            b'{' if !is_repetition(&at) => out.push_str("\\{"),
            b'{' => {
                out.push('{');
                out.extend(at.take_while(|byte| byte != b'}').iter().copied().map(char::from));
                at.skip(1);
                out.push('}');
                refuse_possessive(&at)?;
            }
            b'*' | b'+' | b'?' => {
                out.push(char::from(byte));
                refuse_possessive(&at)?;
                if at.eat(b'?') {
                    out.push('?');
                }
            }
            _ => literal(byte, &mut out),
        }
    }
    Ok(out)
}

/// `a++` keeps what it took. An automaton cannot, and the pattern without it matches more.
fn refuse_possessive(at: &Cursor<'_>) -> Result<(), Cause> {
    if at.peek() == Some(b'+') { Err(refused("possessive quantifiers")) } else { Ok(()) }
}

fn refused(what: &str) -> Cause {
    Cause::Pattern { why: format!("{what} cannot be matched in linear time") }
}

fn literal(byte: u8, out: &mut String) {
    if byte.is_ascii() && !byte.is_ascii_control() {
        out.push(char::from(byte));
    } else {
        push_byte(byte, out);
    }
}

fn push_byte(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push_str("\\x");
    for nibble in [byte >> 4, byte & 15] {
        out.extend(DIGITS.get(usize::from(nibble)).copied().map(char::from));
    }
}

/// After a `{`: whether it begins `{3}`, `{3,}` or `{3,5}`; anything else is text.
fn is_repetition(at: &Cursor<'_>) -> bool {
    let mut at = *at;
    let least = at.take_while(|byte| byte.is_ascii_digit());
    if at.eat(b',') {
        at.take_while(|byte| byte.is_ascii_digit());
    }
    !least.is_empty() && at.peek() == Some(b'}')
}

fn group(at: &mut Cursor<'_>, out: &mut String) -> Result<(), Cause> {
    if at.eat_all(b"?#") {
        at.take_while(|byte| byte != b')');
        at.skip(1);
        return Ok(());
    }
    for begin in [&b"?="[..], b"?!", b"?<=", b"?<!"] {
        if at.rest().starts_with(begin) {
            return Err(refused("look-around"));
        }
    }
    for begin in [&b"?>"[..], b"?|", b"?(", b"?R", b"?&", b"*"] {
        if at.rest().starts_with(begin) {
            return Err(refused("atomic, conditional and recursive groups"));
        }
    }
    out.push('(');
    if at.eat(b'?') {
        out.push('?');
    }
    Ok(())
}

/// After a backslash, outside a class.
fn escape(at: &mut Cursor<'_>, out: &mut String) -> Result<(), Cause> {
    let Some(byte) = at.next() else {
        return Err(Cause::Pattern { why: "it ends in a backslash".to_owned() });
    };
    match byte {
        b'Q' => {
            while !at.is_empty() && !at.eat_all(b"\\E") {
                at.next().into_iter().for_each(|byte| push_byte(byte, out));
            }
        }
        b'E' => {}
        b'Z' => out.push_str("(?:\\n?\\z)"),
        b'h' => out.push_str("[\\t \\xA0]"),
        b'H' => out.push_str("[^\\t \\xA0]"),
        b'v' => out.push_str("[\\n-\\r\\x85]"),
        b'V' => out.push_str("[^\\n-\\r\\x85]"),
        b'R' => out.push_str("(?:\\r\\n|[\\n-\\r\\x85])"),
        b'N' => out.push_str("[^\\n]"),
        b'A' | b'z' | b'b' | b'B' => {
            out.push('\\');
            out.push(char::from(byte));
        }
        b'1'..=b'9' if !is_octal(byte, at) => return Err(refused("back references")),
        b'K' | b'G' | b'k' | b'g' | b'X' | b'C' => {
            return Err(refused("`\\K`, `\\G` and references"));
        }
        _ => common_escape(byte, at, out),
    }
    Ok(())
}

/// What `\` and a byte mean inside a class and outside.
fn common_escape(byte: u8, at: &mut Cursor<'_>, out: &mut String) {
    match byte {
        b'd' | b'D' | b's' | b'S' | b'w' | b'W' | b'p' | b'P' => {
            out.push('\\');
            out.push(char::from(byte));
        }
        b'n' => push_byte(b'\n', out),
        b'r' => push_byte(b'\r', out),
        b't' => push_byte(b'\t', out),
        b'f' => push_byte(0x0c, out),
        b'a' => push_byte(0x07, out),
        b'e' => push_byte(0x1b, out),
        b'c' => {
            let control = at.next().unwrap_or(b'@').to_ascii_uppercase() ^ 0x40;
            push_byte(control, out);
        }
        b'x' => push_byte(hex_escape(at), out),
        b'o' if at.peek() == Some(b'{') => {
            at.skip(1);
            let digits = at.take_while(|byte| byte != b'}');
            at.skip(1);
            push_byte(octal(digits), out);
        }
        b'0'..=b'7' => {
            let mut digits = vec![byte];
            let mut left = 2;
            digits.extend_from_slice(at.take_while(|byte| {
                let belongs = left > 0 && (b'0'..=b'7').contains(&byte);
                left -= i32::from(belongs);
                belongs
            }));
            push_byte(octal(&digits), out);
        }
        // An escaped byte that means nothing is itself.
        _ => push_byte(byte, out),
    }
}

fn octal(digits: &[u8]) -> u8 {
    let value =
        digits.iter().fold(0_u32, |value, digit| (value << 3 | u32::from(digit & 7)) & 0xff);
    u8::try_from(value).unwrap_or(0)
}

/// `\12` and longer is an octal number, a single digit a back reference.
fn is_octal(first: u8, at: &Cursor<'_>) -> bool {
    (b'1'..=b'7').contains(&first) && at.peek().is_some_and(|byte| (b'0'..=b'7').contains(&byte))
}

/// `\xHH`, `\x{HH}`: one byte. A code point beyond a byte is not what byte patterns can mean.
fn hex_escape(at: &mut Cursor<'_>) -> u8 {
    let digits = if at.eat(b'{') {
        let digits = at.take_while(|byte| byte != b'}');
        at.skip(1);
        digits
    } else {
        let mut left = 2;
        at.take_while(|byte| {
            let belongs = left > 0 && byte.is_ascii_hexdigit();
            left -= i32::from(belongs);
            belongs
        })
    };
    let value = digits
        .iter()
        .fold(0_u32, |value, digit| (value << 4 | hex_value(*digit).unwrap_or(0)) & 0xff);
    u8::try_from(value).unwrap_or(0)
}

/// After `[`: bytes that PCRE takes as they are and the other engine does not are escaped.
fn class(at: &mut Cursor<'_>, out: &mut String) -> Result<(), Cause> {
    out.push('[');
    if at.eat(b'^') {
        out.push('^');
    }
    if at.eat(b']') {
        out.push_str("\\]");
    }
    loop {
        let Some(byte) = at.next() else {
            return Err(Cause::Pattern { why: "a class is not closed".to_owned() });
        };
        match byte {
            b']' => break,
            b'[' if posix_class(at, out) => {}
            b'-' => class_dash(at, out),
            b'\\' => class_escape(at, out)?,
            b'[' | b'&' | b'~' | b'^' | b' '..=b'/' => push_byte(byte, out),
            _ => literal(byte, out),
        }
    }
    out.push(']');
    Ok(())
}

/// A dash makes a range between two single bytes; at the edges, and beside a class, it is text.
fn class_dash(at: &Cursor<'_>, out: &mut String) {
    let is_first = out.ends_with('[') || out.ends_with("[^");
    let is_last = at.peek() == Some(b']');
    let before = out.as_bytes();
    let after_set = matches!(
        before.last_chunk::<2>(),
        Some([b'\\', b'd' | b'D' | b's' | b'S' | b'w' | b'W'] | [b':', b']'])
    );
    let before_set = at.peek() == Some(b'\\')
        && matches!(at.peek_at(1), Some(b'd' | b'D' | b's' | b'S' | b'w' | b'W' | b'h' | b'v'));
    if is_first || is_last || after_set || before_set {
        push_byte(b'-', out);
    } else {
        out.push('-');
    }
}

fn posix_class(at: &mut Cursor<'_>, out: &mut String) -> bool {
    let mut ahead = *at;
    if !ahead.eat(b':') {
        return false;
    }
    let name = ahead.take_while(|byte| byte.is_ascii_lowercase() || byte == b'^');
    if !ahead.eat_all(b":]") {
        return false;
    }
    out.push_str("[:");
    out.extend(name.iter().copied().map(char::from));
    out.push_str(":]");
    *at = ahead;
    true
}

fn class_escape(at: &mut Cursor<'_>, out: &mut String) -> Result<(), Cause> {
    let Some(byte) = at.next() else {
        return Err(Cause::Pattern { why: "a class is not closed".to_owned() });
    };
    match byte {
        b'b' => push_byte(0x08, out),
        b'h' => out.push_str("\\t \\xA0"),
        b'v' => out.push_str("\\n-\\r\\x85"),
        b'R' | b'X' | b'B' | b'H' | b'V' => return Err(refused("this escape in a class")),
        _ => common_escape(byte, at, out),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&[u8]], no: &[&[u8]]) {
        let compiled = compile(pattern.as_bytes()).unwrap();
        for value in yes {
            assert!(
                compiled.is_match(value),
                "{pattern} as {} misses {value:?}",
                compiled.as_str()
            );
        }
        for value in no {
            assert!(
                !compiled.is_match(value),
                "{pattern} as {} takes {value:?}",
                compiled.as_str()
            );
        }
    }

    #[test]
    fn pcre_syntax_keeps_its_meaning() {
        check(r"^[\x{80}-\xff]\x5cn$", &[b"\xc3\\n"], &[b"a\\n", b"\xc3\\n\n"]);
        check(r"^[[\]{}&&~~+--]$", &[b"[", b"]", b"&", b"~", b"-", b"}", b","], &[b"b", b"."]);
        check(r"a{,2}b{x}", &[b"a{,2}b{x}"], &[b"aab"]);
        check(r"^[\w-]+-[\s-x]?$", &[b"a-b--", b"a--"], &[b"a b"]);
        check(r"^[[:alpha:]_]+$", &[b"ab_"], &[b"1"]);
        check(r"^\<\/\'\ \%\_\:$", &[b"</' %_:"], &[b"<"]);
        check(r"^a.b$", &[b"a\nb", b"a\xffb"], &[b"a\nb\n"]);
        check(r"^\Qa.b\E+(?#note)\e\012\cA$", &[b"a.bb\x1b\n\x01"], &[b"axb"]);
        check(r"^\v\h\R[\b]$", &[b"\x0b\t\r\n\x08"], &[]);
        check("^[é]$", &["é".as_bytes().get(..1).unwrap()], &["é".as_bytes()]);
        check(r"^[!-\-]+$", &[b"!+-"], &[b"."]);
        check(r"^[^]a]$", &[b"b"], &[b"]", b"a"]);
        check(r"(?i:abc)|(?P<name>x)", &[b"aBC", b"x"], &[b"y"]);
        check(r"^[a\-z]$", &[b"a", b"-", b"z"], &[b"b"]);
        check(r"^a+?b*?c??$", &[b"aab"], &[b"b"]);
    }

    #[test]
    fn what_takes_more_than_linear_time_is_refused() {
        for pattern in [
            r"(a)\1", "(?=a)", "(?!a)", "(?<=a)b", "(?>a+)b", "a++b", "a{2}+", r"a\Kb", "[a",
            "a\\", "(a",
        ] {
            assert!(matches!(compile(pattern.as_bytes()), Err(Cause::Pattern { .. })), "{pattern}");
        }
    }
}
