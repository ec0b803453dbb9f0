//! An ACME server, a public door on port 443, a plain one on port 80.

use std::collections::{BTreeMap, HashMap};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_acme::{Acme, Challenge, Custody, CustodyError, Record, Seams, Settings};
use ringwall_base::{Clock, Entropy, ManualClock, RequestId, SystemClock, SystemEntropy};
use ringwall_net::{
    Answer, Answering, Body, Certificates, Challenges, Door, Fetch, HostTls, Hosts, Listen,
    Opening, Peer, Server, ServerTls, Tickets, Violation,
};
use tempfile::TempDir;

/// Records in memory.
#[derive(Debug, Default)]
pub(crate) struct Drawer(pub(crate) Mutex<HashMap<String, Record>>);

impl Custody for Drawer {
    fn get(&self, name: &str) -> Result<Option<Record>, CustodyError> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn put(&self, name: &str, value: &Record) -> Result<(), CustodyError> {
        self.0.lock().unwrap().insert(name.to_owned(), value.clone());
        Ok(())
    }
}

/// Answers challenges on the plain door, and nothing else.
#[derive(Debug)]
struct Plain(Arc<Challenges>);

impl Answer for Plain {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        let mut response = Response::new(Body::Empty);
        match self.0.http(request.uri().path()) {
            Some(text) => *response.body_mut() = Body::full(text),
            None => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        Box::pin(async move { response })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(7)
    }
}

/// The whole set-up. The server ends with it.
pub(crate) struct Lab {
    pub(crate) drawer: Arc<Drawer>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) root: Vec<u8>,
    challenges: Arc<Challenges>,
    caddy: Child,
    folder: TempDir,
    _server: Server,
}

impl Lab {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let caddy = caddy(&folder);
        let root = wait_for(&folder);
        let challenges = Arc::new(Challenges::default());
        let certificates = Arc::new(Certificates::default());
        let server = doors(&challenges, &certificates);
        Self {
            drawer: Arc::default(),
            certificates,
            clock: Arc::new(ManualClock::at(SystemClock::start().now())),
            root,
            challenges,
            caddy,
            folder,
            _server: server,
        }
    }

    pub(crate) fn acme(&self, names: &[&str], challenge: Challenge) -> Acme {
        self.acme_at(DIRECTORY, &self.root, names, challenge)
    }

    pub(crate) fn acme_at(
        &self,
        directory: &str,
        root: &[u8],
        names: &[&str],
        challenge: Challenge,
    ) -> Acme {
        let settings = Settings {
            directory: directory.to_owned(),
            contact: Some("mailto:ops@a.test".to_owned()),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            challenge,
        };
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::open().unwrap());
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let seams = Seams {
            fetch: Fetch::secure(root).unwrap(),
            challenges: Arc::clone(&self.challenges),
            custody: Arc::<Drawer>::clone(&self.drawer),
            clock,
            entropy,
        };
        Acme::new(settings, seams)
    }

    /// Ends the ACME server.
    pub(crate) fn end_server(&mut self) {
        self.caddy.kill().unwrap();
        self.caddy.wait().unwrap();
    }

    /// Starts it again, with the keys of before.
    pub(crate) fn begin_server(&mut self) {
        self.caddy = caddy(&self.folder);
        wait_for(&self.folder);
    }

    /// What curl says about a name of the door: whether the certificate is trusted.
    pub(crate) fn is_trusted(&self, name: &str) -> bool {
        let root = self.folder.path().join("root.pem");
        std::fs::write(&root, &self.root).unwrap();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "5", "--noproxy", "*", "-o", "/dev/null", "--cacert"]);
        curl.arg(root).arg(format!("https://{name}/")).stderr(Stdio::null());
        curl.status().unwrap().success()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.caddy.kill().ok();
        self.caddy.wait().ok();
    }
}

fn doors(challenges: &Arc<Challenges>, certificates: &Arc<Certificates>) -> Server {
    let hosts = Hosts::new(
        Arc::clone(certificates),
        Arc::clone(challenges),
        Tickets::new(Duration::from_hours(12)).unwrap(),
        &HostTls::default(),
        &BTreeMap::new(),
    );
    let server = Server::start(ringwall_net::Settings::default()).unwrap();
    let tls = Some(ServerTls::by_name(hosts.unwrap()));
    for (address, tls) in [("127.0.0.1:443", tls), ("127.0.0.1:80", None)] {
        let listen = Listen::Address(address.parse().unwrap());
        let answer: Arc<dyn Answer> = Arc::new(Plain(Arc::clone(challenges)));
        server.open(Opening { door: Door::Edge, listen, tls, answer }).unwrap();
    }
    server
}

fn caddy(folder: &TempDir) -> Child {
    let file = folder.path().join("Caddyfile");
    let storage = folder.path().join("caddy");
    let text = format!(
        "{{\n skip_install_trust\n http_port 5080\n https_port 5443\n admin off\n \
         storage file_system {}\n auto_https disable_redirects\n}}\n\
         https://acme.test:5443 {{\n tls internal\n acme_server {{\n lifetime 90m\n }}\n}}\n",
        storage.display()
    );
    std::fs::write(&file, text).unwrap();
    Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file)
        .env("HOME", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the directory answers, and returns the server's root.
#[expect(clippy::disallowed_methods, reason = "waits for a program of others")]
fn wait_for(folder: &TempDir) -> Vec<u8> {
    let root = folder.path().join("caddy/pki/authorities/local/root.crt");
    // Two minutes: a cold disk may take that long to bring the program.
    for _ in 0..1_200 {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "--noproxy", "*", "--cacert"]).arg(&root);
        if curl.arg(DIRECTORY).stderr(Stdio::null()).status().unwrap().success() {
            return std::fs::read(&root).unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the ACME server does not answer");
}

pub(crate) const DIRECTORY: &str = "https://acme.test:5443/acme/local/directory";
