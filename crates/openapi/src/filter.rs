//! Cuts fields from JSON answers, by copying the bytes of what stays.

use std::ops::Range;

use crate::compile::short;
use crate::node::{Data, Member, Node, push_index, push_token};
use crate::schema::{SchemaId, SchemaSet};
use crate::shape::{self, Shape};
use crate::violation::REPORTED_MAX;
use crate::{Limits, Violation, ViolationKind, json, media_type};

/// What may not leave.
#[derive(Clone, Copy, Debug, Default)]
pub struct CutRule<'a> {
    /// Fields outside the declared response schema.
    pub unknown_fields: Fate,
    /// Fields forbidden by name, at any depth.
    pub forbidden: &'a [FieldRule],
}

/// What happens to a field outside the schema.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fate {
    /// It is removed.
    #[default]
    Cut,
    /// It passes.
    Pass,
    /// The whole answer is refused.
    Refuse,
}

/// A field that may not leave to this caller.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FieldRule {
    /// Property name, compared exactly.
    pub name: String,
    /// Whether the whole answer is refused instead of the field cut.
    pub refuse: bool,
    /// The data class, for the record.
    pub class: String,
}

/// An answer after the cut.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Filtered {
    /// Something was removed: the new body, and what was removed.
    Changed(Vec<u8>, Vec<Violation>),
    /// The answer may not leave at all.
    Refused(Vec<Violation>),
    /// The body is right as it is.
    Unchanged,
}

/// Cuts the fields that `cut` forbids by name from a JSON answer, without a schema.
/// Answers that are not JSON are left alone; what claims to be JSON and is not is refused. Without
/// a media type, what begins as an object or array claims to be JSON.
pub fn filter_fields(content_type: Option<&str>, body: &[u8], cut: &CutRule<'_>) -> Filtered {
    filter(None, content_type, body, cut)
}

/// Cuts with a schema or without.
pub(crate) fn filter(
    schema: Option<(&SchemaSet, SchemaId)>,
    content_type: Option<&str>,
    body: &[u8],
    cut: &CutRule<'_>,
) -> Filtered {
    let (essence, _) = media_type::essence(content_type.unwrap_or_default());
    let nothing_to_do = schema.is_none() && cut.forbidden.is_empty();
    let is_json =
        media_type::is_json(&essence) || (media_type::is_untyped(&essence) && begins_as_json(body));
    if body.is_empty() || nothing_to_do || !is_json {
        return Filtered::Unchanged;
    }
    let node = match json::parse(body, &Limits::response()) {
        Ok(node) => node,
        // What we cannot read we cannot vouch for.
        Err(error) => {
            let message = format!("not JSON: {} at byte {}", error.message, error.at);
            return Filtered::Refused(vec![violation(String::new(), message)]);
        }
    };
    let mut walk = Walk {
        set: schema.map(|(set, _)| set),
        cut,
        pointer: String::new(),
        cuts: Vec::new(),
        found: Vec::new(),
        is_refused: false,
    };
    let ids: Vec<SchemaId> = schema.map(|(_, id)| id).into_iter().collect();
    walk.node(&node, &ids);
    if walk.is_refused {
        Filtered::Refused(walk.found)
    } else if walk.cuts.is_empty() {
        Filtered::Unchanged
    } else {
        Filtered::Changed(copy(body, &walk.cuts), walk.found)
    }
}

/// Whether bytes without a type begin as an object or array: then they are one, or do not leave.
fn begins_as_json(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    matches!(body.trim_ascii_start(), [b'{' | b'[', ..])
}

/// Walks a value beside the schemas that apply to it.
struct Walk<'w> {
    set: Option<&'w SchemaSet>,
    cut: &'w CutRule<'w>,
    pointer: String,
    /// Byte ranges that go, in order and apart from each other.
    cuts: Vec<Range<usize>>,
    found: Vec<Violation>,
    is_refused: bool,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, ids: &[SchemaId]) {
        let length = self.pointer.len();
        if let Data::Object(members) = &node.data {
            self.object(node, members, ids);
        }
        for (index, item) in node.items().iter().enumerate() {
            let below = self.set.map(|set| shape::element(set, ids, node, index));
            push_index(&mut self.pointer, index);
            self.node(item, &below.unwrap_or_default());
            self.pointer.truncate(length);
        }
    }

    fn object(&mut self, node: &Node, members: &[Member], ids: &[SchemaId]) {
        let shape = self.set.map(|set| Shape::of(set, ids, node)).unwrap_or_default();
        let length = self.pointer.len();
        let mut keeps = Vec::with_capacity(members.len());
        for member in members {
            push_token(&mut self.pointer, &member.name);
            let keep = self.keeps(member, &shape);
            self.pointer.truncate(length);
            keeps.push(keep);
        }
        let end = members.last().map_or(node.end, |last| last.value.end);
        let last_kept = keeps.iter().rposition(|keep| *keep);
        if last_kept.is_none() {
            self.cuts.extend(members.first().map(|first| first.at..end));
        }
        for (index, (member, keep)) in members.iter().zip(&keeps).enumerate() {
            let next = members.get(index.saturating_add(1)).filter(|_| Some(index) <= last_kept);
            if *keep {
                push_token(&mut self.pointer, &member.name);
                self.node(&member.value, &shape.below(self.set, &member.name));
                self.pointer.truncate(length);
            }
            match next {
                // The comma after the last member that stays goes with those after it.
                Some(_) if Some(index) == last_kept => self.cuts.push(member.value.end..end),
                Some(next) if !keep => self.cuts.push(member.at..next.at),
                _ => {}
            }
        }
    }

    /// Whether a member stays; notes why not.
    fn keeps(&mut self, member: &Member, shape: &Shape) -> bool {
        if let Some(rule) = self.cut.forbidden.iter().find(|rule| rule.name == member.name) {
            self.is_refused |= rule.refuse;
            self.note(format!("field of data class `{}`", short(&rule.class)));
            return false;
        }
        if self.cut.unknown_fields == Fate::Pass || shape.declares(self.set, &member.name) {
            return true;
        }
        self.is_refused |= self.cut.unknown_fields == Fate::Refuse;
        self.note("field outside the declared response".to_owned());
        false
    }

    fn note(&mut self, message: String) {
        if self.found.len() < REPORTED_MAX {
            self.found.push(violation(self.pointer.clone(), message));
        }
    }
}

/// All bytes but the cut ones.
fn copy(body: &[u8], cuts: &[Range<usize>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(body.len());
    let mut at = 0;
    for cut in cuts {
        kept.extend_from_slice(body.get(at..cut.start).unwrap_or_default());
        at = cut.end;
    }
    kept.extend_from_slice(body.get(at..).unwrap_or_default());
    kept
}

fn violation(pointer: String, message: String) -> Violation {
    Violation { kind: ViolationKind::Response, pointer, message }
}

#[cfg(test)]
mod tests;
