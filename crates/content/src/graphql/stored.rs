//! Stored documents: the queries that a service's own programs send, and no others.
//!
//! A document is known by its SHA-256, as Apollo's and Relay's tools name it, or by its text: blanks,
//! commas and comments do not make another one of it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::lex::{self, Why};
use super::parse;
use super::request::Query;
use crate::limits::GRAPHQL_DOCUMENTS_MAX;

/// Documents by their hashes and by their words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Documents {
    texts: Vec<String>,
    /// SHA-256 in hexadecimal digits: of the text, and of the text without blanks around it.
    by_hash: BTreeMap<String, usize>,
    by_words: BTreeMap<String, usize>,
}

impl Documents {
    /// Takes in a document.
    ///
    /// # Errors
    /// What keeps it from being one, as a fixed text.
    pub fn add(&mut self, text: &str) -> Result<(), &'static str> {
        parse::parse(text)?;
        if self.texts.len() >= GRAPHQL_DOCUMENTS_MAX {
            return Err("one document too many");
        }
        let at = self.texts.len();
        self.by_words.insert(lex::words(text)?, at);
        for text in [text, text.trim_ascii()] {
            self.by_hash.insert(hash(text), at);
        }
        self.texts.push(text.to_owned());
        Ok(())
    }

    /// The stored document that a request means.
    pub(super) fn find(&self, query: &Query) -> Result<&str, Why> {
        let unknown = "a document that is not stored";
        let mut found = None;
        for id in &query.ids {
            let digits = id.strip_prefix("sha256:").unwrap_or(id);
            let at = *self.by_hash.get(digits).ok_or(unknown)?;
            if found.replace(at).is_some_and(|before| before != at) {
                return Err("a request for two documents");
            }
        }
        if let Some(text) = &query.text {
            let at = *self.by_words.get(&lex::words(text)?).ok_or(unknown)?;
            // The same words may be stored twice, with other blanks.
            let is_same = |before: usize| {
                let words = self.texts.get(before).and_then(|text| lex::words(text).ok());
                words.is_some_and(|words| self.by_words.get(&words) == Some(&at))
            };
            if found.is_some_and(|before| !is_same(before)) {
                return Err("a request for two documents");
            }
            found = Some(at);
        }
        let text = found.and_then(|at| self.texts.get(at)).ok_or("a request without a query")?;
        Ok(text)
    }
}

fn hash(text: &str) -> String {
    let bytes = digest(&SHA256, text.as_bytes());
    bytes.as_ref().iter().fold(String::new(), |mut digits, byte| {
        for half in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(u32::from(half), 16));
        }
        digits
    })
}
