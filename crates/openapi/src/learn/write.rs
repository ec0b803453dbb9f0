//! Writes a document. Texts are quoted as JSON quotes them, which YAML reads the same way.

use std::fmt::Write as _;

use crate::node::{Data, Node};
use crate::number::Number;

/// As YAML, two spaces a level.
pub(super) fn yaml(data: &Data) -> String {
    let mut out = String::new();
    block(data, 0, &mut out);
    out
}

/// As JSON, two spaces a level.
pub(super) fn json(data: &Data) -> String {
    let mut out = String::new();
    braces(data, 0, &mut out);
    out.push('\n');
    out
}

fn block(data: &Data, depth: usize, out: &mut String) {
    match data {
        Data::Object(members) => {
            for member in members {
                indent(depth, out);
                name(&member.name, out);
                below(&member.value, depth, out);
            }
        }
        Data::Array(items) => {
            for item in items {
                let mut inner = String::new();
                block(&item.data, depth.saturating_add(1), &mut inner);
                indent(depth, out);
                out.push_str("- ");
                out.push_str(inner.trim_start());
            }
        }
        _ => {
            scalar(data, out);
            out.push('\n');
        }
    }
}

/// A value after its name or its dash.
fn below(node: &Node, depth: usize, out: &mut String) {
    match &node.data {
        Data::Object(members) if !members.iter().all(|one| is_number(&one.value.data)) => {
            out.push('\n');
            block(&node.data, depth.saturating_add(1), out);
        }
        Data::Array(items) if items.iter().any(|item| is_nested(&item.data)) => {
            out.push('\n');
            block(&node.data, depth.saturating_add(1), out);
        }
        data => {
            out.push(' ');
            flow(data, out);
            out.push('\n');
        }
    }
}

/// On one line.
fn flow(data: &Data, out: &mut String) {
    match data {
        Data::Object(members) => {
            out.push('{');
            for (index, member) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                name(&member.name, out);
                out.push(' ');
                scalar(&member.value.data, out);
            }
            out.push('}');
        }
        Data::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                scalar(&item.data, out);
            }
            out.push(']');
        }
        data => scalar(data, out),
    }
}

fn braces(data: &Data, depth: usize, out: &mut String) {
    let inner = depth.saturating_add(1);
    let (open, close, count) = match data {
        Data::Object(members) => ('{', '}', members.len()),
        Data::Array(items) => ('[', ']', items.len()),
        _ => return scalar(data, out),
    };
    out.push(open);
    let mut first = true;
    let mut line = |out: &mut String| {
        out.push_str(if std::mem::take(&mut first) { "\n" } else { ",\n" });
        indent(inner, out);
    };
    match data {
        Data::Object(members) => {
            for member in members {
                line(out);
                quoted(&member.name, out);
                out.push_str(": ");
                braces(&member.value.data, inner, out);
            }
        }
        Data::Array(items) => {
            for item in items {
                line(out);
                braces(&item.data, inner, out);
            }
        }
        _ => {}
    }
    if count > 0 {
        out.push('\n');
        indent(depth, out);
    }
    out.push(close);
}

fn scalar(data: &Data, out: &mut String) {
    match data {
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(Number::Decimal { mantissa, .. }) => out.push_str(&mantissa.to_string()),
        Data::Number(Number::Float(float)) => out.push_str(&float.to_string()),
        Data::Text(text) => quoted(text, out),
        Data::File(_) | Data::Null | Data::Array(_) | Data::Object(_) => out.push_str("null"),
    }
}

/// Bare where nobody could read anything else in it.
fn name(name: &str, out: &mut String) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_word = name.len() > 3
        && name.bytes().all(is_plain)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && !["true", "null", "false"].contains(&name.to_ascii_lowercase().as_str());
    if is_word {
        out.push_str(name);
    } else {
        quoted(name, out);
    }
    out.push(':');
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if letter.is_control() || is_break(letter) => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    // A string takes all that is written.
                    write!(out, "\\u{unit:04x}").unwrap_or_default();
                }
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// What ends a line in YAML, or cannot be seen.
const fn is_break(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

const fn is_nested(data: &Data) -> bool {
    matches!(data, Data::Array(_) | Data::Object(_))
}

const fn is_number(data: &Data) -> bool {
    matches!(data, Data::Number(_))
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}
