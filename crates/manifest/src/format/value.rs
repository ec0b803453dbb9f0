//! Layout of one value: short ones on a line, long lists with an item on each.

use crate::syntax::string_end;

/// A value, as far as its layout is concerned.
#[derive(Debug)]
enum Shape {
    /// Comments, an item, the comment behind it.
    List {
        items: Vec<Item>,
        tail: Vec<String>,
        is_long: bool,
    },
    /// As typed.
    Scalar(String),
    Table(Vec<(String, Self)>),
}

#[derive(Debug)]
struct Item {
    before: Vec<String>,
    value: Shape,
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token<'a> {
    Comment(&'a str),
    Mark(u8),
    Newline,
    Word(&'a str),
}

/// Lays out a value that stands behind `width` other characters. What is not understood stays as
/// it was typed.
pub(super) fn layout(text: &str, width: usize) -> String {
    let tokens = tokens(text);
    let mut rest = tokens.as_slice();
    let Some(value) = value(&mut rest, 0) else { return text.to_owned() };
    if !rest.is_empty() {
        return text.to_owned();
    }
    let Some(short) = short(&value) else { return long(&value, 0) };
    let fits = width.saturating_add(short.chars().count()) <= WIDTH_MAX;
    match &value {
        Shape::List { is_long: true, items, .. } if !items.is_empty() => long(&value, 0),
        Shape::List { items, .. } if !fits && !items.is_empty() => long(&value, 0),
        _ => short,
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at).copied() {
        let next = at.saturating_add(1);
        let end = match byte {
            b'\n' => {
                tokens.push(Token::Newline);
                next
            }
            b' ' | b'\t' | b'\r' => next,
            b'[' | b']' | b'{' | b'}' | b',' | b'=' => {
                tokens.push(Token::Mark(byte));
                next
            }
            b'#' => {
                let end = super::comment_end(text, at);
                tokens.push(Token::Comment(text.get(at..end).unwrap_or("").trim_end()));
                end
            }
            _ => {
                let end = word_end(text, at);
                tokens.push(Token::Word(text.get(at..end).unwrap_or("")));
                end
            }
        };
        at = end.max(next);
    }
    tokens
}

fn word_end(text: &str, at: usize) -> usize {
    let mut here = at;
    while let Some(byte) = text.as_bytes().get(here) {
        match byte {
            b'"' | b'\'' => here = string_end(text, here),
            b'\n' | b' ' | b'\t' | b'\r' | b'[' | b']' | b'{' | b'}' | b',' | b'=' | b'#' => break,
            _ => here = here.saturating_add(1),
        }
    }
    here
}

fn value(rest: &mut &[Token<'_>], depth: usize) -> Option<Shape> {
    if depth > DEPTH_MAX {
        return None;
    }
    match rest.split_first()? {
        (Token::Mark(b'['), after) => {
            *rest = after;
            list(rest, depth)
        }
        (Token::Mark(b'{'), after) => {
            *rest = after;
            table(rest, depth)
        }
        (Token::Word(_), _) => {
            // A date may have a blank before its time.
            let mut words = Vec::new();
            while let [Token::Word(word), after @ ..] = *rest {
                words.push(*word);
                *rest = after;
            }
            Some(Shape::Scalar(words.join(" ")))
        }
        _ => None,
    }
}

fn list(rest: &mut &[Token<'_>], depth: usize) -> Option<Shape> {
    let mut items: Vec<Item> = Vec::new();
    let mut waiting: Vec<String> = Vec::new();
    let (mut is_long, mut on_item_line) = (false, false);
    loop {
        match rest.split_first()? {
            (Token::Mark(b']'), after) => {
                *rest = after;
                return Some(Shape::List { items, tail: waiting, is_long });
            }
            (Token::Mark(b','), after) => *rest = after,
            (Token::Newline, after) => {
                (is_long, on_item_line) = (true, false);
                *rest = after;
            }
            (Token::Comment(text), after) => {
                let behind = items.last_mut().filter(|item| on_item_line && item.after.is_none());
                match behind {
                    Some(item) => item.after = Some((*text).to_owned()),
                    None => waiting.push((*text).to_owned()),
                }
                *rest = after;
            }
            _ => {
                let before = std::mem::take(&mut waiting);
                let inner = value(rest, depth.saturating_add(1))?;
                items.push(Item { before, value: inner, after: None });
                on_item_line = true;
            }
        }
    }
}

fn table(rest: &mut &[Token<'_>], depth: usize) -> Option<Shape> {
    let mut pairs = Vec::new();
    loop {
        match rest.split_first()? {
            (Token::Mark(b'}'), after) => {
                *rest = after;
                return Some(Shape::Table(pairs));
            }
            (Token::Mark(b','), after) => *rest = after,
            (Token::Word(key), [Token::Mark(b'='), after @ ..]) => {
                *rest = after;
                pairs.push(((*key).to_owned(), value(rest, depth.saturating_add(1))?));
            }
            _ => return None,
        }
    }
}

/// On one line; none if a comment stands in the way.
fn short(value: &Shape) -> Option<String> {
    match value {
        Shape::Scalar(text) => Some(text.clone()),
        Shape::List { items, tail, .. } => {
            if !tail.is_empty() {
                return None;
            }
            let plain = |item: &Item| {
                (item.before.is_empty() && item.after.is_none()).then(|| short(&item.value))?
            };
            let items = items.iter().map(plain).collect::<Option<Vec<String>>>()?;
            Some(format!("[{}]", items.join(", ")))
        }
        Shape::Table(pairs) if pairs.is_empty() => Some("{}".to_owned()),
        Shape::Table(pairs) => {
            let pair = |(key, value): &(String, Shape)| Some(format!("{key} = {}", short(value)?));
            let pairs = pairs.iter().map(pair).collect::<Option<Vec<String>>>()?;
            Some(format!("{{ {} }}", pairs.join(", ")))
        }
    }
}

/// An item on each line, with a comma behind each.
fn long(value: &Shape, depth: usize) -> String {
    let (outer, inner) = ("  ".repeat(depth), "  ".repeat(depth.saturating_add(1)));
    match value {
        Shape::List { items, tail, .. } => {
            let mut out = String::from("[\n");
            let mut line = |text: &str| {
                out.push_str(&inner);
                out.push_str(text);
                out.push('\n');
            };
            for item in items {
                for comment in &item.before {
                    line(comment);
                }
                let text = short(&item.value)
                    .unwrap_or_else(|| long(&item.value, depth.saturating_add(1)));
                line(&super::with(&format!("{text},"), item.after.as_deref()));
            }
            for comment in tail {
                line(comment);
            }
            out.push_str(&outer);
            out.push(']');
            out
        }
        Shape::Table(pairs) => {
            let pair = |(key, value): &(String, Shape)| {
                let text = short(value).unwrap_or_else(|| long(value, depth));
                format!("{key} = {text}")
            };
            format!("{{ {} }}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Shape::Scalar(text) => text.clone(),
    }
}

/// As in the sample of the manual.
const WIDTH_MAX: usize = 100;
/// The reader allows no more.
const DEPTH_MAX: usize = 32;
