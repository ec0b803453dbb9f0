//! The limiter in front of a simulated service: workers that take requests from a queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;
use crate::Dice;

const ADAPTIVE: LimiterSettings = LimiterSettings { max: 2_000, is_adaptive: true };

#[test]
fn a_full_limit_lets_the_known_in_before_the_anonymous_and_control_always() {
    let (limiter, settings) = (Limiter::new(), LimiterSettings { max: 10, is_adaptive: false });
    let enter = |priority| limiter.enter(priority, settings);
    let mut held: Vec<_> = (0..8).map(|_| enter(Priority::Anonymous).unwrap()).collect();
    assert!(enter(Priority::Anonymous).is_none());
    held.extend((0..2).map(|_| enter(Priority::Known).unwrap()));
    assert!(enter(Priority::Known).is_none());
    held.extend((0..10).map(|_| enter(Priority::Control).unwrap()));
    assert_eq!((limiter.in_flight(), limiter.shed()), (20, 2));
    drop(held);
    assert_eq!(limiter.in_flight(), 0);
}

/// A service and who asks it.
struct World {
    workers: usize,
    /// Mean time of one request, in microseconds, exponentially distributed.
    service: f64,
    /// Requests a second.
    rate: f64,
    dice: Dice,
    now: f64,
}

/// A request that was let in, and when.
type Waiting<'a> = (f64, Admitted<'a>);

/// When a worker is done, and which; the first of them on top.
type Done = Reverse<(u64, u64)>;

/// What came of it.
#[derive(Debug, Default)]
struct Outcomes {
    answered: f64,
    longest: f64,
}

impl World {
    fn new(workers: usize, service: f64, rate: f64) -> Self {
        Self { workers, service, rate, dice: Dice::new(9), now: 0.0 }
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        let bits = u32::try_from(self.dice.roll() >> 32).unwrap();
        let uniform = (f64::from(bits) + 1.0) / (f64::from(u32::MAX) + 1.0);
        -uniform.ln() * mean
    }

    fn capacity(&self) -> f64 {
        f64::from(u32::try_from(self.workers).unwrap()) * 1e6 / self.service
    }

    /// Runs for some seconds; the rest of the queue is forgotten.
    fn run(&mut self, limiter: &Limiter, secs: f64) -> Outcomes {
        let end = self.now + secs * 1e6;
        let mut outcomes = Outcomes::default();
        let mut queue: VecDeque<Waiting<'_>> = VecDeque::new();
        let mut busy: BinaryHeap<Done> = BinaryHeap::new();
        let mut working: Vec<Option<Waiting<'_>>> = (0..self.workers).map(|_| None).collect();
        let mut arrival = self.now;
        while self.now < end {
            let done = busy.peek().map(|Reverse((at, worker))| (*at, *worker));
            if let Some((at, worker)) = done.filter(|(at, _)| to_float(*at) <= arrival) {
                busy.pop();
                self.now = to_float(at);
                let slot = &mut working[usize::try_from(worker).unwrap()];
                let (since, admitted) = slot.take().unwrap();
                let latency = (self.now - since).max(0.0);
                admitted.answered(to_time(latency), to_time(self.now));
                outcomes.answered += 1.0;
                outcomes.longest = outcomes.longest.max(latency);
            } else {
                self.now = arrival;
                let admitted = limiter.enter(Priority::Known, ADAPTIVE);
                queue.extend(admitted.map(|admitted| (self.now, admitted)));
                arrival += self.exponential(1e6 / self.rate);
            }
            while let Some(free) = working.iter().position(Option::is_none)
                && let Some(next) = queue.pop_front()
            {
                working[free] = Some(next);
                let at = self.now + self.exponential(self.service);
                busy.push(Reverse((to_int(at), u64::try_from(free).unwrap())));
            }
        }
        outcomes
    }
}

fn to_time(micros: f64) -> Duration {
    Duration::from_secs_f64(micros / 1e6)
}

fn to_int(micros: f64) -> u64 {
    u64::try_from(to_time(micros).as_micros()).unwrap()
}

fn to_float(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1e6
}

#[test]
fn at_twice_the_capacity_the_service_stays_full_and_the_queue_short() {
    for (workers, service) in [(4, 8_000.0), (16, 20_000.0), (50, 50_000.0)] {
        let limiter = Limiter::new();
        let mut world = World::new(workers, service, 0.0);
        world.rate = world.capacity() * 2.0;
        world.run(&limiter, 95.0);
        let outcomes = world.run(&limiter, 10.0);
        let goodput = outcomes.answered / (world.capacity() * 10.0);
        assert!(goodput > 0.95, "{workers} workers: {goodput}");
        let limit = usize::try_from(limiter.limit(ADAPTIVE)).unwrap();
        assert!((workers..workers * 4 + 16).contains(&limit), "{workers} workers: limit {limit}");
    }
}

#[test]
fn below_the_capacity_nobody_is_let_go() {
    let limiter = Limiter::new();
    let mut world = World::new(16, 10_000.0, 0.0);
    world.rate = world.capacity() * 0.6;
    world.run(&limiter, 20.0);
    assert_eq!(limiter.shed(), 0, "{limiter:?}");
}

#[test]
fn a_service_that_became_slower_for_good_gets_a_new_base_line() {
    let limiter = Limiter::new();
    let mut world = World::new(10, 5_000.0, 0.0);
    world.rate = world.capacity() * 0.5;
    world.run(&limiter, 5.0);
    // A new version takes six times as long, and more workers were given to it.
    world.service = 30_000.0;
    world.workers = 60;
    world.rate = world.capacity() * 0.5;
    world.run(&limiter, 70.0);
    let shed = limiter.shed();
    let outcomes = world.run(&limiter, 10.0);
    assert!(outcomes.answered > world.rate * 10.0 * 0.98, "{outcomes:?}");
    assert!(limiter.shed() - shed < 200, "{}", limiter.shed() - shed);
}

#[test]
fn a_mixture_of_fast_and_very_slow_requests_is_no_overload() {
    let (limiter, mut now) = (Limiter::new(), Duration::ZERO);
    for turn in 0_u32..20_000 {
        now += Duration::from_millis(1);
        let admitted = limiter.enter(Priority::Known, ADAPTIVE).unwrap();
        let latency =
            if turn % 50 == 0 { Duration::from_secs(2) } else { Duration::from_millis(2) };
        admitted.answered(latency, now);
    }
    assert!(limiter.limit(ADAPTIVE) >= LIMIT_FIRST / 2, "{}", limiter.limit(ADAPTIVE));
}
