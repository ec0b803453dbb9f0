//! The one format. Comments, order and blank lines between thoughts stay; only blanks change.
//!
//! Works on the text, not on the tree, so that nothing typed can get lost. Before the result is
//! handed out it is read again: it has to mean the same.

mod value;

use crate::syntax::string_end;

/// Why a text is not formatted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormatError {
    /// It is not TOML; `ringwall check` says more.
    #[error("not TOML: {message}")]
    Syntax {
        /// What the reader says.
        message: String,
    },
    /// The formatted text would not mean the same. Nothing is changed then.
    #[error("this text cannot be formatted without changing its meaning")]
    Unsafe,
}

/// Brings a manifest into the one format. Formatting twice changes nothing more.
pub fn format(text: &str) -> Result<String, FormatError> {
    if text.len() > crate::syntax::FILE_BYTES_MAX || crate::syntax::is_refused(text) {
        return Err(FormatError::Syntax { message: "`ringwall check` names the line".to_owned() });
    }
    let read = |text: &str| {
        toml::from_str::<toml::Table>(text)
            .map_err(|error| FormatError::Syntax { message: error.message().to_owned() })
    };
    let meaning = read(text)?;
    let formatted = layout(text);
    match read(&formatted) {
        Ok(again) if again == meaning && comments(&formatted) == comments(text) => Ok(formatted),
        _ => Err(FormatError::Unsafe),
    }
}

/// One logical line.
enum Line {
    Blank,
    Comment(String),
    Header(String, Option<String>),
    Pair(String, String, Option<String>),
}

fn layout(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let lines = lines(text);
    for (index, line) in lines.iter().enumerate() {
        match line {
            Line::Blank => {
                if out.last().is_some_and(|last| !last.is_empty()) {
                    out.push(String::new());
                }
            }
            Line::Comment(comment) => {
                if starts_table(lines.get(index..).unwrap_or(&[])) && !follows_comment(&out) {
                    blank(&mut out);
                }
                out.push(comment.clone());
            }
            Line::Header(header, comment) => {
                if !follows_comment(&out) {
                    blank(&mut out);
                }
                out.push(with(header, comment.as_deref()));
            }
            Line::Pair(key, value, comment) => {
                let width = key.chars().count().saturating_add(3);
                let value = value::layout(value, width);
                out.push(with(&format!("{key} = {value}"), comment.as_deref()));
            }
        }
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    let mut text = out.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Whether comments up to a header follow: they belong to it.
fn starts_table(lines: &[Line]) -> bool {
    let next = lines.iter().find(|line| !matches!(line, Line::Comment(_)));
    matches!(next, Some(Line::Header(..)))
}

fn follows_comment(out: &[String]) -> bool {
    out.last().is_some_and(|last| last.starts_with('#'))
}

fn blank(out: &mut Vec<String>) {
    if out.last().is_some_and(|last| !last.is_empty()) {
        out.push(String::new());
    }
}

fn with(text: &str, comment: Option<&str>) -> String {
    comment.map_or_else(|| text.to_owned(), |comment| format!("{text}  {comment}"))
}

/// Cuts a text into logical lines: a value over several lines is one.
fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (end, comment) = statement_end(rest);
        let (statement, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (note, after) = if comment {
            after.split_at_checked(after.find('\n').unwrap_or(after.len())).unwrap_or((after, ""))
        } else {
            ("", after)
        };
        lines.push(line(statement.trim(), note.trim_end()));
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    lines
}

fn line(statement: &str, note: &str) -> Line {
    let note = (!note.is_empty()).then(|| note.to_owned());
    if statement.is_empty() {
        return note.map_or(Line::Blank, Line::Comment);
    }
    if statement.starts_with('[') {
        return Line::Header(tight(statement), note);
    }
    match split_key(statement) {
        Some((key, value)) => Line::Pair(tight(key.trim()), value.trim().to_owned(), note),
        // Not TOML; the reader has refused it before.
        None => Line::Comment(statement.to_owned()),
    }
}

/// Where the statement at the beginning of `text` ends, and whether a comment follows.
fn statement_end(text: &str) -> (usize, bool) {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' | b'\'' => {
                at = string_end(text, at);
                continue;
            }
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'#' if depth == 0 => return (at, true),
            b'#' => {
                at = comment_end(text, at);
                continue;
            }
            b'\n' if depth == 0 => return (at, false),
            _ => {}
        }
        at = at.saturating_add(1);
    }
    (text.len(), false)
}

/// The end of the line that a comment at `at` fills.
fn comment_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    at.saturating_add(rest.find('\n').unwrap_or(rest.len()))
}

fn split_key(statement: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    while let Some(byte) = statement.as_bytes().get(at) {
        match byte {
            b'"' | b'\'' => at = string_end(statement, at),
            b'=' => {
                let (key, value) = statement.split_at_checked(at)?;
                return Some((key, value.strip_prefix('=')?));
            }
            _ => at = at.saturating_add(1),
        }
    }
    None
}

/// Removes blanks outside quotes: in keys and headers they mean nothing.
fn tight(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(['"', '\'']) {
            let end = string_end(text, at);
            out.push_str(text.get(at..end).unwrap_or(""));
            at = end;
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        if !c.is_ascii_whitespace() {
            out.push(c);
        }
        at = at.saturating_add(c.len_utf8());
    }
    out
}

/// All comments of a text, in order.
fn comments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' | b'\'' => at = string_end(text, at),
            b'#' => {
                let end = comment_end(text, at);
                found.push(text.get(at..end).unwrap_or("").trim_end());
                at = end;
            }
            _ => at = at.saturating_add(1),
        }
    }
    found
}

#[cfg(test)]
mod tests;
