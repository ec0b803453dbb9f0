//! Text with macros, `%{TX.score}`, split once when the rules are read.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::variable::Variable;

/// Text with places for values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    pub(crate) parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(Arc<[u8]>),
    Value(Reference),
}

/// A variable, or one member of it.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) variable: Variable,
    /// In lower case.
    pub(crate) key: Option<Arc<[u8]>>,
    /// The place of a `TX` member whose name is known when the rules are linked.
    pub(crate) slot: Option<u32>,
}

impl Template {
    /// Splits text. A macro that names no variable stands for nothing, as ModSecurity has it.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut parts = Vec::new();
        let mut at = Cursor::new(text);
        let mut plain = Vec::new();
        while !at.is_empty() {
            plain.extend_from_slice(at.take_while(|byte| byte != b'%'));
            if let Some(name) = macro_name(&mut at) {
                parts.extend(text_part(&mut plain));
                parts.extend(reference(name).map(Part::Value));
            } else {
                plain.extend(at.next());
            }
        }
        parts.extend(text_part(&mut plain));
        Self { parts }
    }

    /// The text, when it has no macros.
    pub(crate) fn constant(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(&[]),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with its macros spelled out again.
    pub(crate) fn source(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(plain) => String::from_utf8_lossy(plain).into_owned(),
            Part::Value(Reference { variable, key: None, .. }) => {
                format!("%{{{}}}", variable.name())
            }
            Part::Value(Reference { variable, key: Some(key), .. }) => {
                format!("%{{{}.{}}}", variable.name(), String::from_utf8_lossy(key))
            }
        });
        parts.collect()
    }

    /// Whether there is a value in it.
    pub(crate) fn has_references(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Value(_)))
    }

    /// The references in it, to be linked.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(reference) => Some(reference),
        })
    }

    /// As [`Template::references`], to be linked.
    pub(crate) fn references_mut(&mut self) -> impl Iterator<Item = &mut Reference> {
        self.parts.iter_mut().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(reference) => Some(reference),
        })
    }
}

fn text_part(plain: &mut Vec<u8>) -> Option<Part> {
    let text = std::mem::take(plain);
    (!text.is_empty()).then(|| Part::Text(text.into()))
}

fn macro_name<'a>(at: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut ahead = *at;
    if !ahead.eat_all(b"%{") {
        return None;
    }
    let name = ahead.take_while(|byte| byte != b'}');
    if !ahead.eat(b'}') {
        return None;
    }
    *at = ahead;
    Some(name)
}

fn reference(name: &[u8]) -> Option<Reference> {
    let split = name.iter().position(|byte| matches!(byte, b'.' | b':'));
    let (collection, key) = match split {
        Some(at) => (name.get(..at)?, Some(name.get(at + 1..)?)),
        None => (name, None),
    };
    let variable = Variable::find(collection)?;
    let key = key.map(|key| Arc::from(key.to_ascii_lowercase()));
    Some(Reference { variable, key, slot: None })
}

/// A cheap hash, for maps whose keys are known when rules are loaded: what is looked up may come
/// from outside, what is in the map does not, so nobody outside can make it slow.
pub(crate) type CheapHash = BuildHasherDefault<CheapHasher>;

/// See [`CheapHash`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CheapHasher(u64);

impl Hasher for CheapHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(place, byte)| *place = *byte);
            let mixed = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
            self.0 = mixed.wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_split_from_text() {
        let parts = Template::parse(b"a %{TX.Score} 100%{MATCHED_VAR}%{nope}%{open").parts;
        let text: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Part::Value(value) => format!(
                    "<{}/{}>",
                    value.variable.name(),
                    value.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default()
                ),
            })
            .collect();
        assert_eq!(text, ["a ", "<TX/score>", " 100", "<MATCHED_VAR/>", "%{open"]);
        assert_eq!(Template::parse(b"").constant(), Some(&b""[..]));
        assert_eq!(Template::parse(b"100%").constant(), Some(&b"100%"[..]));
        assert!(Template::parse(b"%{TX.a}").constant().is_none());
    }
}
