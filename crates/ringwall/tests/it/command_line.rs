//! What people type, and what they get back: exit codes, forms, and errors that name their cause.

use std::net::TcpListener;
use std::process::Command;

use crate::house::{House, free_port};
use crate::library::Library;
use crate::program::run;

/// A manifest that is right: one service, nothing to start.
const GOOD: &str = r#"ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[roles]
customer = { default = true }

[services.books]
upstream = "127.0.0.1:9"
routes = { listBooks = "GET /books", getBook = "GET /books/{id}" }
secrets = { BOOKS_KEY = "books_key" }
people.anyone = ["listBooks"]
people.customer = ["getBook"]

[secrets]
books_key = {}
"#;

fn broken() -> House {
    House::new(&GOOD.replace("people.customer", "people.custmer"))
}

#[test]
fn exit_codes_tell_what_happened() {
    let (good, bad) = (House::new(GOOD), broken());
    good.run(&["check"]).good();
    good.run(&["fmt"]).good();
    for (house, arguments, want) in [
        (&good, &["--version"][..], 0),
        (&good, &["--help"], 0),
        (&good, &["chekc"], 2),
        (&good, &["check", "--nothing"], 2),
        (&good, &[], 2),
        (&bad, &["check"], 3),
        (&bad, &["serve"], 3),
        (&bad, &["show", "matrix"], 3),
        (&good, &["fmt", "--check"], 0),
        (&good, &["status"], 5),
        (&good, &["explain", "RW1004"], 0),
        (&good, &["explain", "RW9999"], 1),
        (&good, &["why", "anyone", "books.listBooks"], 0),
        (&good, &["why", "anyone", "books.nothing"], 1),
        (&good, &["why", "nonsense"], 1),
        (&good, &["secret", "get", "nothing"], 1),
        (&good, &["user", "disable", "nobody"], 1),
    ] {
        let outcome = house.run(arguments);
        assert_eq!(outcome.code, want, "{arguments:?}: {} {}", outcome.out, outcome.err);
        let says = if want == 0 { &outcome.out } else { &outcome.err };
        assert!(!says.is_empty() || arguments == ["fmt", "--check"], "{arguments:?} is silent");
        assert!(!outcome.err.contains("panicked"), "{}", outcome.err);
    }
}

#[test]
fn a_typing_mistake_is_answered_with_the_word_that_was_meant() {
    let good = House::new(GOOD);
    for (arguments, meant) in [
        (&["chekc"][..], "check"),
        (&["secret", "lst"], "list"),
        (&["show", "matrx"], "matrix"),
        (&["serve", "--lsten", "x"], "--listen"),
        (&["check", "--fromat", "json"], "--format"),
    ] {
        let outcome = good.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}");
        assert!(outcome.err.contains(meant), "{arguments:?}: {}", outcome.err);
    }
    for (from, to, meant) in [
        ("upstream", "upstraem", "upstream"),
        ("people.customer", "people.custmer", "customer"),
        ("[\"getBook\"]", "[\"getBok\"]", "getBook"),
        ("[gateway]", "[gatway]", "gateway"),
        ("\"books_key\"", "\"boks_key\"", "books_key"),
    ] {
        let house = House::new(&GOOD.replace(from, to));
        let outcome = house.run(&["check", "--format", "plain"]);
        assert_eq!(outcome.code, 3, "{to}: {}", outcome.err);
        assert!(outcome.err.contains(meant), "{to}: {}", outcome.err);
    }
}

#[test]
fn an_error_reads_well_in_all_three_forms() {
    let house = broken();
    insta::assert_snapshot!("error_human", house.run(&["check"]).err);
    insta::assert_snapshot!("error_plain", house.run(&["check", "--format", "plain"]).err);
    let json = house.run(&["check", "--format", "json"]);
    insta::assert_snapshot!("error_json", json.out);
    assert!(serde_json::from_str::<serde_json::Value>(&json.out).is_ok());
    for format in ["human", "plain", "json"] {
        let outcome = house.run(&["--format", format, "secret", "get", "nothing"]);
        insta::assert_snapshot!(format!("problem_{format}"), outcome.err);
    }
}

#[test]
fn no_colour_reaches_a_pipe_unless_it_is_asked_for() {
    let house = broken();
    assert!(!house.run(&["check"]).err.contains('\u{1b}'));
    assert!(house.run(&["check", "--color", "always"]).err.contains('\u{1b}'));
    let outcome = run(house.command(&["check", "--color", "auto"]).env("NO_COLOR", "1"), "");
    assert!(!outcome.err.contains('\u{1b}'));
}

#[test]
fn a_value_comes_from_standard_input_or_not_at_all() {
    let house = House::new(GOOD);
    let empty = house.run(&["secret", "set", "books_key"]);
    assert_eq!(empty.code, 1);
    assert!(empty.err.contains("standard input is empty"), "{}", empty.err);
    assert_eq!(house.run(&["secret", "get", "books_key"]).code, 1, "nothing was stored");
    let argument = house.run(&["secret", "set", "books_key", "hunter2"]);
    assert_eq!(argument.code, 2, "a value is no argument: {}", argument.err);
    house.pipe("one\n", &["secret", "set", "books_key"]).good();
    house.pipe("two", &["secret", "set", "books_key"]).good();
    assert_eq!(house.run(&["secret", "get", "books_key"]).good().out, "two\n");
    let first = house.run(&["secret", "get", "books_key", "--version", "1"]).good();
    assert_eq!(first.out, "one\n");
    let large = house.pipe(&"x".repeat(1024 * 1024 + 1), &["secret", "set", "books_key"]);
    assert_eq!(large.code, 1, "{}", large.err);
    assert_eq!(house.run(&["secret", "get", "books_key"]).good().out, "two\n");
    let kept = house.run(&["secret", "remove", "books_key"]);
    assert_eq!(kept.code, 1, "nobody said yes");
    house.run(&["secret", "remove", "books_key", "--yes"]).good();
    assert_eq!(house.run(&["secret", "get", "books_key"]).code, 1);
}

#[test]
fn the_database_file_shows_no_planted_value() {
    let house = House::new(GOOD);
    house.pipe("planted-tide-4711", &["secret", "set", "books_key"]).good();
    house.person("ada", "customer");
    for entry in std::fs::read_dir(house.state()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for planted in ["planted-tide-4711", crate::house::PASSWORD, "PRIVATE KEY"] {
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            assert!(!found, "{planted} is in {}", path.display());
        }
    }
}

#[test]
fn a_missing_manifest_is_named_with_the_way_out() {
    let house = House::new(GOOD);
    std::fs::remove_file(house.path().join("ringwall.toml")).unwrap();
    for arguments in [&["check"][..], &["serve"], &["dev"], &["show", "matrix"]] {
        let outcome = house.run(arguments);
        assert_eq!(outcome.code, 1, "{arguments:?}");
        let says = &outcome.err;
        assert!(says.contains("ringwall.toml") && says.contains("ringwall init"), "{says}");
    }
}

#[test]
fn a_taken_port_names_who_has_it() {
    let house = House::new(GOOD);
    let holder = TcpListener::bind(("127.0.0.1", house.port)).unwrap();
    let outcome = house.run(&["serve"]);
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    let says = &outcome.err;
    assert!(says.contains(&format!("port {}", house.port)), "{says}");
    assert!(says.contains(&format!("process {}", std::process::id())), "{says}");
    drop(holder);
    house.serve();
}

#[test]
fn a_state_folder_is_one_process_s_own() {
    let house = House::new(GOOD);
    let server = house.serve();
    let second = free_port();
    house.edit(&format!("port = {}", house.port), &format!("port = {second}"));
    let outcome = house.run(&["serve"]);
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    assert!(outcome.err.contains("store.db"), "{}", outcome.err);
    assert!(
        outcome.err.contains("in use") || outcome.err.contains("another process"),
        "{}",
        outcome.err
    );
    assert_eq!(house.status()["pid"], server.id(), "the first goes on");
}

#[test]
fn without_its_root_key_a_store_stays_shut_and_whole() {
    let house = House::new(GOOD);
    house.pipe("kept", &["secret", "set", "books_key"]).good();
    let (key, aside) = (house.state().join("root.key"), house.path().join("aside"));
    std::fs::rename(&key, &aside).unwrap();
    for arguments in [&["secret", "get", "books_key"][..], &["serve"], &["user", "list"]] {
        let outcome = house.run(arguments);
        assert_eq!(outcome.code, 1, "{arguments:?}: {}", outcome.err);
        let says = &outcome.err;
        assert!(says.contains("root.key") && says.contains("RINGWALL_ROOT_KEY"), "{says}");
        assert!(!key.exists(), "no new key hides the loss");
    }
    let other = House::new(GOOD);
    other.run(&["secret", "list"]).good();
    std::fs::copy(other.state().join("root.key"), &key).unwrap();
    let outcome = house.run(&["secret", "get", "books_key"]);
    assert_eq!(outcome.code, 1, "another house's key: {}", outcome.err);
    assert!(outcome.err.contains("does not open"), "{}", outcome.err);
    assert!(!outcome.out.contains("kept"));
    std::fs::remove_file(&key).unwrap();
    std::fs::rename(&aside, &key).unwrap();
    assert_eq!(house.run(&["secret", "get", "books_key"]).good().out, "kept\n");
}

#[test]
fn a_root_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new(GOOD);
    house.run(&["secret", "list"]).good();
    let key = house.state().join("root.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(house.state().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = house.run(&["secret", "list"]);
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    assert!(outcome.err.contains("root.key"), "{}", outcome.err);
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let house = House::new(GOOD);
    let mount = house.path().join("small");
    std::fs::create_dir(&mount).unwrap();
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(&mount);
    let mounted = run(&mut command, "");
    if mounted.code != 0 {
        // Said loudly, because a test that did not run has proved nothing.
        let line = format!("NOT RUN: no tmpfs can be mounted here ({})", mounted.err.trim());
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
        return;
    }
    let found = std::panic::catch_unwind(|| fill(&house));
    run(Command::new("umount").arg("--lazy").arg(&mount), "").good();
    if let Err(panic) = found {
        std::panic::resume_unwind(panic);
    }
}

fn fill(house: &House) {
    let state = house.path().join("small/state");
    let state = state.to_str().unwrap();
    let set = |number: usize| {
        let name = format!("s{number}");
        let value = format!("{number} {}", "v".repeat(150_000));
        house.pipe(&value, &["--state", state, "secret", "set", &name])
    };
    let mut kept = 0;
    let refused = loop {
        let outcome = set(kept);
        if outcome.code != 0 {
            break outcome;
        }
        kept += 1;
        assert!(kept < 40, "the disk never got full");
    };
    assert_eq!(refused.code, 1);
    let says = refused.err.to_lowercase();
    assert!(says.contains("full") || says.contains("no space"), "{says}");
    assert!(kept > 0, "the first did not fit: {says}");
    let filler = std::fs::metadata(house.path().join("small/filler"));
    assert!(filler.is_err());
    // More room: everything that was acknowledged is there, and it goes on.
    let mut command = Command::new("mount");
    command.args(["-o", "remount,size=64m"]).arg(house.path().join("small"));
    run(&mut command, "").good();
    for number in 0..kept {
        let outcome = house.run(&["--state", state, "secret", "get", &format!("s{number}")]).good();
        assert!(outcome.out.starts_with(&format!("{number} v")), "{number}");
    }
    assert_eq!(set(kept).code, 0);
    house.run(&["--state", state, "audit", "verify"]).good();
}

#[test]
fn what_is_a_slip_is_said() {
    let (house, _upstream) = Library::closed(|manifest| manifest);
    let said = |words: &[&str]| {
        let outcome = house.run(words).good();
        outcome.out + &outcome.err
    };
    let idle = house.run(&["client", "add", "idle", "--public"]);
    assert!(idle.code != 0 && idle.err.contains("it can do nothing"), "{idle:?}");
    for words in [["--redirect-uri", "http://127.0.0.1/cb"], ["--grant", "device_code"]] {
        let id = words[0].trim_start_matches('-');
        let said = said(&["client", "add", id, "--public", words[0], words[1]]);
        assert!(said.contains("is registered") && !said.contains("nothing"), "{said}");
    }
    house.write("none.json", "{\"keys\":[]}");
    let none = house.run(&["client", "add", "none", "--jwks", "none.json"]);
    assert!(none.code != 0 && none.err.contains("no key"), "{none:?}");
    let waits = said(&["user", "invite", "eve", "--email", "eve@example.org"]);
    assert!(waits.contains("nobody sends letters here now"), "{waits}");
}
