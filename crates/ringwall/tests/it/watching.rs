//! `status`, `top`, `tap`, and the units for systemd and Kubernetes.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::house::free_port;
use crate::library::Library;
use crate::program::{Program, run};

/// Runs `look` while requests go on.
fn busy<T>(library: &Library, look: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                library.house.get("/lab/shelves/ada?token=secret");
                library.house.get("/lab/echo");
            }
        });
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
        stop.store(true, Ordering::Relaxed);
        found.unwrap()
    })
}

#[test]
fn top_shows_what_is_asked_and_how_it_goes() {
    let library = Library::open();
    let top = busy(&library, || library.house.run(&["top", "--once", "--every", "1", "--json"]));
    let top: Value = serde_json::from_str(&top.good().out).unwrap();
    let rows = top["rows"].as_array().unwrap();
    let echo = rows.iter().find(|row| row["operation"] == "echo").unwrap();
    assert!(echo["rate"].as_f64().unwrap() > 0.0 && echo["errors"] == 0.0, "{top}");
    assert!(echo["p99_millis"].as_f64().unwrap() > 0.0, "{top}");
    let refused = rows.iter().find(|row| row["operation"] == "shelf").unwrap();
    assert_eq!(refused["errors"], 100.0, "{top}");
    let text = library.house.run(&["top", "--once", "--every", "0.1"]).good().out;
    assert!(text.contains("OPERATION") && text.contains("lab.echo"), "{text}");
}

#[test]
fn tap_shows_requests_without_what_could_name_somebody() {
    let library = Library::open();
    let text = busy(&library, || library.house.run(&["tap", "refused", "--count", "3"]));
    let text = text.good().out;
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("403 refused GET lab.shelf /lab/shelves/ada"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let json = busy(&library, || library.house.run(&["tap", "echo", "--count", "1", "--json"]));
    let entry: Value = serde_json::from_str(json.good().out.trim()).unwrap();
    assert_eq!((entry["operation"].as_str(), entry["status"].as_u64()), (Some("echo"), Some(200)));
}

#[test]
fn status_says_where_it_listens_and_which_version_runs() {
    let library = Library::open();
    let text = library.house.run(&["status"]).good().out;
    let port = library.house.port;
    for part in ["version ", &format!("edge 0.0.0.0:{port}"), "connections now", "all is well"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn the_units_for_systemd_are_hardened_and_systemd_reads_them() {
    let library = Library::open_with(|text| {
        text.replace("port = PORT", &format!("port = PORT\nhttp = {}", free_port()))
    });
    let text = library.house.run(&["export", "systemd"]).good().out;
    let folder = tempfile::TempDir::new().unwrap();
    let mut names = Vec::new();
    for unit in text.split("# /etc/systemd/system/").skip(1) {
        let (name, body) = unit.split_once('\n').unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, body).unwrap();
        names.push(path);
    }
    assert_eq!(names.len(), 3, "{text}");
    for line in ["FileDescriptorName=http\n", "Type=notify\n", "NoNewPrivileges=yes\n"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let checked = run(
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=15"])
            .arg(&names[0]),
        "",
    );
    assert_eq!(checked.code, 0, "worse than 1.5: {}{}", checked.out, checked.err);
    let verified = run(Command::new("systemd-analyze").arg("verify").args(&names), "");
    // What it says of this machine's other units is not ours.
    let ours: Vec<_> = verified.err.lines().filter(|line| line.contains("ringwall")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[test]
fn systemd_hears_that_it_is_ready_and_alive() {
    let library = Library::open();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let house = crate::house::House::new(
        &library.house.read("ringwall.toml").replace(&library.house.port.to_string(), "PORT"),
    );
    house.write("books.yaml", &library.house.read("books.yaml"));
    let mut command = house.command(&["serve", "--workers", "1"]);
    let server = Program::start(command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000"));
    let hears = |wanted: &str| {
        let mut buffer = [0_u8; 256];
        loop {
            let length = socket.recv(&mut buffer).unwrap();
            if buffer[..length].starts_with(wanted.as_bytes()) {
                return;
            }
        }
    };
    hears("READY=1");
    hears("WATCHDOG=1");
    server.signal("HUP");
    hears("RELOADING=1");
    hears("READY=1");
    server.signal("TERM");
    hears("STOPPING=1");
}

#[test]
fn the_gateway_api_has_a_route_for_each_service_and_says_what_is_missing() {
    let library = Library::open_with(|text| {
        let lines = format!("port = PORT\nhttp = {}\naliases = [\"www.localhost\"]", free_port());
        let text = text.replace("port = PORT", &lines);
        let (before, lab) = text.split_once("[services.lab]\n").unwrap();
        let (_, lab) = lab.split_once('\n').unwrap();
        format!("{before}[services.lab]\nupstream = \"lab.prod:8000\"\n{lab}")
    });
    let exported = library.house.run(&["export", "gateway-api"]).good();
    assert!(exported.err.contains("`books`: its upstream is no"), "{}", exported.err);
    let list: Value = serde_json::from_str(&exported.out).unwrap();
    let items = list["items"].as_array().unwrap();
    let kinds: Vec<_> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Gateway", "HTTPRoute", "HTTPRoute"], "{list:#}");
    let gateway = &items[0]["spec"];
    assert_eq!(gateway["listeners"].as_array().unwrap().len(), 3);
    let route = &items[2]["spec"];
    assert_eq!(route["rules"][0]["backendRefs"][0]["name"], "lab");
    assert_eq!(route["rules"][0]["backendRefs"][0]["port"], 8000);
    let matches = route["rules"][0]["matches"].as_array().unwrap();
    let shelf = matches.iter().find(|one| one["path"]["type"] == "RegularExpression").unwrap();
    assert_eq!(shelf["path"]["value"], "/lab/shelves/[^/]+");
    for rule in route["rules"].as_array().unwrap() {
        assert!(rule["matches"].as_array().unwrap().len() <= 64);
    }
}
