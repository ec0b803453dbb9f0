//! Addresses and services from a real name server (Debian package `dnsmasq-base`), changed and taken away while
//! requests go on.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::faults;
use crate::house::{House, free_port};
use crate::library::{MANIFEST, UPSTREAM};
use crate::load::{Faulty, load};
use crate::program::{Program, service};
use crate::wait::until;

/// A name server for one name, and for what else it was told.
struct Names {
    folder: tempfile::TempDir,
    more: Vec<String>,
    port: u16,
    child: Option<Child>,
}

impl Names {
    fn start(address: &str) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let mut names = Self { folder, more: Vec::new(), port: free_port(), child: None };
        names.set(address);
        names.revive();
        names
    }

    /// What the name stands for from now on.
    fn set(&mut self, address: &str) {
        let hosts = self.folder.path().join("hosts");
        std::fs::write(hosts, format!("{address} users.test\n")).unwrap();
        if let Some(child) = &self.child {
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn revive(&mut self) {
        let mut command = Command::new("dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
        ]);
        command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--local-ttl=1"]);
        command.args(["--user=", "--pid-file="]).arg(format!("--port={}", self.port));
        command.arg(format!("--addn-hosts={}", self.folder.path().join("hosts").display()));
        command.args(&self.more).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        self.child =
            Some(child.unwrap_or_else(|error| panic!("`dnsmasq` is needed here: {error}")));
    }

    fn conf(&self) -> std::path::PathBuf {
        let conf = self.folder.path().join("resolv.conf");
        std::fs::write(&conf, format!("nameserver [127.0.0.1]:{}\n", self.port)).unwrap();
        conf
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The service of all tests at an address; where it writes what it saw.
fn upstream(folder: &tempfile::TempDir, address: &str) -> (Program, u16, std::path::PathBuf) {
    let seen = folder.path().join(address.replace([':', '.'], "-"));
    let (program, port) = service(("upstream.py", UPSTREAM), address, &seen);
    (program, port, seen)
}

fn serve(house: &House, names: &Names) -> Program {
    let mut command = house.command(&["serve", "--workers", "1"]);
    let mut program = Program::start(command.env("RINGWALL_RESOLV_CONF", names.conf()));
    program.hears("Ready.");
    program
}

#[test]
fn a_name_moves_and_its_server_goes_away_and_no_request_fails() {
    let folder = tempfile::TempDir::new().unwrap();
    let (_first, port, _) = upstream(&folder, "127.0.0.1:0");
    let (_second, _, seen) = upstream(&folder, &format!("127.0.0.2:{port}"));
    let mut names = Names::start("127.0.0.1");
    let manifest = MANIFEST.replace("127.0.0.1:UPSTREAM", &format!("dns:users.test:{port}"));
    let house = House::new(&manifest);
    house.write("books.yaml", include_str!("books.yaml"));
    let _server = serve(&house, &names);
    until("the name is known", || (house.get("/lab/echo").status == 200).then_some(()));
    let (is_done, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let statuses = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut failed = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                let status = house.get("/lab/echo").status;
                sent.fetch_add(1, Ordering::Relaxed);
                failed.extend((status != 200).then_some(status));
            }
            failed
        });
        names.set("127.0.0.2");
        until("requests go to the new address", || {
            std::fs::metadata(&seen).is_ok_and(|facts| facts.len() > 0).then_some(())
        });
        names.kill();
        let has = |action: &str| !house.events(&["--action", action]).is_empty();
        until("it is said that the name is stale", || has("upstreams-stale").then_some(()));
        let before = sent.load(Ordering::Relaxed);
        until("requests go on", || (sent.load(Ordering::Relaxed) > before + 20).then_some(()));
        names.revive();
        let found = || house.events(&["--action", "upstreams-found"]).len();
        until("it is said that the name is back", || (found() >= 3).then_some(()));
        is_done.store(true, Ordering::Relaxed);
        load.join().unwrap()
    });
    assert_eq!(statuses, Vec::<u16>::new(), "of {sent:?}");
}

#[test]
fn a_service_whose_name_nobody_knows_yet_is_refused_and_served_when_somebody_does() {
    let folder = tempfile::TempDir::new().unwrap();
    let (_upstream, port, seen) = upstream(&folder, "127.0.0.1:0");
    let mut names = Names::start("127.0.0.1");
    names.kill();
    let manifest = MANIFEST.replace("127.0.0.1:UPSTREAM", &format!("dns:users.test:{port}"));
    let house = House::new(&manifest);
    house.write("books.yaml", include_str!("books.yaml"));
    let _server = serve(&house, &names);
    let said = || house.events(&["--action", "upstreams-stale"]);
    let said = until("it is said", || Some(said()).filter(|events| !events.is_empty()));
    assert!(said[0]["event"]["reason"].as_str().unwrap().contains("users.test"), "{said:?}");
    assert!(house.run(&["status"]).out.contains("users.test"));
    let refused = house.get("/lab/echo");
    assert_eq!(refused.verdict(), (502, "RW3012".to_owned()), "{}", refused.raw);
    assert_eq!(refused.field("content-type").as_deref(), Some("application/problem+json"));
    assert_eq!(house.get("/login").status, 200, "the rest is served");
    assert!(!seen.exists(), "nobody was asked");
    names.revive();
    until("the name is known", || (house.get("/lab/echo").status == 200).then_some(()));
    assert_eq!(house.run(&["status"]).code, 0);
}

#[test]
fn a_list_is_followed_and_a_broken_one_changes_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    let (_first, port, _) = upstream(&folder, "127.0.0.1:0");
    let (_second, _, seen) = upstream(&folder, &format!("127.0.0.2:{port}"));
    let manifest = MANIFEST.replace("127.0.0.1:UPSTREAM", "file:upstreams.txt");
    let house = House::new(&manifest);
    house.write("books.yaml", include_str!("books.yaml"));
    house.write("upstreams.txt", &format!("127.0.0.1:{port}\n"));
    let _server = house.serve();
    until("the list is known", || (house.get("/lab/echo").status == 200).then_some(()));
    house.write("upstreams.txt", "nonsense\n");
    let has = |action: &str| !house.events(&["--action", action]).is_empty();
    until("it is said that the list is broken", || has("upstreams-stale").then_some(()));
    assert_eq!(house.get("/lab/echo").status, 200);
    house.write("upstreams.txt", &format!("127.0.0.2:{port}\n"));
    until("requests go to the new address", || {
        assert_eq!(house.get("/lab/echo").status, 200);
        std::fs::metadata(&seen).is_ok_and(|facts| facts.len() > 0).then_some(())
    });
}

#[test]
fn services_are_asked_by_the_priority_and_weight_of_their_records() {
    let all = [(); 4].map(|()| Faulty::start());
    let mut names = Names::start("127.0.0.1");
    // Three parts of four to the first, one to the second; the third when both are gone.
    for (one, order) in all.iter().zip(["10,30", "10,10", "20,1"]) {
        let (host, port) = one.address.split_once(':').unwrap();
        let name = format!("{}.test", host.replace('.', "-"));
        names.more.push(format!("--host-record={name},{host}"));
        names.more.push(format!("--srv-host=_http._tcp.users.test,{name},{port},{order}"));
    }
    names.kill();
    names.revive();
    let house = faults::house_of(
        &["srv:_http._tcp.users.test".to_owned()],
        "balance = \"round-robin\"",
        "",
    );
    let _server = serve(&house, &names);
    until("the records are known", || (house.get("/items").status == 200).then_some(()));
    let ask = |count| {
        let before = [0, 1, 2].map(|at| all[at].count());
        let tally = load(&house, "GET /items", 3, &|number| number < count);
        let after = [0, 1, 2].map(|at| all[at].count());
        (tally, [0, 1, 2].map(|at| after[at] - before[at]))
    };
    let (tally, [first, second, third]) = ask(400);
    assert_eq!((tally.answered, third), (400, 0), "{tally:?}");
    assert!((295..=305).contains(&first), "{first} of 400, and {second}");
    all[0].kill();
    let (tally, counts) = ask(60);
    // A quarter of the first priority is left: the next one helps.
    assert_eq!((tally.answered, counts[0]), (60, 0), "{tally:?}");
    all[1].kill();
    let (tally, counts) = ask(60);
    assert_eq!((tally.answered, counts), (60, [0, 0, 60]), "{tally:?}");
    // Without the name server the records stay in use.
    names.kill();
    let said = || !house.events(&["--action", "upstreams-stale"]).is_empty();
    until("it is said that the records are stale", || said().then_some(()));
    assert_eq!(ask(60).0.answered, 60);
    assert_eq!(all[3].count(), 0, "what is not in a record is not asked");
}
