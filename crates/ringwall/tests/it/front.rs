//! Where clients come in: addresses, load balancers, the plain door, and too many of them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::house::free_port;
use crate::library::{Library, field};
use crate::program::{Program, run};
use crate::wait::until;

/// A library whose `[gateway]` has these lines too.
fn open(lines: &str) -> Library {
    Library::open_with(|text| text.replace("port = PORT", &format!("port = PORT\n{lines}")))
}

/// The address that the service was told for the last request.
fn told(library: &Library) -> String {
    let seen = library.upstream.seen();
    field(seen.last().unwrap(), "x-forwarded-for").unwrap().to_owned()
}

/// curl, which trusts the house.
fn curl(library: &Library, port: u16, more: &[&str]) -> String {
    let house = &library.house;
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--cacert"]).arg(house.state().join("ca.pem"));
    let resolve = format!("harbour.localhost:{port}:127.0.0.1");
    let host = format!("Host: {}", library.house.authority());
    command.args(["--resolve", &resolve, "--write-out", " %{http_code}", "--header", &host]);
    command.args(more);
    command.arg(format!("https://harbour.localhost:{port}/lab/echo"));
    let outcome = run(&mut command, "");
    format!("{}{}", outcome.out, outcome.err)
}

#[test]
fn who_is_named_by_a_load_balancer_is_who_asks() {
    let library = open("proxy_protocol = [\"127.0.0.0/8\"]");
    let port = library.house.port;
    // curl writes version 1 with its own address.
    let answer = curl(&library, port, &["--haproxy-protocol"]);
    assert!(answer.ends_with(" 200"), "{answer}");
    assert_eq!(told(&library), "127.0.0.1");
    let answer = curl(&library, port, &["--haproxy-clientip", "203.0.113.9"]);
    if answer.ends_with(" 200") {
        // curl 8.2 and later.
        assert_eq!(told(&library), "203.0.113.9");
    }
    let answer = curl(&library, port, &[]);
    assert!(answer.contains(" 000"), "a listed peer that says nothing is refused: {answer}");
    until("it is counted", || {
        let refused = library.house.status()["refused"].to_string();
        refused.contains("proxy_header").then_some(())
    });
}

#[test]
fn haproxy_and_nginx_name_their_clients_in_both_versions() {
    let library = open("proxy_protocol = [\"127.0.0.0/8\"]");
    let port = library.house.port;
    let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let [one, two, three] = ports[..] else { panic!("{ports:?}") };
    let config = format!(
        "defaults\n mode tcp\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n\
         listen one\n bind 127.0.0.1:{one}\n server a 127.0.0.1:{port} send-proxy\n\
         listen two\n bind 127.0.0.1:{two}\n server a 127.0.0.1:{port} send-proxy-v2 \
         proxy-v2-options crc32c,unique-id check check-send-proxy\n"
    );
    library.house.write("haproxy.cfg", &config);
    let mut haproxy = Command::new("haproxy");
    let _haproxy = Program::start(haproxy.arg("-f").arg(library.house.path().join("haproxy.cfg")));
    let config = format!(
        "daemon off; error_log stderr; pid {0}/nginx.pid; events {{}}\n\
         stream {{ server {{ listen 127.0.0.1:{three}; proxy_protocol on; \
         proxy_pass 127.0.0.1:{port}; }} }}\n",
        library.house.path().display()
    );
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    let has_stream = std::path::Path::new(module).exists();
    let load = if has_stream { format!("load_module {module};\n") } else { String::new() };
    library.house.write("nginx.conf", &format!("{load}{config}"));
    let mut nginx = Command::new("nginx");
    let nginx = nginx.arg("-c").arg(library.house.path().join("nginx.conf"));
    let _nginx = has_stream.then(|| Program::start(nginx));
    let senders = if has_stream { vec![one, two, three] } else { vec![one, two] };
    for sender in senders {
        until("the load balancer listens", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, sender)).ok()
        });
        // From another address of loopback, so that it is not the load balancer's own.
        let answer = curl(&library, sender, &["--interface", "127.0.0.7"]);
        assert!(answer.ends_with(" 200"), "{sender}: {answer}");
        assert_eq!(told(&library), "127.0.0.7", "{sender}");
    }
}

#[test]
fn the_plain_door_only_leads_to_the_encrypted_one() {
    let http = free_port();
    let library = open(&format!("http = {http}\naliases = [\"www.localhost\"]"));
    let port = library.house.port;
    let ask = |request: &str| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, http)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.to_lowercase()
    };
    let answer =
        ask("POST /books?a=b HTTP/1.1\r\nHost: harbour.localhost\r\nContent-Length: 0\r\n\r\n");
    assert!(answer.starts_with("http/1.1 308 "), "{answer}");
    let place = format!("location: https://harbour.localhost:{port}/books?a=b\r\n");
    assert!(answer.contains(&place) && !answer.contains("strict-transport"), "{answer}");
    let answer = ask("GET / HTTP/1.1\r\nHost: www.localhost\r\n\r\n");
    assert!(answer.contains(&format!("location: https://www.localhost:{port}/\r\n")), "{answer}");
    let answer = ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert!(answer.contains("location: https://harbour.localhost:"), "{answer}");
    assert!(library.upstream.seen().is_empty());
    assert_eq!(library.house.status()["listeners"][1][0], "http");
}

#[test]
fn a_changed_address_opens_and_closes_only_what_changed() {
    // Of their own, so that no other test has taken the port meanwhile.
    let [first, second] = [1, 2].map(|last| SocketAddr::from(([127, 0, 7, last], free_port())));
    let library = Library::open_with(|text| {
        let lines = format!("port = PORT\nlisten = [\"127.0.0.1:PORT\", \"{first}\"]");
        text.replace("port = PORT", &lines)
    });
    let house = &library.house;
    let kept = house.connect_with(std::sync::Arc::new(house.client_config()));
    let is_open = |address: SocketAddr| TcpStream::connect(address).is_ok();
    assert!(is_open(first) && !is_open(second));
    house.edit(&first.to_string(), &second.to_string());
    library.server.signal("HUP");
    until("the new address is open", || is_open(second).then_some(()));
    until("the old one is closed", || (!is_open(first)).then_some(()));
    assert_eq!(house.get("/books").status, 200);
    drop(kept);
    // An address that cannot be opened changes nothing.
    house.edit(&second.to_string(), "192.0.2.1:443");
    library.server.signal("HUP");
    until("it is refused", || (!house.status_or_null()["broken_manifest"].is_null()).then_some(()));
    assert!(is_open(second));
}

/// Requests until told to stop; gives those that failed.
fn load(library: &Library, stop: &AtomicBool, sent: &AtomicUsize) -> Vec<String> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) && failures.len() < 5 {
        let answer = library.house.get("/lab/echo");
        if answer.status != 200 || !answer.is_complete {
            failures.push(answer.raw);
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
    failures
}

#[test]
fn a_reload_every_tenth_of_a_second_fails_nothing() {
    let library = Library::open();
    let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failures = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..2).map(|_| scope.spawn(|| load(&library, &stop, &sent))).collect();
        for _ in 0..30 {
            library.server.signal("HUP");
            crate::wait::pause(std::time::Duration::from_millis(100));
        }
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{failures:?}");
    assert!(sent.load(Ordering::Relaxed) > 20);
    let version = library.house.status()["manifest_version"].as_u64().unwrap();
    assert!(version > 5, "{version}");
}

#[test]
fn without_descriptors_clients_are_told_the_operator_gets_in_and_all_goes_on_afterwards() {
    let library = Library::open();
    let house = &library.house;
    assert_eq!(house.get("/books").status, 200);
    let id = library.server.id().to_string();
    let used = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    let limit = |number: usize| {
        let number = format!("--nofile={number}:");
        run(Command::new("prlimit").args(["--pid", &id, &number]), "").good();
    };
    limit(used + 4);
    // Each is taken or closed, and none waits for ever.
    let mut clients: Vec<TcpStream> = Vec::new();
    for _ in 0..40 {
        clients.push(TcpStream::connect((Ipv4Addr::LOCALHOST, house.port)).unwrap());
    }
    let mut closed = 0;
    for client in &mut clients {
        client.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        let ended = client.read(&mut [0_u8; 1]);
        if !matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock) {
            closed += 1;
        }
    }
    assert!(closed >= 30, "{closed} of 40 were told");
    let status = house.status();
    let refused = status["refused"].to_string();
    assert!(refused.contains("descriptors"), "{status}");
    drop(clients);
    until("requests go on", || {
        // The service needs one more descriptor than the client.
        limit(used + 20);
        (house.get("/books").status == 200).then_some(())
    });
}

#[test]
fn the_counters_of_connections_are_told_for_each_thread() {
    let library = Library::open();
    let house = &library.house;
    house.get("/books");
    let text = house.metrics();
    assert!(text.contains("ringwall_connections_accepted_total{worker=\"0\"} 1\n"), "{text}");
    assert!(
        text.contains("ringwall_connections_refused_total{worker=\"0\",reason=\"tls_handshake\"}")
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn too_few_open_files_are_said_at_the_start_with_what_to_do() {
    let manifest = "ringwall = 1\nname = \"harbour\"\n\n[gateway]\nhost = \"harbour.localhost\"\n\
                    port = PORT\n\n[services.books]\nupstream = \"127.0.0.1:9\"\n\
                    routes = { list = \"GET /books\" }\npeople.anyone = [\"list\"]\n";
    let house = crate::house::House::new(manifest);
    let mut command = Command::new("prlimit");
    command.args(["--nofile=512:512", crate::house::BINARY.as_str(), "serve", "--workers", "1"]);
    let mut server = Program::start(command.current_dir(house.path()));
    let line = server.hears("open files");
    assert!(line.contains("512 open files") && line.contains("192 connections"), "{line}");
    assert!(line.contains("LimitNOFILE"), "{line}");
}
