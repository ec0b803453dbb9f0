//! Client certificates at the public door, and their revocation.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::{AlternativeName, Voucher};
use ringwall_net::{Clients, ClientsError, HostTls};

use crate::edge::{Edge, client, connect, get, s_client, table};
use crate::house::pause;
use crate::tls::{Ca, Pair};

fn asked(ca: &Ca, crl: Option<&str>, is_required: bool) -> HostTls {
    let clients = Clients::new(ca.pem.as_bytes(), crl.map(str::as_bytes), is_required).unwrap();
    HostTls { clients: Some(clients), ..HostTls::default() }
}

/// Whether a client with this certificate gets an answer at `a.localhost`.
fn is_served(edge: &Edge, pair: Option<&Pair>) -> bool {
    get(&mut connect(&client(&edge.ca, pair), "a.localhost", edge.address())).is_ok()
}

#[test]
fn a_required_certificate_is_required_and_an_optional_one_is_checked_too() {
    let people = Ca::new();
    let (good, foreign) = (people.issue(&["kiosk"], &[]), Ca::new().issue(&["kiosk"], &[]));
    for is_required in [true, false] {
        let edge = Edge::open(&asked(&people, None, is_required), &[]);
        assert!(is_served(&edge, Some(&good)));
        assert!(!is_served(&edge, Some(&foreign)), "required: {is_required}");
        assert_eq!(is_served(&edge, None), !is_required);
        let peers = edge.house.recorder.peers.lock().unwrap();
        let facts = peers[0].tls.clone().unwrap();
        let shown = facts.client.unwrap();
        assert_eq!(shown.names, [AlternativeName::Dns("kiosk".to_owned())]);
        assert_eq!(shown.voucher, Voucher::Authority);
        assert_eq!(facts.identity, None, "a client is no service");
    }
}

#[test]
fn a_revoked_certificate_is_refused_and_its_open_connections_are_closed() {
    let people = Ca::new();
    let (kept, lost) = (people.issue(&["kept"], &[]), people.issue(&["lost"], &[]));
    let clients =
        Clients::new(people.pem.as_bytes(), Some(people.crl(&[], 1).as_bytes()), true).unwrap();
    let tls = HostTls { clients: Some(Arc::clone(&clients)), ..HostTls::default() };
    let edge = Edge::open(&tls, &[]);
    let mut open_kept = connect(&client(&edge.ca, Some(&kept)), "a.localhost", edge.address());
    let mut open_lost = connect(&client(&edge.ca, Some(&lost)), "a.localhost", edge.address());
    get(&mut open_kept).unwrap();
    get(&mut open_lost).unwrap();
    let crl = people.crl(&[&lost], 1);
    assert_eq!(clients.replace(people.pem.as_bytes(), Some(crl.as_bytes())).unwrap(), 1);
    // Closed by the server, without a request that would find it out.
    let ended = open_lost.read(&mut [0_u8; 1]);
    assert!(ended.is_err() || ended.is_ok_and(|count| count == 0));
    get(&mut open_kept).unwrap();
    assert!(!is_served(&edge, Some(&lost)));
    assert!(is_served(&edge, Some(&kept)));
}

#[test]
fn a_list_that_is_over_or_of_another_issuer_refuses_everybody() {
    let people = Ca::new();
    let good = people.issue(&["kiosk"], &[]);
    let edge = Edge::open(&asked(&people, Some(&people.crl(&[], -1)), true), &[]);
    assert!(!is_served(&edge, Some(&good)), "an expired list");
    let edge = Edge::open(&asked(&people, Some(&Ca::new().crl(&[], 1)), true), &[]);
    assert!(!is_served(&edge, Some(&good)), "a list of another issuer");
    // Optional certificates are no way around it.
    let edge = Edge::open(&asked(&people, Some(&people.crl(&[], -1)), false), &[]);
    assert!(!is_served(&edge, Some(&good)));
    assert!(is_served(&edge, None));
}

#[test]
fn a_list_that_cannot_be_read_changes_nothing() {
    let people = Ca::new();
    let clients = Clients::new(people.pem.as_bytes(), None, true).unwrap();
    let replace = |ca: &str, crl: &str| clients.replace(ca.as_bytes(), Some(crl.as_bytes()));
    assert!(matches!(replace(&people.pem, "nothing"), Err(ClientsError::Empty)));
    assert!(matches!(replace("nothing", &people.crl(&[], 1)), Err(ClientsError::Empty)));
    let edge = Edge::open(&HostTls { clients: Some(clients), ..HostTls::default() }, &[]);
    assert!(is_served(&edge, Some(&people.issue(&["kiosk"], &[]))));
}

#[test]
fn a_list_that_expires_closes_what_is_open() {
    let people = Ca::new();
    let kiosk = people.issue(&["kiosk"], &[]);
    let crl = people.crl_until(&[], time::OffsetDateTime::now_utc() + Duration::from_secs(3));
    let clients = Clients::new(people.pem.as_bytes(), Some(crl.as_bytes()), true).unwrap();
    let tls = HostTls { clients: Some(Arc::clone(&clients)), ..HostTls::default() };
    let edge = Edge::open(&tls, &[]);
    let mut open = connect(&client(&edge.ca, Some(&kiosk)), "a.localhost", edge.address());
    get(&mut open).unwrap();
    let mut tries = 0;
    while clients.recheck() == 0 {
        tries += 1;
        assert!(tries < 100, "still believed");
        pause(100);
    }
    assert!(get(&mut open).is_err());
}

#[test]
fn a_connection_covers_the_hosts_with_its_own_rules_and_no_other() {
    let people = Ca::new();
    let strict = asked(&people, None, true);
    let names = [("b.localhost", strict.clone()), ("c.localhost", strict)];
    let edge = Edge::open(&HostTls::default(), &names);
    let kiosk = people.issue(&["kiosk"], &[]);
    let mut stream = connect(&client(&edge.ca, Some(&kiosk)), "b.localhost", edge.address());
    get(&mut stream).unwrap();
    let mut other = connect(&client(&edge.ca, None), "a.localhost", edge.address());
    get(&mut other).unwrap();
    let covered = edge.house.recorder.covered.lock().unwrap().clone();
    let [strict, open] = &covered[..] else { panic!("two requests: {covered:?}") };
    assert_eq!(strict[..], [false, true, true], "a, b, c");
    assert_eq!(open[..], [true, false, false]);
    // The rules of today count: what was open before a rule came is told to connect again.
    let stricter = asked(&people, None, true);
    edge.hosts.replace(&stricter, &table(&[])).unwrap();
    get(&mut other).unwrap();
    assert_eq!(edge.house.recorder.covered.lock().unwrap()[2][..], [false, false, false]);
}

#[test]
fn a_door_that_asks_for_certificates_resumes_nothing() {
    let people = Ca::new();
    let kiosk = people.issue(&["kiosk"], &[]);
    let edge = Edge::open(&asked(&people, None, true), &[]);
    let folder = tempfile::tempdir().unwrap();
    let (file, session) = (folder.path().join("client.pem"), folder.path().join("session"));
    std::fs::write(&file, format!("{}{}", kiosk.chain, kiosk.key)).unwrap();
    let (file, session) = (file.to_str().unwrap(), session.to_str().unwrap());
    for version in ["-tls1_2", "-tls1_3"] {
        let usual = ["-servername", "a.localhost", version, "-cert", file, "-key", file];
        let first = s_client(edge.address(), &[&usual[..], &["-sess_out", session]].concat());
        assert!(first.contains("ok 0"), "{first}");
        if !std::path::Path::new(session).exists() {
            continue;
        }
        let again = s_client(edge.address(), &[&usual[..], &["-sess_in", session]].concat());
        assert!(again.contains("ok 0") && !again.contains("Reused"), "{again}");
    }
}
