//! What is known of a transaction: its collections and scalars, and what `ctl` changed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::prefilter::Scan;
use crate::rule::{AuditEngine, Engine, Processor, XmlIntoArgs};
use crate::ruleset::Ruleset;
use crate::variable::{Target, Variable};

/// A member of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// The text of the value; equal values may share it.
    pub(crate) id: u32,
    /// The text of the name.
    pub(crate) name_id: u32,
    /// Somebody proved that the value is harmless.
    pub(crate) is_proven: bool,
}

impl Member<'_> {
    /// The text of the name or of the value.
    pub(crate) fn id_of(&self, is_name: bool) -> u32 {
        if is_name { self.name_id } else { self.id }
    }
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

impl List {
    pub(crate) fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Whether the same value often comes many times.
    fn repeats(self) -> bool {
        matches!(self, Self::ArgsPost | Self::XmlAttributes | Self::XmlText)
    }
}

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
    seen: [Option<Seen<'a>>; OFS * LISTS],
    /// Members that are proven.
    proven: usize,
    /// Values of lists that repeat themselves. Its hash has a secret, as senders choose them.
    values: HashMap<&'a [u8], u32>,
    /// Lists with members, a bit for each.
    filled: u32,
    /// Grows whenever a value changes.
    age: u32,
}

/// The values of a list, or its names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct View {
    pub(crate) list: List,
    pub(crate) of: Of,
}

/// What of its members a rule looks at.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Of {
    Names,
    /// Values that nobody proved to be harmless.
    Unproven,
    Values,
}

/// How many [`Of`]s there are.
const OFS: usize = Of::Values as usize + 1;

/// What the values of a view have, taken together.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) scan: Scan<'a>,
    /// The same after each pipeline.
    pub(crate) after: &'a mut [Option<Scan<'a>>],
    /// The gates of those that only a few transformations change.
    pub(crate) quiet: &'a [u64],
    /// The others.
    pub(crate) loud: Vec<u32>,
}

/// A text: a value as it came, or what transformations made of one.
#[derive(Debug, Default)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) scan: Option<Scan<'a>>,
    /// By pipeline the id of the text that it makes of this one, and 1; 0 is not known yet.
    pub(crate) made: Option<&'a mut [u32]>,
    /// The same by transformation.
    pub(crate) made_by: Option<&'a mut [u32]>,
    /// What it was made of, directly or not: itself, when nobody made it.
    pub(crate) origin: u32,
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
            seen: std::array::from_fn(|_| None),
            proven: 0,
            values: HashMap::new(),
            filled: 0,
            age: 0,
        }
    }

    pub(crate) fn list(&self, list: List) -> &[Member<'a>] {
        self.lists.get(list as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn push(&mut self, list: List, name: &'a [u8], value: &'a [u8]) {
        let id = if list.repeats() { self.shared(value) } else { self.add(value) };
        let name_id = self.add(name);
        if let Some(members) = self.lists.get_mut(list as usize) {
            members.push(Member { name, value, id, name_id, is_proven: false });
        }
        self.filled |= list.bit();
        self.forget_seen(list);
    }

    /// Which lists have members, by [`List::bit`].
    pub(crate) fn filled(&self) -> u32 {
        self.filled
    }

    /// How often values changed until now.
    pub(crate) fn age(&self) -> u32 {
        self.age
    }

    fn forget_seen(&mut self, list: List) {
        self.age = self.age.wrapping_add(1);
        for of in [Of::Names, Of::Unproven, Of::Values] {
            let place = View { list, of }.place();
            self.seen.get_mut(place).into_iter().for_each(|seen| *seen = None);
        }
    }

    /// Marks what is proven of a list.
    pub(crate) fn prove(&mut self, list: List, is_proven: impl Fn(&[u8], &[u8]) -> bool) {
        let members = self.lists.get_mut(list as usize).into_iter().flatten();
        let open = members.filter(|member| !member.is_proven);
        let found = open.filter(|member| is_proven(member.name, member.value));
        let count = found.map(|member| member.is_proven = true).count();
        if count > 0 {
            self.proven += count;
            self.forget_seen(list);
        }
    }

    pub(crate) fn proven(&self) -> usize {
        self.proven
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
        self.age = self.age.wrapping_add(1);
        let place = variable as usize;
        if let Some(scalar) = self.scalars.get_mut(place) {
            *scalar = (value, id);
        }
    }

    /// The text of a value that may be there already: bodies say the same again and again.
    fn shared(&mut self, bytes: &'a [u8]) -> u32 {
        if let Some(id) = self.values.get(bytes) {
            return *id;
        }
        let id = self.add(bytes);
        self.values.insert(bytes, id);
        id
    }

    /// A text with an id of its own.
    pub(crate) fn add(&mut self, bytes: &'a [u8]) -> u32 {
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(Text { bytes, origin: id, ..Text::default() });
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
        OFS * self.list as usize + self.of as usize
    }

    /// The text of a member, if the view has it.
    pub(crate) fn id_of(self, member: &Member<'_>) -> Option<u32> {
        match self.of {
            Of::Names => Some(member.name_id),
            Of::Unproven => (!member.is_proven).then_some(member.id),
            Of::Values => Some(member.id),
        }
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
    pub(crate) xml_into_args: XmlIntoArgs,
    /// One bit for each rule that was removed.
    removed: Vec<u64>,
    /// One bit for each rule that lost a target.
    narrowed: Vec<u64>,
    removed_targets: Vec<(Arc<[u32]>, &'a [Target])>,
}

impl<'a> Control<'a> {
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
            xml_into_args: settings.xml_into_args,
            removed: vec![0; rules.rules.len().div_ceil(64)],
            narrowed: Vec::new(),
            removed_targets: Vec::new(),
        }
    }

    pub(crate) fn remove(&mut self, rules: &[u32]) {
        mark(&mut self.removed, rules);
    }

    pub(crate) fn remove_targets(&mut self, rules: &Arc<[u32]>, targets: &'a [Target]) {
        self.narrowed.resize(self.removed.len(), 0);
        mark(&mut self.narrowed, rules);
        self.removed_targets.push((Arc::clone(rules), targets));
    }

    pub(crate) fn is_removed(&self, rule: u32) -> bool {
        is_marked(&self.removed, rule)
    }

    /// Whether some value was taken away from this rule.
    pub(crate) fn is_narrowed(&self, rule: u32) -> bool {
        is_marked(&self.narrowed, rule)
    }

    /// Whether this value was taken away from this rule.
    pub(crate) fn is_removed_target(&self, rule: u32, cell: &Cell<'_>) -> bool {
        self.removed_targets.iter().any(|(rules, targets)| {
            rules.binary_search(&rule).is_ok()
                && targets.iter().any(|one| one.excludes(cell.variable, cell.is_count, cell.name))
        })
    }
}

fn mark(bits: &mut [u64], rules: &[u32]) {
    for rule in rules {
        if let Some(word) = bits.get_mut((rule / 64) as usize) {
            *word |= 1 << (rule % 64);
        }
    }
}

fn is_marked(bits: &[u64], rule: u32) -> bool {
    bits.get((rule / 64) as usize).is_some_and(|word| word >> (rule % 64) & 1 == 1)
}
