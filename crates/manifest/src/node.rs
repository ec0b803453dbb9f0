//! The tree of what was typed, each part with its place.

use crate::source::At;

/// One value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Bool(bool),
    Integer(i64),
    List(Vec<Node>),
    /// Floats and dates: no key takes one, so only its name is kept.
    Other(&'static str),
    Table(Vec<Entry>),
    Text(String),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: At,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn empty(at: At) -> Self {
        Self { at, value: Value::Table(Vec::new()) }
    }

    /// What it is, for an error text.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "a number",
            Value::List(_) => "a list",
            Value::Other(kind) => kind,
            Value::Table(_) => "a table",
            Value::Text(_) => "a text",
        }
    }

    /// The entries of a table in the order of the text; nothing for another value.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn entries_mut(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entries of the table under `key`.
    pub(crate) fn table(&self, key: &str) -> &[Entry] {
        self.get(key).map_or(&[], Self::entries)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::as_text)
    }

    /// The items of a list; nothing for another value.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The texts of a list, or the one text.
    pub(crate) fn texts(&self) -> Vec<(&str, At)> {
        match &self.value {
            Value::Text(text) => vec![(text, self.at)],
            Value::List(items) => {
                items.iter().filter_map(|item| Some((item.as_text()?, item.at))).collect()
            }
            _ => Vec::new(),
        }
    }
}
