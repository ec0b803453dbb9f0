//! Early hints reach the client from whichever attempt they come.

use std::time::Duration;

use ringwall_manifest::{Retry, Upstream as Address};

use crate::fleet::{Fleet, get, grants, model, service};
use crate::upstream::Upstream;

const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";

/// A service of two endpoints: this one, and one that sends hints.
fn fleet(bad: &Upstream, hedge: Option<Duration>) -> (Fleet, Upstream) {
    let good = Upstream::scripted(|_| {
        format!("{HINTS}HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfine")
    });
    let mut users = service("users", bad.address, &["page = GET /page"]);
    users.upstreams.push(Address::tcp(good.address.to_string()));
    users.people.insert("anyone".to_owned(), grants(&["page"]));
    users.retry = Some(Retry { tries_max: 2, budget_percent: 100, per_try: None, hedge });
    (Fleet::new(&model(vec![users])), good)
}

/// Asks until the other endpoint was asked first at least once.
fn check(bad: &Upstream, hedge: Option<Duration>) {
    let (fleet, _good) = fleet(bad, hedge);
    let edge = fleet.edge();
    while bad.seen().is_empty() {
        let answer = get(edge, "/page", &[]);
        assert!(answer.starts_with(HINTS) && answer.ends_with("fine"), "{answer:?}");
    }
}

#[test]
fn early_hints_come_from_a_second_try() {
    check(&Upstream::scripted(|_| String::new()), None);
}

#[test]
fn early_hints_come_from_a_hedge() {
    let hangs = Upstream::scripted(|_| {
        loop {
            std::thread::park();
        }
    });
    check(&hangs, Some(Duration::from_millis(20)));
}
