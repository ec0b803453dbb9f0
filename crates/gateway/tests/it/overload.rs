//! More comes than can be done.

use ringwall_manifest::{Breaker, Overload, Upstream};

use crate::faulty::{Faulty, Mood, load};
use crate::fleet::{Fleet, code, field, get, grants, model, service, status};

#[test]
fn the_breaker_lets_so_many_through_and_refuses_the_others_at_once() {
    let one = Faulty::start(Mood::Slow(2));
    let mut items = service("items", one.address, &["list = GET /items"]);
    items.people.insert("anyone".to_owned(), grants(&["list"]));
    items.breaker = Some(Breaker { connections_max: 64, pending_max: 64, requests_max: 2 });
    let fleet = Fleet::new(&model(vec![items]));
    let tally = load(fleet.edge(), "GET /items", 8, 50);
    assert_eq!(tally.lost, 0);
    assert_eq!(tally.answered, one.seen());
    assert_eq!(tally.answered + tally.refused, 400);
    assert!(one.busiest() <= 2, "{}", one.busiest());
    assert!(fleet.core.metrics().unwrap().contains("ringwall_upstream_breaker_open_total"));
}

#[test]
fn a_full_house_refuses_strangers_first_then_the_known_and_its_own_pages_never() {
    let one = Faulty::start(Mood::Hangs);
    let mut items = service("items", one.address, &["list = GET /items"]);
    items.upstreams = vec![Upstream::tcp(one.address.to_string())];
    items.people.insert("anyone".to_owned(), grants(&["list"]));
    let mut model = model(vec![items]);
    model.gateway.overload = Some(Overload { in_flight_max: 10, is_adaptive: false });
    let fleet = Fleet::new(&model);
    let edge = fleet.edge();
    std::thread::scope(|scope| {
        let hold = |fields: &'static [&'static str], count: usize| {
            let before = one.seen();
            (0..count).for_each(|_| drop(scope.spawn(move || get(edge, "/items", fields))));
            while one.seen() < before + count {
                std::thread::yield_now();
            }
        };
        let alice: &[&str] = &["cookie: __Host-ringwall=alice"];
        hold(&[], 8);
        let refused = get(edge, "/items", &[]);
        assert_eq!((status(&refused), code(&refused).as_str()), (503, "RW3018"));
        assert_eq!(field(&refused, "retry-after"), Some("1"));
        hold(alice, 2);
        assert_eq!(status(&get(edge, "/items", alice)), 503);
        assert_eq!(status(&get(edge, "/login", &[])), 200);
        // Lets those that wait go.
        one.kill();
    });
    assert!(fleet.core.metrics().unwrap().contains("ringwall_gateway_shed_total 2"));
}
