//! `ringwall dev`: each service in a cell of its own, with doors and nothing else.

use std::process::Command;

use serde_json::Value;

use crate::house::House;
use crate::library::{UPSTREAM, Upstream, field};
use crate::program::{Program, not_run, run};
use crate::serving::claims;
use crate::wait::until;

const MANIFEST: &str = r#"ringwall = 1
name = "harbour"

[gateway]
host = "harbour.localhost"
port = PORT

[roles]
customer = { default = true }

[services.alpha]
run = "python3 -u upstream.py 127.0.0.1:5001 alpha.seen"
upstream = "127.0.0.1:5001"
routes = { speak = "GET /alpha/speak", call = "GET /alpha/call", connect = "GET /alpha/connect", environment = "GET /alpha/environment", open = "GET /alpha/open", processes = "GET /alpha/processes" }
secrets = { ALPHA_KEY = "alpha_key" }
env = { ALPHA_MODE = "quiet" }
people.anyone = ["speak", "call", "connect", "environment", "open", "processes"]

[services.beta]
run = "python3 -u upstream.py 127.0.0.1:5002 beta.seen"
upstream = "127.0.0.1:5002"
routes = { echo = "GET /beta/echo", hidden = "GET /beta/hidden" }
secrets = { BETA_KEY = "beta_key" }
hosts = ["beta-service:5002"]
callers.alpha = ["echo"]

[secrets]
alpha_key = {}
beta_key = {}

[limits]
default = "100000 per minute per ip"
"#;

/// A house with two services that run in cells.
struct Fleet {
    house: House,
    dev: Program,
}

impl Fleet {
    #[track_caller]
    fn start() -> Self {
        Self::start_with(str::to_owned)
    }

    #[track_caller]
    fn start_with(change: impl FnOnce(&str) -> String) -> Self {
        let house = House::new(&change(MANIFEST));
        house.write("upstream.py", UPSTREAM);
        house.pipe("alpha-secret", &["secret", "set", "alpha_key"]).good();
        house.pipe("beta-secret", &["secret", "set", "beta_key"]).good();
        let mut command = house.command(&["dev"]);
        command.env("PLANTED_BY_THE_OPERATOR", "do-not-pass-on");
        let mut dev = Program::start(&mut command);
        dev.hears("Watching ringwall.toml");
        Self { house, dev }
    }

    #[track_caller]
    fn ask(&self, path: &str) -> Value {
        let answer = self.house.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.raw);
        answer.json()
    }

    /// Whether there are cells; where there are none this is said, loudly.
    fn is_isolated(&self) -> bool {
        let is_open = self.dev.said().contains("could go around their doors");
        if is_open {
            not_run(&format!("no namespaces here: {}", self.dev.said()));
        }
        !is_open
    }

    fn seen(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.house.path().join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_service_reaches_its_doors_and_nothing_around_them() {
    let fleet = Fleet::start();
    if !fleet.is_isolated() {
        return;
    }
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let outside = outside.local_addr().unwrap().port();
    for (what, to) in [
        ("the app of the other service", "127.0.0.1:5002".to_owned()),
        ("a port on the host's loopback", format!("127.0.0.1:{outside}")),
        ("the public door itself", format!("127.0.0.1:{}", fleet.house.port)),
        ("the internet", "192.0.2.1:80".to_owned()),
        ("a name server", "1.1.1.1:53".to_owned()),
        ("another network", "10.0.0.1:22".to_owned()),
    ] {
        let result = fleet.ask(&format!("/alpha/connect?to={to}"));
        assert_ne!(result["result"], "connected", "{what}");
    }
    for door in ["beta.ringwall:80", "beta-service:5002"] {
        let result = fleet.ask(&format!("/alpha/connect?to={door}"));
        assert_eq!(result["result"], "connected", "{door}");
    }
}

#[test]
fn a_call_between_services_is_decided_by_the_callee_s_lines() {
    let fleet = Fleet::start();
    let call = |url: &str| fleet.ask(&format!("/alpha/call?url={url}"));
    let doors = if fleet.is_isolated() {
        vec!["http://beta.ringwall", "http://beta-service:5002"]
    } else {
        Vec::new()
    };
    for door in doors {
        let granted = call(&format!("{door}/beta/echo"));
        assert_eq!(granted["status"], 200, "{door}: {granted}");
        let denied = call(&format!("{door}/beta/hidden"));
        assert_eq!(denied["status"], 403, "{door}: {denied}");
        let problem: Value = serde_json::from_str(denied["body"].as_str().unwrap()).unwrap();
        assert_eq!(problem["code"], "RW3001");
        assert!(problem["reason"].as_str().unwrap().contains("alpha"), "{problem}");
        assert_eq!(call(&format!("{door}/nowhere"))["status"], 404);
    }
    assert_eq!(fleet.house.get("/beta/echo").status, 403, "people are not let in");
    assert!(fleet.seen("beta.seen").iter().all(|seen| seen["path"] == "/beta/echo"));
}

#[test]
fn the_callee_learns_both_the_caller_and_the_person() {
    let fleet = Fleet::start();
    if !fleet.is_isolated() {
        return;
    }
    fleet.house.person("ada", "customer");
    let ada = fleet.house.sign_in("ada");
    let path = "GET /alpha/call?url=http://beta.ringwall/beta/echo";
    let check = |line: &str, sub_is_ada: bool| {
        let answer = fleet.house.send(line, &[&ada], "");
        assert_eq!(answer.json()["status"], 200, "{}", answer.raw);
        let seen = fleet.seen("beta.seen");
        let claims = claims(field(seen.last().unwrap(), "ringwall-identity").unwrap());
        assert_eq!(claims["aud"], "beta");
        assert_eq!(claims["op"], "echo");
        assert_eq!(claims["name"] == "ada", sub_is_ada, "{claims}");
        let caller = if sub_is_ada { &claims["act"]["sub"] } else { &claims["sub"] };
        assert_eq!(caller, "service:alpha", "{claims}");
    };
    check(path, true);
    check(&format!("{path}&person=no"), false);
}

#[test]
fn a_service_finds_its_own_secrets_and_nobody_else_s() {
    let fleet = Fleet::start();
    let environment = fleet.ask("/alpha/environment");
    assert_eq!(environment["ALPHA_KEY"], "alpha-secret");
    assert_eq!(environment["ALPHA_MODE"], "quiet");
    assert_eq!(environment["RINGWALL_SERVICE"], "alpha");
    assert!(environment["RINGWALL_BETA_URL"].is_string());
    let all = environment.to_string();
    for foreign in ["do-not-pass-on", "PLANTED", "beta-secret", "ROOT_KEY"] {
        assert!(!all.contains(foreign), "{foreign}: {all}");
    }
    if !fleet.is_isolated() {
        return;
    }
    let state = fleet.house.state().canonicalize().unwrap();
    for name in ["root.key", "store.db", "audit", "logs", "run/control.sock"] {
        let path = format!("/alpha/open?path={}", state.join(name).display());
        let result = fleet.ask(&path)["result"].clone();
        assert!(!["read", "listed"].contains(&result.as_str().unwrap()), "{name}: {result}");
    }
    let keys = environment["RINGWALL_KEYS"].as_str().unwrap();
    assert_eq!(fleet.ask(&format!("/alpha/open?path={keys}"))["result"], "read");
}

#[test]
fn a_service_learns_nothing_about_others_through_proc() {
    let fleet = Fleet::start();
    if !fleet.is_isolated() {
        return;
    }
    fleet.ask("/alpha/call?url=http://beta.ringwall/beta/echo");
    let found = fleet.ask("/alpha/processes");
    let found = found["found"].as_array().unwrap();
    assert!(found.iter().any(|entry| entry == "alpha-secret"), "it reads its own: {found:?}");
    assert!(!found.iter().any(|entry| entry == "beta-secret"), "it reads the environment of beta");
    // The state folder, through the root folder of the process that owns it.
    let server = fleet.dev.id();
    let key = fleet.house.state().canonicalize().unwrap().join("root.key");
    for path in [format!("/proc/{server}/root{}", key.display()), format!("/proc/{server}/environ")]
    {
        let result = fleet.ask(&format!("/alpha/open?path={path}"));
        assert_ne!(result["result"], "read", "{path}");
    }
}

#[test]
fn the_door_in_front_of_a_service_wants_an_identity_of_the_fleet() {
    let fleet = Fleet::start();
    let status = fleet.house.status();
    let doors = status["doors"].as_array().unwrap_or_else(|| panic!("no doors: {status}")).clone();
    let door = doors.iter().find(|door| door[0] == "beta").unwrap()[1].as_str().unwrap().to_owned();
    let roots = fleet.house.state().join("ca.pem");
    let s_client = |extra: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &door, "-quiet", "-verify_return_error", "-CAfile"]);
        command.arg(&roots).args(extra).current_dir(fleet.house.path());
        run(&mut command, "GET /beta/echo HTTP/1.1\r\nHost: beta\r\nConnection: close\r\n\r\n")
    };
    let stranger = s_client(&[]);
    assert!(
        !stranger.out.contains("HTTP/1.1"),
        "no certificate: {} {}",
        stranger.out,
        stranger.err
    );
    assert!(stranger.err.contains("certificate required"), "{}", stranger.err);

    // The right name from the wrong authority.
    let mut parameters = rcgen::CertificateParams::default();
    let name = "spiffe://harbour/service/alpha".try_into().unwrap();
    parameters.subject_alt_names.push(rcgen::SanType::URI(name));
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    fleet.house.write("forged.pem", &certificate.pem());
    fleet.house.write("forged.key", &key.serialize_pem());
    for version in ["-tls1_3", "-tls1_2"] {
        let forged = s_client(&["-cert", "forged.pem", "-key", "forged.key", version]);
        assert!(!forged.out.contains("HTTP/1.1"), "{version}: {} {}", forged.out, forged.err);
        assert!(forged.err.contains("alert"), "{version}: {}", forged.err);
    }
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &door, "-showcerts"]);
    let shown = run(&mut command, "").out;
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-text"]);
    let text = run(&mut command, &shown).good().out;
    assert!(text.contains("URI:spiffe://harbour/service/beta"), "{text}");
    assert!(fleet.seen("beta.seen").is_empty(), "nothing of it arrived");
}

#[test]
fn an_edit_takes_effect_while_a_service_that_did_not_change_goes_on() {
    let fleet = Fleet::start();
    if !fleet.is_isolated() {
        return;
    }
    let call = || fleet.ask("/alpha/call?url=http://beta.ringwall/beta/hidden")["status"].clone();
    assert_eq!(call(), 403);
    let before = fleet.house.read(".ringwall/logs/beta.log");
    fleet.house.edit("callers.alpha = [\"echo\"]", "callers.alpha = [\"echo\", \"hidden\"]");
    until("the edit is in force", || (call() == 200).then_some(()));
    assert_eq!(fleet.house.read(".ringwall/logs/beta.log"), before, "it was not started again");
    fleet.house.edit("callers.alpha = [\"echo\", \"hidden\"]", "callers.alhpa = [\"echo\"]");
    until("the mistake is said", || fleet.dev.said().contains("not reloaded").then_some(()));
    assert_eq!(call(), 200, "the last good one stays");
}

/// A server on the host that speaks just enough for the service under test.
fn database() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::io::Read::read(&mut stream, &mut [0; 4_096]).unwrap();
            std::io::Write::write_all(&mut stream, b"HTTP/1.0 200 OK\r\n\r\nrow 1").unwrap();
        }
    });
    port
}

#[test]
fn a_service_reaches_its_database_and_no_other_port() {
    let fleet = Fleet::start();
    if !fleet.is_isolated() {
        return;
    }
    let call = |name: &str| fleet.ask(&format!("/alpha/call?url=http://{name}/"));
    assert_eq!(call("user-db:3306")["status"], 0, "there is no line for it yet");
    let port = database();
    let line = format!(
        "env = {{ ALPHA_MODE = \"quiet\" }}\nstores = {{ \"user-db:3306\" = \"127.0.0.1:{port}\", \"127.0.0.1:3307\" = \"localhost:{port}\" }}"
    );
    fleet.house.edit("env = { ALPHA_MODE = \"quiet\" }", &line);
    until("the edit is in force", || {
        let answer = fleet.house.get("/alpha/call?url=http://user-db:3306/");
        (answer.status == 200 && answer.json()["body"] == "row 1").then_some(())
    });
    assert_eq!(call("127.0.0.1:3307")["body"], "row 1");
    for other in [format!("127.0.0.1:{port}"), "127.0.0.1:3306".into(), "user-db:3307".into()] {
        let result = fleet.ask(&format!("/alpha/connect?to={other}"));
        assert_ne!(result["result"], "connected", "{other}");
    }
    let told = fleet.house.run(&["audit", "query", "--action", "egress-allowed"]).good().out;
    assert!(told.contains("user-db:3306") && told.contains("alpha"), "{told}");
}

#[test]
fn the_door_to_a_partner_has_one_version_of_http_and_the_one_between_services_both() {
    let partner = Upstream::start();
    let port = partner.port;
    let grant = "callers.alpha = [\"GET /lab/echo\"]";
    let lines = format!("[partners.bank]\nurl = \"http://127.0.0.1:{port}\"\n{grant}\n\n[secrets]");
    let fleet = Fleet::start_with(|manifest| manifest.replace("[secrets]", &lines));
    if !fleet.is_isolated() {
        return;
    }
    let granted = fleet.ask(&format!("/alpha/call?url=http://127.0.0.1:{port}/lab/echo"));
    assert_eq!(granted["status"], 200, "{granted}");
    let before = partner.seen().len();
    let speak = |to: &str| fleet.ask(&format!("/alpha/speak?to={to}"))["heard"].clone();
    let heard = speak(&format!("127.0.0.1:{port}"));
    assert!(heard.as_str().unwrap().starts_with("HTTP/1.1 400"), "{heard}");
    assert_eq!(partner.seen().len(), before, "nothing goes out");
    // A frame of SETTINGS.
    let heard = speak("beta.ringwall:80");
    assert_eq!(heard.as_str().unwrap().as_bytes()[3], 4, "{heard}");
}

#[test]
fn a_service_that_does_not_start_is_shown_with_its_last_words() {
    let house = House::new(&MANIFEST.replace("5002 beta.seen", "5002"));
    house.write("upstream.py", UPSTREAM);
    house.pipe("alpha-secret", &["secret", "set", "alpha_key"]).good();
    let missing = house.run(&["dev"]);
    assert_eq!(missing.code, 1, "{}", missing.err);
    assert!(missing.err.contains("ringwall secret set beta_key"), "{}", missing.err);
    house.pipe("beta-secret", &["secret", "set", "beta_key"]).good();
    house.write("upstream.py", &UPSTREAM.replace(
        "    host, _, port = sys.argv[1]",
        "    if len(sys.argv) < 3: raise SystemExit('the last words of beta')\n    host, _, port = sys.argv[1]",
    ));
    let mut dev = Program::start(&mut house.command(&["dev"]));
    dev.hears("Watching ringwall.toml");
    let said = dev.said();
    assert!(said.contains("beta ✗") && said.contains("the last words of beta"), "{said}");
    assert!(said.contains("alpha ✓"), "{said}");
    assert_eq!(house.run(&["status"]).code, 4);
}

#[test]
fn nothing_that_dev_started_outlives_it() {
    for signal in ["TERM", "KILL"] {
        let mut fleet = Fleet::start();
        let marker = fleet.house.path().to_string_lossy().into_owned();
        let alive = || {
            let entries = std::fs::read_dir("/proc").unwrap().flatten();
            let here =
                entries.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok());
            here.filter(|folder| folder.to_string_lossy().contains(&marker)).count()
        };
        assert!(alive() > 0, "the services run here");
        fleet.dev.signal(signal);
        fleet.dev.ends();
        until("the services end", || (alive() == 0).then_some(()));
        assert!(std::net::TcpStream::connect(("127.0.0.1", fleet.house.port)).is_err());
    }
}
