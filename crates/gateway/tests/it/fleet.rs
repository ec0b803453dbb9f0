//! A small fleet: users, orders and payments, three people, one door each.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{
    Algorithm, Clock, ManualClock, Operation, Person, Place, Secret, Sessions, SignError, Signer,
    Sink, Timestamp,
};
use ringwall_gateway::{
    Answered, Core, Door, House, Keys, Local, Reach, Seams, Signers, TenureSettings,
};
use ringwall_jose::{AccessClaims, JwkSet, KeySet, PrivateKey, mint};
use ringwall_manifest::{Grant, Model, Role, Scope, Service, Upstream};
use ringwall_net::{
    Answer, DialTcp, Listen, Opening, Pool, PoolSettings, Server, Settings, Target, TargetSettings,
};
use ringwall_openapi::Schemas;
use ringwall_testkit::{MemorySink, Sequence};
use ringwall_waf::Ruleset;
use serde_json::{Value, json};

type AllSchemas = BTreeMap<String, Arc<Schemas>>;

pub(crate) const NOW: u64 = 1_800_000_000;

/// The seams of a fleet, and its core.
pub(crate) struct Fleet {
    pub(crate) core: Arc<Core>,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) access: PrivateKey,
    pub(crate) internal: Arc<PrivateKey>,
    pub(crate) signers: Arc<LastKey>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) people: Arc<People>,
    server: Server,
}

impl Fleet {
    pub(crate) fn new(model: &Model) -> Self {
        Self::with(model, &BTreeMap::new(), Arc::new(ByAddress))
    }

    pub(crate) fn with(
        model: &Model,
        schemas: &BTreeMap<String, Arc<Schemas>>,
        reach: Arc<dyn Reach>,
    ) -> Self {
        Self::lasting(model, schemas, reach, TenureSettings::default())
    }

    /// The same, with other times for tunnels and streams. What admitted them is looked at often.
    pub(crate) fn lasting(
        model: &Model,
        schemas: &BTreeMap<String, Arc<Schemas>>,
        reach: Arc<dyn Reach>,
        tenure: TenureSettings,
    ) -> Self {
        Self::built((model, schemas), None, reach, tenure)
    }

    /// The same, with rules for the firewall.
    pub(crate) fn judged(
        model: &Model,
        schemas: &BTreeMap<String, Arc<Schemas>>,
        rules: &Arc<Ruleset>,
    ) -> Self {
        let tenure = TenureSettings::default();
        Self::built((model, schemas), Some(rules), Arc::new(ByAddress), tenure)
    }

    fn built(
        (model, schemas): (&Model, &AllSchemas),
        rules: Option<&Arc<Ruleset>>,
        reach: Arc<dyn Reach>,
        tenure: TenureSettings,
    ) -> Self {
        let access = PrivateKey::generate(Algorithm::EdDsa).unwrap();
        let internal = Arc::new(PrivateKey::generate(Algorithm::EdDsa).unwrap());
        let sink = Arc::new(MemorySink::default());
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(NOW)));
        let revocations = Arc::new(Revocations::default());
        let keys = TestKeys {
            access: public(&access),
            internal: public(&internal),
            revocations: Arc::clone(&revocations),
        };
        let people = Arc::new(People::default());
        let signers = Arc::new(LastKey(Mutex::new(Arc::clone(&internal))));
        let core = Core::new(Seams {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(Sequence::from_seed(7)),
            sink: Arc::clone(&sink) as Arc<dyn Sink>,
            sessions: Arc::clone(&people) as Arc<dyn Sessions>,
            keys: Arc::new(keys),
            signers: Arc::clone(&signers) as Arc<dyn Signers>,
            local: Some(Arc::new(Pages)),
            reach,
            pool: Pool::new(PoolSettings::default()),
            tenure: TenureSettings { look_every: Duration::from_millis(10), ..tenure },
            is_dev: true,
        })
        .unwrap();
        core.load(model, schemas, rules).unwrap();
        let server = Server::start(Settings { workers: 1, ..Settings::default() }).unwrap();
        Self { core, sink, clock, access, internal, signers, revocations, people, server }
    }

    /// Opens the public door.
    pub(crate) fn edge(&self) -> SocketAddr {
        self.open(self.core.house(Door::Edge), ringwall_net::Door::Edge)
    }

    /// The same for clients of HTTP/2 in the clear, whose frames a test can write by hand.
    pub(crate) fn edge_h2c(&self) -> SocketAddr {
        let listen = Listen::Address("127.0.0.1:0".parse().unwrap());
        let (door, answer) = (ringwall_net::Door::Edge, self.core.house(Door::Edge));
        self.server.open_h2c(Opening { door, listen, tls: None, answer }).unwrap()
    }

    pub(crate) fn open(
        &self,
        answer: Arc<impl Answer + 'static>,
        door: ringwall_net::Door,
    ) -> SocketAddr {
        let listen = Listen::Address("127.0.0.1:0".parse().unwrap());
        self.server.open(Opening { door, listen, tls: None, answer }).unwrap()
    }

    pub(crate) fn house(&self, door: Door) -> Arc<House> {
        self.core.house(door)
    }

    /// An access token, with some claims replaced.
    pub(crate) fn token(&self, typ: &str, changes: &Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": ISSUER, "sub": "u-alice", "client_id": "web", "name": "alice",
            "roles": ["customer"], "iat": NOW, "exp": NOW + 300, "jti": "t-1",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        mint(&self.access, typ, &claims).unwrap()
    }
}

pub(crate) const ISSUER: &str = "https://shop.localhost:8443";

/// A manifest with these services.
pub(crate) fn model(services: Vec<Service>) -> Model {
    let mut model = Model { name: "shop".to_owned(), ..Model::default() };
    model.gateway.host = "shop.localhost".to_owned();
    model.gateway.port = 8443;
    model.gateway.login_path = "/login".to_owned();
    model.gateway.refuses_unknown_parameters = true;
    let admin = Role { includes: vec!["support".to_owned()], ..Role::default() };
    model.roles.insert("customer".to_owned(), Role::default());
    model.roles.insert("support".to_owned(), Role::default());
    model.roles.insert("admin".to_owned(), admin);
    for service in services {
        model.services.insert(service.name.clone(), service);
    }
    model
}

/// A service with operations written `name = METHOD /path`.
pub(crate) fn service(name: &str, upstream: SocketAddr, operations: &[&str]) -> Service {
    let mut service = Service {
        name: name.to_owned(),
        upstreams: vec![Upstream::tcp(upstream.to_string())],
        ..Service::default()
    };
    for text in operations {
        let (name, route) = text.split_once(" = ").unwrap();
        let (method, path) = route.split_once(' ').unwrap();
        let operation = Operation {
            name: name.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            ..Operation::default()
        };
        service.operations.insert(name.to_owned(), operation);
    }
    service
}

/// Grants, written as in the manifest.
pub(crate) fn grants(texts: &[&str]) -> Vec<Grant> {
    let grant = |text: &&str| {
        let (operation, scope) = match text.split_once(':') {
            Some((operation, "own")) => (operation, Scope::Own),
            Some((operation, _)) => (operation, Scope::OnBehalf),
            None => (*text, Scope::All),
        };
        let place = Place { file: "ringwall.toml".to_owned(), line: 37, column: 1 };
        Grant { operation: operation.to_owned(), scope, place }
    };
    texts.iter().map(grant).collect()
}

/// Sends one request and reads until the other side closes.
pub(crate) fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request with these fields to the public name.
pub(crate) fn ask(address: SocketAddr, line: &str, fields: &[&str], body: &str) -> String {
    let fields: String = fields.iter().flat_map(|field| [*field, "\r\n"]).collect();
    let length = match body {
        "" => String::new(),
        body => format!("content-length: {}\r\n", body.len()),
    };
    raw(
        address,
        &format!(
            "{line} HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\
             {fields}{length}\r\n{body}"
        ),
    )
}

pub(crate) fn get(address: SocketAddr, path: &str, fields: &[&str]) -> String {
    ask(address, &format!("GET {path}"), fields, "")
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The code of a problem answer.
pub(crate) fn code(answer: &str) -> String {
    let body = body(answer);
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The value of a field of an answer.
pub(crate) fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split_once("\r\n\r\n").map_or(answer, |(head, _)| head);
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn public(key: &PrivateKey) -> Arc<KeySet> {
    let set = JwkSet::new(vec![key.public().clone()]).unwrap();
    Arc::new(KeySet::from_jwks(&set).unwrap())
}

/// `alice` and `bob` are customers, `sue` is an admin.
#[derive(Debug, Default)]
pub(crate) struct People {
    gone: Mutex<Vec<String>>,
    promoted: Mutex<Vec<String>>,
}

impl People {
    pub(crate) fn sign_out(&self, name: &str) {
        self.gone.lock().unwrap().push(name.to_owned());
    }

    pub(crate) fn promote(&self, name: &str) {
        self.promoted.lock().unwrap().push(name.to_owned());
    }
}

impl Sessions for People {
    fn person(&self, cookie: &str, now: Timestamp) -> Option<Person> {
        self.look(cookie, now)
    }

    fn look(&self, cookie: &str, _now: Timestamp) -> Option<Person> {
        let has =
            |names: &Mutex<Vec<String>>| names.lock().unwrap().iter().any(|name| name == cookie);
        if has(&self.gone) {
            return None;
        }
        let role = match cookie {
            "alice" | "bob" => "customer",
            "sue" => "admin",
            _ => return None,
        };
        Some(Person {
            subject: format!("u-{cookie}"),
            name: cookie.to_owned(),
            roles: vec![if has(&self.promoted) { "support" } else { role }.to_owned()],
            ..Person::default()
        })
    }
}

/// What is revoked by its id. `t-revoked` always was.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    ids: Mutex<Vec<String>>,
    /// Opaque tokens, and the signed ones that they stand for.
    pub(crate) opaque: Mutex<BTreeMap<String, String>>,
    epoch: AtomicU64,
}

impl Revocations {
    pub(crate) fn revoke(&self, id: &str) {
        self.ids.lock().unwrap().push(id.to_owned());
        self.epoch.fetch_add(1, Ordering::Release);
    }
}

#[derive(Debug)]
struct TestKeys {
    access: Arc<KeySet>,
    internal: Arc<KeySet>,
    revocations: Arc<Revocations>,
}

impl Keys for TestKeys {
    fn access(&self) -> Arc<KeySet> {
        Arc::clone(&self.access)
    }

    fn internal(&self) -> Arc<KeySet> {
        Arc::clone(&self.internal)
    }

    fn epoch(&self) -> u64 {
        self.revocations.epoch.load(Ordering::Acquire)
    }

    fn swap(&self, token: &str) -> Option<Secret<String>> {
        self.revocations.opaque.lock().unwrap().get(token).cloned().map(Secret::new)
    }

    fn is_revoked(&self, claims: &AccessClaims) -> bool {
        claims.token_id == "t-revoked"
            || self.revocations.ids.lock().unwrap().contains(&claims.token_id)
    }
}

/// The key that signs identity tokens. It can be replaced.
#[derive(Debug)]
pub(crate) struct LastKey(pub(crate) Mutex<Arc<PrivateKey>>);

impl Signers for LastKey {
    fn current(&self) -> Result<Arc<dyn Signer>, SignError> {
        Ok(Arc::clone(&*self.0.lock().unwrap()) as Arc<dyn Signer>)
    }
}

/// One page of the fleet's own. It shows the cookies that reach it.
#[derive(Debug)]
struct Pages;

impl Local for Pages {
    fn claims(&self, path: &str) -> bool {
        path == "/login"
    }

    fn counts(&self, response: &Response<Bytes>) -> bool {
        // A page for who has no session is for a stranger.
        !response.body().windows(2).any(|two| two == b"__")
    }

    fn answer(&self, peer: IpAddr, request: Request<Bytes>) -> Answered<'_> {
        let cookie = request.headers().get("cookie").cloned();
        let cookie = cookie.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let text = format!("{peer} {cookie} {}", request.into_body().len());
        Box::pin(async move { Response::new(Bytes::from(text)) })
    }
}

/// Apps are where the manifest says; there are no inner doors.
#[derive(Debug)]
pub(crate) struct ByAddress;

impl Reach for ByAddress {
    fn app(&self, _service: &str, address: &str, settings: TargetSettings) -> Arc<Target> {
        Target::with(Arc::new(DialTcp(address.parse().unwrap())), None, settings)
    }

    fn door(&self, _caller: &str, _callee: &str) -> Option<Arc<Target>> {
        None
    }
}
