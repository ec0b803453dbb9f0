//! A new process takes over while requests go on: nothing is lost, nothing is done twice.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::house::House;
use crate::library::Library;
use crate::program::{Program, run};
use crate::wait::until;

/// Ends the process that runs now: nobody else knows it.
struct Successor<'h>(&'h House);

impl Drop for Successor<'_> {
    fn drop(&mut self) {
        let status = self.0.run(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap_or_default();
        if let Some(id) = status["pid"].as_u64() {
            run(std::process::Command::new("kill").args(["-TERM", &id.to_string()]), "");
        }
    }
}

/// What became of requests with numbers.
#[derive(Debug, Default)]
struct Tally {
    sent: AtomicU64,
    answered: AtomicU64,
    failed: std::sync::Mutex<Vec<String>>,
}

/// Posts numbers one after the other, on connections that are kept until the server ends them.
fn post(house: &House, tally: &Tally, stop: &AtomicBool) {
    let config = Arc::new(house.client_config());
    let mut kept = None;
    while !stop.load(Ordering::Relaxed) && tally.failed.lock().unwrap().len() < 5 {
        let number = tally.sent.fetch_add(1, Ordering::Relaxed);
        let mut stream = kept.take().unwrap_or_else(|| house.connect_with(Arc::clone(&config)));
        let body = format!("number={number}");
        let request = format!(
            "POST /lab/echo HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: \
             {}\r\n\r\n{body}",
            house.authority(),
            body.len()
        );
        let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.flush());
        match sent.and_then(|()| answer(&mut stream)) {
            Ok((200, is_last)) => {
                tally.answered.fetch_add(1, Ordering::Relaxed);
                kept = (!is_last).then_some(stream);
            }
            other => tally.failed.lock().unwrap().push(format!("{number}: {other:?}")),
        }
    }
}

/// Reads one answer; gives its status and whether it is the last of its connection.
fn answer(stream: &mut impl std::io::Read) -> std::io::Result<(u16, bool)> {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: u64 = length.and_then(|length| length.parse().ok()).expect("a length");
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    Ok((status, head.contains("connection: close")))
}

#[test]
fn a_new_process_takes_over_and_no_request_is_lost_or_done_twice() {
    let mut library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    let ada = house.sign_in("ada");
    let first = house.status()["pid"].as_u64().unwrap();
    let _successor = Successor(house);
    let (tally, stop) = (Tally::default(), AtomicBool::new(false));
    let said = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| post(house, &tally, &stop));
        }
        let more = |count| {
            let before = tally.answered.load(Ordering::Relaxed);
            until("requests go on", || {
                let failed = tally.failed.lock().unwrap();
                assert!(failed.is_empty(), "{failed:?}");
                (tally.answered.load(Ordering::Relaxed) >= before + count).then_some(())
            });
        };
        more(30);
        let said = house.run(&["upgrade"]).good().err;
        more(60);
        stop.store(true, Ordering::Relaxed);
        said
    });
    assert!(said.contains("took over"), "{said}");
    let failed = tally.failed.lock().unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    let (sent, answered) = (tally.sent.into_inner(), tally.answered.into_inner());
    assert_eq!(sent, answered);
    // Exactly once each, as the service saw them.
    let arrived = library.upstream.seen();
    let mut lengths = arrived.iter().filter(|seen| seen["path"] == "/lab/echo").count() as u64;
    lengths += arrived.iter().filter(|seen| seen["path"] == "/echo").count() as u64;
    assert_eq!(lengths, answered, "{:?}", arrived.last());
    let second = house.status()["pid"].as_u64().unwrap();
    assert_ne!(first, second);
    assert_eq!(house.send("GET /books/7", &[&ada], "").status, 200, "a session lives on");
    assert!(library.server.ends().success(), "the old process ends: {}", library.server.said());
    house.run(&["audit", "verify"]).good();
    assert_eq!(house.events(&["--action", "node-started"]).len(), 2);
    assert_eq!(house.events(&["--action", "node-stopped"]).len(), 1, "told to the new log");
}

/// Clients that nobody wrote for this: curl asks again when a GOAWAY leaves a stream out.
#[test]
fn curl_sees_nothing_of_an_upgrade_over_either_version_of_http() {
    let mut library = Library::open();
    let (house, upstream) = (&library.house, &library.upstream);
    let _successor = Successor(house);
    let asked = |version: &str| {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--no-progress-meter", "--parallel", "--parallel-max", "6", version])
            .args(["--noproxy", "*", "--max-time", "60", "--cacert"])
            .arg(house.state().join("ca.pem"))
            .args(["--resolve", &format!("{}:127.0.0.1", house.authority())])
            .args(["--output", "/dev/null", "--write-out", "%{http_code} %{http_version}\\n"])
            .arg(format!("{}/lab/echo?[1-{ASKED}]", house.origin()));
        curl
    };
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| run(&mut asked("--http1.1"), "").good().out);
        let two = scope.spawn(|| run(&mut asked("--http2"), "").good().out);
        until("requests come", || (upstream.seen().len() > 40).then_some(()));
        house.run(&["upgrade"]).good();
        (one.join().unwrap(), two.join().unwrap())
    });
    for (answers, wanted) in [(one, "200 1.1"), (two, "200 2")] {
        let other: Vec<&str> = answers.lines().filter(|answer| *answer != wanted).collect();
        assert_eq!((answers.lines().count(), other), (ASKED, Vec::new()));
    }
    assert_eq!(upstream.seen().len(), 2 * ASKED, "each once");
    assert!(library.server.ends().success());
}

/// So many that an upgrade falls into them.
const ASKED: usize = 600;

#[test]
fn a_new_process_that_does_not_start_changes_nothing() {
    let library = Library::open();
    let house = &library.house;
    let before = house.status();
    house.edit("[roles]", "[roles");
    let refused = house.run(&["upgrade"]);
    assert_eq!(refused.code, 1, "{} {}", refused.out, refused.err);
    assert!(refused.err.contains("manifest"), "{}", refused.err);
    house.edit("[roles", "[roles]");
    assert_eq!(house.get("/books").status, 200);
    // It fails after the state folder was released, too: the new one cannot write the certificate.
    let public = house.state().join("ca.pem");
    let kept = std::fs::read(&public).unwrap();
    std::fs::remove_file(&public).unwrap();
    std::fs::create_dir(&public).unwrap();
    let refused = house.run(&["upgrade"]);
    assert_eq!(refused.code, 1, "{} {}", refused.out, refused.err);
    std::fs::remove_dir(&public).unwrap();
    std::fs::write(&public, kept).unwrap();
    assert_eq!(house.get("/books").status, 200);
    assert_eq!(house.status()["pid"], before["pid"]);
    house.person("ada", "customer");
    house.run(&["audit", "verify"]).good();
}

#[test]
fn a_damaged_log_is_found_before_anything_is_handed_over() {
    let library = Library::open();
    let house = &library.house;
    let before = house.status();
    let audit = house.state().join("audit");
    let segment = audit.join("events-00000000000000000000.log");
    let whole = std::fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    bytes[30] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let refused = house.run(&["upgrade"]);
    assert_eq!(refused.code, 1, "{} {}", refused.out, refused.err);
    assert!(refused.err.contains("the audit log is damaged"), "{}", refused.err);
    // The running process has its log still, and records what it decides.
    assert_eq!(house.status()["pid"], before["pid"]);
    house.person("ada", "customer");
    assert_eq!(house.get("/books").status, 200);
    let now = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, [&whole, &now[whole.len()..]].concat()).unwrap();
    house.run(&["audit", "verify"]).good();
}

#[test]
fn a_connection_that_is_open_is_answered_by_the_old_process_and_then_closed() {
    let mut library = Library::open();
    let house = &library.house;
    let mut kept = house.connect_with(Arc::new(house.client_config()));
    let get = format!("GET /books HTTP/1.1\r\nHost: {}\r\n\r\n", house.authority());
    kept.write_all(get.as_bytes()).unwrap();
    assert_eq!(answer(&mut kept).unwrap(), (200, false));
    let _successor = Successor(house);
    house.run(&["upgrade"]).good();
    kept.write_all(get.as_bytes()).unwrap();
    assert_eq!(answer(&mut kept).unwrap(), (200, true));
    assert!(library.server.ends().success());
    until("both are in the log of the new process", || {
        let done = house.events(&["--action", "request-completed", "--service", "books"]);
        (done.len() == 2).then_some(())
    });
}

/// A house with a stream that ends when somebody ends it.
fn library_with_a_stream() -> Library {
    let library = Library::open_with(|manifest| {
        let manifest = manifest.replace("routes = { ", "routes = { drip = \"GET /lab/drip\", ");
        manifest.replace("[\"shelf:own\"", "[\"drip\", \"shelf:own\"")
    });
    library.house.person("ada", "customer");
    library
}

/// What is left of the stream after its first words.
fn begun(house: &House) -> impl std::io::Read {
    let ada = house.sign_in("ada");
    let mut stream = house.connect_with(Arc::new(house.client_config()));
    let host = house.authority();
    write!(stream, "GET /lab/drip HTTP/1.1\r\nHost: {host}\r\n{ada}\r\n\r\n").unwrap();
    let (mut seen, mut byte) = (Vec::new(), [0_u8]);
    while !seen.ends_with(b"data: 1\n") {
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    stream
}

/// The new process ends the session; the old one has it only from the store.
#[test]
fn a_stream_of_the_old_process_ends_with_its_session() {
    let mut library = library_with_a_stream();
    let house = &library.house;
    let mut stream = begun(house);
    let _successor = Successor(house);
    house.run(&["upgrade"]).good();
    let ended = || house.events(&["--action", "stream-ended"]);
    assert!(ended().is_empty(), "it goes on");
    house.run(&["user", "disable", "ada"]).good();
    let events = until("it ends", || Some(ended()).filter(|events| !events.is_empty()));
    assert_eq!(events[0]["event"]["reason"], "its session ended", "{events:?}");
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    assert!(!rest.ends_with(b"0\r\n\r\n"), "no proper end");
    assert!(library.server.ends().success(), "nothing else held it up");
}

#[test]
fn a_signal_ends_the_old_process_before_its_last_stream() {
    let mut library = library_with_a_stream();
    let house = &library.house;
    let _stream = begun(house);
    let _successor = Successor(house);
    house.run(&["upgrade"]).good();
    assert!(library.server.stop().success(), "{}", library.server.said());
    assert!(library.server.said().contains("told to end"), "{}", library.server.said());
}

/// The program that systemd starts finds its sockets at descriptor 3 and further.
#[test]
fn sockets_of_systemd_are_used_whatever_the_manifest_says() {
    let library = Library::open();
    let house = House::new(
        &library
            .house
            .read("ringwall.toml")
            .replace(&library.house.port.to_string(), &crate::house::free_port().to_string()),
    );
    house.write("books.yaml", &library.house.read("books.yaml"));
    let port = crate::house::free_port();
    let mut command = std::process::Command::new("systemd-socket-activate");
    command
        .current_dir(house.path())
        .args(["--listen", &format!("127.0.0.1:{port}"), "--fdname=edge"])
        .args([crate::house::BINARY.as_str(), "serve", "--workers", "2"]);
    let mut server = Program::start(&mut command);
    server.hears("Listening on");
    // It starts at the first connection, which waits in the queue meanwhile.
    let mut first = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    server.hears("Ready.");
    first.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    drop(first.read_to_end(&mut answer));
    let status = house.status();
    assert_eq!(status["listeners"][0][1], format!("127.0.0.1:{port}"), "{status}");
    assert_eq!(status["listeners"].as_array().unwrap().len(), 1);
}
