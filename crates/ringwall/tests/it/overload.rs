//! Twice as much comes as the service can do. What it can do is given by its slots and the time that
//! each request takes, so that it is no matter of the machine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ringwall_base::{Clock as _, SystemClock};

use crate::faults::open;
use crate::load::{Client, Faulty, Tally, load};
use crate::wait::pause;

/// Two at a time, 50 ms each: forty a second. The smallest adaptive limit leaves strangers seven
/// places: both slots, and a queue for an eighth of a second, should the gateway have to wait for
/// its turn on a busy machine.
const MOOD: &str = "slots-2-50";
const CAPACITY: usize = 40;
const SECONDS: usize = 8;

/// Who comes, comes when it wants to, and not when the one before has been answered.
const CLIENTS: usize = 64;

/// An answer after that helps nobody. Without a limit the queue is longer than that for three
/// quarters of the time.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of the requests, and how many of the good answers came in time.
fn flood(house: &crate::house::House, per_second: usize) -> (Tally, usize) {
    let (all, in_time) = (Mutex::new(Tally::default()), AtomicUsize::new(0));
    let clock = SystemClock::start();
    let between = Duration::from_secs(1) / u32::try_from(per_second).unwrap();
    let started = clock.monotonic();
    let visit = |client: usize| {
        let (mut visitor, mut tally) = (Client::new(house), Tally::default());
        for number in (client..per_second * SECONDS).step_by(CLIENTS) {
            let due = started + between * u32::try_from(number).unwrap();
            pause(due.saturating_sub(clock.monotonic()));
            let outcome = visitor.ask("GET /items", number);
            let is_in_time = clock.monotonic() <= due + PATIENCE;
            in_time.fetch_add(usize::from(outcome == Some(200) && is_in_time), Ordering::Relaxed);
            tally.note(outcome);
        }
        all.lock().unwrap().add(&tally);
    };
    let visit = &visit;
    thread::scope(|scope| (0..CLIENTS).for_each(|client| drop(scope.spawn(move || visit(client)))));
    (all.into_inner().unwrap(), in_time.into_inner())
}

#[test]
fn at_twice_the_capacity_nine_tenths_of_it_are_answered_in_time_and_the_operator_gets_in() {
    let one = Faulty::start();
    let (house, _server) =
        open(&[&one], "", "[gateway.overload]\nin_flight = 2000\nadaptive = true");
    one.set(MOOD);
    // An ordinary day: what the service needs without a queue becomes known.
    load(&house, "GET /items", 4, &|number| number < 100);
    let (flooded, admin) = thread::scope(|scope| {
        let admin = scope.spawn(|| {
            let look = || (house.run(&["status"]).code, house.get("/login").status);
            (0..5).map(|_| look()).collect::<Vec<_>>()
        });
        (flood(&house, 2 * CAPACITY), admin.join().unwrap())
    });
    let (tally, in_time) = flooded;
    assert_eq!((tally.sent, tally.lost), (2 * CAPACITY * SECONDS, 0), "{tally:?}");
    assert!(in_time * 10 >= CAPACITY * SECONDS * 9, "{in_time} in time of {tally:?}");
    assert!(tally.refused.keys().all(|status| *status == 503), "{tally:?}");
    assert_eq!(admin, vec![(0, 200); 5]);
}
