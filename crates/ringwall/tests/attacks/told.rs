//! L3: the logout tokens that applications get. What they make of one is theirs; that none can be
//! taken for anything else, nor twice, is ours.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::ground::{ACCESS, ASSERTION, EXCHANGE, Ground, add};
use crate::request::Request;
use crate::signing::{claims, part};
use crate::suite::{Attack, Want, check, plays, run};
use crate::wait::until;

pub(crate) const ROWS: &[Attack] = &[plays(
    "L3",
    "a logout token that is replayed, has a nonce, or could be another token",
    "OpenID Connect Back-Channel Logout sections 2.4 and 2.6, RFC 8725 section 3.11",
    tokens,
)];

#[test]
fn nobody_gets_anything_by_a_logout_token() {
    run(ROWS, &Ground::open());
}

/// An application that only hears of logouts.
struct Hearing {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Hearing {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/bye", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming() {
                told.lock().unwrap().push(body_of(stream.unwrap()));
            }
        });
        Self { address, heard }
    }

    /// The token that is told as the so-manieth.
    #[track_caller]
    fn token(&self, at: usize) -> String {
        let form = until("a logout is told", || self.heard.lock().unwrap().get(at).cloned());
        form.strip_prefix("logout_token=").unwrap_or_else(|| panic!("{form}")).to_owned()
    }
}

/// The body of a request, which is answered well.
fn body_of(stream: TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let lower = line.to_ascii_lowercase();
        let found = lower.strip_prefix("content-length:").map(str::trim);
        length = found.map_or(length, |text| text.parse().unwrap());
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    drop(reader.get_mut().write_all(answer));
    String::from_utf8(body).unwrap()
}

fn tokens(ground: &Ground) {
    let (house, hearing) = (ground.house(), Hearing::open());
    let words = [
        "--public",
        "--redirect-uri",
        crate::ground::CALLBACK,
        "--grant",
        "refresh_token",
        "--backchannel-logout",
        &hearing.address,
    ];
    add(house, "heard", &words);
    let keys = house.get("/oauth/jwks").json();
    let mut seen = BTreeSet::new();
    for at in 0..3 {
        let session = house.sign_in("ada");
        let question = Ground::authorize_as(&session, &[("client_id", "heard")]);
        let to = ground.send(&question).field("location").unwrap();
        let code = crate::request::parameter(&to, "code").unwrap();
        let of_client = [("client_id", "heard")];
        let answer = ground.send(&Ground::redemption(&code, &of_client)).json();
        let id = answer["id_token"].as_str().unwrap();
        let page = ground.send(&Request::new("GET /logout").field(&session));
        assert!(ground.submit(&session, "/logout", &page, &[]).status < 400);
        let token = hearing.token(at);
        let jti = judge(ground, &keys, &token, id);
        assert!(seen.insert(jti), "{token}");
        taken_for_nothing(ground, &token);
    }
    assert_eq!(hearing.heard.lock().unwrap().len(), 3, "nothing is told twice that was taken");
}

/// Everything that one says; gives its `jti`. `id` is the ID token of the same session.
fn judge(ground: &Ground, keys: &Value, token: &str, id: &str) -> String {
    let (header, said) = (part(token, 0), claims(token));
    assert_eq!(header["typ"], "logout+jwt", "{header}");
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
    assert!(key.is_some_and(|key| key["alg"] == header["alg"]), "{header} {keys}");
    assert!(header["jwk"].is_null() && header["jku"].is_null() && header["x5c"].is_null());
    // A key of its own: no reader of ID tokens that looks at keys alone takes it.
    assert_ne!(header["kid"], part(id, 0)["kid"], "{header}");
    assert!(said["nonce"].is_null(), "{said}");
    assert_eq!(said["iss"], ground.issuer());
    assert_eq!(said["aud"], "heard");
    assert_eq!(said["sid"], claims(id)["sid"]);
    assert_eq!(said["sub"], claims(id)["sub"]);
    let event = "http://schemas.openid.net/event/backchannel-logout";
    assert_eq!(said["events"], json!({ event: {} }));
    let life = said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap();
    assert!((1..=120).contains(&life), "{said}");
    said["jti"].as_str().unwrap().to_owned()
}

/// Whoever holds one gets nothing by it here.
fn taken_for_nothing(ground: &Ground, token: &str) {
    assert_eq!(ground.opens(token), [401, 401]);
    let hint = ground.send(&ground.authorize(&[("id_token_hint", token), ("prompt", "none")]));
    assert!(!hint.raw.contains("code="), "{}", hint.raw);
    let exchange =
        [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS)];
    let answer = ground.send(&Request::token(&exchange).basic("orders", &ground.orders));
    check(&answer, Want::Status(&[400]));
    let assertion = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", token),
    ];
    check(&ground.send(&Request::token(&assertion)), Want::Error(401, "invalid_client"));
    let introspected = Request::form("/oauth/introspect", &[("token", token)]);
    check(&ground.send(&introspected.basic("robot", &ground.robot)), Want::Inactive);
}
