//! Texts: how long, of which characters, in which format, and whether of a closed list.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

use super::support::{Levels, Seen, Slots, Support};
use crate::format::Format;
use crate::node::Data;

/// What was seen of the texts at one place.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Texts {
    pub(super) lengths: Levels,
    /// By the code of the class, see [`class`].
    pub(super) classes: BTreeMap<u8, Support>,
    pub(super) forms: BTreeMap<Form, Support>,
    /// By hash; the value where enough callers sent it.
    choices: Slots<Option<String>>,
    all: Support,
}

/// What a text is in whole.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) enum Form {
    Date,
    DateTime,
    Email,
    Ipv4,
    Ipv6,
    /// Nothing of these.
    Plain,
    Uri,
    Uuid,
}

impl Texts {
    pub(super) fn note(&mut self, text: &str, seen: &mut Seen<'_>) {
        let caller = seen.caller;
        self.all.note(caller);
        self.lengths.count(text.chars().count(), caller);
        let classes: BTreeSet<u8> = text.chars().map(class).collect();
        for class in classes {
            self.classes.entry(class).or_default().note(caller);
        }
        self.forms.entry(Form::of(text)).or_default().note(caller);
        self.choice(text, seen);
    }

    fn choice(&mut self, text: &str, seen: &mut Seen<'_>) {
        if seen.is_hidden || !is_word(text) {
            self.choices.lost.note(seen.caller);
            return;
        }
        let mut hasher = DefaultHasher::new();
        (seen.salt, text).hash(&mut hasher);
        let name = format!("{:016x}", hasher.finish());
        if self.choices.note(&name, CHOICES_KEPT, seen).is_none() {
            return;
        }
        let is_known = self.choices.get(&name).is_some_and(|slot| slot.support.is_by(seen.needed));
        if let Some(value) = self.choices.get_mut(&name).filter(|_| is_known) {
            *value = Some(text.to_owned());
        }
    }

    /// One text that several sent.
    pub(super) fn of_word(word: &str, support: &Support) -> Self {
        let mut texts = Self { all: support.clone(), ..Self::default() };
        texts.lengths.note_all(word.chars().count(), support);
        texts.classes = word.chars().map(|letter| (class(letter), support.clone())).collect();
        texts.forms.insert(Form::of(word), support.clone());
        texts.choices.lost = support.clone();
        texts
    }

    pub(super) fn join(&mut self, other: Self) {
        self.lengths.join(&other.lengths);
        self.all.join(&other.all);
        for (class, support) in &other.classes {
            self.classes.entry(*class).or_default().join(support);
        }
        for (form, support) in &other.forms {
            self.forms.entry(*form).or_default().join(support);
        }
        self.choices.join(other.choices, |own, other| *own = own.take().or(other));
    }

    /// The closed list, where the texts are one.
    pub(super) fn choices(&self, callers: usize) -> Option<Vec<&str>> {
        let (known, rest): (Vec<_>, Vec<_>) =
            self.choices.iter().partition(|(_, slot)| slot.support.is_by(callers));
        let mut outside = self.choices.lost.clone();
        for (_, slot) in rest {
            outside.join(&slot.support);
        }
        let words: Option<Vec<&str>> =
            known.iter().map(|(_, slot)| slot.value.as_deref()).collect();
        let mut words = words?;
        words.sort_unstable();
        let count = u64::try_from(words.len()).unwrap_or(u64::MAX);
        let enough = CHOICE_SAMPLES_MIN.max(count.saturating_mul(CHOICE_SAMPLES_EACH));
        let is_closed = (2..=CHOICES_MAX).contains(&words.len())
            && self.all.samples >= enough
            && !outside.is_by(callers);
        is_closed.then_some(words)
    }
}

impl Form {
    fn of(text: &str) -> Self {
        let data = Data::Text(text.to_owned());
        let forms = [
            (Format::Uuid, Self::Uuid),
            (Format::Date, Self::Date),
            (Format::DateTime, Self::DateTime),
            (Format::Ipv4, Self::Ipv4),
            (Format::Ipv6, Self::Ipv6),
            (Format::Email, Self::Email),
        ];
        let found = forms.into_iter().find(|(format, _)| format.accepts(&data));
        match found {
            Some((_, form)) => form,
            None if text.contains("://") && Format::Uri.accepts(&data) => Self::Uri,
            None => Self::Plain,
        }
    }

    /// As a schema names it.
    pub(super) fn name(self) -> Option<&'static str> {
        let format = match self {
            Self::Date => Format::Date,
            Self::DateTime => Format::DateTime,
            Self::Email => Format::Email,
            Self::Ipv4 => Format::Ipv4,
            Self::Ipv6 => Format::Ipv6,
            Self::Plain => return None,
            Self::Uri => Format::Uri,
            Self::Uuid => Format::Uuid,
        };
        Some(format.name())
    }

    /// Whether the format alone says how long a text can be and of which characters.
    pub(super) const fn is_narrow(self) -> bool {
        matches!(self, Self::Date | Self::Ipv4 | Self::Ipv6 | Self::Uuid)
    }
}

/// Whether a text may be a word of a closed list.
fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=32).contains(&text.len())
        && text.bytes().all(is_plain)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The class of a character: one for all letters of a kind, one for each other sign of ASCII.
fn class(letter: char) -> u8 {
    match letter {
        'a'..='z' | 'A'..='Z' => LETTERS,
        '0'..='9' => DIGITS,
        '\t' | '\n' | '\r' => BREAKS,
        letter if letter.is_control() => CONTROLS,
        letter if letter.is_ascii() => u8::try_from(letter).unwrap_or(OTHERS),
        _ => OTHERS,
    }
}

pub(super) const LETTERS: u8 = b'a';
pub(super) const DIGITS: u8 = b'0';
pub(super) const BREAKS: u8 = b'\n';
pub(super) const CONTROLS: u8 = 0;
/// Beyond ASCII.
pub(super) const OTHERS: u8 = 128;

/// Words of a closed list, and those that are remembered until it is seen that there is none.
const CHOICES_MAX: usize = 16;
const CHOICES_KEPT: usize = 32;

/// A list is closed when so many texts brought nothing new.
const CHOICE_SAMPLES_MIN: u64 = 30;
const CHOICE_SAMPLES_EACH: u64 = 8;
