//! What is known of a transaction: its collections and scalars, and what `ctl` changed.

use std::sync::Arc;

use crate::prefilter::Scan;
use crate::rule::{AuditEngine, Engine, Processor};
use crate::ruleset::Ruleset;
use crate::variable::{Target, Variable};

/// A member of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// The text of the value; one more is that of the name.
    pub(crate) id: u32,
}

/// A value that an operator is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) variable: Variable,
    pub(crate) is_count: bool,
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// `None`: a value of the moment, of which nothing is remembered.
    pub(crate) id: Option<u32>,
}

/// The collections that come from the request and the answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum List {
    ArgsGet,
    ArgsPost,
    Files,
    FilesSizes,
    FilesTmpContent,
    MultipartFilename,
    MultipartName,
    PartHeaders,
    RequestCookies,
    RequestHeaders,
    ResponseHeaders,
    XmlAttributes,
    XmlText,
}

/// How many [`List`]s there are.
const LISTS: usize = List::XmlText as usize + 1;

/// Texts of a usual request; there is room for more.
const TEXTS_USUAL: usize = 256;

/// The text without bytes, which every scalar is until it is set.
pub(crate) const EMPTY: u32 = 0;

#[derive(Debug)]
pub(crate) struct State<'a> {
    lists: [Vec<Member<'a>>; LISTS],
    scalars: Vec<(&'a [u8], u32)>,
    pub(crate) matched: Vec<Cell<'a>>,
    pub(crate) last_matched: Option<Cell<'a>>,
    pub(crate) highest_severity: Option<u8>,
    /// Every text that a gate or a pipeline is asked about, by its id.
    texts: Vec<Text<'a>>,
    /// What is known of each [`View`] since its list last grew.
    seen: [Option<Seen<'a>>; 2 * LISTS],
}

/// The values of a list, or its names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct View {
    pub(crate) list: List,
    pub(crate) is_names: bool,
}

/// What the values of a view have, taken together.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) scan: Scan<'a>,
    /// By pipeline the gates that are open for one of them.
    pub(crate) open: &'a mut [Option<&'a [u64]>],
}

/// A text: a value as it came, or what transformations made of one.
#[derive(Debug, Default)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) scan: Option<Scan<'a>>,
    /// By pipeline the id of the text that it makes of this one, and 1; 0 is not known yet.
    pub(crate) made: Option<&'a mut [u32]>,
    /// The text that was last made of this one, or before it of the same one.
    pub(crate) sibling: Option<u32>,
}

impl<'a> State<'a> {
    pub(crate) fn new() -> Self {
        let mut texts = Vec::with_capacity(TEXTS_USUAL);
        texts.push(Text::default());
        Self {
            lists: Default::default(),
            scalars: vec![(&[], EMPTY); Variable::Deprecated as usize + 1],
            matched: Vec::with_capacity(8),
            last_matched: None,
            highest_severity: None,
            texts,
            seen: Default::default(),
        }
    }

    pub(crate) fn list(&self, list: List) -> &[Member<'a>] {
        self.lists.get(list as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn push(&mut self, list: List, name: &'a [u8], value: &'a [u8]) {
        let id = self.add(value);
        self.add(name);
        if let Some(members) = self.lists.get_mut(list as usize) {
            members.push(Member { name, value, id });
        }
        for is_names in [false, true] {
            let place = View { list, is_names }.place();
            self.seen.get_mut(place).into_iter().for_each(|seen| *seen = None);
        }
    }

    /// The value of a scalar; empty until it is set.
    pub(crate) fn scalar(&self, variable: Variable) -> &'a [u8] {
        self.scalars.get(variable as usize).map_or(&[], |(value, _)| value)
    }

    pub(crate) fn scalar_cell(&self, variable: Variable) -> Cell<'a> {
        let set = self.scalars.get(variable as usize).copied();
        let (value, id) = set.unwrap_or((&[], EMPTY));
        Cell { variable, is_count: false, name: &[], value, id: Some(id) }
    }

    /// A value anew has an id anew, so that nothing of the old one is remembered.
    pub(crate) fn set(&mut self, variable: Variable, value: &'a [u8]) {
        let id = if value.is_empty() { EMPTY } else { self.add(value) };
        let place = variable as usize;
        if let Some(scalar) = self.scalars.get_mut(place) {
            *scalar = (value, id);
        }
    }

    /// A text with an id of its own.
    pub(crate) fn add(&mut self, bytes: &'a [u8]) -> u32 {
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(Text { bytes, ..Text::default() });
        id
    }

    pub(crate) fn text(&self, id: u32) -> Option<&Text<'a>> {
        self.texts.get(id as usize)
    }

    pub(crate) fn text_mut(&mut self, id: u32) -> Option<&mut Text<'a>> {
        self.texts.get_mut(id as usize)
    }

    pub(crate) fn seen(&self, view: View) -> Option<&Seen<'a>> {
        self.seen.get(view.place())?.as_ref()
    }

    pub(crate) fn seen_mut(&mut self, view: View) -> Option<&mut Option<Seen<'a>>> {
        self.seen.get_mut(view.place())
    }
}

impl View {
    fn place(self) -> usize {
        2 * self.list as usize + usize::from(self.is_names)
    }
}

/// The settings of this transaction, which `ctl` may change.
#[derive(Debug)]
pub(crate) struct Control<'a> {
    pub(crate) engine: Engine,
    pub(crate) audit_engine: AuditEngine,
    pub(crate) audit_parts: Vec<u8>,
    pub(crate) reads_request_body: bool,
    pub(crate) request_bytes_max: usize,
    pub(crate) reads_response_body: bool,
    pub(crate) response_bytes_max: usize,
    pub(crate) forces_request_body: bool,
    pub(crate) processor: Option<Processor>,
    /// One bit for each rule that was removed.
    removed: Vec<u64>,
    pub(crate) removed_targets: Vec<(Arc<[u32]>, &'a [Target])>,
}

impl Control<'_> {
    pub(crate) fn new(rules: &Ruleset) -> Self {
        let settings = &rules.settings;
        Self {
            engine: settings.engine,
            audit_engine: settings.audit.engine,
            audit_parts: settings.audit.parts.clone(),
            reads_request_body: settings.request.is_read,
            request_bytes_max: settings.request.bytes_max,
            reads_response_body: settings.response.is_read,
            response_bytes_max: settings.response.bytes_max,
            forces_request_body: false,
            processor: None,
            removed: vec![0; rules.rules.len().div_ceil(64)],
            removed_targets: Vec::new(),
        }
    }

    pub(crate) fn remove(&mut self, rules: &[u32]) {
        for rule in rules {
            let word = usize::try_from(rule / 64).ok().and_then(|word| self.removed.get_mut(word));
            if let Some(word) = word {
                *word |= 1 << (rule % 64);
            }
        }
    }

    pub(crate) fn is_removed(&self, rule: u32) -> bool {
        let word = usize::try_from(rule / 64).ok().and_then(|word| self.removed.get(word));
        word.is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }

    /// Whether this value was taken away from this rule.
    pub(crate) fn is_removed_target(&self, rule: u32, cell: &Cell<'_>) -> bool {
        self.removed_targets.iter().any(|(rules, targets)| {
            rules.binary_search(&rule).is_ok()
                && targets.iter().any(|one| one.excludes(cell.variable, cell.is_count, cell.name))
        })
    }
}
