use std::sync::Barrier;

use super::*;

fn delta(name: &[u8], change: DeltaChange) -> Delta {
    Delta { change, ..Delta::new(name.to_vec(), 100) }
}

fn set(text: &[u8]) -> DeltaChange {
    DeltaChange::Set(text.to_vec())
}

fn stored(value: &[u8], expires_secs: u64) -> Stored {
    Stored { name: b"n".to_vec(), value: value.to_vec(), expires_secs }
}

/// What several changes of one transaction come to, for a member of 5 until 50, and for none.
#[track_caller]
fn check(changes: &[DeltaChange], of_five: &[Stored], of_none: &[Stored]) {
    let mut delta = Delta::new(b"n".to_vec(), 100);
    for change in changes {
        delta.then(change.clone());
    }
    let five = stored(b"5", 50);
    assert_eq!(delta.applied(Some(&five)).as_ref(), of_five.first(), "{changes:?}");
    assert_eq!(delta.applied(None).as_ref(), of_none.first(), "{changes:?}");
}

#[test]
fn changes_of_one_member_are_one_delta() {
    use DeltaChange::{Add, Delete, Keep};
    let anew = |value: &[u8]| [stored(value, 100)];
    check(&[Add(1), Add(2)], &[stored(b"8", 50)], &anew(b"3"));
    check(&[set(b"x"), Keep], &[stored(b"x", 50)], &anew(b"x"));
    check(&[set(b"7"), Add(-2)], &[stored(b"5", 50)], &anew(b"5"));
    check(&[Add(1), set(b"y")], &[stored(b"y", 50)], &anew(b"y"));
    check(&[Add(1), Delete], &[], &[]);
    check(&[Delete, Add(4)], &anew(b"4"), &anew(b"4"));
    check(&[Delete, set(b"z")], &anew(b"z"), &anew(b"z"));
    check(&[Keep], &[stored(b"5", 50)], &[]);
    let most = i64::MAX.to_string().into_bytes();
    check(&[Add(i64::MAX), Add(1)], &[stored(&most, 50)], &anew(&most));
}

#[test]
fn what_expired_is_gone_and_counts_anew() {
    let memory = InMemory::new(1);
    memory.apply("ip", b"a", &[delta(b"n", DeltaChange::Add(2))], 0);
    assert_eq!(memory.load("ip", b"a", 99), [stored(b"2", 100)]);
    assert_eq!(memory.load("ip", b"a", 100), []);
    let later = Delta { first_expires_secs: 300, ..delta(b"n", DeltaChange::Add(2)) };
    memory.apply("ip", b"a", &[later], 100);
    assert_eq!(memory.load("ip", b"a", 101), [stored(b"2", 300)]);
    assert_eq!(memory.load("global", b"a", 101), []);
    memory.apply("ip", b"a", &[delta(b"n", DeltaChange::Delete)], 101);
    assert_eq!((memory.load("ip", b"a", 101), memory.bytes()), (vec![], 0));
}

#[test]
fn a_full_house_takes_nothing_in_and_lets_counters_count() {
    let memory = InMemory::new(1);
    memory.apply("ip", b"a", &[delta(b"n", DeltaChange::Add(1))], 0);
    let long = delta(b"t", set(&[b'x'; 1_000]));
    memory.apply("ip", b"b", std::slice::from_ref(&long), 0);
    assert_eq!(memory.load("ip", b"b", 0), []);
    for (place, key) in (0..100_u8).zip(0..) {
        memory.apply("ip", &[b'k', place], &[delta(b"n", DeltaChange::Add(key))], 0);
        assert!(memory.bytes() <= 1_024);
    }
    assert_eq!(memory.load("ip", &[b'k', 99], 0), []);
    let many = delta(b"n", DeltaChange::Add(1_000_000_000_000));
    memory.apply("ip", b"a", &[many, long], 0);
    assert_eq!(memory.load("ip", b"a", 0), [stored(b"1000000000001", 100)]);
    let long = delta(b"t", set(&[b'x'; 1_000]));
    memory.apply("ip", b"a", &[delta(b"n", set(b"7")), long], 0);
    assert_eq!(memory.load("ip", b"a", 0), [stored(b"7", 100)]);
    memory.apply("ip", &[b'k', 99], &[Delta::new(b"n".to_vec(), 200)], 100);
    memory.apply(
        "ip",
        &[b'k', 99],
        &[Delta { first_expires_secs: 200, ..delta(b"n", DeltaChange::Add(1)) }],
        101,
    );
    assert_eq!(memory.load("ip", &[b'k', 99], 101).len(), 1);
}

#[test]
fn two_that_count_at_once_are_two() {
    let memory = InMemory::new(10);
    let start = Barrier::new(4);
    let count = || {
        start.wait();
        for _ in 0..500 {
            memory.load("ip", b"a", 0);
            memory.apply("ip", b"a", &[delta(b"n", DeltaChange::Add(1))], 0);
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(count))));
    assert_eq!(memory.load("ip", b"a", 0), [stored(b"2000", 100)]);
}
