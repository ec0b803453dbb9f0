//! Templates of paths: those that are known, and those that are guessed from segments.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::draft::Standing;
use super::operation::Operation;
use super::shape::Shape;
use super::support::Support;

/// A path with its parameters.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) struct Template {
    pub(super) segments: Vec<Segment>,
}

/// What stands between two slashes.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) enum Segment {
    /// This text, as it is written.
    Literal(String),
    /// A parameter; its name where it is known.
    Parameter(String),
    /// `report.{format}`: text and parameters, known from the manifest.
    Mixed(String),
}

impl Template {
    /// One that the manifest or another document gives.
    pub(super) fn known(text: &str) -> Self {
        let segment = |text: &str| match text.strip_prefix('{') {
            Some(rest) if rest.strip_suffix('}').is_some_and(|name| !name.contains('{')) => {
                Segment::Parameter(rest.trim_end_matches('}').to_owned())
            }
            _ if text.contains('{') => Segment::Mixed(text.to_owned()),
            _ => Segment::Literal(text.to_owned()),
        };
        Self { segments: text.split('/').skip(1).map(segment).collect() }
    }

    /// Guesses: what looks like a value is a parameter.
    pub(super) fn of_path(path: &str) -> Result<Self, &'static str> {
        let path = path.strip_prefix('/').ok_or("its path has no slash")?;
        let mut segments = Vec::new();
        for text in path.split('/') {
            let decoded = percent_decode_str(text).decode_utf8();
            let decoded = decoded.map_err(|_not_utf8| "its path is no UTF-8")?;
            let is_value = looks_like_a_value(&decoded);
            let is_plain = text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte));
            let is_parameter = is_value || !is_plain || text.len() > SEGMENT_MAX;
            segments.push(if is_parameter {
                Segment::Parameter(String::new())
            } else {
                Segment::Literal(text.to_owned())
            });
        }
        if segments.len() > SEGMENTS_MAX {
            return Err("its path has too many segments");
        }
        Ok(Self { segments })
    }

    /// One that a path is, and nothing else.
    pub(super) fn literal(path: &str) -> Self {
        let segment = |text: &str| Segment::Literal(text.to_owned());
        Self { segments: path.split('/').skip(1).map(segment).collect() }
    }

    /// With names where there are some: what tells templates apart.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            text.push('/');
            match segment {
                Segment::Literal(literal) | Segment::Mixed(literal) => text.push_str(literal),
                Segment::Parameter(name) => text.extend(["{", name.as_str(), "}"]),
            }
        }
        text
    }

    /// Without names: what tells paths apart for a router.
    pub(super) fn bare(&self) -> String {
        let unnamed = |segment: &Segment| match segment {
            Segment::Parameter(_) => Segment::Parameter(String::new()),
            other => other.clone(),
        };
        Self { segments: self.segments.iter().map(unnamed).collect() }.text()
    }

    /// How many segments are not fixed.
    pub(super) fn parameters(&self) -> usize {
        self.segments.iter().filter(|one| !matches!(one, Segment::Literal(_))).count()
    }

    /// The values that a path has for the parameters, decoded.
    pub(super) fn values(&self, path: &str) -> Vec<String> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let parts = path.splitn(self.segments.len().max(1), '/');
        let pairs = self.segments.iter().zip(parts);
        pairs
            .filter(|(segment, _)| matches!(segment, Segment::Parameter(_)))
            .map(|(_, text)| percent_decode_str(text).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The template as a document writes it, with a name for each parameter.
    pub(super) fn named(&self) -> Self {
        let mut used: Vec<String> = self.segments.iter().filter_map(Segment::name).collect();
        let mut before = String::new();
        let mut segments = Vec::new();
        for segment in &self.segments {
            let mut segment = segment.clone();
            match &mut segment {
                Segment::Literal(text) => before.clone_from(text),
                Segment::Parameter(name) if name.is_empty() => {
                    *name = free_name(&parameter_name(&before), &used);
                    used.push(name.clone());
                }
                Segment::Parameter(_) | Segment::Mixed(_) => {}
            }
            segments.push(segment);
        }
        Self { segments }
    }

    /// Whether a template that somebody declared is that of this one.
    pub(super) fn fits(&self, declared: &Self) -> bool {
        let fits = |(own, declared): (&Segment, &Segment)| match (own, declared) {
            (Segment::Literal(own), Segment::Literal(declared)) => own == declared,
            (_, Segment::Parameter(_)) => true,
            (Segment::Literal(own), Segment::Mixed(declared)) => {
                let (start, end) = (declared.find('{'), declared.rfind('}'));
                let start = start.and_then(|at| declared.get(..at)).unwrap_or_default();
                let end = end.and_then(|at| declared.get(at.saturating_add(1)..));
                own.starts_with(start) && own.ends_with(end.unwrap_or_default())
            }
            (own, declared) => own == declared,
        };
        // `{rest*}` takes all that remains.
        let is_open = matches!(
            declared.segments.last(), Some(Segment::Parameter(name)) if name.ends_with('*')
        );
        let (own, wanted) = (self.segments.len(), declared.segments.len());
        (own == wanted || is_open && own > wanted)
            && self.segments.iter().zip(&declared.segments).all(fits)
    }
}

impl Segment {
    fn name(&self) -> Option<String> {
        match self {
            Self::Parameter(name) if !name.is_empty() => Some(name.clone()),
            Self::Literal(_) | Self::Mixed(_) | Self::Parameter(_) => None,
        }
    }
}

/// Joins operations that differ in one segment only, and there in many words: names of people, of
/// articles. What other callers did not confirm was left out before. Words below which things look
/// different (`/users`, `/orders`) stay apart.
pub(super) fn collapse(mut operations: Vec<Standing>) -> Vec<Standing> {
    while let Some((at, words)) = crowd(&operations) {
        let (mut joined, mut rest) = (Vec::new(), Vec::new());
        for (number, one) in operations.into_iter().enumerate() {
            if words.contains(&number) { joined.push(one) } else { rest.push(one) }
        }
        operations = rest;
        let widened = joined.into_iter().map(|mut one| {
            one.operation.widen(at, &one.support);
            one
        });
        operations.extend(widened.reduce(|mut whole, one| {
            whole.join(one);
            whole
        }));
    }
    operations
}

/// A method, which segment, and the template without it.
type Crowd = (String, usize, Template);

/// Which segment, and the numbers of operations that have a value there.
type Words = (usize, BTreeSet<usize>);

/// Many operations of one method that differ in one segment and are alike.
fn crowd(operations: &[Standing]) -> Option<Words> {
    let mut crowds: BTreeMap<Crowd, Vec<usize>> = BTreeMap::new();
    for (number, one) in operations.iter().enumerate() {
        let template = &one.operation.template;
        for at in 0..template.segments.len() {
            if let Some(like) = varied(template, at) {
                crowds.entry((one.method.clone(), at, like)).or_default().push(number);
            }
        }
    }
    crowds.into_iter().find_map(|((_, at, like), numbers)| {
        let words = alike(operations, &numbers, like.segments.len() > at.saturating_add(1));
        (words.len() >= CROWD_MIN).then_some((at, words))
    })
}

/// Those that have most names in common with most of the others. Where nothing has a name, what
/// follows the word has to be the same.
fn alike(operations: &[Standing], numbers: &[usize], has_more: bool) -> BTreeSet<usize> {
    let names_of = |number: &usize| {
        operations.get(*number).map(|one| one.operation.names()).unwrap_or_default()
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in numbers.iter().flat_map(names_of) {
        let count = counts.entry(name).or_default();
        *count = count.saturating_add(1);
    }
    counts.retain(|_, count| count.saturating_mul(2) >= numbers.len());
    let is_alike = |number: &&usize| {
        let names = names_of(number);
        let common = names.iter().filter(|name| counts.contains_key(*name)).count();
        let all = names.len().saturating_add(counts.len()).saturating_sub(common);
        common.saturating_mul(2) >= all && (has_more || common > 0)
    };
    numbers.iter().filter(is_alike).copied().collect()
}

/// The template with a parameter in place of a word.
fn varied(template: &Template, at: usize) -> Option<Template> {
    let mut like = template.clone();
    let segment = like.segments.get_mut(at)?;
    if !matches!(segment, Segment::Literal(text) if !text.is_empty()) {
        return None;
    }
    *segment = Segment::Parameter(String::new());
    Some(like)
}

impl Operation {
    /// Makes a parameter of a word of the template.
    fn widen(&mut self, at: usize, support: &Support) {
        let Some(segment) = self.template.segments.get_mut(at) else { return };
        let Segment::Literal(word) = segment else { return };
        let shape = Shape::of_word(word, support);
        *segment = Segment::Parameter(String::new());
        let before = self.template.segments.iter().take(at);
        let place = before.filter(|one| matches!(one, Segment::Parameter(_))).count();
        self.path.insert(place.min(self.path.len()), shape);
    }
}

/// Whether a text looks like a value: a number, a date, an identifier that a program made.
pub(super) fn looks_like_a_value(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_number =
        digits > 0 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-.:+TZ".contains(&byte));
    let is_code =
        is_word && digits >= 3 && text.len() >= 8 && digits.saturating_mul(6) >= text.len();
    let is_long = is_word && digits >= 2 && text.len() >= 20;
    let turns = text.as_bytes().windows(2).filter(|two| {
        matches!(two, [before, after] if before.is_ascii_uppercase() != after.is_ascii_uppercase())
    });
    // `listOpenOrders` turns less often.
    let is_random = is_word
        && text.len() >= 16
        && turns.count().saturating_mul(5) >= text.len().saturating_mul(2);
    is_number
        || is_hex && digits >= 2 && text.len() >= 8
        || is_code
        || is_long
        || is_random
        || text.contains('@') && text.contains('.')
}

/// `orders` has an `orderId`.
fn parameter_name(before: &str) -> String {
    let words = before.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut name = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if name.is_empty() {
            name.push_str(&word.to_ascii_lowercase());
        } else {
            name.push_str(&capital(word));
        }
    }
    let name = match (name.strip_suffix("ies"), name.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') => stem.to_owned(),
        _ => name,
    };
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if starts { format!("{name}Id") } else { "id".to_owned() }
}

/// The name, or the name with the first number that makes it another one.
pub(super) fn free_name(name: &str, used: &[String]) -> String {
    let mut free = name.to_owned();
    let mut number = 2_usize;
    while used.contains(&free) {
        free = format!("{name}{number}");
        number = number.saturating_add(1);
    }
    free
}

pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// So many words in one place are values.
const CROWD_MIN: usize = 12;

/// Words of programs are shorter.
const SEGMENT_MAX: usize = 64;

const SEGMENTS_MAX: usize = 32;
