//! What a rule is, once its text is read: targets, operator, transformations, actions.

use std::sync::Arc;

use crate::operator::Operator;
use crate::pattern::Pattern;
use crate::prefilter::Gates;
use crate::quick::Quick;
use crate::text::Template;
use crate::transform::Transformation;
use crate::variable::{Target, Targets, Variable};

/// When a rule runs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// 1: the request line and the headers are known.
    RequestHeaders,
    /// 2: the body of the request is known.
    RequestBody,
    /// 3: status and headers of the answer are known.
    ResponseHeaders,
    /// 4: the body of the answer is known.
    ResponseBody,
    /// 5: everything is over; nothing can be stopped any more.
    Logging,
}

impl Phase {
    /// All five, in order.
    pub const ALL: [Self; 5] = [
        Self::RequestHeaders,
        Self::RequestBody,
        Self::ResponseHeaders,
        Self::ResponseBody,
        Self::Logging,
    ];

    /// 1 to 5.
    pub fn number(self) -> u8 {
        match self {
            Self::RequestHeaders => 1,
            Self::RequestBody => 2,
            Self::ResponseHeaders => 3,
            Self::ResponseBody => 4,
            Self::Logging => 5,
        }
    }
}

/// Where a rule stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file as the caller named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// A rule with the members of its chain.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) place: Place,
    pub(crate) phase: Phase,
    pub(crate) links: Vec<Link>,
    pub(crate) meta: Meta,
    pub(crate) disruptive: Disruptive,
    pub(crate) status: Option<u16>,
    pub(crate) is_logged: bool,
    pub(crate) is_audited: bool,
    pub(crate) skip: u32,
    pub(crate) skip_after: Option<Arc<[u8]>>,
}

impl Rule {
    /// Whether it looks at `FULL_REQUEST` or its length, or writes them out.
    pub(crate) fn needs_full_request(&self) -> bool {
        let is_it =
            |variable| matches!(variable, Variable::FullRequest | Variable::FullRequestLength);
        let meta = &self.meta;
        let mut texts = meta.msg.iter().chain(&meta.logdata).chain(&meta.tags);
        texts.any(|text| text.references().any(|one| is_it(one.variable)))
            || self
                .links
                .iter()
                .any(|link| link.targets.included.iter().any(|target| is_it(target.variable)))
    }
}

/// One condition of a rule and what its match does at once.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) targets: Targets,
    pub(crate) test: Test,
    pub(crate) transformations: Vec<Transformation>,
    /// The place of `transformations` among the distinct pipelines; set when rules are linked.
    pub(crate) pipeline: u32,
    /// The gates of the prefilter that a value must pass; set when rules are linked.
    pub(crate) gates: Option<Gates>,
    /// How most values are passed over; set when rules are linked.
    pub(crate) quick: Quick,
    /// With `multiMatch` the beginnings of its pipeline; set when rules are linked.
    pub(crate) stages: Option<Box<[u32]>>,
    pub(crate) is_multi_match: bool,
    pub(crate) is_capture: bool,
    pub(crate) effects: Vec<Effect>,
}

/// What is asked of each value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// `SecAction`.
    Always,
    Operator {
        operator: Operator,
        is_negated: bool,
    },
}

/// What a rule says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meta {
    pub(crate) msg: Option<Template>,
    pub(crate) logdata: Option<Template>,
    pub(crate) tags: Vec<Template>,
    pub(crate) severity: Option<u8>,
    pub(crate) rev: Option<Arc<str>>,
    pub(crate) ver: Option<Arc<str>>,
    pub(crate) maturity: Option<Arc<str>>,
    pub(crate) accuracy: Option<Arc<str>>,
}

/// What a match does to the transaction.
#[derive(Clone, Debug)]
pub(crate) enum Disruptive {
    Allow(Allowed),
    /// What `SecDefaultAction` says; replaced when the rule is read.
    Block,
    Deny,
    Drop,
    Pass,
    Redirect(Template),
}

/// How much an `allow` lets through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Allowed {
    All,
    Phase,
    Request,
}

/// What a match changes for the rest of the transaction.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Control(Control),
    ExpireVar { name: MemberName, seconds: Template },
    InitCollection { collection: Store, key: Template },
    SetVar { name: MemberName, change: Change },
}

/// A member that a rule writes.
#[derive(Clone, Debug)]
pub(crate) struct MemberName {
    pub(crate) store: Store,
    pub(crate) key: Template,
    /// As in [`crate::text::Reference`].
    pub(crate) slot: Option<u32>,
}

/// A collection that rules may write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Store {
    Global,
    Ip,
    Resource,
    Session,
    Tx,
    User,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add(Template),
    Delete,
    Set(Template),
    Subtract(Template),
}

/// `ctl`: settings of this transaction.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    AuditEngine(AuditEngine),
    AuditLogParts(PartsChange),
    ForceRequestBodyVariable(bool),
    /// Accepted, and without a meaning for verdicts: debug levels, the old hash engine.
    Ignored,
    ParseXmlIntoArgs(XmlIntoArgs),
    RemoveRules(Chosen),
    RemoveTargets(Chosen, Vec<Target>),
    RequestBodyAccess(bool),
    RequestBodyLimit(usize),
    RequestBodyProcessor(Processor),
    ResponseBodyAccess(bool),
    ResponseBodyLimit(usize),
    RuleEngine(Engine),
}

/// Whether the elements of an XML body are arguments too, and whether they are nothing else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum XmlIntoArgs {
    Off,
    On,
    OnlyArgs,
}

/// Rules by a property; the numbers are found when rules are linked.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) by: Choice,
    /// Places of the rules in the rule set, ascending.
    pub(crate) rules: Arc<[u32]>,
}

#[derive(Clone, Debug)]
pub(crate) enum Choice {
    Ids(Vec<(u64, u64)>),
    Msg(Literal),
    Tag(Literal),
}

/// A whole tag or message; one with signs that only patterns have is a pattern too, since that is
/// how ModSecurity 2 reads it (seclang-spec ADR-0029 leaves the pattern open, the text binds).
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) text: Arc<[u8]>,
    pub(crate) pattern: Option<Pattern>,
}

impl Literal {
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        *self.text == *text || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

impl Choice {
    /// Whether a rule is meant.
    pub(crate) fn chooses(&self, rule: &Rule) -> bool {
        match self {
            Self::Ids(ranges) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&rule.id))
            }
            Self::Msg(text) => rule.meta.msg.iter().any(|msg| is_text(msg, text)),
            Self::Tag(text) => rule.meta.tags.iter().any(|tag| is_text(tag, text)),
        }
    }
}

/// Tags and messages with macros are compared as they stand in the file.
fn is_text(template: &Template, text: &Literal) -> bool {
    template.constant().is_some_and(|constant| text.is_match(constant))
}

/// Whether rules run, and whether they may stop anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// Rules run and are recorded; nothing is stopped.
    DetectionOnly,
    /// No rule runs.
    Off,
    /// Rules run and may stop the transaction.
    On,
}

/// When an audit entry is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuditEngine {
    /// Never.
    Off,
    /// For each transaction.
    On,
    /// When a rule with `auditlog` matched, or the status says so.
    RelevantOnly,
}

/// Who reads the body of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Processor {
    /// Whoever the beginning of the body is for.
    ByContent,
    Json,
    Multipart,
    UrlEncoded,
    Xml,
}

impl Processor {
    pub(crate) fn name(self) -> &'static [u8] {
        match self {
            Self::ByContent => b"BYCONTENT",
            Self::Json => b"JSON",
            Self::Multipart => b"MULTIPART",
            Self::UrlEncoded => b"URLENCODED",
            Self::Xml => b"XML",
        }
    }
}

/// A change of the parts of an audit entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PartsChange {
    Add(Vec<u8>),
    Remove(Vec<u8>),
    Set(Vec<u8>),
}
