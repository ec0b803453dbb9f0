//! `pattern`, `format`, lengths and contents of texts, and what they prove.

use super::{Compiler, Dialect, choices, count, short};
use crate::format::Format;
use crate::node::{Data, Node};
use crate::pattern;
use crate::proof::{self, Kind};
use crate::schema::TextRules;

impl<'d> Compiler<'d> {
    pub(super) fn text_rules(&mut self, node: &'d Node) -> TextRules {
        let word = |name: &str| node.get(name).and_then(Node::text);
        let pattern = node.get("pattern").and_then(|value| self.pattern(value, value.text()?));
        let encoding = match (self.dialect, word("contentEncoding")) {
            (Dialect::V31, Some("base64")) => Some(Format::Byte),
            (Dialect::V31, Some("base64url")) => Some(Format::Base64Url),
            _ => None,
        };
        let format = word("format").and_then(Format::parse).or(encoding);
        let is_media = self.dialect == Dialect::V31
            && word("contentEncoding").is_none()
            && word("contentMediaType").is_some_and(|kind| !kind.starts_with("text/"));
        let is_narrow = pattern.as_ref().is_some_and(|pattern| proof::is_narrow(pattern.as_str()));
        let harmless = format
            .and_then(Format::harmless)
            .or_else(|| is_narrow.then_some(Kind::Pattern))
            .or_else(|| is_list_of_words(node).then_some(Kind::Choice));
        TextRules {
            chars_min: count(node, "minLength"),
            chars_max: count(node, "maxLength"),
            pattern,
            format,
            is_binary: word("format") == Some("binary") || is_media,
            media: word("contentMediaType").map(str::to_ascii_lowercase),
            harmless,
        }
    }

    pub(super) fn pattern(&mut self, node: &Node, text: &str) -> Option<regex::Regex> {
        if let Ok(regex) = pattern::compile(text) {
            return Some(regex);
        }
        self.find(node, format!("pattern `{}` is not supported", short(text)));
        None
    }
}

/// Whether the texts of an `enum` or `const` are all harmless.
fn is_list_of_words(node: &Node) -> bool {
    choices(node).iter().any(|list| {
        list.iter().all(|data| match data {
            Data::Text(text) => proof::is_words(text),
            _ => true,
        })
    })
}
