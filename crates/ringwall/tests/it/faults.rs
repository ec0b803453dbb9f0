//! Services fail while requests come. Counted is what clients got and what services saw: sent,
//! answered, refused, lost, and done twice.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::Mutex;

use crate::house::House;
use crate::load::{Faulty, Tally, load, most_doubled};
use crate::program::{Program, run};
use crate::wait::until;

/// As many clients as the floor of the retry budget: all that fail at once may try again.
const CLIENTS: usize = 3;

const MANIFEST: &str = r#"
ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[roles]
customer = { default = true }

[services.shop]
upstream = [UPSTREAMS]
routes = { list = "GET /items", make = "POST /items", put = "PUT /items" }
people.anyone = ["list", "make", "put"]
MORE

[limits]
default = "1000000 per minute per ip"
"#;

/// Ringwall in front of these, with further lines for the service and for the file.
pub(crate) fn open(upstreams: &[&Faulty], service: &str, file: &str) -> (House, Program) {
    let addresses: Vec<_> = upstreams.iter().map(|one| one.address.clone()).collect();
    let house = house_of(&addresses, service, file);
    let server = house.serve();
    (house, server)
}

/// The same, before it starts.
pub(crate) fn house_of(upstreams: &[String], service: &str, file: &str) -> House {
    let addresses: Vec<_> = upstreams.iter().map(|one| format!("\"{one}\"")).collect();
    let manifest = MANIFEST.replace("UPSTREAMS", &addresses.join(", "));
    House::new(&format!("{}{file}\n", manifest.replace("MORE", service)))
}

fn three() -> [Faulty; 3] {
    [(); 3].map(|()| Faulty::start())
}

#[track_caller]
fn all_answered(tally: &Tally) {
    assert_eq!(tally.sent, tally.answered, "{tally:?}");
}

/// The answers that are not a success.
fn refused(tally: &Tally) -> Vec<u16> {
    let mut statuses: Vec<_> = tally.refused.keys().copied().collect();
    statuses.sort_unstable();
    statuses
}

#[test]
fn while_one_of_three_is_always_being_killed_one_idempotent_request_of_ten_thousand_fails_at_most()
{
    let all = three();
    let (house, _server) = open(&all.each_ref(), "", "");
    let tally = load(&house, "GET /items", CLIENTS, &|number| {
        let victim = &all[number / 500 % 3];
        match number % 500 {
            100 => victim.kill(),
            400 => victim.revive(),
            _ => {}
        }
        number < 10_000
    });
    assert_eq!(tally.sent, 10_000);
    assert!(tally.failed() <= 1, "{tally:?}");
}

#[test]
fn whatever_happens_to_three_services_no_post_is_done_twice_and_none_answered_is_lost() {
    let [one, two, three] = three();
    let (house, _server) =
        open(&[&one, &two, &three], "retry = { tries = 3, per_try = \"300ms\" }", "");
    let tally = load(&house, "POST /items", CLIENTS, &|number| {
        match number {
            100 => one.set("drops"),
            200 => two.set("garbles"),
            300 => three.set("resets"),
            400 => [&one, &two, &three].iter().for_each(|all| all.set("fails")),
            500 => [&one, &two, &three].iter().for_each(|all| all.set("answers")),
            600 => one.kill(),
            700 => one.revive(),
            800 => two.freeze(),
            805 => two.thaw(),
            _ => {}
        }
        number < 1_000
    });
    assert_eq!(most_doubled(&[&one, &two, &three]), 1);
    assert_eq!(tally.sent, tally.answered + tally.failed());
    let arrived = one.count() + two.count() + three.count();
    assert!(tally.answered <= arrived, "{arrived} arrived: {tally:?}");
    assert!(tally.answered >= 450, "{tally:?}");
}

#[test]
fn while_the_only_service_is_dead_every_request_gets_an_answer_and_then_the_right_one() {
    let one = Faulty::start();
    let (house, _server) = open(&[&one], "", "");
    let tally = load(&house, "GET /items", CLIENTS, &|number| {
        match number {
            200 => one.kill(),
            300 => one.revive(),
            _ => {}
        }
        number < 600
    });
    assert_eq!((tally.sent, tally.lost), (600, 0), "{tally:?}");
    assert!(refused(&tally).iter().all(|status| [502, 503].contains(status)), "{tally:?}");
    assert!(tally.failed() >= 90, "a hundred came while it was dead: {tally:?}");
    until("it is asked again", || (house.get("/items").status == 200).then_some(()));
    all_answered(&load(&house, "GET /items", CLIENTS, &|number| number < 100));
}

#[test]
fn a_service_that_hangs_costs_a_few_tries_and_no_request() {
    let [one, two, three] = three();
    let more = "retry = { tries = 2, per_try = \"1s\" }\nbalance = \"round-robin\"";
    let (house, _server) = open(&[&one, &two, &three], more, "");
    let tally = load(&house, "GET /items", CLIENTS, &|number| {
        match number {
            100 => one.freeze(),
            400 => one.thaw(),
            _ => {}
        }
        number < 600
    });
    all_answered(&tally);
    // Those that were in its hands when it woke up are done by it, too; and nobody asks for more.
    let (elsewhere, here) = (two.count() + three.count(), one.count());
    assert!(elsewhere + here <= 600 + 5 + 2 * CLIENTS, "{here} {elsewhere}");
}

#[test]
fn a_service_that_hangs_alone_is_given_up_in_time_and_is_asked_again_when_it_wakes() {
    let one = Faulty::start();
    let (house, _server) = open(&[&one], "", "shop.list = { timeout = \"1s\" }");
    let tally = load(&house, "GET /items", CLIENTS, &|number| {
        match number {
            50 => one.freeze(),
            59 => one.thaw(),
            _ => {}
        }
        number < 100
    });
    assert_eq!((tally.sent, tally.lost), (100, 0), "{tally:?}");
    assert!(refused(&tally).iter().all(|status| [502, 503, 504].contains(status)), "{tally:?}");
    assert!(tally.refused[&504] >= CLIENTS, "{tally:?}");
    until("it is asked again", || (house.get("/items").status == 200).then_some(()));
}

#[test]
fn a_slow_service_gets_less_and_every_request_is_answered() {
    let [one, two, three] = three();
    one.set("slow-200");
    let (house, _server) = open(&[&one, &two, &three], "", "");
    all_answered(&load(&house, "GET /items", CLIENTS, &|number| number < 600));
    assert!(one.count() < 100, "{}", one.count());
}

#[test]
fn an_answer_that_is_reset_half_way_is_lost_for_the_client_and_is_not_asked_for_again() {
    let [one, two, three] = three();
    one.set("resets");
    let (house, _server) = open(&[&one, &two, &three], "", "");
    for line in ["GET /items", "POST /items"] {
        let before = one.count() + two.count() + three.count();
        let reset = one.count();
        let tally = load(&house, line, CLIENTS, &|number| number < 200);
        assert_eq!(tally.refused.len(), 0, "{tally:?}");
        assert_eq!(tally.lost, one.count() - reset, "never passed on as whole: {tally:?}");
        assert_eq!(one.count() + two.count() + three.count() - before, 200, "{tally:?}");
        assert!(tally.lost <= 5 + 2 * CLIENTS, "and then it is left out: {tally:?}");
    }
    assert!(one.count() > 0);
}

#[test]
fn garbage_reaches_no_client_and_what_may_be_is_asked_elsewhere() {
    for mood in ["garbles", "drops", "fails"] {
        let [one, two, three] = three();
        one.set(mood);
        let (house, _server) = open(&[&one, &two, &three], "balance = \"round-robin\"", "");
        all_answered(&load(&house, "GET /items", CLIENTS, &|number| number < 300));
        // A connection that was used before may be given another try by itself.
        let met = one.count();
        assert!((5..=2 * (5 + CLIENTS)).contains(&met), "{mood}: {met}");
    }
}

/// In the clear, so that what it writes may be no HTTP/2 at all.
#[test]
fn a_service_that_breaks_the_frames_of_http_2_is_left_out() {
    for (mood, is_half) in [("breaks", false), ("halves", true)] {
        let [one, two, three] = three();
        one.set(mood);
        let more = "protocol = \"h2\"\nbalance = \"round-robin\"";
        let (house, _server) = open(&[&one, &two, &three], more, "");
        let tally = load(&house, "GET /items", CLIENTS, &|number| number < 300);
        assert_eq!(tally.sent, tally.answered + tally.lost, "{mood}: {tally:?}");
        // All requests of a connection end with it, and count once.
        let met = one.count();
        assert!((1..=CLIENTS * (5 + CLIENTS)).contains(&met), "{mood}: {met}, {tally:?}");
        assert!(tally.lost <= if is_half { met } else { 0 }, "{mood}: {met}, {tally:?}");
    }
}

#[test]
fn without_descriptors_those_who_are_connected_are_answered_and_nothing_is_done_twice() {
    let one = Faulty::start();
    let (house, server) = open(&[&one], "", "");
    // So that all clients are at it at once, each over its own connection, before it gets scarce.
    one.set("slow-10");
    let id = server.id().to_string();
    let limit = |number: String| {
        run(Command::new("prlimit").args(["--pid", &id, &number]), "").good();
    };
    let strangers = Mutex::new(Vec::new());
    let tally = load(&house, "POST /items", CLIENTS, &|number| {
        if number == 200 {
            let used = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
            limit(format!("--nofile={used}:"));
        }
        if (200..400).contains(&number) && number % 10 == 0 {
            let stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, house.port)).unwrap();
            strangers.lock().unwrap().push(stranger);
        }
        number < 500
    });
    assert_eq!(tally.sent, 500);
    all_answered(&tally);
    assert_eq!((most_doubled(&[&one]), one.count()), (1, 500));
    let refused = house.status()["refused"].to_string();
    assert!(refused.contains("descriptors"), "{refused}");
    drop(strangers);
    limit("--nofile=1024:".to_owned());
    all_answered(&load(&house, "GET /items", CLIENTS, &|number| number < 50));
}
