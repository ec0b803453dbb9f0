//! OCSP with openssl as the responder, and as the client that asks for a staple.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ringwall_base::{Clock as _, SystemClock, Timestamp};
use ringwall_net::{Certificate, Fetch, HostTls, Ocsp, OcspError};

use crate::edge::{Edge, s_client};
use crate::house::pause;

/// Files of an authority with a responder on a port.
struct Lab {
    folder: tempfile::TempDir,
    port: u16,
}

struct Responder(Child);

impl Drop for Responder {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Lab {
    fn new() -> Self {
        // The kernel's choice; taken again by the responder at once.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let lab = Self { folder: tempfile::tempdir().unwrap(), port };
        let config = CONFIG.replace("PORT", &port.to_string());
        std::fs::write(lab.path("openssl.cnf"), config).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config openssl.cnf";
        lab.openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=root -extensions root"
        ));
        for (name, extensions) in [("edge", "leaf"), ("signer", "signer"), ("other", "leaf")] {
            lab.openssl(&format!(
                "req -new {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"
            ));
            lab.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 \
                 -out {name}.pem -extfile openssl.cnf -extensions {extensions}"
            ));
        }
        lab.index("V");
        lab
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) -> String {
        let mut command = Command::new("openssl");
        command.current_dir(self.folder.path()).args(arguments.split_whitespace());
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the responder knows: the certificate is valid (V) or revoked (R).
    fn index(&self, state: &str) {
        let serial = self.openssl("x509 -in edge.pem -noout -serial");
        let serial = serial.trim().trim_start_matches("serial=");
        let revoked = if state == "R" { "260101000000Z" } else { "" };
        let line = format!("{state}\t400101000000Z\t{revoked}\t{serial}\tunknown\t/CN=edge\n");
        std::fs::write(self.path("index.txt"), line).unwrap();
    }

    fn respond(&self, signer: &str) -> Responder {
        let arguments = format!(
            "ocsp -index index.txt -port {} -CA ca.pem -rsigner {signer}.pem -rkey {signer}.key \
             -nmin 60 -ignore_err",
            self.port
        );
        let log = self.path("log");
        let file = std::fs::File::create(&log).unwrap();
        let child = Command::new("openssl")
            .current_dir(self.folder.path())
            .args(arguments.split_whitespace())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        let responder = Responder(child);
        // A connection that asks nothing would block it: it says when it listens.
        let mut tries = 0;
        while !std::fs::read_to_string(&log).unwrap().contains("waiting for OCSP") {
            tries += 1;
            assert!(tries < 200, "no responder");
            pause(50);
        }
        responder
    }

    fn edge(&self) -> Certificate {
        let read = |name: &str| std::fs::read(self.path(name)).unwrap();
        let chain = [read("edge.pem"), read("ca.pem")].concat();
        Certificate::from_pem(&chain, &read("edge.key")).unwrap()
    }

    /// Asks over the wire.
    fn ask(&self) -> Vec<u8> {
        let question = Ocsp::of(&self.edge()).unwrap();
        assert_eq!(question.responder(), format!("http://127.0.0.1:{}", self.port));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(Fetch::plain().send(question.request().unwrap())).unwrap();
        answer.into_body().to_vec()
    }
}

fn now() -> Timestamp {
    SystemClock::start().now()
}

#[test]
fn a_good_answer_is_stapled_and_openssl_believes_it() {
    let lab = Lab::new();
    let edge = Edge::open(&HostTls::default(), &[]);
    let question = Ocsp::of(&lab.edge()).unwrap();
    for signer in ["signer", "ca"] {
        let responder = lab.respond(signer);
        let answer = lab.ask();
        drop(responder);
        let staple = question.read(&answer, now()).unwrap();
        assert!(staple.refresh_at() > now() && staple.refresh_at() < staple.end());
        edge.certificates.replace(&[lab.edge().with_staple(&staple)], None);
        let root = lab.path("ca.pem");
        let text = s_client(
            edge.address(),
            &["-servername", "edge.localhost", "-status", "-CAfile", root.to_str().unwrap()],
        );
        assert!(text.contains("OCSP Response Status: successful"), "{signer}: {text}");
        assert!(text.contains("Cert Status: good"), "{signer}: {text}");
        assert!(is_verified(&root, &lab, &answer), "{signer}");
    }
}

/// What openssl thinks of the same answer.
fn is_verified(root: &Path, lab: &Lab, answer: &[u8]) -> bool {
    let file = lab.path("answer.der");
    std::fs::write(&file, answer).unwrap();
    let mut command = Command::new("openssl");
    command.current_dir(root.parent().unwrap());
    command.args(["ocsp", "-respin", "answer.der", "-issuer", "ca.pem", "-cert", "edge.pem"]);
    let output = command.args(["-CAfile", "ca.pem"]).output().unwrap();
    String::from_utf8_lossy(&output.stderr).contains("Response verify OK")
}

#[test]
fn an_answer_that_is_forged_old_or_about_another_is_not_shown() {
    let lab = Lab::new();
    let question = Ocsp::of(&lab.edge()).unwrap();
    let responder = lab.respond("signer");
    let good = lab.ask();
    drop(responder);
    let hours = |count| Duration::from_hours(count);
    assert_eq!(question.read(&good, now().plus(hours(2))), Err(OcspError::Time));
    assert!(question.read(&good, now().minus(hours(2))).is_err(), "of the future");
    // Every byte is signed or checked: none may change the meaning unseen.
    for index in 0..good.len() {
        let mut forged = good.clone();
        forged[index] ^= 1;
        // What no signature covers are the responder's certificates, and then only those unused.
        let read = question.read(&forged, now());
        assert!(read.is_err(), "byte {index} of {}: {read:?}", good.len());
    }
    // A certificate of the same issuer that may not sign answers.
    let responder = lab.respond("other");
    assert_eq!(question.read(&lab.ask(), now()), Err(OcspError::Signature));
    drop(responder);
    lab.index("R");
    let responder = lab.respond("signer");
    assert_eq!(question.read(&lab.ask(), now()), Err(OcspError::Revoked));
    drop(responder);
    assert_eq!(question.read(b"", now()), Err(OcspError::Answer));
}

const CONFIG: &str = "
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
[leaf]
subjectAltName = DNS:edge.localhost
authorityInfoAccess = OCSP;URI:http://127.0.0.1:PORT
[signer]
extendedKeyUsage = OCSPSigning
";
