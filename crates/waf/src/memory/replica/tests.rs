use super::*;

/// What several keep together, as a store would: each change is applied to what is there, and where
/// nothing is, the teller's copy counts.
#[derive(Default)]
struct Together(BTreeMap<Vec<u8>, Vec<Stored>>);

impl Together {
    fn hear(&mut self, replica: &Replica, all: Vec<Told>, now_secs: u64) {
        for told in all {
            if let Some(held) = self.0.get_mut(&told.place) {
                Delta::apply_all(&told.deltas, held, now_secs);
            } else {
                self.0.insert(told.place.clone(), told.members);
            }
            let held = &self.0[&told.place];
            replica.learn(&told.place, held.clone(), now_secs);
        }
    }
}

fn add(name: &[u8], amount: i64) -> Delta {
    Delta { change: DeltaChange::Add(amount), ..Delta::new(name.to_vec(), 100) }
}

fn set(name: &[u8], value: &[u8]) -> Delta {
    Delta { change: DeltaChange::Set(value.to_vec()), ..Delta::new(name.to_vec(), 100) }
}

fn count(replica: &Replica, now_secs: u64) -> Vec<u8> {
    let found = replica.load("ip", b"a", now_secs).into_iter().find(|one| one.name == b"n");
    found.map(|one| one.value).unwrap_or_default()
}

fn shared() -> Replica {
    let replica = Replica::new(100);
    replica.share(true);
    replica
}

#[test]
fn what_two_counted_is_one_count_and_what_came_meanwhile_is_not_lost() {
    let (one, other) = (shared(), shared());
    let mut together = Together::default();
    one.apply("ip", b"a", &[add(b"n", 2)], 0);
    together.hear(&one, one.take(0), 0);
    other.apply("ip", b"a", &[add(b"n", 3)], 0);
    let told = other.take(0);
    // Between telling and hearing, one more.
    other.apply("ip", b"a", &[add(b"n", 10)], 0);
    together.hear(&other, told, 0);
    assert_eq!(count(&other, 0), b"15");
    together.hear(&other, other.take(0), 0);
    one.find("ip", b"a", 0);
    together.hear(&one, one.take(0), 0);
    assert_eq!((count(&one, 0), count(&other, 0)), (b"15".to_vec(), b"15".to_vec()));
    assert!(one.take(0).iter().all(|told| told.deltas.is_empty()), "a change is handed out once");
}

#[test]
fn a_collection_is_asked_for_when_it_was_not_heard_of_lately() {
    let replica = shared();
    assert!(!replica.find("ip", b"a", 0).is_fresh);
    assert!(!replica.find("ip", b"a", 0).is_fresh);
    let told = replica.take_urgent(0);
    assert_eq!(told.len(), 1, "once for all who wait");
    assert_eq!(told[0].place, b"ip\0a");
    replica.learn(b"ip\0a", vec![], 0);
    assert!(replica.is_fresh("ip", b"a", 1) && replica.find("ip", b"a", 1).is_fresh);
    assert!(replica.take_urgent(1).is_empty());
    assert!(!replica.find("ip", b"a", 2).is_fresh);
    let alone = Replica::new(1);
    assert!(alone.find("ip", b"a", 0).is_fresh && alone.take(0).is_empty());
}

#[test]
fn what_nobody_uses_leaves_the_notes() {
    let replica = shared();
    for key in 0..50_u8 {
        replica.apply("ip", &[key], &[add(b"n", 1)], 0);
    }
    for told in replica.take(0) {
        replica.learn(&told.place, told.members, 0);
    }
    assert_eq!(replica.noted.load(Ordering::Relaxed), 50);
    assert!(replica.take(1).is_empty());
    assert_eq!(replica.noted.load(Ordering::Relaxed), 50);
    assert!(replica.take(2).is_empty());
    assert_eq!(replica.noted.load(Ordering::Relaxed), 0);
    assert_eq!(replica.changes.load(Ordering::Relaxed), 0);
    assert_eq!(count(&replica, 5), b"");
    assert_eq!(replica.load("ip", &[7], 5).len(), 1, "the copy stays");
}

#[test]
fn notes_are_bounded_and_what_finds_no_room_still_counts_here() {
    let replica = Replica::new(100_000);
    replica.share(true);
    for key in 0..NOTES_MAX + 5 {
        replica.apply("ip", key.to_string().as_bytes(), &[add(b"n", 1)], 0);
    }
    assert_eq!(replica.left_out(), 5);
    assert_eq!(replica.noted.load(Ordering::Relaxed), NOTES_MAX);
    let last = (NOTES_MAX + 4).to_string();
    assert_eq!(replica.load("ip", last.as_bytes(), 0).len(), 1);
    let many: Vec<Delta> = (0..4_000).map(|at: u32| add(&at.to_be_bytes(), 1)).collect();
    for key in 0..10 {
        replica.apply("ip", key.to_string().as_bytes(), &many, 0);
    }
    assert_eq!(replica.changes.load(Ordering::Relaxed), CHANGES_MAX);
    let told = replica.take(0);
    assert!(told.iter().all(|one| one.deltas.len() <= Replica::MEMBERS_MAX));
    assert!(told.iter().all(|one| one.members.len() <= Replica::MEMBERS_MAX));
    replica.share(false);
    assert_eq!(replica.noted.load(Ordering::Relaxed), 0);
    assert_eq!(replica.changes.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_too_long_to_be_shared_stays_here() {
    let replica = shared();
    let long = vec![b'x'; Replica::VALUE_BYTES_MAX + 1];
    let name = vec![b'x'; Replica::NAME_BYTES_MAX + 1];
    replica.apply("ip", b"a", &[set(b"t", &long), add(&name, 1), set(b"n", &long[1..])], 0);
    let told = replica.take(0);
    assert_eq!((told.len(), told[0].deltas.len(), told[0].members.len()), (1, 1, 1));
    assert_eq!(replica.left_out(), 2);
    replica.learn(b"ip\0a", vec![], 0);
    let names: Vec<_> = replica.load("ip", b"a", 0).into_iter().map(|one| one.name.len()).collect();
    assert_eq!(names, [1, name.len()], "what others took out is gone");
    // What was short and becomes long before it was told is not told.
    replica.apply("ip", b"a", &[set(b"n", b"s")], 0);
    replica.apply("ip", b"a", &[set(b"n", &long)], 0);
    assert!(replica.take(0)[0].deltas.is_empty());
    assert_eq!(replica.changes.load(Ordering::Relaxed), 0);
}

#[test]
fn changes_of_several_transactions_are_one_change() {
    let check =
        |first: Delta, later: Delta, now_secs: u64, want: DeltaChange, ends: Option<u64>| {
            let mut delta = first;
            delta.and_then(&later, now_secs);
            assert_eq!((delta.change, delta.expires_secs), (want, ends));
        };
    let gone = Delta { change: DeltaChange::Delete, ..add(b"n", 0) };
    let later = Delta { first_expires_secs: 300, ..add(b"n", 2) };
    let short = Delta { expires_secs: Some(10), ..add(b"n", 1) };
    check(add(b"n", 1), later.clone(), 50, DeltaChange::Add(3), None);
    check(add(b"n", 1), later.clone(), 100, DeltaChange::Add(2), None);
    check(short.clone(), later.clone(), 9, DeltaChange::Add(3), Some(10));
    check(short.clone(), later.clone(), 10, DeltaChange::Add(2), None);
    check(gone.clone(), later.clone(), 200, DeltaChange::Set(b"2".to_vec()), Some(300));
    check(later.clone(), short, 50, DeltaChange::Add(3), Some(10));
    check(later, gone, 50, DeltaChange::Delete, None);
}

#[test]
fn what_finds_no_room_where_all_is_kept_stays_here() {
    let replica = shared();
    let junk = |number: usize| Stored {
        name: format!("junk{number}").into_bytes(),
        value: b"1".to_vec(),
        expires_secs: 100,
    };
    let full: Vec<Stored> = (0..Replica::MEMBERS_MAX).map(junk).collect();
    replica.apply("ip", b"a", &[add(b"n", 9)], 0);
    let place = replica.take(0).pop().unwrap().place;
    replica.learn(&place, full.clone(), 0);
    replica.apply("ip", b"a", &[add(b"n", 1)], 0);
    replica.take(0);
    replica.learn(&place, full, 0);
    assert_eq!(count(&replica, 0), b"10");
    // Where there is room, what others took away is gone.
    replica.learn(&place, vec![junk(1)], 0);
    assert_eq!(count(&replica, 0), b"");
}

#[test]
fn a_collection_with_a_name_as_long_as_a_caller_likes_is_of_this_process_alone() {
    let replica = shared();
    let key = vec![b'k'; 30_000];
    assert!(replica.find("ip", &key, 0).is_fresh, "nobody is asked for it");
    replica.apply("ip", &key, &[add(b"n", 1)], 0);
    assert!(replica.take(0).is_empty());
    assert_eq!((replica.left_out(), replica.load("ip", &key, 0).len()), (1, 1));
}
