//! Folds an expression to the text that it gives, as far as that is known without running it.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, FStringPart, InterpolatedStringElement, Operator};

/// Stands for a part of a text that is known at run time only.
pub(crate) const HOLE: char = '\u{0}';

/// Names whose text is known.
pub(super) type Known = BTreeMap<String, String>;

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
        Expr::Call(call) => call_text(call, &inner),
        Expr::BoolOp(operation) => operation.values.iter().rev().find_map(inner),
        Expr::If(branch) => inner(&branch.body).or_else(|| inner(&branch.orelse)),
        _ => None,
    }
}

/// `"…".format(…)`, `os.environ.get("X", "default")`, `os.getenv("X", "default")`, `"…".rstrip("/")`.
fn call_text(call: &ruff_python_ast::ExprCall, inner: Inner<'_>) -> Option<String> {
    let Expr::Attribute(attribute) = &*call.func else {
        return match &*call.func {
            Expr::Name(name) if name.id == "getenv" => call.arguments.args.get(1).and_then(inner),
            _ => None,
        };
    };
    match attribute.attr.as_str() {
        "format" => inner(&attribute.value).map(|text| braces_to_holes(&text)),
        "rstrip" | "strip" => {
            inner(&attribute.value).map(|text| text.trim_end_matches('/').to_owned())
        }
        "get" | "getenv" => call.arguments.args.get(1).and_then(inner),
        _ => None,
    }
}

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
