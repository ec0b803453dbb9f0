//! Reads TOML 1.0 into a tree with places, and refuses what only TOML 1.1 allows.
//!
//! The reader below us also accepts TOML 1.1. Python's `tomllib`, taplo and tombi do not, so a
//! manifest with a multi-line inline table would work here and nowhere else.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalogue::code;
use crate::finding::Findings;
use crate::node::{Entry, Node, Value};
use crate::source::At;

/// Reads one file. What could be read is returned also when something was wrong.
pub(crate) fn read(file: usize, findings: &mut Findings<'_>) -> Node {
    let text = findings.sources.text(file);
    let whole = At { file, start: 0, end: 0 };
    if text.len() > FILE_BYTES_MAX {
        findings
            .add(code::TOO_LARGE, whole, format!("the file has {} bytes", text.len()))
            .label("too large")
            .help("split it with `include`: a file may have 1 MiB");
        return Node::empty(whole);
    }
    let guard = guard(text);
    for fault in &guard {
        let finding = findings.add(fault.code, At::new(file, &fault.span), fault.message);
        finding.label(fault.label).help(fault.help);
    }
    // The tree is only built when its depth is known to be bounded.
    if guard.iter().any(|fault| fault.code == code::TOO_DEEP) {
        return Node::empty(whole);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let first = error.message().lines().next().unwrap_or("not TOML").to_owned();
        let finding = findings.add(code::SYNTAX, At::new(file, &span), first);
        finding.label("here").help(syntax_help(error.message(), text, &span));
    }
    let span = table.span();
    convert_table(table.get_ref(), file, &span)
}

fn syntax_help(message: &str, text: &str, span: &Range<usize>) -> String {
    let line = text.get(..span.start).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let line = text.get(line..).and_then(|rest| rest.lines().next()).unwrap_or("").trim();
    if message.contains("duplicate key") {
        "a key stands once in its table: remove one of the two, or merge their values".to_owned()
    } else if line.contains(": ") && !line.contains('=') {
        "TOML writes `key = value`, not `key: value`".to_owned()
    } else if message.contains("quoted") || message.contains("string") {
        "texts stand in double quotes: `key = \"value\"`".to_owned()
    } else {
        "see `ringwall explain RW0001` for the few rules of TOML".to_owned()
    }
}

fn convert_table(table: &DeTable<'_>, file: usize, span: &Range<usize>) -> Node {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().clone().into_owned(),
            at: At::new(file, &key.span()),
            node: convert(value, file),
        })
        .collect();
    entries.sort_by_key(|entry| entry.at);
    Node { at: At::new(file, span), value: Value::Table(entries) }
}

fn convert(value: &Spanned<DeValue<'_>>, file: usize) -> Node {
    let span = value.span();
    let converted = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number out of range"), Value::Integer),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| convert(item, file)).collect())
        }
        DeValue::Table(table) => return convert_table(table, file, &span),
    };
    Node { at: At::new(file, &span), value: converted }
}

/// Whether a text is refused before TOML is read.
pub(crate) fn is_refused(text: &str) -> bool {
    !guard(text).is_empty()
}

/// Something that stands in the way before TOML is read.
struct Fault {
    code: &'static str,
    span: Range<usize>,
    message: &'static str,
    label: &'static str,
    help: &'static str,
}

/// Finds what only TOML 1.1 allows, and nesting that would cost stack.
fn guard(text: &str) -> Vec<Fault> {
    let mut scan = Scan { text, faults: Vec::new(), open: Vec::new(), dots: 0, comma: None };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        at = scan.step(at, *byte);
    }
    scan.faults
}

struct Scan<'a> {
    text: &'a str,
    faults: Vec<Fault>,
    open: Vec<u8>,
    dots: usize,
    /// The last comma with nothing but blanks after it.
    comma: Option<usize>,
}

impl Scan<'_> {
    /// Looks at the byte at `at` and returns where to go on.
    fn step(&mut self, at: usize, byte: u8) -> usize {
        let next = at.saturating_add(1);
        match byte {
            b'#' => return self.after_comment(at),
            b'"' | b'\'' => {
                self.comma = None;
                return self.after_string(at, byte);
            }
            b'{' | b'[' => self.opened(at, byte),
            b'}' | b']' => self.closed(at, byte),
            b'.' => {
                self.dots = self.dots.saturating_add(1);
                if self.dots == DOTS_MAX {
                    self.faults.push(too_deep(at));
                }
            }
            b'\n' => self.line_ended(at),
            b',' => self.comma = Some(at),
            b' ' | b'\t' | b'\r' => {}
            _ => self.comma = None,
        }
        if byte == b'.' {
            self.comma = None;
        }
        next
    }

    fn opened(&mut self, at: usize, byte: u8) {
        self.comma = None;
        self.open.push(byte);
        if self.open.len() == DEPTH_MAX {
            self.faults.push(too_deep(at));
        }
    }

    fn closed(&mut self, at: usize, byte: u8) {
        let inside = self.open.pop();
        if let (Some(comma), b'}', Some(b'{')) = (self.comma.take(), byte, inside) {
            self.faults.push(Fault {
                code: code::TOML_1_1,
                span: comma..at,
                message: "a comma before `}` is TOML 1.1, which few tools read",
                label: "remove this comma",
                help: "end an inline table without a comma: `{ a = 1, b = 2 }`",
            });
        }
    }

    fn line_ended(&mut self, at: usize) {
        self.dots = 0;
        if self.open.last() == Some(&b'{') {
            self.faults.push(Fault {
                code: code::TOML_1_1,
                span: at..at.saturating_add(1),
                message: "an inline table over several lines is TOML 1.1, which few tools read",
                label: "the line ends inside `{ … }`",
                help: "write it on one line, or as a table: `[services.users.secrets]`",
            });
            // Once is enough: the rest of this table is not reported again.
            if let Some(last) = self.open.last_mut() {
                *last = b'[';
            }
        }
        if self.open.is_empty() {
            self.comma = None;
        }
    }

    fn after_comment(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or("");
        at.saturating_add(rest.find('\n').unwrap_or(rest.len()).max(1))
    }

    /// Goes behind a string that begins at `at`; looks for escapes that TOML 1.0 does not have.
    fn after_string(&mut self, at: usize, quote: u8) -> usize {
        let end = string_end(self.text, at);
        let mut here = at;
        while quote == b'"' && here < end {
            if self.text.as_bytes().get(here) == Some(&b'\\') {
                self.escape(here);
                here = here.saturating_add(1);
            }
            here = here.saturating_add(1);
        }
        end
    }

    fn escape(&mut self, at: usize) {
        if matches!(self.text.as_bytes().get(at.saturating_add(1)), Some(b'e' | b'x')) {
            self.faults.push(Fault {
                code: code::TOML_1_1,
                span: at..at.saturating_add(2),
                message: "this escape is TOML 1.1, which few tools read",
                label: "not in TOML 1.0",
                help: "write `\\u001B` for `\\e`, and `\\u00HH` for `\\xHH`",
            });
        }
    }
}

/// Where a string that begins at `at` ends; an open one ends with its line, or with the text.
pub(crate) fn string_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let Some(quote) = bytes.get(at).copied() else { return at };
    let is = |from: usize| bytes.get(from) == Some(&quote);
    let is_long = is(at.saturating_add(1)) && is(at.saturating_add(2));
    let mut here = at.saturating_add(if is_long { 3 } else { 1 });
    while let Some(byte) = bytes.get(here).copied() {
        let closes_long = byte == quote && is(here.saturating_add(1)) && is(here.saturating_add(2));
        match byte {
            b'\\' if quote == b'"' => here = here.saturating_add(1),
            b'\n' if !is_long => return here,
            _ if byte == quote && !is_long => return here.saturating_add(1),
            _ if closes_long => {
                // A long string may end with one or two quotes of its own.
                let mut end = here.saturating_add(3);
                while is(end) && end < here.saturating_add(5) {
                    end = end.saturating_add(1);
                }
                return end;
            }
            _ => {}
        }
        here = here.saturating_add(1);
    }
    bytes.len()
}

fn too_deep(at: usize) -> Fault {
    Fault {
        code: code::TOO_DEEP,
        span: at..at.saturating_add(1),
        message: "nested too deeply",
        label: "no manifest goes this deep",
        help: "a manifest needs at most four levels",
    }
}

/// As much as the schema of any tool reads without complaint; a manifest of 1,000 operations has
/// 60 KiB.
pub(crate) const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Brackets inside brackets. The deepest table of the schema has four.
const DEPTH_MAX: usize = 16;
/// Dots in one line outside texts: each may open a table.
const DOTS_MAX: usize = 16;

#[cfg(test)]
mod tests;
