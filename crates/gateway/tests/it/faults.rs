//! Upstreams fail while requests come. What is counted is what clients and upstreams saw.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ringwall_manifest::{Balance, Model, Retry, Service, Upstream};

use crate::faulty::{Faulty, Mood, Tally, field, load, load_while, most_doubled};
use crate::fleet::{Fleet, ask, grants, model, raw, service, status};

/// As many clients as the floor of the retry budget: all that fail at once may try again.
const CLIENTS: usize = 3;

fn items(upstreams: &[&Faulty]) -> Service {
    let operations = ["list = GET /items", "make = POST /items", "put = PUT /items"];
    let mut items = service("items", upstreams[0].address, &operations);
    let address = |one: &&Faulty| Upstream::tcp(one.address.to_string());
    items.upstreams = upstreams.iter().map(address).collect();
    items.people.insert("anyone".to_owned(), grants(&["list", "make", "put"]));
    items
}

fn model_of(upstreams: &[&Faulty]) -> Model {
    model(vec![items(upstreams)])
}

fn three() -> [Faulty; 3] {
    [(); 3].map(|()| Faulty::start(Mood::Answers))
}

fn retry(per_try: Option<Duration>, hedge: Option<Duration>) -> Retry {
    Retry { tries_max: 2, budget_percent: 100, per_try, hedge }
}

fn each(all: &[&Faulty], what: impl Fn(&Faulty)) {
    for one in all {
        what(one);
    }
}

fn all_answered(tally: &Tally) {
    let Tally { sent, answered, .. } = tally;
    assert_eq!(sent, answered, "{tally:?}");
}

#[test]
fn one_of_three_dies_under_load_and_no_idempotent_request_of_ten_thousand_fails() {
    let [one, two, three] = three();
    let fleet = Fleet::new(&model_of(&[&one, &two, &three]));
    let (edge, sent) = (fleet.edge(), AtomicUsize::new(0));
    let tally = load_while(edge, "GET /items", CLIENTS, &|| {
        let number = sent.fetch_add(1, Ordering::SeqCst);
        if number == 1_000 {
            one.kill();
        }
        // Found dead again and again, whenever its time out is over.
        if number % 500 == 0 {
            fleet.clock.advance(Duration::from_mins(1));
        }
        number < 10_000
    });
    all_answered(&tally);
    assert!(one.seen() <= 1_000);
}

#[test]
fn whatever_fails_no_post_is_done_twice() {
    let [one, two, three] = three();
    let mut shop = items(&[&one, &two, &three]);
    shop.retry = Some(retry(Some(Duration::from_millis(300)), Some(Duration::from_millis(20))));
    let fleet = Fleet::new(&model(vec![shop]));
    let (edge, sent) = (fleet.edge(), AtomicUsize::new(0));
    let tally = load_while(edge, "POST /items", CLIENTS, &|| {
        let number = sent.fetch_add(1, Ordering::SeqCst);
        match number {
            100 => one.set(Mood::Drops),
            200 => two.set(Mood::Garbles),
            300 => three.set(Mood::Breaks),
            400 => each(&[&one, &two, &three], |all| all.set(Mood::Fails)),
            500 => each(&[&one, &two, &three], |all| all.set(Mood::Answers)),
            600 => one.kill(),
            700 => one.revive(),
            800 => one.set(Mood::Hangs),
            805 => one.set(Mood::Answers),
            _ => {}
        }
        number < 1_000
    });
    assert_eq!(most_doubled(&[&one, &two, &three]), 1);
    assert_eq!(tally.sent, tally.answered + tally.refused + tally.lost);
    // Those that were refused before they were sent anywhere are the only ones nobody saw.
    assert!(tally.answered >= 450, "{tally:?}");
}

#[test]
fn an_upstream_that_hangs_is_left_out_after_a_few_requests_and_those_are_answered_elsewhere() {
    let [one, two, three] = three();
    one.set(Mood::Hangs);
    let mut shop = items(&[&one, &two, &three]);
    // Long enough that an upstream which answers does so in it, on a crowded machine, too.
    shop.retry = Some(retry(Some(Duration::from_secs(1)), None));
    shop.balance = Balance::RoundRobin;
    let fleet = Fleet::new(&model(vec![shop]));
    all_answered(&load(fleet.edge(), "GET /items", CLIENTS, 300));
    assert!((5..5 + CLIENTS).contains(&one.seen()), "{}", one.seen());
}

#[test]
fn an_upstream_that_sends_garbage_is_left_out_and_its_requests_are_answered_elsewhere() {
    for mood in [Mood::Garbles, Mood::Drops, Mood::Fails] {
        let [one, two, three] = three();
        one.set(mood);
        let mut shop = items(&[&one, &two, &three]);
        shop.balance = Balance::RoundRobin;
        let fleet = Fleet::new(&model(vec![shop]));
        all_answered(&load(fleet.edge(), "GET /items", CLIENTS, 300));
        // `net` may ask once more itself, when the connection had been used before.
        assert!((5..=2 * (5 + CLIENTS)).contains(&one.seen()), "{mood:?}: {}", one.seen());
    }
}

#[test]
fn a_slow_upstream_gets_no_more_while_it_has_more_than_the_others() {
    let [one, two, three] = three();
    one.set(Mood::Holds);
    let fleet = Fleet::new(&model_of(&[&one, &two, &three]));
    let sent = AtomicUsize::new(0);
    let tally = load_while(fleet.edge(), "GET /items", CLIENTS, &|| {
        let number = sent.fetch_add(1, Ordering::SeqCst);
        if number == 200 {
            // Two of the three clients at most are held: with two it is busier than any other.
            assert!(one.seen() <= 2, "{}", one.seen());
            one.set(Mood::Answers);
        }
        number < 300
    });
    all_answered(&tally);
}

#[test]
fn an_answer_that_breaks_off_is_passed_on_as_broken_and_is_not_asked_for_again() {
    let [one, two, three] = three();
    one.set(Mood::Breaks);
    let fleet = Fleet::new(&model_of(&[&one, &two, &three]));
    let tally = load(fleet.edge(), "GET /items", CLIENTS, 100);
    assert_eq!(tally.refused, 0, "{tally:?}");
    assert_eq!(tally.lost, one.seen(), "{tally:?}");
    assert_eq!(one.seen() + two.seen() + three.seen(), tally.sent);
}

#[test]
fn an_upstream_whose_answers_break_off_is_left_out_after_a_few() {
    let [one, two, three] = three();
    one.set(Mood::Breaks);
    let mut shop = items(&[&one, &two, &three]);
    shop.balance = Balance::RoundRobin;
    let fleet = Fleet::new(&model(vec![shop]));
    let tally = load(fleet.edge(), "GET /items", CLIENTS, 100);
    assert_eq!(tally.lost, one.seen(), "{tally:?}");
    // A break is known when the next head comes.
    assert!((6..=6 + 2 * CLIENTS).contains(&one.seen()), "{}", one.seen());
}

#[test]
fn when_all_are_dead_every_request_is_refused_and_when_they_are_back_answered() {
    let [one, two, three] = three();
    let fleet = Fleet::new(&model_of(&[&one, &two, &three]));
    let edge = fleet.edge();
    each(&[&one, &two, &three], Faulty::kill);
    let dead = load(edge, "GET /items", CLIENTS, 50);
    assert_eq!(dead, Tally { sent: 150, refused: 150, ..Tally::default() });
    each(&[&one, &two, &three], Faulty::revive);
    all_answered(&load(edge, "GET /items", CLIENTS, 50));
    fleet.clock.advance(Duration::from_mins(1));
    all_answered(&load(edge, "GET /items", CLIENTS, 50));
}

#[test]
fn an_upstream_that_comes_and_goes_costs_no_idempotent_request() {
    let [one, two, three] = three();
    let fleet = Fleet::new(&model_of(&[&one, &two, &three]));
    let (edge, sent) = (fleet.edge(), AtomicUsize::new(0));
    let tally = load_while(edge, "PUT /items", CLIENTS, &|| {
        let number = sent.fetch_add(1, Ordering::SeqCst);
        match number % 200 {
            50 => one.kill(),
            150 => {
                one.revive();
                fleet.clock.advance(Duration::from_mins(1));
            }
            _ => {}
        }
        number < 2_000
    });
    all_answered(&tally);
}

#[test]
fn an_upload_that_is_streaming_is_never_sent_again() {
    let [one, two, three] = three();
    each(&[&one, &two, &three], Faulty::kill);
    let fleet = Fleet::new(&model_of(&[&one, &two, &three]));
    let edge = fleet.edge();
    let chunked = "PUT /items HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\
                   transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(status(&raw(edge, chunked)), 502);
    each(&[&one, &two, &three], |all| {
        all.revive();
        all.set(Mood::Drops);
    });
    fleet.clock.advance(Duration::from_mins(1));
    let before = one.seen() + two.seen() + three.seen();
    assert_eq!(status(&raw(edge, chunked)), 502);
    let after = one.seen() + two.seen() + three.seen();
    assert!(after - before <= 1, "{before} {after}");
}

#[test]
fn a_hedge_answers_for_an_upstream_that_hangs_and_the_app_is_told() {
    let [one, two, _] = three();
    one.set(Mood::Hangs);
    let mut shop = items(&[&one, &two]);
    shop.retry = Some(retry(None, Some(Duration::from_millis(20))));
    shop.balance = Balance::RoundRobin;
    let fleet = Fleet::new(&model(vec![shop]));
    all_answered(&load(fleet.edge(), "GET /items", CLIENTS, 10));
    assert!(one.seen() > 0);
    let told = |head: &String| field(head, "ringwall-attempt") == Some("2");
    assert!(two.heads().iter().any(told));
    assert!(fleet.core.metrics().unwrap().contains("ringwall_upstream_hedges_won_total"));
}

#[test]
fn a_request_is_tried_as_often_as_the_manifest_says_and_then_the_apps_own_answer_is_passed_on() {
    let [one, two, _] = three();
    each(&[&one, &two], |all| all.set(Mood::Fails));
    let mut shop = items(&[&one, &two]);
    shop.retry = Some(Retry { tries_max: 5, ..retry(None, None) });
    let fleet = Fleet::new(&model(vec![shop]));
    let tally = load(fleet.edge(), "GET /items", 1, 5);
    assert_eq!((tally.refused, one.seen() + two.seen()), (5, 25));
}

#[test]
fn a_reload_forgets_nothing_about_upstreams() {
    let [one, two, three] = three();
    one.set(Mood::Garbles);
    let model = model_of(&[&one, &two, &three]);
    let fleet = Fleet::new(&model);
    let (edge, is_done) = (fleet.edge(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::SeqCst) {
                fleet.core.load(&model, &std::collections::BTreeMap::new(), None).unwrap();
            }
        });
        all_answered(&load(edge, "GET /items", CLIENTS, 300));
        is_done.store(true, Ordering::SeqCst);
    });
    assert!(one.seen() <= 2 * (5 + CLIENTS), "{}", one.seen());
}

#[test]
fn a_canary_gets_those_who_ask_for_it_and_a_mirror_gets_copies_that_nobody_waits_for() {
    let [one, canary, mirror] = three();
    mirror.set(Mood::Hangs);
    let upstream = |one: &Faulty| Upstream::tcp(one.address.to_string());
    let mut shop = items(&[&one]);
    let header = Some(("x-canary".to_owned(), "yes".to_owned()));
    shop.canary =
        Some(ringwall_manifest::Canary { upstreams: vec![upstream(&canary)], percent: 0, header });
    shop.mirror = Some(ringwall_manifest::Mirror { upstream: upstream(&mirror), percent: 100 });
    let fleet = Fleet::new(&model(vec![shop]));
    let edge = fleet.edge();
    let fields = ["cookie: __Host-ringwall=alice", "x-canary: yes", "dpop: proof"];
    assert_eq!(status(&ask(edge, "GET /items", &fields, "")), 200);
    assert_eq!((one.seen(), canary.seen()), (0, 1));
    all_answered(&load(edge, "GET /items", CLIENTS, 50));
    assert_eq!((one.seen(), canary.seen()), (150, 1));
    // Sixty-four at a time, and all of them hang; the others were not copied.
    while mirror.seen() < 64 {
        std::thread::yield_now();
    }
    let heads = mirror.heads();
    assert!(heads.iter().all(|head| field(head, "ringwall-mirror") == Some("1")));
    for secret in ["cookie", "authorization", "dpop", "ringwall-identity", "x-forwarded-for"] {
        assert!(heads.iter().all(|head| field(head, secret).is_none()), "{secret}");
    }
    let metrics = fleet.core.metrics().unwrap();
    let dropped = "ringwall_upstream_mirror_dropped_total{ringwall_kind=\"mirror\",\
                   ringwall_service=\"items\",ringwall_caller=\"\"} 87";
    assert!(metrics.contains(dropped), "{metrics}");
}
