//! Renewal information (RFC 9773) and rate limits, with a small server of our own: Caddy has
//! neither.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ringwall_acme::{Acme, Challenge, Custody as _, Keeper, Seams, Settings};
use ringwall_base::{Clock as _, ManualClock, RequestId, Secret, SystemEntropy, Timestamp};
use ringwall_net::{
    Answer, Answering, Body, Certificate, Certificates, Challenges, Door, Fetch, Listen, Opening,
    Peer, Server, ServerTls, Violation,
};

use crate::lab::Drawer;

/// Suggests a window; refuses every order for an hour.
#[derive(Debug, Default)]
struct Stub {
    base: Mutex<String>,
    window: Mutex<(u64, u64)>,
    asked: Mutex<Vec<String>>,
}

impl Answer for Stub {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        let path = request.uri().path().to_owned();
        self.asked.lock().unwrap().push(path.clone());
        let base = self.base.lock().unwrap().clone();
        let answer = Response::builder().header("replay-nonce", "abc");
        let response = if path == "/directory" {
            let urls = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"]
                .map(|name| format!("\"{name}\":\"{base}/{name}\""));
            let text = format!("{{{},\"renewalInfo\":\"{base}/ari\"}}", urls.join(","));
            answer.body(Body::full(text))
        } else if path.starts_with("/ari/") {
            let (begin, end) = *self.window.lock().unwrap();
            let [begin, end] = [begin, end].map(|secs| {
                let [year, month, date, hour, minute, second] = Timestamp::from_secs(secs).civil();
                format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
            });
            let text =
                format!("{{\"suggestedWindow\":{{\"start\":\"{begin}\",\"end\":\"{end}\"}}}}");
            answer.header("retry-after", "21600").body(Body::full(text))
        } else if path == "/newNonce" {
            answer.body(Body::Empty)
        } else {
            let text = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}";
            let answer = answer.status(StatusCode::TOO_MANY_REQUESTS);
            answer.header("retry-after", "3600").body(Body::full(text))
        };
        Box::pin(async move { response.unwrap() })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(7)
    }
}

/// A keeper of a certificate that is good for 90 days from second 1,000,000,000 on.
fn keeper(stub: &Arc<Stub>, clock: &Arc<ManualClock>) -> (Keeper, Server) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap().pem();
    let ca = Issuer::new(params, key);
    let issue = |name: &str, begin: i64, end: i64| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.use_authority_key_identifier_extension = true;
        params.not_before = time::OffsetDateTime::from_unix_timestamp(begin).unwrap();
        params.not_after = time::OffsetDateTime::from_unix_timestamp(end).unwrap();
        let pem = params.signed_by(&key, &ca).unwrap().pem();
        (pem, key.serialize_pem())
    };
    let certificates = Arc::new(Certificates::default());
    let (chain, own) = issue("localhost", 1_000_000_000, 4_000_000_000);
    let own = Certificate::from_pem(chain.as_bytes(), own.as_bytes()).unwrap();
    certificates.replace(&[own], None);
    let server = Server::start(ringwall_net::Settings::default()).unwrap();
    let address = server.open(Opening {
        door: Door::Edge,
        listen: Listen::Address("127.0.0.1:0".parse().unwrap()),
        tls: Some(ServerTls::edge(certificates).unwrap()),
        answer: Arc::<Stub>::clone(stub),
    });
    let base = format!("https://localhost:{}", address.unwrap().port());
    stub.base.lock().unwrap().clone_from(&base);

    let drawer = Arc::new(Drawer::default());
    let (chain, own) = issue("a.test", 1_000_000_000, 1_000_000_000 + 90 * 86_400);
    let put = |name: &str, text: String| {
        drawer.put(name, &Secret::new(text.into_bytes())).unwrap();
    };
    put("certificate", format!("{own}{chain}"));
    let account = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    );
    let account = base64url(account.unwrap().as_ref());
    let directory = format!("{base}/directory");
    let credentials = format!(
        "{{\"id\":\"{base}/account/1\",\"key_pkcs8\":\"{account}\",\"directory\":\"{directory}\"}}"
    );
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, directory.as_bytes());
    let head = u64::from_be_bytes(hash.as_ref()[..8].try_into().unwrap());
    let short = format!("{head:016x}");
    put(&format!("account-{short}"), credentials);
    let settings = Settings {
        directory,
        contact: None,
        names: vec!["a.test".to_owned()],
        challenge: Challenge::Http01,
    };
    let seams = Seams {
        fetch: Fetch::secure(root.as_bytes()).unwrap(),
        challenges: Arc::new(Challenges::default()),
        custody: drawer,
        clock: Arc::<ManualClock>::clone(clock),
        entropy: Arc::new(SystemEntropy::open().unwrap()),
    };
    (Keeper::new(Acme::new(settings, seams)).unwrap(), server)
}

/// Base64 with the alphabet for URLs and without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let chunks = bytes.chunks(3).map(|chunk| {
        let number = chunk.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let number = number << (8 * (3 - chunk.len()));
        (0..=chunk.len())
            .map(|index| char::from(ALPHABET[number >> (18 - 6 * index) & 63]))
            .collect::<String>()
    });
    chunks.collect()
}

fn day(number: u64) -> Timestamp {
    Timestamp::from_secs(1_000_000_000).plus(Duration::from_hours(24 * number))
}

#[tokio::test]
async fn the_window_that_the_server_suggests_is_followed() {
    let stub = Arc::new(Stub::default());
    let clock = Arc::new(ManualClock::at(day(1)));
    *stub.window.lock().unwrap() = (day(20).secs(), day(21).secs());
    let (mut keeper, _server) = keeper(&stub, &clock);
    assert!(keeper.tend().await.unwrap().is_none());
    assert!(stub.asked.lock().unwrap().iter().any(|path| path.starts_with("/ari/")));
    clock.advance(Duration::from_hours(24 * 18));
    assert!(keeper.tend().await.unwrap().is_none(), "day 19");
    clock.advance(Duration::from_hours(24 * 2));
    let error = keeper.tend().await.unwrap_err();
    assert!(error.to_string().contains("rateLimited"), "day 21 orders: {error}");
    // An hour, because the server says so; a minute would be ours.
    let asked = stub.asked.lock().unwrap().len();
    clock.advance(Duration::from_mins(59));
    assert!(keeper.tend().await.unwrap().is_none());
    assert_eq!(stub.asked.lock().unwrap().len(), asked, "the server is left alone");
    clock.advance(Duration::from_mins(2));
    keeper.tend().await.unwrap_err();
    assert_eq!(keeper.kept().unwrap().expires(), day(90), "the last good one is kept");
}

#[tokio::test]
async fn a_window_after_the_end_of_the_certificate_is_not_waited_for() {
    let stub = Arc::new(Stub::default());
    let clock = Arc::new(ManualClock::at(day(1)));
    *stub.window.lock().unwrap() = (day(200).secs(), day(201).secs());
    let (mut keeper, _server) = keeper(&stub, &clock);
    assert!(keeper.tend().await.unwrap().is_none());
    clock.advance(Duration::from_hours(24 * 64));
    keeper.tend().await.unwrap_err();
    assert!(clock.now() < day(90));
}
