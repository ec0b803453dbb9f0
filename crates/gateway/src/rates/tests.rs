use std::sync::atomic::AtomicUsize;
use std::thread;

use super::*;

const START: Duration = Duration::from_secs(100);

fn pace(count: u32, per_secs: u64) -> Pace {
    Pace::rate(count, Duration::from_secs(per_secs), count)
}

fn named(rates: &Rates, parts: impl Hash) -> Key {
    rates.seed(parts).key(0, b"")
}

fn passes(rates: &Rates, key: Key, pace: &Pace, cost: u32, now: Duration) -> bool {
    matches!(rates.count(key, pace, cost, now), Verdict::Pass { .. })
}

#[test]
fn the_last_of_a_burst_passes_and_the_next_waits() {
    let (rates, pace) = (Rates::new(), pace(3, 30));
    let key = named(&rates, "a");
    for remaining in [2, 1, 0] {
        let Verdict::Pass { remaining: got, .. } = rates.count(key, &pace, 1, START) else {
            panic!("refused with {remaining} left");
        };
        assert_eq!(got, remaining);
    }
    assert_eq!(rates.count(key, &pace, 1, START), Verdict::Wait(Duration::from_secs(10)));
    let almost = START + Duration::from_millis(9_999);
    assert_eq!(rates.count(key, &pace, 1, almost), Verdict::Wait(Duration::from_millis(1)));
    let then = START + Duration::from_secs(10);
    assert!(passes(&rates, key, &pace, 1, then));
    assert!(!passes(&rates, key, &pace, 1, then));
}

#[test]
fn a_burst_is_apart_from_the_rate() {
    let rates = Rates::new();
    let key = named(&rates, "a");
    let small = Pace::rate(60, Duration::from_mins(1), 2);
    assert!(passes(&rates, key, &small, 1, START) && passes(&rates, key, &small, 1, START));
    assert_eq!(rates.count(key, &small, 1, START), Verdict::Wait(Duration::from_secs(1)));
    let large = Pace::rate(1, Duration::from_secs(1), 5);
    let key = named(&rates, "b");
    assert_eq!((0..9).filter(|_| passes(&rates, key, &large, 1, START)).count(), 5);
    let later = START + Duration::from_secs(1);
    assert_eq!((0..9).filter(|_| passes(&rates, key, &large, 1, later)).count(), 1);
}

#[test]
fn a_dear_request_takes_more_and_one_dearer_than_the_burst_takes_all() {
    let (rates, pace) = (Rates::new(), pace(10, 10));
    let key = named(&rates, "a");
    assert!(passes(&rates, key, &pace, 7, START));
    assert_eq!(rates.count(key, &pace, 4, START), Verdict::Wait(Duration::from_secs(1)));
    assert!(passes(&rates, key, &pace, 3, START));
    let whole = named(&rates, "b");
    assert!(passes(&rates, whole, &pace, 1_000, START));
    assert!(!passes(&rates, whole, &pace, 1, START));
    assert!(passes(&rates, whole, &pace, 1_000, START + Duration::from_secs(10)));
}

#[test]
fn a_quota_is_not_filled_up_before_its_window_ends() {
    let (rates, day) = (Rates::new(), Pace::quota(3, Duration::from_hours(24)));
    let key = named(&rates, "a");
    for remaining in [2, 1, 0] {
        let Verdict::Pass { remaining: got, reset } = rates.count(key, &day, 1, START) else {
            panic!("refused with {remaining} left");
        };
        assert_eq!(got, remaining);
        assert!(reset >= Duration::from_hours(24) - Duration::from_secs(1));
    }
    let late = START + Duration::from_hours(23);
    let Verdict::Wait(wait) = rates.count(key, &day, 1, late) else { panic!("passed") };
    assert!(wait > Duration::from_mins(59) && wait < Duration::from_mins(61), "{wait:?}");
    let next = START + Duration::from_hours(24) + Duration::from_secs(9);
    assert_eq!((0..9).filter(|_| passes(&rates, key, &day, 1, next)).count(), 3);
}

#[test]
fn keys_do_not_share_a_quota() {
    let (rates, once) = (Rates::new(), pace(1, 1));
    for name in ["a", "b", "c"] {
        let key = named(&rates, name);
        assert!(passes(&rates, key, &once, 1, Duration::ZERO));
        assert!(!passes(&rates, key, &once, 1, Duration::ZERO));
    }
}

#[test]
fn a_flood_of_keys_does_not_wash_out_one_that_waits() {
    let (rates, day, second) = (Rates::new(), pace(1, 86_400), pace(1, 1));
    let keys: Vec<Key> = (0..100).map(|name| named(&rates, ("over", name))).collect();
    assert!(keys.iter().all(|key| passes(&rates, *key, &day, 1, START)));
    for other in 0..1_000_000_u32 {
        rates.count(named(&rates, other), &second, 1, START);
    }
    assert!(!keys.iter().any(|key| passes(&rates, *key, &day, 1, START)));
    // The table was full of keys that were not idle, and that is said.
    assert!(rates.pushed_out() > 500_000);
}

#[test]
fn idle_keys_make_room_and_nobody_is_pushed_out() {
    let (rates, second) = (Rates::with_buckets(1), pace(1, 1));
    for round in 0..100_u32 {
        let now = START + Duration::from_secs(u64::from(round));
        for key in 0..8 {
            assert!(passes(&rates, named(&rates, (round, key)), &second, 1, now));
        }
    }
    assert_eq!(rates.pushed_out(), 0);
}

#[test]
fn no_count_is_lost_or_double_when_all_threads_count_one_key() {
    let (rates, pace) = (Rates::with_buckets(1), pace(10_000, 86_400));
    let passed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let key = named(&rates, "all");
                let count = (0..5_000).filter(|_| passes(&rates, key, &pace, 1, START)).count();
                passed.fetch_add(count, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(passed.into_inner(), 10_000);
}

#[test]
fn a_slot_that_changes_hands_under_load_keeps_no_count_of_the_key_before() {
    let rates = Rates::with_buckets(1);
    let (flood, once) = (pace(1_000_000, 1), pace(2, 86_400));
    thread::scope(|scope| {
        for name in 0..3_u32 {
            let (rates, flood) = (&rates, &flood);
            let count = move |other: u32| {
                rates.count(named(rates, (name, other % 16)), flood, 1, START);
            };
            scope.spawn(move || (0..20_000).for_each(count));
        }
        for turn in 0..200_u32 {
            let key = named(&rates, ("rare", turn));
            // A slot with another key's count in it would refuse the first.
            assert!(passes(&rates, key, &once, 1, START + Duration::from_secs(turn.into())));
        }
    });
}

#[test]
fn what_others_counted_is_taken_over_and_never_lowers_the_count() {
    let (rates, pace) = (Rates::new(), pace(10, 10));
    let key = named(&rates, "a");
    assert!(passes(&rates, key, &pace, 5, START));
    let known = |secs| Known { ahead: Duration::from_secs(secs), used: 0 };
    rates.learn(key, &pace, known(3), START);
    assert_eq!(rates.known(key, &pace, START), known(5));
    rates.learn(key, &pace, known(25), START);
    assert_eq!(rates.count(key, &pace, 1, START), Verdict::Wait(Duration::from_secs(16)));
    let (key, day) = (named(&rates, "b"), Pace::quota(10, Duration::from_hours(24)));
    rates.learn(key, &day, Known { ahead: Duration::from_hours(1), used: 9 }, START);
    assert!(passes(&rates, key, &day, 1, START) && !passes(&rates, key, &day, 1, START));
    assert!(passes(&rates, key, &day, 1, START + Duration::from_secs(3_620)));
}
