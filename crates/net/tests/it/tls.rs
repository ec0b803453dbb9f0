//! TLS with clients that others wrote: curl and openssl.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use ringwall_net::{
    Certificate, Certificates, ClientTls, Curb, Identity, ServerTls, Settings, SpiffeId, Trust,
};
use tempfile::TempDir;

use crate::house::{House, pause};

/// A certificate authority of one test.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) serial: u64,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "root of a test");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn issue(&self, dns: &[&str], uris: &[&str]) -> Pair {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        for uri in uris {
            params.subject_alt_names.push(SanType::URI((*uri).try_into().unwrap()));
        }
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let serial: u64 = u64::from_be_bytes(key.public_key_raw()[1..9].try_into().unwrap()) >> 1;
        params.serial_number = Some(serial.into());
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { chain, key: key.serialize_pem(), serial }
    }

    /// A revocation list that is good for so many days.
    pub(crate) fn crl(&self, revoked: &[&Pair], days: i64) -> String {
        self.crl_until(revoked, time::OffsetDateTime::now_utc() + time::Duration::days(days))
    }

    pub(crate) fn crl_until(&self, revoked: &[&Pair], end: time::OffsetDateTime) -> String {
        let begin = time::OffsetDateTime::now_utc() - time::Duration::days(9);
        let revoked = revoked.iter().map(|pair| RevokedCertParams {
            serial_number: pair.serial.into(),
            revocation_time: begin,
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: begin,
            next_update: end,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Pair {
    pub(crate) fn load(&self) -> Certificate {
        Certificate::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }
}

pub(crate) fn mutual(ca: &Ca, id: &str) -> (ServerTls, Arc<Identity>) {
    let identity = Identity::new(&ca.issue(&[], &[id]).load());
    let trust = Trust::new("shop", ca.pem.as_bytes()).unwrap();
    (ServerTls::mutual(Arc::clone(&identity), trust).unwrap(), identity)
}

pub(crate) fn client(ca: &Ca, own: &str, expected: &str) -> ClientTls {
    let identity = Identity::new(&ca.issue(&[], &[own]).load());
    let trust = Trust::new("shop", ca.pem.as_bytes()).unwrap();
    ClientTls::mutual(identity, trust, SpiffeId::parse(expected).unwrap()).unwrap()
}

fn curl(house: &House, folder: &TempDir, host: &str, arguments: &[&str]) -> (String, bool) {
    let port = house.address.port();
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "5", "--noproxy", "*", "--cacert"])
        .arg(folder.path().join("ca.pem"))
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1"), "-w", " %{http_version}"])
        .args(arguments)
        .arg(format!("https://{host}:{port}/a"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.success())
}

#[test]
fn curl_speaks_both_versions_and_gets_the_certificate_of_the_name() {
    let ca = Ca::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &ca.pem).unwrap();
    let certificates = Arc::new(Certificates::default());
    let pair = ca.issue(&["shop.localhost", "*.shop.localhost"], &[]).load();
    certificates.replace(&[pair], None);
    let tls = ServerTls::edge(Arc::clone(&certificates)).unwrap();
    let house = House::open(&Settings::default(), Some(tls));
    let get = |host: &str, arguments: &[&str]| curl(&house, &folder, host, arguments);
    assert_eq!(get("shop.localhost", &["--http1.1"]), ("ok 0 1.1".to_owned(), true));
    assert_eq!(get("shop.localhost", &["--http2"]), ("ok 0 2".to_owned(), true));
    assert_eq!(get("a.shop.localhost", &["--http2", "-d", "abc"]), ("ok 3 2".to_owned(), true));
    let old = get("shop.localhost", &["--tls-max", "1.2", "--http1.1"]);
    assert_eq!(old, ("ok 0 1.1".to_owned(), true));
    // One label only, and no default for a wrong name.
    assert!(!get("a.b.shop.localhost", &["-k"]).1);
    assert!(!get("other.localhost", &["-k"]).1);
    let dots = ["--http2", "--path-as-is", "--request-target", "/a/%2e./b"];
    let (text, _) = get("shop.localhost", &dots);
    assert!(text.contains("RW3000") && text.ends_with(" 2"), "{text}");
    let peers = house.recorder.peers.lock().unwrap();
    let facts = peers[1].tls.clone().unwrap();
    assert_eq!((facts.sni.as_deref(), facts.is_h2), (Some("shop.localhost"), true));
    assert_eq!(facts.version, "TLSv1.3");
    drop(peers);
    // Replaced while running.
    certificates.replace(&[ca.issue(&["other.localhost"], &[]).load()], None);
    assert_eq!(get("other.localhost", &["--http2"]), ("ok 0 2".to_owned(), true));
    assert!(!get("shop.localhost", &[]).1);
}

#[test]
fn a_body_that_stands_still_is_cut_on_http2_too() {
    let ca = Ca::new();
    let certificates = Arc::new(Certificates::default());
    certificates.replace(&[ca.issue(&["shop.localhost"], &[]).load()], None);
    let tls = ServerTls::edge(certificates).unwrap();
    let settings = Settings { body_idle_time: Duration::from_millis(200), ..Settings::default() };
    let house = House::open(&settings, Some(tls));
    let port = house.address.port();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, vec![b'a'; 500_000]).unwrap();
    // At this rate curl rests for seconds after its first buffer.
    let mut curl = Command::new("curl")
        .args(["-sSk", "--max-time", "9", "--noproxy", "*", "--http2", "--limit-rate", "1k"])
        .args(["--resolve", &format!("shop.localhost:{port}:127.0.0.1"), "-T"])
        .args([file.to_str().unwrap(), &format!("https://shop.localhost:{port}/")])
        .spawn()
        .unwrap();
    pause(1_500);
    assert_eq!(*house.recorder.broken.lock().unwrap(), 1);
    assert!(house.has_curbed(Curb::SlowBody, 1));
    curl.kill().unwrap();
    curl.wait().unwrap();
}

fn s_client(house: &House, folder: &TempDir, pair: Option<&Pair>) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-ign_eof", "-connect", &house.address.to_string()]);
    command.arg("-CAfile").arg(folder.path().join("ca.pem"));
    if let Some(pair) = pair {
        let file = folder.path().join("client.pem");
        std::fs::write(&file, format!("{}{}", pair.chain, pair.key)).unwrap();
        command.arg("-cert").arg(&file).arg("-key").arg(&file);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let get = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // A refused handshake may close the pipe first.
    child.stdin.take().unwrap().write_all(get).ok();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_inner_door_takes_only_certificates_of_its_own_domain() {
    let ca = Ca::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &ca.pem).unwrap();
    let (tls, _) = mutual(&ca, "spiffe://shop/service/orders");
    let house = House::open(&Settings::default(), Some(tls));
    let good = ca.issue(&[], &["spiffe://shop/service/payments"]);
    assert!(s_client(&house, &folder, Some(&good)).ends_with("ok 0"));
    let peers = house.recorder.peers.lock().unwrap();
    assert_eq!(peers[0].identity(), Some("spiffe://shop/service/payments"));
    drop(peers);
    let refused = [
        None,
        Some(Ca::new().issue(&[], &["spiffe://shop/service/payments"])),
        Some(ca.issue(&[], &["spiffe://other/service/payments"])),
        Some(ca.issue(&["payments"], &[])),
        Some(ca.issue(&[], &["spiffe://shop/a", "spiffe://shop/b"])),
        Some(ca.issue(&[], &["https://shop/a"])),
    ];
    for (index, pair) in refused.iter().enumerate() {
        let answer = s_client(&house, &folder, pair.as_ref());
        assert!(!answer.contains("HTTP/1.1"), "case {index}: {answer:?}");
    }
    assert_eq!(house.recorder.seen(), ["GET /a"]);
}
