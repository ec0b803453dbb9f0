//! A clock that is wrong, through libfaketime (Debian package `faketime`).

use std::path::PathBuf;
use std::process::Command;

use ringwall_base::{Clock, SystemClock};

use crate::house::House;
use crate::library::{Library, MANIFEST, field};
use crate::load::load;
use crate::program::{Program, not_run, run};
use crate::serving::claims;

/// The library that lies about the time. Without it nothing is proved here, and that is said.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = found.find(|path| path.exists());
    if found.is_none() {
        not_run("`faketime` is not installed, so no clock was wrong");
    }
    found
}

/// A command at another time: `@2015-01-01 00:00:00`, or an offset such as `+200d`.
fn at(time: &str, library: &PathBuf, mut command: Command) -> Command {
    // Monotonic time stays what it is: only the wall clock is wrong.
    command.env("LD_PRELOAD", library).env("FAKETIME", time).env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// `serve` with a clock that goes as the file `time` in the folder says: `+0`, `+7200`.
pub(crate) fn serve_by_file(house: &House, faketime: &PathBuf) -> Command {
    house.write("time", "+0");
    let mut serve = house.command(&["serve", "--workers", "1"]);
    serve.env("LD_PRELOAD", faketime).env("FAKETIME_NO_CACHE", "1");
    serve.env("FAKETIME_TIMESTAMP_FILE", house.path().join("time"));
    serve
}

fn house() -> House {
    let house = House::new(&MANIFEST.replace("UPSTREAM", "9"));
    house.write("books.yaml", include_str!("books.yaml"));
    house.pipe("kept", &["secret", "set", "books_key"]).good();
    house
}

#[test]
fn a_clock_before_its_own_certificates_is_named_and_loses_nothing() {
    let Some(library) = faketime() else { return };
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
    let Some(library) = faketime() else { return };
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
    let Some(faketime) = faketime() else { return };
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

#[test]
fn a_clock_that_jumps_under_load_loses_no_request_and_no_app_gets_a_token_of_another_time() {
    let Some(faketime) = faketime() else { return };
    let Library { house, mut server, upstream } = Library::open();
    let secret = house.robot("robot");
    let token = house.token("robot", &secret);
    assert!(server.stop().success());
    // Only the wall clock jumps.
    let mut serve = serve_by_file(&house, &faketime);
    serve.env("DONT_FAKE_MONOTONIC", "1");
    let mut server = Program::start(&mut serve);
    server.hears("Ready.");
    let line = format!("Authorization: Bearer {token}");
    let is_known = || house.send("GET /books", &[&line], "").status;
    // Each jump comes between two rounds, so that it is known when which time was.
    for (round, offset) in [0_i64, 7_200, -3_600, 0].into_iter().enumerate() {
        house.write("time", &format!("{offset:+}"));
        let before = upstream.seen().len();
        let tally = load(&house, "GET /lab/echo", 3, &|number| number < 60);
        assert_eq!((tally.sent, tally.answered), (60, 60), "{offset}: {tally:?}");
        for seen in &upstream.seen()[before..] {
            let told = claims(field(seen, "ringwall-identity").unwrap());
            let now = i64::try_from(Clock::now(&SystemClock::start()).secs()).unwrap() + offset;
            let (from, to) = (told["iat"].as_i64().unwrap(), told["exp"].as_i64().unwrap());
            assert!(from <= now && now < to, "{offset}: {told} at {now}");
        }
        let want = if offset == 0 { 200 } else { 401 };
        assert_eq!(is_known(), want, "round {round}: a token of the robot");
    }
    house.run(&["audit", "verify"]).good();
    assert!(server.stop().success());
    house.run(&["audit", "verify"]).good();
}
