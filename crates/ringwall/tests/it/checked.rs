//! Health checks: who is found unwell gets nothing, whatever it answers.

use std::process::Command;

use crate::faults::open;
use crate::house::House;
use crate::load::{Faulty, load};
use crate::program::run;
use crate::wait::until;

/// Every second; two answers in a row, so that a busy machine is no sick service.
pub(crate) fn rule(check: &str) -> String {
    let times = "every = \"1s\", timeout = \"1s\", healthy = 1, unhealthy = 2";
    format!("balance = \"round-robin\"\nhealth = {{ {check}, {times} }}")
}

/// Waits until the gateway thinks so of this endpoint.
#[track_caller]
pub(crate) fn finds(house: &House, address: &str, is_well: bool) {
    until("it is found so", || {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "http://control/metrics", "--unix-socket"]);
        let metrics = run(curl.arg(house.state().join("run/control.sock")), "").good().out;
        let line = metrics.lines().find(|line| {
            line.starts_with("ringwall_upstream_available{") && line.contains(address)
        });
        line.unwrap().ends_with(if is_well { " 1" } else { " 0" }).then_some(())
    });
}

/// Takes one of two out of service and back, with this check in the manifest.
fn check(check: &str, ail: impl Fn(&Faulty), mend: impl Fn(&Faulty)) {
    let (one, two) = (Faulty::start(), Faulty::start());
    let (house, _server) = open(&[&one, &two], &rule(check), "");
    let ask = || {
        let before = one.count();
        let tally = load(&house, "GET /items", 2, &|number| number < 40);
        assert_eq!(tally.answered, 40, "{check}: {tally:?}");
        one.count() - before
    };
    let said = |action: &str| {
        let events = house.events(&["--action", action]);
        assert!(events.iter().any(|event| event.to_string().contains(&one.address)), "{events:?}");
    };
    assert!(ask() > 0);
    ail(&one);
    finds(&house, &one.address, false);
    assert_eq!(ask(), 0, "{check}");
    said("upstream-unhealthy");
    mend(&one);
    finds(&house, &one.address, true);
    said("upstream-healthy");
    assert!(ask() > 0);
}

#[test]
fn who_says_that_it_is_unwell_gets_nothing_until_it_says_that_it_is_well() {
    check("path = \"/healthz\"", |one| one.set("sick"), |one| one.set("answers"));
}

#[test]
fn where_nobody_listens_nothing_is_sent_until_somebody_does() {
    check("tcp = true", Faulty::kill, Faulty::revive);
}
