//! What comes in pieces is looked through as it passes.

use std::sync::Arc;

use crate::scanner::{Covered, Search, Window};
use crate::{Detector, Detectors, Found, Scanner};

/// Looks through a text that comes in pieces, and finds what lies across them.
#[derive(Debug)]
pub struct Stream {
    scanner: Arc<Scanner>,
    wanted: Detectors,
    stops: Detectors,
    most: usize,
    /// What is needed of the pieces before.
    kept: Vec<u8>,
    /// What begins in `kept` before it was looked at.
    fresh: usize,
    /// Where `kept` begins in the whole.
    base: usize,
    covered: Covered,
    held: usize,
}

impl Stream {
    /// Begins. So many findings are given in all; `has_more` says when there are more.
    pub const fn new(scanner: Arc<Scanner>, wanted: Detectors, most: usize) -> Self {
        let covered = [0; Detector::ALL.len()];
        let stops = Detectors::NONE;
        Self { scanner, wanted, stops, most, kept: Vec::new(), fresh: 0, base: 0, covered, held: 0 }
    }

    /// What ends the stream: it is found however much else was found before, and it alone holds bytes
    /// back.
    #[must_use]
    pub const fn stopping_at(mut self, stops: Detectors) -> Self {
        self.stops = stops;
        self
    }

    /// Takes the next piece. Ranges count from the beginning of the whole.
    pub fn push(&mut self, piece: &[u8]) -> Found {
        self.kept.extend_from_slice(piece);
        let (found, pending) = self.look(false);
        let length = self.kept.len();
        let begins = pending.unwrap_or(length);
        // A literal may have begun, too.
        let fresh = begins.min(length.saturating_sub(self.scanner.longest())).max(self.fresh);
        let drop = fresh.saturating_sub(CONTEXT_BYTES);
        self.kept.drain(..drop);
        self.base = self.base.saturating_add(drop);
        self.fresh = fresh - drop;
        found
    }

    /// An event ends here: what began in it does not go on in the next one.
    pub fn end_event(&mut self) -> Found {
        let (found, _pending) = self.look(true);
        self.held = 0;
        let length = self.kept.len();
        let drop = length.saturating_sub(CONTEXT_BYTES);
        self.kept.drain(..drop);
        self.base = self.base.saturating_add(drop);
        self.fresh = length - drop;
        found
    }

    /// Nothing more comes.
    pub fn finish(&mut self) -> Found {
        let (found, _pending) = self.look(true);
        self.base = self.base.saturating_add(self.kept.len());
        self.kept.clear();
        (self.fresh, self.held) = (0, 0);
        found
    }

    /// How many of the last bytes may be the beginning of something that stops. Whoever lets nothing out
    /// that is found keeps them back.
    pub const fn held(&self) -> usize {
        self.held
    }

    fn look(&mut self, is_last: bool) -> (Found, Option<usize>) {
        let mut search = Search::new((self.wanted, self.stops), self.most, self.covered);
        let window = Window { text: &self.kept, fresh: self.fresh, base: self.base, is_last };
        search.run(&self.scanner, window);
        self.covered = search.covered;
        let (pending, length) = (search.pending, self.kept.len());
        self.held = length - search.holding.unwrap_or(length);
        let found = search.found();
        self.most = self.most.saturating_sub(found.findings.len());
        (found, pending)
    }
}

/// More than any check looks back: a line of a stack trace.
const CONTEXT_BYTES: usize = 384;
