//! From what was seen at one place to a schema: what enough callers stand for, with room above.

use super::draft::{Build, Place, list, object, text, whole};
use super::shape::{Kind, Members, Shape};
use super::support::{CALLERS_MAX, Slot, Support};
use super::text::{self, Texts};
use crate::node::Data;

/// A keyword and its value.
pub(super) type Keyword = (String, Data);

impl Build {
    /// The schema of values at one place.
    pub(super) fn schema(&mut self, shape: &Shape, place: &Place) -> Data {
        if shape.is_written && self.repeats(shape) {
            let most = self.bound(shape.counts.top(self.needed.callers));
            let items = object(self.single(shape, place));
            return object([
                keyword("type", text("array")),
                keyword("items", items),
                most.map_or_else(
                    || keyword("minItems", whole(0)),
                    |most| keyword("maxItems", whole(most)),
                ),
            ]);
        }
        object(self.single(shape, place))
    }

    /// Whether enough callers gave a name more than once.
    fn repeats(&self, shape: &Shape) -> bool {
        shape.counts.top(self.needed.callers).is_some_and(|level| level >= 2)
    }

    fn single(&mut self, shape: &Shape, place: &Place) -> Vec<Keyword> {
        let kinds = self.kinds(shape, place);
        let mut keywords = Vec::new();
        let names: Vec<Data> = kinds.iter().map(|kind| text(kind.name())).collect();
        match names.as_slice() {
            [] => return keywords,
            [one] => keywords.push(keyword("type", one.clone())),
            _ => keywords.push(keyword("type", list(names))),
        }
        for kind in &kinds {
            match kind {
                Kind::Array => self.array(shape, place, &mut keywords),
                Kind::Integer => self.integer(shape, place, &mut keywords),
                Kind::Number => self.number(shape, &mut keywords),
                Kind::Object => {
                    let members = shape.object.as_ref();
                    keywords.extend(members.into_iter().flat_map(|one| self.members(one, place)));
                }
                Kind::Text => {
                    let is_alone = kinds.len() == 1;
                    self.text(&shape.texts, is_alone, place, &mut keywords);
                }
                Kind::Boolean | Kind::Null => {}
            }
        }
        keywords
    }

    /// The types that a value may have, as few as there can be.
    fn kinds(&mut self, shape: &Shape, place: &Place) -> Vec<Kind> {
        let callers = self.needed.callers;
        let mut kinds: Vec<Kind> = Vec::new();
        for (kind, support) in &shape.kinds {
            if support.is_by(callers) {
                kinds.push(*kind);
            } else {
                self.doubt(place, format!("the type {}", kind.name()), support);
            }
        }
        if kinds.is_empty() {
            // Whole or not, enough may have sent numbers.
            let numbers =
                [Kind::Integer, Kind::Number].iter().filter_map(|one| shape.kinds.get(one));
            let numbers = numbers.fold(Support::default(), |mut all, one| {
                all.join(one);
                all
            });
            if numbers.is_by(callers) {
                kinds.push(Kind::Number);
            } else if shape.is_written {
                // What is written is a text, whoever wrote it.
                kinds.push(Kind::Text);
            }
        }
        let has = |kind: Kind| kinds.contains(&kind);
        if has(Kind::Number) {
            kinds.retain(|kind| *kind != Kind::Integer);
        }
        let has = |kind: Kind| kinds.contains(&kind);
        let is_mixed = has(Kind::Text)
            || has(Kind::Boolean) && (has(Kind::Integer) || has(Kind::Number))
            || kinds == [Kind::Null];
        if shape.is_written && is_mixed {
            return vec![Kind::Text];
        }
        kinds
    }

    fn integer(&mut self, shape: &Shape, place: &Place, keywords: &mut Vec<Keyword>) {
        if self.is_answer {
            return;
        }
        let callers = self.needed.callers;
        let (up, down) = (shape.positive.top(callers), shape.negative.top(callers));
        if let Some(support) = up.map(|level| shape.positive.above(level)) {
            self.doubt(place, "a larger number".to_owned(), &support);
        }
        if let Some(level) = down {
            let least = edge(level).map(i128::saturating_neg);
            keywords.extend(least.map(|least| keyword("minimum", whole(least))));
        } else {
            self.doubt(place, "a negative number".to_owned(), &shape.negative.above(0));
            keywords.push(keyword("minimum", whole(0)));
        }
        let most = edge(up.unwrap_or(0)).map(|edge| edge.saturating_sub(1));
        keywords.extend(most.map(|most| keyword("maximum", whole(most))));
    }

    fn number(&self, shape: &Shape, keywords: &mut Vec<Keyword>) {
        if !self.is_answer && shape.negative.top(self.needed.callers).is_none() {
            keywords.push(keyword("minimum", whole(0)));
        }
    }

    fn text(&mut self, texts: &Texts, is_alone: bool, place: &Place, keywords: &mut Vec<Keyword>) {
        let callers = self.needed.callers;
        if let Some(words) = texts.choices(callers).filter(|_| is_alone && !self.is_answer) {
            let words = words.into_iter().map(text).collect();
            return keywords.push(keyword("enum", list(words)));
        }
        let forms: Vec<_> =
            texts.forms.iter().filter(|(_, support)| support.is_by(callers)).collect();
        if let [(form, _)] = forms.as_slice()
            && let Some(name) = form.name()
        {
            keywords.push(keyword("format", text(name)));
            for (other, support) in texts.forms.iter().filter(|(other, _)| other != form) {
                let what = other
                    .name()
                    .map_or("a text in no format".to_owned(), |name| format!("the format {name}"));
                self.doubt(place, what, support);
            }
            if form.is_narrow() {
                return;
            }
        }
        if self.is_answer {
            return;
        }
        // Where too few stand for anything, what all of them agree on.
        let of_all = texts.forms.values().fold(Support::default(), |mut all, one| {
            all.join(one);
            all
        });
        let length = texts.lengths.top(callers).or_else(|| texts.lengths.top(of_all.callers()));
        if let Some(level) = length {
            self.doubt(place, "a longer text".to_owned(), &texts.lengths.above(level));
        }
        keywords.extend(self.bound(length).map(|most| keyword("maxLength", whole(most))));
        keywords.extend(self.pattern(texts, place).map(|one| keyword("pattern", text(&one))));
    }

    /// The characters that texts may have. None where there are so many that it is prose.
    fn pattern(&mut self, texts: &Texts, place: &Place) -> Option<String> {
        let callers = self.needed.callers;
        let (known, rare): (Vec<_>, Vec<_>) =
            texts.classes.iter().partition(|(_, support)| support.is_by(callers));
        for (class, support) in rare {
            self.doubt(place, format!("a text with {}", class_name(*class)), support);
        }
        let known: Vec<u8> = known.into_iter().map(|(class, _)| *class).collect();
        let signs = || (b' '..=b'~').filter(|byte| !byte.is_ascii_alphanumeric());
        let count = signs().filter(|one| known.contains(one)).count();
        if known.is_empty() || known.contains(&text::CONTROLS) || count >= PROSE_SIGNS {
            return None;
        }
        if known.contains(&text::OTHERS) {
            // What is beyond ASCII is allowed, so the others are named.
            let mut unknown: String =
                signs().filter(|one| !known.contains(one)).map(escaped).collect();
            if !known.contains(&text::DIGITS) {
                unknown.push_str("0-9");
            }
            let controls = if known.contains(&text::BREAKS) {
                r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f"
            } else {
                r"\u0000-\u001f\u007f"
            };
            return Some(format!("^[^{controls}{unknown}]*$"));
        }
        let mut allowed = String::new();
        for (class, range) in
            [(text::LETTERS, "A-Za-z"), (text::DIGITS, "0-9"), (text::BREAKS, r"\t\r\n")]
        {
            if known.contains(&class) {
                allowed.push_str(range);
            }
        }
        allowed.extend(signs().filter(|one| known.contains(one)).map(escaped));
        Some(format!("^[{allowed}]*$"))
    }

    fn array(&mut self, shape: &Shape, place: &Place, keywords: &mut Vec<Keyword>) {
        let top = shape.counts.top(self.needed.callers);
        if let Some(level) = top {
            self.doubt(place, "a longer list".to_owned(), &shape.counts.above(level));
        }
        keywords.extend(self.bound(top).map(|most| keyword("maxItems", whole(most))));
        if let Some(items) = &shape.items {
            let items = self.schema(items, &place.items());
            keywords.push(keyword("items", items));
        }
    }

    /// The keywords of an object.
    pub(super) fn members(&mut self, members: &Members, place: &Place) -> Vec<Keyword> {
        let mut properties = Vec::new();
        let mut required = Vec::new();
        for (name, slot) in members.known.iter() {
            let place = place.member(name);
            if !self.stands(&slot.support) {
                self.doubt(&place, "it".to_owned(), &slot.support);
                continue;
            }
            let schema = self.schema(&slot.value.shape, &place);
            // Too few agree on what it is.
            if matches!(&schema, Data::Object(keywords) if keywords.is_empty()) {
                continue;
            }
            if self.is_always(&slot.value.missing, &place) {
                required.push(text(name));
            }
            properties.push((name.clone(), with(schema, evidence(&slot.support))));
        }
        self.doubt(place, "a name beyond those that are kept".to_owned(), &members.known.lost);
        let other = members.other.as_ref();
        let other = other.map(|slot| self.others(slot, place));
        let mut keywords = vec![keyword("properties", object(properties))];
        if !required.is_empty() && !self.is_answer {
            keywords.push(keyword("required", list(required)));
        }
        // What an answer has beside is the service's affair: a rare member must not be cut.
        let rest = Data::Bool(self.is_answer);
        keywords.push(keyword("additionalProperties", other.unwrap_or(rest)));
        keywords
    }

    /// Members whose names are values.
    fn others(&mut self, slot: &Slot<Box<Shape>>, place: &Place) -> Data {
        if self.stands(&slot.support) {
            return self.schema(&slot.value, &place.member("*"));
        }
        self.doubt(place, "a member whose name is a value".to_owned(), &slot.support);
        Data::Bool(false)
    }

    /// Whether something may not be left out.
    pub(super) fn is_always(&mut self, missing: &Support, place: &Place) -> bool {
        if missing.samples > 0 && !missing.is_by(self.needed.callers) && !self.is_answer {
            self.doubt(place, "a request without it".to_owned(), missing);
        }
        !missing.is_by(self.needed.callers)
    }

    /// Room above a level: what was seen is at most half of it.
    fn bound(&self, level: Option<u8>) -> Option<i128> {
        // The length of answers is the service's affair.
        let level = level.filter(|_| !self.is_answer)?;
        let bits = u32::from(level).saturating_add(1);
        1_i128.checked_shl(bits).filter(|_| bits < 64).map(|bound| bound.saturating_sub(1))
    }
}

/// How often and by how many, beside what they stand for.
pub(super) fn evidence(support: &Support) -> Keyword {
    let samples = whole(i128::from(support.samples));
    let callers = whole(i128::try_from(support.callers()).unwrap_or(i128::MAX));
    let words = [keyword("samples", samples), keyword("callers", callers)];
    debug_assert!(support.callers() <= CALLERS_MAX, "more are not told apart");
    keyword("x-ringwall-seen", object(words))
}

pub(super) fn with(schema: Data, more: Keyword) -> Data {
    match schema {
        Data::Object(members) => {
            let pairs = members.into_iter().map(|member| (member.name, member.value.data));
            object(pairs.chain([more]))
        }
        other => other,
    }
}

pub(super) fn keyword(name: &str, value: Data) -> Keyword {
    (name.to_owned(), value)
}

/// Small numbers have small bounds; what grows (identifiers, cents, seconds) has those of its type.
fn edge(level: u8) -> Option<i128> {
    let bits = match level {
        0..=6 => 8,
        7..=10 => u32::from(level).saturating_add(2),
        11..=28 => 31,
        29..=63 => 63,
        _ => return None,
    };
    1_i128.checked_shl(bits)
}

/// A sign as it stands in a class of a pattern, for the readers of all dialects.
fn escaped(sign: u8) -> String {
    let sign = char::from(sign);
    if r"\]^[-/".contains(sign) { format!("\\{sign}") } else { sign.to_string() }
}

/// A text with so many signs may have any.
const PROSE_SIGNS: usize = 12;

fn class_name(class: u8) -> String {
    match class {
        text::LETTERS => "letters".to_owned(),
        text::DIGITS => "digits".to_owned(),
        text::BREAKS => "line breaks".to_owned(),
        text::CONTROLS => "control characters".to_owned(),
        text::OTHERS => "characters beyond ASCII".to_owned(),
        b' ' => "a space".to_owned(),
        sign => format!("`{}`", char::from(sign)),
    }
}
