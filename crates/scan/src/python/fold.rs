//! Folds an expression to the text that it gives, as far as that is known without running it.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, ExprCall, FStringPart, InterpolatedStringElement, Number, Operator};

/// Stands for a part of a text that is known at run time only.
pub(crate) const HOLE: char = '\u{0}';

/// Begins the name of a variable of the environment.
pub(super) const VARIABLE: char = '\u{1}';
/// Between the name and the text that stands in for a variable that is not set.
const DEFAULT: char = '\u{2}';
/// Ends both.
const END: char = '\u{3}';

/// Names whose text is known.
pub(super) type Known = BTreeMap<String, String>;

/// Looks a variable up.
type Look<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Folds an inner expression.
type Inner<'a> = &'a dyn Fn(&Expr) -> Option<String>;

/// The text of an expression. `None` when nothing about it is known.
pub(super) fn fold(expr: &Expr, known: &Known) -> Option<String> {
    fold_at(expr, known, 0)
}

fn fold_at(expr: &Expr, known: &Known, depth: usize) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    let inner = |expr: &Expr| fold_at(expr, known, depth.saturating_add(1));
    match expr {
        Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
        Expr::FString(literal) => {
            Some(literal.value.iter().map(|part| part_text(part, &inner)).collect())
        }
        Expr::Name(name) => known.get(name.id.as_str()).cloned(),
        Expr::Attribute(attribute) => known.get(attribute.attr.as_str()).cloned(),
        Expr::BinOp(operation) if operation.op == Operator::Add => {
            match (inner(&operation.left), inner(&operation.right)) {
                (None, None) => None,
                (left, right) => Some(or_hole(left) + &or_hole(right)),
            }
        }
        Expr::BinOp(operation) if operation.op == Operator::Mod => {
            inner(&operation.left).map(|text| holes_for(&text, "%s"))
        }
        Expr::Call(call) => call_text(call, known, &inner),
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(value) => value.as_u64().map(|value| value.to_string()),
            Number::Float(_) | Number::Complex { .. } => None,
        },
        Expr::Subscript(subscript) if is_environ(&subscript.value) => {
            inner(&subscript.slice).map(|name| variable(&name, None))
        }
        // `app.config["USERS_URL"]`.
        Expr::Subscript(subscript) if is_config(&subscript.value) => {
            inner(&subscript.slice).and_then(|name| known.get(&name).cloned())
        }
        Expr::BoolOp(operation) => operation.values.iter().rev().find_map(inner),
        Expr::If(branch) => inner(&branch.body).or_else(|| inner(&branch.orelse)),
        _ => None,
    }
}

/// `"…".format(…)`, `os.environ.get("X", "default")`, `os.getenv("X", "default")`, `"…".rstrip("/")`.
fn call_text(call: &ExprCall, known: &Known, inner: Inner<'_>) -> Option<String> {
    let Expr::Attribute(attribute) = &*call.func else {
        return match &*call.func {
            Expr::Name(name) if GETTERS.contains(&name.id.as_str()) => lookup(call, inner),
            // `int(os.environ.get("PORT", 5000))`.
            Expr::Name(name) if name.id == "int" || name.id == "str" => {
                call.arguments.args.first().and_then(inner)
            }
            _ => None,
        };
    };
    match attribute.attr.as_str() {
        "format" => inner(&attribute.value).map(|text| braces_to_holes(&text)),
        "rstrip" | "strip" => {
            inner(&attribute.value).map(|text| text.trim_end_matches('/').to_owned())
        }
        "get" if is_environ(&attribute.value) => lookup(call, inner),
        "get" if is_config(&attribute.value) => {
            let first = call.arguments.args.first().and_then(inner);
            first.and_then(|name| known.get(&name).cloned())
        }
        "get" => call.arguments.args.get(1).and_then(inner),
        name if GETTERS.contains(&name) => lookup(call, inner),
        _ => None,
    }
}

/// A look-up in the environment.
fn lookup(call: &ExprCall, inner: Inner<'_>) -> Option<String> {
    let name = call.arguments.args.first().and_then(inner)?;
    let keyword = call
        .arguments
        .keywords
        .iter()
        .find(|keyword| keyword.arg.as_ref().is_some_and(|name| name.as_str() == "default"));
    let default = keyword.map(|keyword| &keyword.value).or_else(|| call.arguments.args.get(1));
    Some(variable(&name, default.and_then(inner)))
}

fn is_environ(expr: &Expr) -> bool {
    last_name(expr) == Some("environ")
}

fn is_config(expr: &Expr) -> bool {
    last_name(expr) == Some("config")
}

fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    }
}

fn variable(name: &str, default: Option<String>) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match default {
        _ if !is_plain || name.is_empty() => or_hole(default),
        // Marks do not nest: what stands in for a variable is resolved without its own default.
        Some(default) => format!("{VARIABLE}{name}{DEFAULT}{}{END}", expand(&default, &|_| None)),
        None => format!("{VARIABLE}{name}{END}"),
    }
}

/// The text with its variables replaced: by their value, else by their default, else by a hole.
pub(crate) fn expand(text: &str, value: Look<'_>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(VARIABLE) {
        expanded.push_str(before);
        let Some((inside, tail)) = after.split_once(END) else { break };
        let (name, default) = match inside.split_once(DEFAULT) {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inside, None),
        };
        expanded.push_str(&or_hole(value(name).or(default)));
        rest = tail;
    }
    expanded.push_str(rest);
    expanded
}

/// The names of the variables in a text.
pub(crate) fn variables(text: &str) -> Vec<String> {
    let marked = text.split(VARIABLE).skip(1);
    let names = marked.filter_map(|part| part.split([DEFAULT, END]).next());
    names.map(str::to_owned).collect()
}

/// Functions that read the environment, of the standard library and as people name their own.
const GETTERS: &[&str] = &["env", "environ_get", "get_env", "getenv"];

fn part_text(part: &FStringPart, inner: Inner<'_>) -> String {
    match part {
        FStringPart::Literal(literal) => literal.value.to_string(),
        FStringPart::FString(text) => text
            .elements
            .iter()
            .map(|element| match element {
                InterpolatedStringElement::Literal(literal) => literal.value.to_string(),
                InterpolatedStringElement::Interpolation(hole) => or_hole(inner(&hole.expression)),
            })
            .collect(),
    }
}

fn or_hole(text: Option<String>) -> String {
    text.unwrap_or_else(|| HOLE.to_string())
}

fn holes_for(text: &str, mark: &str) -> String {
    text.replace(mark, &HOLE.to_string()).replace("%d", &HOLE.to_string())
}

fn braces_to_holes(text: &str) -> String {
    let mut folded = String::new();
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '{' => {
                if depth == 0 {
                    folded.push(HOLE);
                }
                depth = depth.saturating_add(1);
            }
            '}' => depth = depth.saturating_sub(1),
            other if depth == 0 => folded.push(other),
            _ => {}
        }
    }
    folded
}

const DEPTH_MAX: usize = 32;
