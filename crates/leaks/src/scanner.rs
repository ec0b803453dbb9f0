//! The scanner: one automaton for all literals, one loop for numbers.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::literals::{LITERALS, Literal};
use crate::look::Look;
use crate::{Detector, Detectors, Finding, Found, card, iban, private_key};

/// Finds what is wanted. It is built once, and used for everything.
#[derive(Debug)]
pub struct Scanner {
    automaton: AhoCorasick,
    literals: Vec<&'static Literal>,
    longest: usize,
}

/// The automaton could not be built: too little memory.
#[derive(Debug, thiserror::Error)]
#[error("the detectors of leaks cannot be built: {0}")]
pub struct BuildError(#[from] aho_corasick::BuildError);

/// The end of what was found last, by detector: what begins before it is part of it.
pub(crate) type Covered = [usize; Detector::ALL.len()];

/// A text, of which more may come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) text: &'a [u8],
    /// What begins before it was looked at already.
    pub(crate) fresh: usize,
    /// Where the text begins in the whole.
    pub(crate) base: usize,
    /// Whether nothing more comes.
    pub(crate) is_last: bool,
}

impl Scanner {
    /// Builds the automaton.
    ///
    /// # Errors
    ///
    /// When it does not fit into memory.
    pub fn new() -> Result<Self, BuildError> {
        let literals: Vec<_> = LITERALS.iter().copied().flatten().collect();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .build(literals.iter().map(|literal| literal.text))?;
        let longest = literals.iter().map(|literal| literal.text.len()).max().unwrap_or_default();
        Ok(Self { automaton, literals, longest })
    }

    /// Looks a whole text through. Of each page (a trace, a listing) one finding is enough.
    pub fn scan(&self, text: &[u8], wanted: Detectors, most: usize) -> Found {
        self.scan_for((wanted, Detectors::NONE), text, most)
    }

    /// The same, where what `stops` has is found however much else there is: it is not counted.
    pub fn scan_for(
        &self,
        (wanted, stops): (Detectors, Detectors),
        text: &[u8],
        most: usize,
    ) -> Found {
        let mut search = Search::new((wanted, stops), most, [0; Detector::ALL.len()]);
        search.run(self, Window { text, fresh: 0, base: 0, is_last: true });
        search.found()
    }

    /// Looks for every value, and as far as each one goes: for whoever masks it.
    pub fn scan_values(&self, text: &[u8], wanted: Detectors) -> Vec<Finding> {
        let covered = [0; Detector::ALL.len()];
        let mut search = Search::new((wanted, Detectors::NONE), usize::MAX, covered);
        search.is_masking = true;
        search.run(self, Window { text, fresh: 0, base: 0, is_last: true });
        search.found().findings
    }

    pub(crate) const fn longest(&self) -> usize {
        self.longest
    }
}

/// One look through a text.
#[derive(Debug)]
pub(crate) struct Search {
    wanted: Detectors,
    /// What counts however much else was found.
    stops: Detectors,
    most: usize,
    /// Whether values are wanted to their end, which a stream cannot wait for.
    is_masking: bool,
    pub(crate) covered: Covered,
    /// Where the first thing begins of which the end has not come.
    pub(crate) pending: Option<usize>,
    /// The same of what stops.
    pub(crate) holding: Option<usize>,
    /// Whose it is: what the same ones find behind it may be a part of it.
    waiting: Detectors,
    found: Found,
}

impl Search {
    pub(crate) fn new(
        (wanted, stops): (Detectors, Detectors),
        most: usize,
        covered: Covered,
    ) -> Self {
        Self {
            wanted,
            stops,
            most,
            is_masking: false,
            covered,
            pending: None,
            holding: None,
            waiting: Detectors::NONE,
            found: Found::default(),
        }
    }

    pub(crate) fn run(&mut self, scanner: &Scanner, window: Window<'_>) {
        self.literals(scanner, window);
        if self.wanted.has(Detector::Card) || self.wanted.has(Detector::Iban) {
            self.numbers(window);
        }
    }

    pub(crate) fn found(mut self) -> Found {
        self.found.findings.sort_by_key(|finding| finding.range.start);
        self.found
    }

    fn literals(&mut self, scanner: &Scanner, window: Window<'_>) {
        for hit in scanner.automaton.find_overlapping_iter(window.text) {
            let Some(literal) = scanner.literals.get(hit.pattern().as_usize()) else { continue };
            if !self.is_open(literal.detector, hit.start(), window) {
                continue;
            }
            let mut look = Look::new(window.text, hit.end());
            if literal.is_prefix && !look.begins_word(hit.start()) {
                continue;
            }
            let is_one = (literal.check)(&mut look, hit.start());
            self.decide(literal.detector, hit.start(), is_one, (&look, window));
            if self.wanted.is_empty() {
                return;
            }
        }
    }

    fn numbers(&mut self, window: Window<'_>) {
        let mut before = window.fresh.checked_sub(1).and_then(|at| window.text.get(at)).copied();
        let rest = window.text.get(window.fresh..).unwrap_or_default();
        for (at, byte) in rest.iter().enumerate() {
            let is_first = !before.is_some_and(|before| before.is_ascii_digit());
            before = Some(*byte);
            let detector = match byte {
                b'0'..=b'9' if is_first => Detector::Card,
                b'A'..=b'Z' | b'a'..=b'z' => Detector::Iban,
                _ => continue,
            };
            let start = window.fresh.saturating_add(at);
            if !self.is_open(detector, start, window) {
                continue;
            }
            let mut look = Look::new(window.text, start);
            let is_one = match detector {
                Detector::Card => card::check(&mut look),
                _ => iban::check(&mut look),
            };
            self.decide(detector, start, is_one, (&look, window));
            if self.wanted.is_empty() {
                return;
            }
        }
    }

    /// Whether it is wanted, and not looked at before.
    fn is_open(&mut self, detector: Detector, start: usize, window: Window<'_>) -> bool {
        let covered = self.covered.get(detector as usize).copied().unwrap_or_default();
        let is_open = self.wanted.has(detector)
            && start >= window.fresh
            && start.saturating_add(window.base) >= covered;
        if is_open && self.waiting.has(detector) {
            self.wait(detector, start);
            return false;
        }
        is_open
    }

    fn wait(&mut self, detector: Detector, start: usize) {
        let least = |place: Option<usize>| Some(place.map_or(start, |place| place.min(start)));
        self.pending = least(self.pending);
        if self.stops.has(detector) {
            self.holding = least(self.holding);
        }
        self.waiting = self.waiting.and([detector].into_iter().collect());
    }

    fn decide(
        &mut self,
        detector: Detector,
        start: usize,
        is_one: bool,
        (look, window): (&Look<'_>, Window<'_>),
    ) {
        if look.ran_out() && !window.is_last {
            self.wait(detector, start);
            return;
        }
        if !is_one {
            return;
        }
        let is_stop = self.stops.has(detector);
        if self.found.findings.len() >= self.most {
            self.found.has_more = true;
            // One of those is enough.
            self.wanted = if is_stop { Detectors::NONE } else { self.wanted.only(self.stops) };
            if !is_stop {
                return;
            }
        }
        let end = match detector {
            Detector::PrivateKey if self.is_masking => {
                private_key::whole(window.text, start, look.at())
            }
            _ => look.at(),
        };
        let range = start.saturating_add(window.base)..end.saturating_add(window.base);
        if let Some(covered) = self.covered.get_mut(detector as usize) {
            *covered = if detector.finds_values() { range.end } else { usize::MAX };
        }
        self.found.findings.push(Finding { detector, range });
    }
}
