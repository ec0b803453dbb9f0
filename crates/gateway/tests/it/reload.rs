//! A manifest is replaced while requests are on their way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::fleet::{Fleet, get, grants, model, service, status};
use crate::upstream::Upstream;

#[test]
fn a_reload_drops_no_request_and_a_broken_manifest_changes_nothing() {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["home = GET /", "list = GET /users"]);
    users.people.insert("anyone".to_owned(), grants(&["home"]));
    let closed = model(vec![users.clone()]);
    users.people.insert("anyone".to_owned(), grants(&["home", "list"]));
    let open = model(vec![users.clone()]);
    let fleet = Fleet::new(&closed);
    let edge = fleet.edge();
    let (is_done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let ask_on = || {
        while !is_done.load(Ordering::Relaxed) {
            assert_eq!(status(&get(edge, "/", &[])), 200);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(ask_on);
        }
        for turn in 0..100 {
            let next = if turn % 2 == 0 { &open } else { &closed };
            fleet.core.load(next, &BTreeMap::new(), None).unwrap();
            while answered.load(Ordering::Relaxed) < turn {
                thread::yield_now();
            }
        }
        is_done.store(true, Ordering::Relaxed);
    });
    assert_eq!(status(&get(edge, "/users", &[])), 403);
    fleet.core.load(&open, &BTreeMap::new(), None).unwrap();
    assert_eq!(status(&get(edge, "/users", &[])), 200);
    users.operations.get_mut("home").unwrap().path = "/{".to_owned();
    let broken = fleet.core.load(&model(vec![users]), &BTreeMap::new(), None);
    assert!(broken.unwrap_err().to_string().contains("cannot be read"));
    assert_eq!(status(&get(edge, "/users", &[])), 200);
}
