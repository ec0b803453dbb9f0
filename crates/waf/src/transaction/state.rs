//! What is known of a transaction: its collections and scalars, and what `ctl` changed.

use std::sync::Arc;

use crate::rule::{AuditEngine, Engine, Processor};
use crate::ruleset::Ruleset;
use crate::variable::{Target, Variable};

/// A member of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Where transformed values are remembered: this for the value, one more for the name.
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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

#[derive(Debug, Default)]
pub(crate) struct State<'a> {
    lists: [Vec<Member<'a>>; LISTS],
    scalars: Vec<(&'a [u8], u32)>,
    pub(crate) matched: Vec<Cell<'a>>,
    pub(crate) last_matched: Option<Cell<'a>>,
    pub(crate) highest_severity: Option<u8>,
    next_id: u32,
    /// What is known of each value, by its id and the number of the pipeline.
    memo: Vec<Vec<Known<'a>>>,
    /// The values themselves by their ids.
    raw: Vec<&'a [u8]>,
}

/// What is known of a value after a pipeline.
#[derive(Clone, Copy, Debug, Default)]
struct Known<'a> {
    text: Option<&'a [u8]>,
    /// The gates of the prefilter that are open for it.
    open: Option<&'a [u64]>,
}

impl<'a> State<'a> {
    pub(crate) fn list(&self, list: List) -> &[Member<'a>] {
        self.lists.get(list as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn push(&mut self, list: List, name: &'a [u8], value: &'a [u8]) {
        let id = self.next_id;
        self.next_id += 2;
        if let Some(members) = self.lists.get_mut(list as usize) {
            members.push(Member { name, value, id });
        }
        self.keep_raw(id, value);
        self.keep_raw(id + 1, name);
    }

    /// The value of a scalar; empty until it is set.
    pub(crate) fn scalar(&self, variable: Variable) -> &'a [u8] {
        self.scalars.get(variable as usize).map_or(&[], |(value, _)| value)
    }

    pub(crate) fn scalar_cell(&self, variable: Variable) -> Cell<'a> {
        let set = self.scalars.get(variable as usize).copied();
        let (value, id) = set.unwrap_or((&[], 0));
        let id = (id > 0).then_some(id);
        Cell { variable, is_count: false, name: &[], value, id }
    }

    /// A value anew has an id anew, so that nothing of the old one is remembered.
    pub(crate) fn set(&mut self, variable: Variable, value: &'a [u8]) {
        self.next_id += 1;
        let id = self.next_id;
        self.next_id += 1;
        let place = variable as usize;
        if self.scalars.len() <= place {
            self.scalars.resize(place + 1, (&[], 0));
        }
        if let Some(scalar) = self.scalars.get_mut(place) {
            *scalar = (value, id);
        }
        self.keep_raw(id, value);
    }

    /// The value of an id before any transformation.
    pub(crate) fn raw(&self, id: u32) -> &'a [u8] {
        usize::try_from(id).ok().and_then(|id| self.raw.get(id)).copied().unwrap_or_default()
    }

    fn keep_raw(&mut self, id: u32, value: &'a [u8]) {
        if let Ok(id) = usize::try_from(id) {
            self.raw.resize(self.raw.len().max(id + 1), &[]);
            self.raw.get_mut(id).into_iter().for_each(|place| *place = value);
        }
    }

    /// What is remembered of a value after a pipeline.
    pub(crate) fn remembered(&self, id: u32, pipeline: u32) -> Option<&'a [u8]> {
        self.known(id, pipeline)?.text
    }

    pub(crate) fn scanned(&self, id: u32, pipeline: u32) -> Option<&'a [u64]> {
        self.known(id, pipeline)?.open
    }

    fn known(&self, id: u32, pipeline: u32) -> Option<&Known<'a>> {
        let row = self.memo.get(usize::try_from(id).ok()?)?;
        row.get(usize::try_from(pipeline).ok()?)
    }

    pub(crate) fn remember(&mut self, id: u32, pipeline: u32, value: &'a [u8]) {
        self.known_mut(id, pipeline).into_iter().for_each(|known| known.text = Some(value));
    }

    pub(crate) fn remember_scan(&mut self, id: u32, pipeline: u32, open: &'a [u64]) {
        self.known_mut(id, pipeline).into_iter().for_each(|known| known.open = Some(open));
    }

    fn known_mut(&mut self, id: u32, pipeline: u32) -> Option<&mut Known<'a>> {
        let (id, pipeline) = (usize::try_from(id).ok()?, usize::try_from(pipeline).ok()?);
        if self.memo.len() <= id {
            self.memo.resize_with(id + 1, Vec::new);
        }
        let row = self.memo.get_mut(id)?;
        if row.len() <= pipeline {
            row.resize(pipeline + 1, Known::default());
        }
        row.get_mut(pipeline)
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
