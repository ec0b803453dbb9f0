//! How large the automaton of a pattern can get, told from its syntax tree.

use regex_syntax::hir::{Class, Hir, HirKind};

/// What one state of the engine's automaton takes, and more.
const STATE_BYTES: usize = 96;
/// What one transition takes, and more.
const TRANSITION_BYTES: usize = 32;

/// More than the automaton of a pattern takes. Repetitions are written out, as the engine does; a
/// pattern of characters, which there is none of here, is too large.
pub(super) fn bytes_at_most(tree: &Hir) -> usize {
    let own = match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len().saturating_mul(STATE_BYTES),
        HirKind::Class(Class::Unicode(_)) => usize::MAX,
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().len().saturating_mul(TRANSITION_BYTES)
        }
        HirKind::Repetition(repetition) => {
            let least = repetition.min.saturating_add(1);
            let copies = repetition.max.unwrap_or(least).max(least);
            let one = bytes_at_most(&repetition.sub).saturating_add(2 * STATE_BYTES);
            one.saturating_mul(usize::try_from(copies).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => bytes_at_most(&capture.sub).saturating_add(4 * STATE_BYTES),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            let each = parts.iter().map(bytes_at_most);
            each.fold(0, |all: usize, one| all.saturating_add(one).saturating_add(TRANSITION_BYTES))
        }
    };
    own.saturating_add(STATE_BYTES)
}

#[cfg(test)]
mod tests {
    use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};

    use super::*;

    #[track_caller]
    fn check(pattern: &str) {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let tree = parser.parse(pattern).unwrap();
        let forward = Config::new().utf8(false);
        let backward = forward.clone().reverse(true).which_captures(WhichCaptures::None);
        for config in [forward, backward] {
            let nfa = Compiler::new().configure(config).build_from_hir(&tree).unwrap();
            let (bound, is) = (bytes_at_most(&tree), nfa.memory_usage());
            assert!(is <= bound.saturating_add(2_048), "{pattern}: {is} > {bound}");
        }
    }

    #[test]
    fn no_automaton_is_larger() {
        check("");
        check("[a-z]+");
        check("(?:abc|abd|x[0-9]{3,70}){2,9}");
        check("(?i)select.+from");
        check("(a|b)*?c{0,50}");
        check("^(?:[^;]{20})?$");
        check(r"\b(?:(?:a{1,3}){1,3}){1,3}\b");
        check("((((a))))(?<name>b)*");
        check("[abegmqsuwy]{12,}");
        check("a?b?c?(?:d?)*");
        check("(?:|a|ab|abc|[^x]){7}");
    }

    #[test]
    fn what_is_written_out_is_counted() {
        let tree = regex_syntax::parse("(?-u:(?:a{1000}){1000})").unwrap();
        assert!(bytes_at_most(&tree) > 50 << 20);
    }
}
