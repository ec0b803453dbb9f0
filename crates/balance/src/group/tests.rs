use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Busy, Outcome, hash};

const NOW: Duration = Duration::from_secs(100);

fn member(name: usize, weight: u32, rank: u8) -> Member {
    let state = State::new(hash(format!("10.0.0.{name}:80").as_bytes()), None);
    Member { state: Arc::new(state), weight, rank }
}

fn group(method: Method, members: Vec<Member>) -> Group {
    Group::new(members, Settings { method, ..Settings::default() }, Arc::default())
}

fn equal(method: Method, count: usize) -> Group {
    group(method, (0..count).map(|name| member(name, 1, 0)).collect())
}

fn ask(now: Duration, bits: u64) -> Ask<'static> {
    Ask { now, bits, ..Ask::default() }
}

fn counts(group: &Group, asks: u64, now: Duration) -> Vec<u32> {
    let mut counts = vec![0; group.len()];
    for bits in 0..asks {
        counts[group.pick(&ask(now, bits)).unwrap()] += 1;
    }
    counts
}

fn methods() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Least), Just(Method::RoundRobin), Just(Method::Hash)]
}

#[test]
fn round_robin_is_exact_and_an_ejected_member_gives_its_turns_to_all() {
    let three = equal(Method::RoundRobin, 3);
    assert_eq!(counts(&three, 300, NOW), [100, 100, 100]);
    three.report(1, Outcome::Unreachable, NOW);
    assert_eq!(counts(&three, 300, NOW), [150, 0, 150]);
}

#[test]
fn the_less_busy_of_two_is_asked() {
    let two = equal(Method::Least, 2);
    let _held: Vec<Busy<'_>> = (0..3).map(|_| two.state(0).unwrap().enter()).collect();
    // Both draws fall on the busy one now and then.
    let counts = counts(&two, 10_000, NOW);
    assert!(counts[0] < 200, "{counts:?}");
}

#[test]
fn a_member_that_fails_at_once_does_not_draw_all_requests_into_its_hole() {
    let three = equal(Method::Least, 3);
    // Clients caused it elsewhere too: the share that may be out is used up.
    assert!(!(0..4).any(|_| three.report(0, Outcome::Failure, NOW)));
    let soon = counts(&three, 3_000, NOW);
    assert!(soon[0] < 300, "{soon:?}");
    // Who is never asked can never do better.
    let later = counts(&three, 3_000, NOW + Duration::from_secs(1));
    assert!(later[0] > 900, "{later:?}");
}

#[test]
fn a_newcomer_starts_slowly() {
    for method in [Method::Least, Method::RoundRobin] {
        let members: Vec<Member> = (0..4).map(|name| member(name, 1, 0)).collect();
        let settings =
            Settings { method, slow_start: Duration::from_secs(10), ..Settings::default() };
        members[3].state.mark(false, NOW);
        members[3].state.mark(true, NOW);
        let four = Group::new(members, settings, Arc::default());
        let early = counts(&four, 4_000, NOW)[3];
        let later = counts(&four, 4_000, NOW + Duration::from_secs(5))[3];
        let full = counts(&four, 4_000, NOW + Duration::from_secs(10))[3];
        assert!((40..250).contains(&early), "{early}");
        assert!((400..800).contains(&later), "{later}");
        assert!((900..1_100).contains(&full), "{full}");
    }
}

#[test]
fn a_zone_takes_all_until_two_sevenths_are_out_then_the_next_helps() {
    let members = (0..10).map(|name| member(name, 1, u8::from(name >= 5))).collect();
    let ten = group(Method::Least, members);
    let second = |counts: &[u32]| counts[5..].iter().sum::<u32>();
    assert_eq!(second(&counts(&ten, 1_000, NOW)), 0);
    ten.state(0).unwrap().mark(false, NOW);
    assert_eq!(second(&counts(&ten, 1_000, NOW + Duration::from_secs(1))), 0);
    ten.state(1).unwrap().mark(false, NOW);
    // Three fifths of it are left; times 1.4 that is 84 %.
    let spilt = second(&counts(&ten, 10_000, NOW + Duration::from_secs(2)));
    assert!((1_400..1_800).contains(&spilt), "{spilt}");
    (2..5).for_each(|index| ten.state(index).unwrap().mark(false, NOW));
    assert_eq!(second(&counts(&ten, 1_000, NOW + Duration::from_secs(3))), 1_000);
    // Back in the same moment: nothing waits for the next count.
    (0..5).for_each(|index| ten.state(index).unwrap().mark(true, NOW));
    assert_eq!(second(&counts(&ten, 1_000, NOW + Duration::from_secs(4))), 0);
}

#[test]
fn health_is_ignored_when_hardly_anybody_is_left_but_nobody_unreachable_is_asked() {
    let five = equal(Method::RoundRobin, 5);
    (0..3).for_each(|index| five.state(index).unwrap().mark(false, NOW));
    assert_eq!(counts(&five, 500, NOW), [100; 5]);
    assert!(five.is_panicking());
    let five = equal(Method::RoundRobin, 5);
    for index in 0..4 {
        assert!(five.report(index, Outcome::Unreachable, NOW));
    }
    assert_eq!(counts(&five, 500, NOW), [0, 0, 0, 0, 500]);
    assert!(!five.is_panicking());
}

#[test]
fn keys_of_a_member_that_is_out_move_and_no_others() {
    let ten = equal(Method::Hash, 10);
    let place =
        |key: u64| ten.pick(&Ask { key: Some(crate::dice::mix(key)), ..ask(NOW, key) }).unwrap();
    let before: Vec<usize> = (0..10_000).map(place).collect();
    ten.report(4, Outcome::Unreachable, NOW);
    let after: Vec<usize> = (0..10_000).map(place).collect();
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after);
    assert!(moved.clone().all(|(before, _)| *before == 4));
    assert_eq!(moved.clone().count(), before.iter().filter(|at| **at == 4).count());
    let heirs: BTreeSet<usize> = moved.map(|(_, after)| *after).collect();
    assert_eq!(heirs.len(), 9);
}

#[test]
fn a_key_that_everybody_asks_for_moves_on_when_its_member_is_full() {
    let ten = equal(Method::Hash, 10);
    let load = Arc::clone(&ten.load);
    let hot = Ask { key: Some(7), ..ask(NOW, 0) };
    let mut held = Vec::new();
    for _ in 0..100 {
        let index = ten.pick(&hot).unwrap();
        held.push((load.enter(u32::MAX), ten.state(index).unwrap().enter()));
    }
    let busiest = (0..10).map(|index| ten.state(index).unwrap().in_flight()).max().unwrap();
    assert!(busiest <= 13, "{busiest}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shares_follow_weights_when_nobody_is_busy(
        weights in prop::collection::vec(1_u32..10, 2..8),
        method in prop_oneof![Just(Method::Least), Just(Method::RoundRobin)],
    ) {
        let members = weights.iter().enumerate().map(|(name, weight)| member(name, *weight, 0));
        let some = group(method, members.collect());
        let sum: u32 = weights.iter().sum();
        for (count, weight) in counts(&some, 20_000, NOW).into_iter().zip(&weights) {
            let fair = 20_000 * weight / sum;
            prop_assert!(count.abs_diff(fair) < 150 + fair / 10, "{} of {}", count, fair);
        }
    }

    /// INVARIANT (never empty).
    #[test]
    fn whatever_happened_somebody_is_asked_and_a_retry_asks_another(
        method in methods(),
        ranks in prop::collection::vec(0_u8..3, 1..12),
        events in prop::collection::vec((0_usize..12, 0_u8..5, 0_u64..30), 0..80),
        bits in any::<u64>(),
    ) {
        let members = ranks.iter().enumerate().map(|(name, rank)| member(name, 1, *rank));
        let some = group(method, members.collect());
        let mut now = NOW;
        for (index, event, secs) in events {
            let index = index % some.len();
            match event {
                0 => some.state(index).unwrap().mark(false, now),
                1 => some.state(index).unwrap().mark(true, now),
                2 => drop(some.report(index, Outcome::Success, now)),
                3 => drop(some.report(index, Outcome::Failure, now)),
                _ => drop(some.report(index, Outcome::Unreachable, now)),
            }
            now += Duration::from_secs(secs);
            let mut tried = Vec::new();
            while tried.len() < some.len() {
                let picked = some.pick(&Ask { tried: &tried, ..ask(now, bits) });
                prop_assert!(picked.is_some_and(|index| !tried.contains(&index)));
                tried.extend(picked);
            }
            prop_assert_eq!(some.pick(&Ask { tried: &tried, ..ask(now, bits) }), None);
        }
    }
}

#[test]
fn a_group_without_members_has_no_answer() {
    assert_eq!(equal(Method::Least, 0).pick(&ask(NOW, 1)), None);
}

#[test]
fn what_is_known_of_a_member_outlives_its_group() {
    let members: Vec<Member> = (0..3).map(|name| member(name, 1, 0)).collect();
    let before = group(Method::Least, members.clone());
    before.report(0, Outcome::Unreachable, NOW);
    let _busy = before.state(1).unwrap().enter();
    let after = group(Method::RoundRobin, members);
    assert_eq!(counts(&after, 100, NOW)[0], 0);
    assert_eq!(after.state(1).unwrap().in_flight(), 1);
}
