use proptest::prelude::*;

use super::*;
use crate::operator::{Parameter, PhraseSet, Rx};

fn operators() -> Vec<Operator> {
    let patterns = [
        r"(?i)\bunion\b.{1,20}\bselect\b",
        r"a[bc]?d|x(?:yz)+",
        r"['\x22;]",
        r"^(?:foo|bar)(?:baz)?$",
        r"(?i:abc)|\d{3}",
        r"\x{e9}[\x80-\xff]",
        r"(?:ab){2,3}c",
        r"[<>](?i:s)cript",
        r"(?i)s\s*e\s*l",
        r"A\nB",
        r"(?i)\bon[a-z]*\s*=[^=]",
        r"<foo|bar[^a-z]*\(",
    ];
    let mut operators: Vec<Operator> =
        patterns.iter().map(|text| Operator::Rx(Rx::compile(text.as_bytes()).unwrap())).collect();
    operators.push(Operator::Phrases(PhraseSet::parse(b"Foo ba |ff|z").unwrap()));
    operators
}

fn open_gates(filter: &Prefilter, value: &[u8]) -> Vec<u64> {
    let mut open = vec![0; filter.words()];
    filter.scan(value, &mut open);
    open
}

#[test]
fn most_gates_stay_shut_for_harmless_values() {
    let mut builder = Builder::default();
    let gates: Vec<Option<Gates>> = operators().iter().map(|one| builder.gates(one)).collect();
    let filter = builder.build();
    assert!(gates.iter().filter(|gate| gate.is_some()).count() >= 9, "{gates:?}");
    let open = open_gates(&filter, b"mnoop");
    assert!(gates.iter().flatten().all(|gate| !gate.are_open(&open)), "{open:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A match implies an open gate: the promise of this module.
    #[test]
    fn what_matches_passes_its_gate(pieces in proptest::collection::vec(piece(), 0..8)) {
        let value = pieces.concat();
        let operators = operators();
        let mut builder = Builder::default();
        let gates: Vec<Option<Gates>> = operators.iter().map(|one| builder.gates(one)).collect();
        let filter = builder.build();
        let open = open_gates(&filter, &value);
        for (operator, gate) in operators.iter().zip(gates) {
            if operator.is_match(&value, Parameter::None, &mut 0).unwrap() && let Some(gate) = gate {
                prop_assert!(gate.are_open(&open), "{operator:?} on {value:?}");
            }
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"UNION", b"select", b" ", b"a", b"b", b"c", b"d", b"ad", b"xyz", b"'", b"foo", b"bar",
        b"baz", b"ABC", b"12", b"3", b"\xe9", b"\x90", b"abab", b"<", b"Script", b"s", b"E", b"L",
        b"A\nB", b"\xff", b"z", b"Ba", b" on", b"x =1", b"(", b"<foo",
    ];
    prop_oneof![
        4 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..3),
    ]
}
