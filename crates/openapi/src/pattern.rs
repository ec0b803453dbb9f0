//! `pattern`: ECMA 262 regular expressions, run by a linear engine.
//!
//! What has no linear form (look-around, back references) does not compile, which is a finding.

use regex::{Regex, RegexBuilder};

/// Bytes of one compiled pattern; bounded repetition of bounded repetition ends here.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;

/// Compiles a pattern, or says that it has no linear form.
pub(crate) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&translate(pattern))
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .nest_limit(64)
        .build()
}

/// Spells the differences out: `\d` and `\w` are ASCII in ECMA, `[` and `&&` are plain in a class.
fn translate(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut letters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => escape(&mut text, letters.next(), in_class),
            '[' if in_class => text.push_str("\\["),
            '[' => {
                in_class = true;
                text.push('[');
                if letters.next_if_eq(&'^').is_some() {
                    text.push('^');
                }
            }
            ']' => {
                in_class = false;
                text.push(']');
            }
            '&' | '~' if in_class => text.extend(['\\', letter]),
            letter => text.push(letter),
        }
    }
    text
}

fn escape(text: &mut String, letter: Option<char>, in_class: bool) {
    match (letter, in_class) {
        (Some('d'), true) => text.push_str("0-9"),
        (Some('d'), false) => text.push_str("[0-9]"),
        (Some('D'), false) => text.push_str("[^0-9]"),
        (Some('w'), true) => text.push_str("0-9A-Za-z_"),
        (Some('w'), false) => text.push_str("[0-9A-Za-z_]"),
        (Some('W'), false) => text.push_str("[^0-9A-Za-z_]"),
        (Some('b'), false) => text.push_str("(?-u:\\b)"),
        (Some(letter), _) => text.extend(['\\', letter]),
        (None, _) => text.push('\\'),
    }
}
