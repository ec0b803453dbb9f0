use super::*;
use crate::transaction::tests::{connection, rules};
use crate::{Arena, Evaluation, InMemory, Match};

/// Runs a `POST` of a form, with what is proven of it: what matched, and how much was proven.
fn with_proofs(text: &str, proofs: &[Proof<'static>]) -> (Vec<u64>, usize) {
    let verdict = |evaluation| {
        let rules = rules(text).with_evaluation(evaluation);
        let arena = Arena::new();
        let headers = [
            (&b"Host"[..], &b"a.example"[..]),
            (b"X-Kind", b" attack "),
            (b"Cookie", b"c=attack; d=attack"),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
        ];
        let head = RequestHead {
            method: b"POST",
            target: b"/?a=attack&a=attack2&b=attack",
            protocol: b"HTTP/1.1",
            headers: &headers,
        };
        let memory = InMemory::new(1);
        let known = (head, proofs);
        let mut transaction =
            Transaction::begin_proven(&rules, &arena, &memory, connection(), known);
        transaction.request_body(b"a=attack&p=att%61ck");
        let found = transaction.finish().iter().map(Match::id).collect::<Vec<_>>();
        assert_eq!(transaction.prefilter_misses(), 0);
        (found, transaction.proven_values())
    };
    let filtered = verdict(Evaluation::Filtered);
    assert_eq!(verdict(Evaluation::Verified), filtered);
    assert_eq!(verdict(Evaluation::Plain), filtered);
    filtered
}

fn proof(part: Part, name: &'static str, value: &'static str) -> Proof<'static> {
    Proof { part, name: name.as_bytes(), value: value.as_bytes() }
}

#[test]
fn what_is_proven_is_not_searched() {
    let text = "SecRule ARGS \"@rx attack$\" \"id:1,phase:2,pass\"\n\
        SecRule REQUEST_COOKIES|REQUEST_HEADERS|!REQUEST_HEADERS:Cookie \"@pm attack\" \"id:2,phase:1,pass\"";
    assert_eq!(with_proofs(text, &[]), (vec![2, 2, 2, 1, 1, 1, 1], 0));
    let all = [
        proof(Part::Query, "a", "attack"),
        proof(Part::Query, "b", "attack"),
        proof(Part::Body, "a", "attack"),
        proof(Part::Body, "p", "attack"),
        proof(Part::Cookie, "c", "attack"),
        proof(Part::Cookie, "d", "attack"),
        proof(Part::Header, "x-kind", "attack"),
    ];
    assert_eq!(with_proofs(text, &all), (vec![], 7));
    for (place, left) in (0..7).zip([1, 1, 1, 1, 2, 2, 2]) {
        let mut some = all.to_vec();
        some.remove(place);
        assert_eq!(with_proofs(text, &some), (vec![left], 6), "{place}");
    }
}

#[test]
fn a_proof_binds_part_name_and_value() {
    let text = "SecRule ARGS \"@contains attack\" \"id:1,phase:2,pass\"";
    for wrong in [
        proof(Part::Query, "A", "attack"),
        proof(Part::Query, "p", "attack"),
        proof(Part::Query, "a", "attac"),
        proof(Part::Body, "b", "attack"),
        proof(Part::Body, "p", "att%61ck"),
        proof(Part::Cookie, "a", "attack"),
    ] {
        assert_eq!(with_proofs(text, &[wrong]), (vec![1; 5], 0), "{wrong:?}");
    }
    let right = proof(Part::Query, "a", "attack");
    assert_eq!(with_proofs(text, &[right]), (vec![1; 4], 1));
}

#[test]
fn what_is_proven_is_counted_measured_and_named_all_the_same() {
    let all = [
        proof(Part::Query, "a", "attack"),
        proof(Part::Query, "a", "attack2"),
        proof(Part::Query, "b", "attack"),
        proof(Part::Body, "a", "attack"),
        proof(Part::Body, "p", "attack"),
    ];
    for rule in [
        "&ARGS \"@eq 5\"",
        "&ARGS \"@rx 5\"",
        "ARGS \"@gt 6\" \"t:length",
        "ARGS \"@rx 7\" \"t:length",
        "ARGS \"@streq attack2\"",
        "ARGS \"@within attack2\" \"t:lowercase",
        "ARGS \"!@rx ^attack$\"",
        "ARGS:b \"@rx ^attack$\"",
        "ARGS:/^[bp]$/ \"@rx ^attack$\"",
        "ARGS_NAMES \"@rx ^p$\"",
        "QUERY_STRING \"@rx attack\"",
        "REQUEST_BODY \"@contains att%61ck\"",
        "ARGS \"@validateByteRange 1-60,98-255\" \"t:lowercase",
    ] {
        let joint = if rule.contains("t:") { "," } else { " \"" };
        let text = format!("SecRule {rule}{joint}id:1,phase:2,pass\"");
        let (found, proven) = with_proofs(&text, &all);
        assert!(found.contains(&1), "{text}");
        assert_eq!(proven, 5);
    }
    assert_eq!(with_proofs("SecRule ARGS \"@rx .\" \"id:1,phase:2,pass\"", &all), (vec![], 5));
}
