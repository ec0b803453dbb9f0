//! A set of rules that is ready to run; immutable, and shared by all transactions.

use crate::arena::Arena;
use crate::injection::sqli;
use crate::limits::WORK_STEPS_MAX;
use crate::link;
use crate::memory::NoMemory;
use crate::parse::error::LoadError;
use crate::parse::{self, Library, Source, Warning};
use crate::prefilter::Prefilter;
use crate::quick::Scope;
use crate::rule::{Engine, Phase, Place, Rule};
use crate::settings::Settings;
use crate::transaction::{Connection, RequestHead, Slots, Transaction};
use crate::transform::{Acts, Transformation};

/// Rules, linked. Hold it in an `Arc` and swap it whole.
#[derive(Debug)]
pub struct Ruleset {
    pub(crate) rules: Vec<Rule>,
    /// The order of each phase.
    pub(crate) phases: [Vec<Step>; 5],
    pub(crate) settings: Settings,
    /// Distinct pipelines as a tree; place 0 is the empty one.
    pub(crate) pipelines: Vec<Pipeline>,
    /// The places of `TX` members whose names stand in rules.
    pub(crate) slots: Slots,
    pub(crate) prefilter: Prefilter,
    /// What rules look at, each once.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) evaluation: Evaluation,
    /// Steps of work for one transaction.
    pub(crate) work_max: usize,
    /// Whether a rule asks for the whole request, which is put together only then.
    pub(crate) needs_full_request: bool,
    warnings: Vec<Warning>,
}

/// How the operators of rules are asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Evaluation {
    /// Only those that the prefilter says can match.
    #[default]
    Filtered,
    /// All, as the language says.
    Plain,
    /// All, and what the prefilter would have missed is counted.
    Verified,
}

/// A rule's turn in its phase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The rule's place in [`Ruleset::rules`].
    pub(crate) rule: u32,
    /// Where `skipAfter` goes on, as a place in the phase.
    pub(crate) skip_to: Option<usize>,
}

/// A pipeline of transformations.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    /// The pipeline without its last step.
    pub(crate) parent: u32,
    /// Its transformations, each with what it looks for.
    pub(crate) steps: Box<[(Transformation, Acts)]>,
    /// What its steps look for, all of them together.
    pub(crate) acts: Acts,
    /// Its beginnings, from the empty pipeline to itself.
    pub(crate) stages: Box<[u32]>,
}

impl Ruleset {
    /// Reads and links rules. One mistake anywhere, and there is no rule set.
    pub fn load(sources: &[Source], library: &dyn Library) -> Result<Self, LoadError> {
        let program = parse::read(sources, library)?;
        let linked = link::link(program.items);
        sqli::prepare();
        let needs_full_request = linked.rules.iter().any(Rule::needs_full_request);
        let rules = Self {
            rules: linked.rules,
            phases: linked.phases,
            settings: program.settings,
            pipelines: linked.pipelines,
            slots: Slots::new(linked.slots),
            prefilter: linked.prefilter,
            scopes: linked.scopes,
            evaluation: Evaluation::default(),
            work_max: WORK_STEPS_MAX,
            needs_full_request,
            warnings: program.warnings,
        };
        rules.warm_up();
        Ok(rules)
    }

    /// Judges a usual request, so that the patterns that such requests ask are built before the
    /// first one comes.
    fn warm_up(&self) {
        let connection = Connection {
            client_address: "192.0.2.1",
            client_port: 1,
            server_address: "192.0.2.2",
            server_port: 1,
            unique_id: "",
            user: "",
            now_secs: 0,
        };
        let headers: [(&[u8], &[u8]); 7] = [
            (b"Host", b"www.example"),
            (
                b"User-Agent",
                b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            ),
            (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            (b"Accept-Language", b"en-US,en;q=0.5"),
            (b"Cookie", b"session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
            (b"Content-Length", b"27"),
        ];
        let (method, target, protocol): (&[u8], &[u8], &[u8]) =
            (b"POST", b"/search?q=garden+chair&page=2", b"HTTP/1.1");
        let head = RequestHead { method, target, protocol, headers: &headers };
        let arena = Arena::new();
        let mut usual = Transaction::begin(self, &arena, &NoMemory, connection, head);
        usual.request_body(b"name=Jane+Doe&zip=12345&a=b");
        usual.finish();
    }

    /// The same rules, asked in another way.
    #[must_use]
    pub fn with_evaluation(self, evaluation: Evaluation) -> Self {
        Self { evaluation, ..self }
    }

    /// The same rules with another bound on the work for one transaction, in steps: about the bytes
    /// that transformations and operators look at. What needs more is refused.
    #[must_use]
    pub fn with_work_max(self, steps: usize) -> Self {
        Self { work_max: steps, ..self }
    }

    /// What loads and does nothing, or less than its author may think.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// How many rules there are; a chain is one.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Whether a rule of this id is there.
    pub fn has_rule(&self, id: u64) -> bool {
        self.rules.iter().any(|rule| rule.id == id)
    }

    /// Where the rule of this id stands.
    pub fn place_of(&self, id: u64) -> Option<&Place> {
        self.rules.iter().find(|rule| rule.id == id).map(|rule| &rule.place)
    }

    /// What `SecRuleEngine` says.
    pub fn engine(&self) -> Engine {
        self.settings.engine
    }

    /// The signatures of the rule sets in it (`SecComponentSignature`).
    pub fn signatures(&self) -> &[String] {
        &self.settings.signatures
    }

    /// Whether request bodies are read.
    pub fn reads_request_body(&self) -> bool {
        self.settings.request.is_read
    }

    /// Whether bodies of answers with this `Content-Type` are read.
    pub fn reads_response_body(&self, content_type: &[u8]) -> bool {
        self.settings.response.is_read && self.settings.has_response_type(content_type)
    }

    pub(crate) fn phase(&self, phase: Phase) -> &[Step] {
        self.phases.get(usize::from(phase.number()) - 1).map_or(&[], Vec::as_slice)
    }
}
