//! A clock that is wrong, through libfaketime (Debian package `faketime`).

use std::path::PathBuf;
use std::process::Command;

use crate::house::House;
use crate::library::{Library, MANIFEST};
use crate::program::{Program, run};

/// The library that lies about the time. Without it nothing is proved here, and that is said.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = found.find(|path| path.exists());
    if found.is_none() {
        let line = b"NOT RUN: `faketime` is not installed, so no clock was wrong\n";
        std::io::Write::write_all(&mut std::io::stderr(), line).unwrap();
    }
    found
}

/// A command at another time: `@2015-01-01 00:00:00`, or an offset such as `+200d`.
fn at(time: &str, library: &PathBuf, mut command: Command) -> Command {
    // Monotonic time stays what it is: only the wall clock is wrong.
    command.env("LD_PRELOAD", library).env("FAKETIME", time).env("DONT_FAKE_MONOTONIC", "1");
    command
}

fn house() -> House {
    let house = House::new(&MANIFEST.replace("UPSTREAM", "9"));
    house.write("books.yaml", include_str!("books.yaml"));
    house.pipe("kept", &["secret", "set", "books_key"]).good();
    house
}

#[test]
fn a_clock_before_its_own_certificates_is_named_and_loses_nothing() {
    let Some(library) = library() else { return };
    let house = house();
    let early = |arguments: &[&str], input: &str| {
        run(&mut at("@2015-01-01 00:00:00", &library, house.command(arguments)), input)
    };
    let refused = early(&["serve"], "");
    assert_eq!(refused.code, 1, "{}", refused.err);
    let says = &refused.err;
    assert!(says.contains("valid from") && says.contains("2015-01-01"), "{says}");
    assert_eq!(early(&["secret", "get", "books_key"], "").good().out, "kept\n");
    early(&["secret", "set", "books_key"], "early").good();
    house.run(&["audit", "verify"]).good();
    let _server = house.serve();
    assert_eq!(house.run(&["secret", "get", "books_key"]).good().out, "early\n");
    assert_eq!(house.get("/login").status, 200);
}

#[test]
fn a_house_that_stood_still_for_months_opens_again() {
    let Some(library) = library() else { return };
    let house = house();
    let serve = house.command(&["serve", "--workers", "1"]);
    Program::start(&mut at("+200d", &library, serve)).hears("Ready.");
    // What was renewed is kept: the next start finds it, and a client at that time trusts it.
    let serve = house.command(&["serve", "--workers", "1"]);
    let mut server = Program::start(&mut at("+201d", &library, serve));
    server.hears("Ready.");
    let mut client = Command::new("openssl");
    client.args(["s_client", "-verify_return_error", "-servername", "harbour.localhost"]);
    client.args(["-connect", &format!("127.0.0.1:{}", house.port), "-CAfile"]);
    client.arg(house.state().join("ca.pem"));
    let shown = run(&mut at("+201d", &library, client), "");
    assert!(shown.out.contains("Verify return code: 0"), "{} {}", shown.out, shown.err);
}

#[test]
fn a_token_from_a_clock_that_was_ahead_is_not_good_yet() {
    let Some(faketime) = library() else { return };
    let library = Library::open();
    let secret = library.house.robot("robot");
    let Library { house, mut server, upstream: _upstream } = library;
    assert!(server.stop().success());
    let serve = house.command(&["serve", "--workers", "1"]);
    // Less than certificates are dated back, more than tokens are forgiven.
    let mut ahead = Program::start(&mut at("+4m", &faketime, serve));
    ahead.hears("Ready.");
    let token = house.token("robot", &secret);
    assert!(ahead.stop().success());
    let _server = house.serve();
    let answer = house.send("GET /books", &[&format!("Authorization: Bearer {token}")], "");
    assert_eq!(answer.status, 401, "issued in the future: {}", answer.raw);
}
