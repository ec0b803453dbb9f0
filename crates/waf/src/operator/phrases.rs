//! `@pm`: many phrases at once, in any case.

use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

use crate::cursor::{Cursor, hex_value, is_space};
use crate::parse::error::Cause;

/// Phrases in one automaton.
#[derive(Clone, Debug)]
pub(crate) struct PhraseSet {
    /// Built when it is first asked: most sets of a rule set never are, and the prefilter knows
    /// their phrases. Within the bound on the bytes of all sources it cannot fail.
    automaton: Arc<OnceLock<Option<AhoCorasick>>>,
    /// For the prefilter.
    pub(crate) phrases: Arc<[Vec<u8>]>,
}

impl PhraseSet {
    /// Phrases between spaces; `|0d 0a|` are bytes.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Cause> {
        let mut at = Cursor::new(text);
        let mut phrases = Vec::new();
        loop {
            at.take_while(is_space);
            if at.is_empty() {
                return Self::of(phrases.into_iter());
            }
            phrases.push(phrase(&mut at));
        }
    }

    pub(crate) fn of(phrases: impl Iterator<Item = Vec<u8>>) -> Result<Self, Cause> {
        let phrases: Arc<[Vec<u8>]> = phrases.filter(|phrase| !phrase.is_empty()).collect();
        if phrases.is_empty() {
            return Err(Cause::BadValue { what: "a list of phrases", value: String::new() });
        }
        Ok(Self { automaton: Arc::default(), phrases })
    }

    fn build(phrases: &[Vec<u8>]) -> Option<AhoCorasick> {
        let mut builder = AhoCorasickBuilder::new();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
        // It only confirms what the prefilter found; the faster kinds take longer to build.
        builder.kind(Some(AhoCorasickKind::NoncontiguousNFA)).build(phrases).ok()
    }

    /// The first phrase in a value, as it is written there.
    pub(super) fn find<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        let automaton = self.automaton.get_or_init(|| Self::build(&self.phrases));
        match automaton {
            Some(automaton) => value.get(automaton.find(value)?.range()),
            // Without an answer it matches.
            None => Some(value),
        }
    }
}

fn phrase(at: &mut Cursor<'_>) -> Vec<u8> {
    let mut phrase = Vec::new();
    while let Some(byte) = at.peek().filter(|byte| !is_space(*byte)) {
        if byte != b'|' || !hex_bytes(at, &mut phrase) {
            phrase.push(byte);
            at.skip(1);
        }
    }
    phrase
}

/// `|0d 0a|`, `|0d0a|`.
fn hex_bytes(at: &mut Cursor<'_>, phrase: &mut Vec<u8>) -> bool {
    let mut ahead = *at;
    ahead.skip(1);
    let inside = ahead.take_while(|byte| byte != b'|');
    let digits: Option<Vec<u32>> =
        inside.iter().filter(|byte| !is_space(**byte)).map(|byte| hex_value(*byte)).collect();
    let Some(digits) = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0) else {
        return false;
    };
    if !ahead.eat(b'|') {
        return false;
    }
    for pair in digits.chunks_exact(2) {
        let byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        phrase.extend(u8::try_from(byte));
    }
    *at = ahead;
    true
}
