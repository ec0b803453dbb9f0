//! The public door: names, versions, tickets, client certificates. The clients are openssl, curl
//! and rustls.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringwall_net::{
    Certificates, Challenges, HostTls, Hosts, MinVersion, ServerTls, Settings, Tickets,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::house::{House, pause};
use crate::tls::{Ca, Pair};

/// A public door for `a.localhost`, `b.localhost` and `*.localhost`.
pub(crate) struct Edge {
    pub(crate) ca: Ca,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) house: House,
}

impl Edge {
    pub(crate) fn open(default: &HostTls, names: &[(&str, HostTls)]) -> Self {
        let ca = Ca::new();
        let certificates = Arc::new(Certificates::default());
        let own = ca.issue(&["a.localhost"], &[]).load();
        certificates.replace(
            &[ca.issue(&["b.localhost", "*.localhost"], &[]).load(), own.clone()],
            Some(&own),
        );
        let challenges = Arc::new(Challenges::default());
        let tickets = Tickets::new(Duration::from_hours(12)).unwrap();
        let hosts = Hosts::new(
            Arc::clone(&certificates),
            Arc::clone(&challenges),
            Arc::clone(&tickets),
            default,
            &table(names),
        )
        .unwrap();
        let tls = ServerTls::by_name(Arc::clone(&hosts));
        let house = House::open(&Settings::default(), Some(tls));
        Self { ca, certificates, challenges, tickets, hosts, house }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.house.address
    }
}

pub(crate) fn table(names: &[(&str, HostTls)]) -> BTreeMap<String, HostTls> {
    names.iter().map(|(name, tls)| ((*name).to_owned(), tls.clone())).collect()
}

/// What `openssl s_client` says while it asks for `/a`.
pub(crate) fn s_client(address: SocketAddr, arguments: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-ign_eof", "-connect", &address.to_string()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let get = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // A refused handshake may close the pipe first.
    child.stdin.take().unwrap().write_all(get).ok();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A rustls client for `name`, with a certificate of its own if wanted.
pub(crate) fn client(ca: &Ca, pair: Option<&Pair>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match pair {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let chain = vec![CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

pub(crate) fn connect(
    config: &Arc<ClientConfig>,
    name: &str,
    address: SocketAddr,
) -> StreamOwned<ClientConnection, std::net::TcpStream> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    StreamOwned::new(connection, crate::house::connect(address))
}

/// One request over an open stream; the answer's last line, or why there is none.
pub(crate) fn get(
    stream: &mut StreamOwned<ClientConnection, std::net::TcpStream>,
) -> std::io::Result<String> {
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")?;
    let (mut text, mut buffer) = (String::new(), [0_u8; 1]);
    while !text.ends_with("\r\n\r\nok 0") {
        if stream.read(&mut buffer)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        text.push(char::from(buffer[0]));
    }
    Ok("ok 0".to_owned())
}

#[test]
fn the_most_specific_certificate_answers_and_an_unknown_name_is_told_so() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let shown = |name: &str| s_client(edge.address(), &["-servername", name, "-showcerts"]);
    let serial = |text: &str| {
        let pem = text.split("-----").nth(2).map(str::to_owned);
        pem.unwrap_or_default()
    };
    let (own, other) = (serial(&shown("a.localhost")), serial(&shown("b.localhost")));
    assert!(!own.is_empty() && own != other);
    assert_eq!(serial(&shown("c.localhost")), other, "the star");
    assert_eq!(serial(&shown("A.LOCALHOST")), own, "case does not matter");
    let nameless = s_client(edge.address(), &["-noservername", "-showcerts"]);
    assert_eq!(serial(&nameless), own, "the default is for clients that name no host");
    for name in ["x.c.localhost", "localhost", "example.com"] {
        let text = shown(name);
        assert!(text.contains("unrecognized name") || text.contains("alert number 112"), "{text}");
    }
}

#[test]
fn the_oldest_version_is_a_matter_of_the_name() {
    let strict = HostTls { min: MinVersion::Tls13, clients: None };
    let edge = Edge::open(&HostTls::default(), &[("b.localhost", strict)]);
    let speak = |name: &str, version: &str| {
        s_client(edge.address(), &["-servername", name, version]).contains("ok 0")
    };
    assert!(speak("a.localhost", "-tls1_2"));
    assert!(speak("a.localhost", "-tls1_3"));
    assert!(!speak("b.localhost", "-tls1_2"));
    assert!(speak("b.localhost", "-tls1_3"));
    assert!(!speak("a.localhost", "-tls1_1"));
    let default = HostTls { min: MinVersion::Tls13, clients: None };
    edge.hosts.replace(&default, &BTreeMap::new()).unwrap();
    assert!(!speak("a.localhost", "-tls1_2"), "replaced while running");
}

#[test]
fn a_client_that_offers_the_hybrid_key_exchange_gets_it() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let mut stream = connect(&client(&edge.ca, None), "a.localhost", edge.address());
    assert_eq!(get(&mut stream).unwrap(), "ok 0");
    let group = stream.conn.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
    let classic = s_client(edge.address(), &["-servername", "a.localhost", "-groups", "X25519"]);
    assert!(classic.contains("X25519") && classic.contains("ok 0"), "{classic}");
}

#[test]
fn a_ticket_is_good_over_one_turn_of_the_keys_and_not_over_two() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let folder = tempfile::tempdir().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let file = folder.path().join(version);
        let file = file.to_str().unwrap();
        let name = ["-servername", "a.localhost", version];
        let resumes = || {
            let arguments = [&name[..], &["-sess_in", file]].concat();
            s_client(edge.address(), &arguments).contains("Reused, TLSv1")
        };
        let first = s_client(edge.address(), &[&name[..], &["-sess_out", file]].concat());
        assert!(first.contains("New, TLSv1") && first.contains("ok 0"), "{first}");
        assert!(resumes(), "{version}");
        edge.tickets.turn().unwrap();
        assert!(resumes(), "{version} after one turn");
        edge.tickets.turn().unwrap();
        assert!(!resumes(), "{version} after two turns");
        // A ticket of one name is nothing at another.
        let again = s_client(edge.address(), &[&name[..], &["-sess_out", file]].concat());
        assert!(again.contains("New, TLSv1"), "{again}");
        let other = ["-servername", "b.localhost", version, "-sess_in", file];
        assert!(s_client(edge.address(), &other).contains("New, TLSv1"), "{version}");
    }
}

#[test]
fn a_client_without_tickets_resumes_by_the_number_of_its_session() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session");
    let file = file.to_str().unwrap();
    let name = ["-servername", "a.localhost", "-tls1_2", "-no_ticket"];
    s_client(edge.address(), &[&name[..], &["-sess_out", file]].concat());
    let text = s_client(edge.address(), &[&name[..], &["-sess_in", file]].concat());
    assert!(text.contains("Reused, TLSv1.2"), "{text}");
}

#[test]
fn certificates_are_swapped_under_load_without_a_lost_handshake() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let pairs: Vec<_> = (0..4).map(|_| edge.ca.issue(&["a.localhost"], &[]).load()).collect();
    let is_over = AtomicBool::new(false);
    // A new configuration each time: nothing is resumed.
    let shake = || {
        let mut stream = connect(&client(&edge.ca, None), "a.localhost", edge.address());
        assert_eq!(get(&mut stream).unwrap(), "ok 0");
    };
    let run = || {
        let mut count = 0;
        while !is_over.load(Ordering::Relaxed) {
            shake();
            count += 1;
        }
        count
    };
    let counted: Vec<usize> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        for round in 0..30 {
            let pair = &pairs[round % pairs.len()];
            edge.certificates.replace(std::slice::from_ref(pair), Some(pair));
            if round % 10 == 9 {
                edge.hosts.replace(&HostTls::default(), &BTreeMap::new()).unwrap();
            }
            pause(50);
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(counted.iter().all(|count| *count > 0), "{counted:?}");
}

#[test]
fn the_acme_protocol_is_spoken_only_for_a_name_with_an_open_challenge() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let ask = |name: &str| {
        s_client(edge.address(), &["-servername", name, "-alpn", "acme-tls/1", "-showcerts"])
    };
    assert!(ask("a.localhost").contains("alert number 112"));
    let pair = Ca::new().issue(&["a.localhost"], &[]);
    edge.challenges.put_tls("a.localhost", &pair.load());
    let text = ask("a.localhost");
    assert!(text.contains("ALPN protocol: acme-tls/1"), "{text}");
    let shown = pair.chain.lines().nth(5).unwrap();
    assert!(text.contains(shown), "the challenge's certificate is shown: {text}");
    assert!(!text.contains("ok 0"), "and no request is answered: {text}");
    assert!(ask("b.localhost").contains("alert number 112"));
    // Everybody else sees the real one.
    let usual = s_client(edge.address(), &["-servername", "a.localhost", "-showcerts"]);
    assert!(usual.contains("ok 0") && !usual.contains(shown));
    edge.challenges.clear();
    assert!(ask("a.localhost").contains("alert number 112"));
}
