//! An identity service on a temporary store, with a clock that stands still.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, Clock as _, ManualClock, Secret, Signer as _, Sink, Timestamp};
use ringwall_identity::{
    Access, Grant, Identity, KeyBytes, KeyVault, KeyVaultError, MIGRATIONS, NewClient, Seams,
    Settings,
};
use ringwall_jose::{PrivateKey, base64url_encode};
use ringwall_store::Store;
use ringwall_testkit::{MemorySink, Sequence};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const ISSUER: &str = "https://shop.example";
pub(crate) const CALLBACK: &str = "https://web.example/callback";
pub(crate) const PASSWORD: &str = "correct horse";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Fixture {
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) secret: String,
    vault: Arc<MemoryVault>,
    store: Arc<Store>,
    folder: TempDir,
}

#[derive(Debug, Default)]
pub(crate) struct MemoryVault(Mutex<Sealed>);

type Sealed = BTreeMap<(String, String), Vec<u8>>;

impl KeyVault for MemoryVault {
    fn put(&self, purpose: &str, id: &str, bytes: &KeyBytes) -> Result<(), KeyVaultError> {
        let key = (purpose.to_owned(), id.to_owned());
        self.0.lock().unwrap().insert(key, bytes.expose().clone());
        Ok(())
    }

    fn get(&self, purpose: &str, id: &str) -> Result<Option<KeyBytes>, KeyVaultError> {
        let key = (purpose.to_owned(), id.to_owned());
        Ok(self.0.lock().unwrap().get(&key).cloned().map(Secret::new))
    }

    fn list(&self, purpose: &str) -> Result<Vec<String>, KeyVaultError> {
        let keys = self.0.lock().unwrap();
        Ok(keys.keys().filter(|key| key.0 == purpose).map(|key| key.1.clone()).collect())
    }

    fn remove(&self, purpose: &str, id: &str) -> Result<(), KeyVaultError> {
        self.0.lock().unwrap().remove(&(purpose.to_owned(), id.to_owned()));
        Ok(())
    }
}

impl Fixture {
    /// One person (`ada`), one program (`robot`), two applications (`web`, public `native`).
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let folder = TempDir::new().unwrap();
        let (sink, vault) = (Arc::new(MemorySink::default()), Arc::new(MemoryVault::default()));
        let (identity, store) = open(&folder, &clock, &as_sink(&sink), &vault);
        identity
            .users()
            .add("ada", &["customer".to_owned()], &Secret::new(PASSWORD.to_owned()))
            .unwrap();
        let robot = NewClient {
            id: "robot".to_owned(),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            roles: vec!["support".to_owned()],
            ..NewClient::default()
        };
        let secret = identity.clients().add(robot).unwrap().unwrap().expose().clone();
        for (id, uri) in [("native", "http://127.0.0.1/done"), ("web", CALLBACK)] {
            let client = NewClient {
                id: id.to_owned(),
                access: Access::Public,
                grants: vec![Grant::AuthorizationCode],
                redirect_uris: vec![uri.to_owned()],
                ..NewClient::default()
            };
            assert!(identity.clients().add(client).unwrap().is_none());
        }
        sink.take();
        Self { identity, clock, sink, secret, vault, store, folder }
    }

    /// The process ends, and starts again on the same disk.
    pub(crate) fn restart(self) -> Self {
        let Self { identity, clock, sink, secret, vault, store, folder } = self;
        drop((identity, store));
        let (identity, store) = open(&folder, &clock, &as_sink(&sink), &vault);
        Self { identity, clock, sink, secret, vault, store, folder }
    }

    /// The same, with rows that somebody else wrote.
    pub(crate) fn with_rows(self, statements: &'static [&'static str]) -> Self {
        let Self { identity, clock, sink, secret, vault, store, folder } = self;
        drop((identity, store));
        let path = folder.path().join("store.db");
        let store = Store::open(&path, Arc::clone(&clock) as _, MIGRATIONS).unwrap();
        let written: Result<(), ringwall_store::StoreError> = store.write(|transaction| {
            statements.iter().try_for_each(|sql| transaction.execute(sql, &[]).map(drop))
        });
        written.unwrap();
        drop(store);
        let (identity, store) = open(&folder, &clock, &as_sink(&sink), &vault);
        Self { identity, clock, sink, secret, vault, store, folder }
    }

    /// Another one on the same store, with a memory of its own.
    pub(crate) fn another(&self) -> Identity {
        open_on(&self.store, &self.clock, &as_sink(&self.sink), &self.vault)
    }

    /// The same, with another audit log.
    pub(crate) fn with_sink(self, other: &Arc<dyn Sink>) -> Self {
        let Self { identity, clock, sink, secret, vault, store, folder } = self;
        drop((identity, store));
        let (identity, store) = open(&folder, &clock, other, &vault);
        Self { identity, clock, sink, secret, vault, store, folder }
    }

    /// All that is on the disk.
    pub(crate) fn disk(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default());
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.send_from("192.0.2.1", request).await
    }

    pub(crate) async fn send_from(&self, peer: &str, request: Request<Bytes>) -> Response<Bytes> {
        self.identity.answer(peer.parse::<IpAddr>().unwrap(), request).await
    }

    pub(crate) async fn get(&self, path: &str, cookies: &str) -> Response<Bytes> {
        let request = Request::get(path).header("cookie", cookies).body(Bytes::new()).unwrap();
        self.send(request).await
    }

    /// A form, as a client sends it.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Response<Bytes> {
        self.send(form_request(path, form, &[])).await
    }

    /// A form, as a browser sends it back from a page that it got before.
    pub(crate) async fn submit(&self, page: &Page, path: &str, form: &str) -> Response<Bytes> {
        let form = format!("form_token={}&{form}", page.token);
        let headers = [("cookie", page.cookies.as_str()), ("origin", ISSUER)];
        self.send(form_request(path, &form, &headers)).await
    }

    pub(crate) async fn page(&self, path: &str, cookies: &str) -> Page {
        Page::of(&self.get(path, cookies).await, cookies)
    }

    /// Signs in; gives the session's cookie, as a header value.
    pub(crate) async fn sign_in(&self) -> String {
        self.sign_in_with("", "ada").await
    }

    /// The same, in a browser that has these cookies.
    pub(crate) async fn sign_in_with(&self, cookies: &str, name: &str) -> String {
        // Sent here by an application: who is signed in already sees the form, too.
        let page = self.page("/login?return_to=%2Foauth%2Fauthorize%3Fa", cookies).await;
        let form = format!("username={name}&password={}", PASSWORD.replace(' ', "+"));
        let reply = self.submit(&page, "/login", &form).await;
        assert_eq!(reply.status(), 303, "{}", text(&reply));
        set_cookie(&reply, "__Host-ringwall").expect("a session")
    }

    /// A code for `web`.
    pub(crate) async fn code(&self, cookies: &str) -> String {
        let reply = self.get(&authorize_path(&[]), cookies).await;
        parameter(&location(&reply), "code").unwrap_or_else(|| panic!("{}", location(&reply)))
    }

    /// The statuses of thirty-two token requests at once.
    pub(crate) async fn thirty_two(&self, form: &str) -> Vec<u16> {
        let tries = (0..32).map(|_| {
            let (identity, form) = (self.identity.clone(), form.to_owned());
            tokio::spawn(async move {
                let request = form_request("/oauth/token", &form, &[]);
                identity.answer("192.0.2.1".parse().unwrap(), request).await.status().as_u16()
            })
        });
        let mut statuses = Vec::new();
        for one in tries.collect::<Vec<_>>() {
            statuses.push(one.await.unwrap());
        }
        statuses.sort_unstable();
        statuses
    }

    pub(crate) async fn redeem(&self, code: &str) -> Response<Bytes> {
        self.post("/oauth/token", &code_form(code, &[])).await
    }
}

/// What a browser keeps of a page with a form.
pub(crate) struct Page {
    pub(crate) token: String,
    pub(crate) cookies: String,
}

impl Page {
    pub(crate) fn of(reply: &Response<Bytes>, cookies: &str) -> Self {
        let html = text(reply);
        let (_, rest) = html.split_once("name=\"form_token\" value=\"").expect("a form");
        let token = rest.split('"').next().unwrap().to_owned();
        let form = set_cookie(reply, "__Host-ringwall-form").expect("a form cookie");
        Self { token, cookies: format!("{form}; {cookies}") }
    }
}

fn as_sink(sink: &Arc<MemorySink>) -> Arc<dyn Sink> {
    Arc::<MemorySink>::clone(sink)
}

fn open(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    sink: &Arc<dyn Sink>,
    vault: &Arc<MemoryVault>,
) -> (Identity, Arc<Store>) {
    let store = Store::open(&folder.path().join("store.db"), Arc::clone(clock) as _, MIGRATIONS);
    let store = Arc::new(store.unwrap());
    (open_on(&store, clock, sink, vault), store)
}

fn open_on(
    store: &Arc<Store>,
    clock: &Arc<ManualClock>,
    sink: &Arc<dyn Sink>,
    vault: &Arc<MemoryVault>,
) -> Identity {
    let seams = Seams {
        store: Arc::clone(store),
        vault: Arc::clone(vault) as _,
        clock: Arc::clone(clock) as _,
        entropy: Arc::new(Sequence::from_seed(clock.now().micros())),
        sink: Arc::clone(sink) as _,
    };
    let settings = Settings { issuer: ISSUER.to_owned(), hashes_max: 64, ..Settings::default() };
    Identity::open(settings, seams).unwrap()
}

pub(crate) fn form_request(path: &str, form: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    request
}

/// Parameters with some exchanged: an empty value removes one.
fn merged(base: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|change| change.0 == *name));
    let pairs = kept.chain(changes.iter().filter(|(_, value)| !value.is_empty()));
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

pub(crate) fn authorize_path(changes: &[(&str, &str)]) -> String {
    let base = [
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", "https%3A%2F%2Fweb.example%2Fcallback"),
        ("scope", "openid"),
        ("state", "s-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/oauth/authorize?{}", merged(&base, changes))
}

pub(crate) fn code_form(code: &str, changes: &[(&str, &str)]) -> String {
    let base = [
        ("grant_type", "authorization_code"),
        ("client_id", "web"),
        ("code", code),
        ("redirect_uri", "https%3A%2F%2Fweb.example%2Fcallback"),
        ("code_verifier", VERIFIER),
    ];
    merged(&base, changes)
}

pub(crate) fn text(reply: &Response<Bytes>) -> String {
    String::from_utf8(reply.body().to_vec()).unwrap()
}

pub(crate) fn json(reply: &Response<Bytes>) -> Value {
    serde_json::from_slice(reply.body()).unwrap_or_else(|_| panic!("{}", text(reply)))
}

pub(crate) fn location(reply: &Response<Bytes>) -> String {
    reply.headers().get("location").map_or(String::new(), |l| l.to_str().unwrap().to_owned())
}

pub(crate) fn parameter(uri: &str, name: &str) -> Option<String> {
    let (_, query) = uri.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(str::to_owned)
}

/// `name=value` of a cookie that the reply sets.
pub(crate) fn set_cookie(reply: &Response<Bytes>, name: &str) -> Option<String> {
    let values = reply.headers().get_all("set-cookie").iter();
    values
        .filter_map(|value| value.to_str().unwrap().split(';').next())
        .find(|pair| pair.starts_with(&format!("{name}=")))
        .map(str::to_owned)
}

/// Every byte escaped.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// Without escapes.
pub(crate) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// The value of a hidden field.
pub(crate) fn hidden(reply: &Response<Bytes>, name: &str) -> Option<String> {
    let html = text(reply);
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// The claims of a token, unverified.
pub(crate) fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&ringwall_jose::base64url_decode(part).unwrap()).unwrap()
}

/// A client's own key (RFC 9449), and the nonce that it was told.
pub(crate) struct Prover {
    pub(crate) key: PrivateKey,
    pub(crate) nonce: Mutex<String>,
    serial: AtomicU32,
}

impl Prover {
    pub(crate) fn new() -> Self {
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        Self { key, nonce: Mutex::default(), serial: AtomicU32::new(0) }
    }

    pub(crate) fn jkt(&self) -> &str {
        self.key.key_id()
    }

    /// A proof with some claims replaced; `null` takes one away.
    pub(crate) fn proof(&self, f: &Fixture, line: &str, change: &Value) -> String {
        let (method, path) = line.split_once(' ').unwrap();
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let mut claims = json!({"jti": format!("p-{serial}"), "htm": method,
            "htu": format!("{ISSUER}{path}"), "iat": f.now().secs()});
        let nonce = self.nonce.lock().unwrap();
        if !nonce.is_empty() {
            claims["nonce"] = nonce.as_str().into();
        }
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.public().to_json()});
        let [header, claims] = [header, claims].map(|part| base64url_encode(part.to_string()));
        let text = format!("{header}.{claims}");
        let signature = base64url_encode(self.key.sign(text.as_bytes()).unwrap());
        format!("{text}.{signature}")
    }

    /// Posts a form with a new proof, and learns the nonce.
    pub(crate) async fn post(&self, f: &Fixture, path: &str, form: &str) -> Response<Bytes> {
        self.post_with(f, path, form, &json!({})).await
    }

    pub(crate) async fn post_with(
        &self,
        f: &Fixture,
        path: &str,
        form: &str,
        change: &Value,
    ) -> Response<Bytes> {
        let proof = self.proof(f, &format!("POST {path}"), change);
        let reply = f.send(form_request(path, form, &[("dpop", &proof)])).await;
        if let Some(nonce) = reply.headers().get("dpop-nonce") {
            nonce.to_str().unwrap().clone_into(&mut self.nonce.lock().unwrap());
        }
        reply
    }

    /// The same for a client that does not know the nonce yet.
    pub(crate) async fn learn(&self, f: &Fixture) {
        let form = "grant_type=client_credentials&client_id=robot";
        let form = format!("{form}&client_secret={}", f.secret);
        assert_eq!(json(&self.post(f, "/oauth/token", &form).await)["error"], "use_dpop_nonce");
    }
}
