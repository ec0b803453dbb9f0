//! The manifest changes while requests go on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::library::Library;
use crate::wait::until;

/// Requests on one connection after another, until told to stop; counts those that fail.
fn load(library: &Library, stop: &AtomicBool, sent: &AtomicUsize) -> Vec<String> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) && failures.len() < 5 {
        let answer = library.house.get("/books");
        if answer.status != 200 || !answer.is_complete {
            failures.push(answer.raw);
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
    failures
}

#[test]
fn an_edited_manifest_takes_effect_without_a_dropped_request() {
    let library = Library::open();
    let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failures = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..3).map(|_| scope.spawn(|| load(&library, &stop, &sent))).collect();
        for round in 0..6 {
            let (from, to) = match round % 2 {
                0 => (
                    "people.anyone = [\"listBooks\"]",
                    "people.anyone = [\"listBooks\", \"getBook\"]",
                ),
                _ => (
                    "people.anyone = [\"listBooks\", \"getBook\"]",
                    "people.anyone = [\"listBooks\"]",
                ),
            };
            library.house.edit(from, to);
            library.server.signal("HUP");
            let before = sent.load(Ordering::Relaxed);
            let want = if round % 2 == 0 { 200 } else { 403 };
            until("the new manifest is in force", || {
                (library.house.get("/books/7").status == want).then_some(())
            });
            until("requests before and after", || {
                (sent.load(Ordering::Relaxed) > before + 20).then_some(())
            });
        }
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(library.house.events(&["--action", "config-reloaded"]).len(), 6);
}

#[test]
fn a_kept_connection_survives_a_reload() {
    let library = Library::open();
    let house = &library.house;
    let mut client =
        crate::program::Program::start(&mut house.script(include_str!("kept.py"), &[]));
    client.hears("first 200");
    house.edit("people.customer = [\"getBook\", \"addBook\"]", "people.customer = [\"getBook\"]");
    library.server.signal("HUP");
    until("the reload", || (house.status()["manifest_version"].as_u64() > Some(1)).then_some(()));
    client.signal("USR1");
    client.hears("second 200");
}

#[test]
fn a_broken_manifest_keeps_the_last_good_one_and_says_so() {
    let library = Library::open();
    let house = &library.house;
    for (name, from, to) in [
        ("a syntax error", "[roles]", "[roles"),
        ("an unknown role", "people.clerk", "people.clark"),
        ("another name", "name = \"harbour\"", "name = \"other\""),
    ] {
        let version = house.status()["manifest_version"].clone();
        house.edit(from, to);
        library.server.signal("HUP");
        let status = until(name, || {
            let status: serde_json::Value =
                serde_json::from_str(&house.run(&["status", "--json"]).out).unwrap();
            (!status["broken_manifest"].is_null()).then_some(status)
        });
        assert_eq!(status["manifest_version"], version, "{name}");
        assert_eq!(house.get("/books").status, 200, "{name}");
        let shown = house.run(&["status"]);
        assert_eq!(shown.code, 4, "{name}: {}", shown.out);
        assert!(shown.out.contains("stays in force"), "{name}: {}", shown.out);
        house.edit(to, from);
        library.server.signal("HUP");
        until("mended", || house.status()["broken_manifest"].is_null().then_some(()));
    }
    assert_eq!(house.events(&["--action", "config-rejected"]).len(), 3);
}

#[test]
fn a_line_above_the_limit_of_logins_does_not_change_it() {
    let limit = "login = \"5 per minute per account\"\n";
    let library = Library::open_with(|manifest| format!("{manifest}{limit}"));
    library.house.edit("[roles]", "# who there is\n[roles]");
    library.server.signal("HUP");
    until("the reload", || {
        (library.house.status()["manifest_version"].as_u64() > Some(1)).then_some(())
    });
}
