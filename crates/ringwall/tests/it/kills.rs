//! `kill -9` at any moment: the store opens, nothing acknowledged is lost, the log verifies.
//!
//! An ordinary run kills 25 times; `RINGWALL_TEST_KILLS=200` is the full proof.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::house::House;
use crate::library::MANIFEST;
use crate::program::{Program, run};
use crate::wait::pause;

/// Not random enough for keys, and all that is needed for moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % below)
    }
}

/// What was acknowledged: secret, version, value.
type Acknowledged = Mutex<BTreeMap<(String, u64), String>>;

/// Sets a secret; notes the version that was acknowledged.
fn set(house: &House, name: &str, value: &str, acknowledged: &Acknowledged) {
    let outcome = house.pipe(value, &["secret", "set", name]);
    if outcome.code == 0 {
        let version =
            outcome.err.split("version ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let version: u64 = version.unwrap().trim_end_matches('.').parse().unwrap();
        let known =
            acknowledged.lock().unwrap().insert((name.to_owned(), version), value.to_owned());
        assert_eq!(known, None, "{name} version {version} was given twice");
    }
}

#[expect(clippy::disallowed_methods, reason = "a setting of the test run itself")]
fn wanted() -> usize {
    std::env::var("RINGWALL_TEST_KILLS").ok().map_or(25, |count| count.parse().unwrap())
}

/// Writes one version after another until the server is dead.
fn write(
    house: &House,
    (name, round): (&str, usize),
    acknowledged: &Acknowledged,
    over: &AtomicBool,
) {
    for number in 0..50 {
        if over.load(Ordering::Relaxed) {
            break;
        }
        set(house, name, &format!("{name} {round} {number}"), acknowledged);
    }
}

/// Tries to sign in: whatever becomes of it, the server dies under it.
fn sign_in(house: &House) {
    let mut command = house.script(include_str!("sign_in_once.py"), &[crate::house::PASSWORD]);
    run(&mut command, "");
}

#[track_caller]
fn is_whole(house: &House, acknowledged: &Acknowledged, round: usize) {
    let verified = house.run(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "round {round}: {} {}", verified.out, verified.err);
    let acknowledged = acknowledged.lock().unwrap();
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, version) in acknowledged.keys() {
        let newest = newest.entry(name).or_default();
        *newest = (*newest).max(*version);
    }
    for (name, version) in newest {
        let text = version.to_string();
        let got = house.run(&["secret", "get", name, "--version", &text]);
        assert_eq!(got.code, 0, "round {round}: {name} {version}: {}", got.err);
        assert_eq!(got.out.trim_end(), acknowledged[&(name.to_owned(), version)], "round {round}");
    }
}

/// At the end: every version of every secret, through a server because that is quicker.
#[track_caller]
fn is_complete(house: &House, acknowledged: &Acknowledged) {
    let acknowledged = acknowledged.lock().unwrap();
    assert!(!acknowledged.is_empty(), "nothing was ever acknowledged");
    let _server = house.serve();
    for ((name, version), value) in acknowledged.iter() {
        let got = house.run(&["secret", "get", name, "--version", &version.to_string()]).good();
        assert_eq!(got.out.trim_end(), value, "{name} {version}");
    }
}

#[test]
fn a_server_killed_at_any_moment_has_kept_its_word() {
    let house = House::new(&MANIFEST.replace("UPSTREAM", "9"));
    house.write("books.yaml", include_str!("books.yaml"));
    house.person("ada", "customer");
    let acknowledged = Acknowledged::default();
    let mut moments = Moments(u64::from(std::process::id()));
    for round in 0..wanted() {
        let mut server = Program::start(&mut house.command(&["serve", "--workers", "1"]));
        // Some die before they are ready.
        let is_early = round % 5 == 4;
        if !is_early {
            server.hears("Ready.");
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writes = ["first", "second"].map(|name| {
                let (house, acknowledged, over) = (&house, &acknowledged, &over);
                scope.spawn(move || write(house, (name, round), acknowledged, over))
            });
            // Signing in writes a session; a server that dies under it breaks the connection.
            let login = (!is_early).then(|| scope.spawn(|| sign_in(&house)));
            pause(moments.next(if is_early { 80 } else { 500 }) + Duration::from_millis(1));
            server.signal("HUP");
            pause(moments.next(60) + Duration::from_millis(1));
            server.kill();
            over.store(true, Ordering::Relaxed);
            for write in writes {
                write.join().unwrap();
            }
            if let Some(login) = login {
                login.join().unwrap();
            }
        });
        is_whole(&house, &acknowledged, round);
    }
    is_complete(&house, &acknowledged);
    let _server = house.serve();
    assert!(!house.sign_in("ada").is_empty(), "accounts are there as well");
}

#[test]
fn a_command_killed_at_any_moment_has_kept_its_word() {
    let house = House::new(&MANIFEST.replace("UPSTREAM", "9"));
    house.write("books.yaml", include_str!("books.yaml"));
    let acknowledged = Acknowledged::default();
    let mut moments = Moments(u64::from(std::process::id()));
    for born in 0..wanted() {
        // A new state folder each time, killed while it is made.
        let fresh = House::new(&MANIFEST.replace("UPSTREAM", "9"));
        fresh.write("books.yaml", include_str!("books.yaml"));
        let mut command = Program::start(&mut fresh.command(&["secret", "list"]));
        pause(moments.next(60) + Duration::from_millis(1));
        command.kill();
        let whole = fresh.pipe("value", &["secret", "set", "first"]);
        assert_eq!(whole.code, 0, "birth {born}: {}", whole.err);
    }
    for round in 0..wanted() {
        house.write("value", &format!("killed {round}"));
        let arguments = ["secret", "set", "third", "--from-file", "value"];
        // The first of all makes the state folder itself, and is killed at that.
        let mut command = Program::start(&mut house.command(&arguments));
        pause(moments.next(120) + Duration::from_millis(1));
        command.kill();
        let said = command.said();
        if let Some(version) = said.split("version ").nth(1) {
            let version = version.split_whitespace().next().unwrap().parse().unwrap();
            let value = format!("killed {round}");
            acknowledged.lock().unwrap().insert(("third".to_owned(), version), value);
        }
        let whole = house.pipe(&format!("whole {round}"), &["secret", "set", "fourth"]);
        assert_eq!(whole.code, 0, "round {round}: {}", whole.err);
        set(&house, "third", &format!("whole {round}"), &acknowledged);
        is_whole(&house, &acknowledged, round);
    }
    is_complete(&house, &acknowledged);
}
