//! Attack list J, as far as somebody outside can make it: no token of it is accepted.

use std::net::TcpListener;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ringwall_base::Algorithm;
use ringwall_jose::{PrivateKey, mint};
use serde_json::{Value, json};

use crate::house::House;
use crate::library::{Library, field};

/// A good token, taken apart, and the public key that verifies it.
struct Sample {
    token: String,
    header: Value,
    claims: Value,
    signature: Vec<u8>,
    key: Value,
}

impl Sample {
    fn of(house: &House) -> Self {
        let token = house.token("robot", &house.robot("robot"));
        let parts: Vec<&str> = token.split('.').collect();
        let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
        let claims = serde_json::from_slice(&decoded(parts[1])).unwrap();
        let signature = decoded(parts[2]);
        let keys = house.get("/oauth/jwks").json();
        let keys = keys["keys"].as_array().unwrap().clone();
        let key = keys.into_iter().find(|key| key["kid"] == header["kid"]).unwrap();
        Self { token, header, claims, signature, key }
    }

    /// The same claims under another header, with the original signature.
    fn with(&self, change: impl Fn(&mut Value)) -> String {
        self.signed_by(change, |_| self.signature.clone())
    }

    fn signed_by(&self, change: impl Fn(&mut Value), sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        let start = format!("{}.{}", encoded(header.to_string()), encoded(self.claims.to_string()));
        let signature = sign(start.as_bytes());
        format!("{start}.{}", encoded(signature))
    }

    fn signature(&self, bytes: &[u8]) -> String {
        let start = self.token.rsplit_once('.').unwrap().0;
        format!("{start}.{}", encoded(bytes))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn bearer(house: &House, token: &str) -> crate::wire::Answer {
    house.send("GET /books", &[&format!("Authorization: Bearer {token}")], "")
}

#[track_caller]
fn refused(library: &Library, name: &str, token: &str) {
    let before = library.upstream.seen().len();
    let answer = bearer(&library.house, token);
    let is_refused = answer.status == 401 || answer.status == 400 || answer.status == 431;
    assert!(is_refused, "{name}: {}", answer.raw);
    assert!(!answer.raw.contains("Tides"), "{name}");
    assert_eq!(library.upstream.seen().len(), before, "{name} reached the service");
}

#[test]
fn a_changed_algorithm_or_key_is_refused() {
    let library = Library::open();
    let sample = Sample::of(&library.house);
    assert_eq!(bearer(&library.house, &sample.token).status, 200, "the control passes");
    let own = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    // 1: no algorithm.
    for alg in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!("NONE"),
        json!(""),
        json!(0),
        json!(null),
        json!("none "),
    ] {
        let header = |header: &mut Value| header["alg"] = alg.clone();
        refused(&library, "alg, signed", &sample.with(header));
        refused(&library, "alg, unsigned", &sample.signed_by(header, |_| Vec::new()));
    }
    let without = |header: &mut Value| drop(header.as_object_mut().unwrap().remove("alg"));
    refused(&library, "no alg", &sample.with(without));
    // 2, 3: the public key as a secret, in every form that it is published in.
    let raw = decoded(sample.key["x"].as_str().unwrap());
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &raw].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let jwk = sample.key.to_string();
    for secret in [&raw[..], &der, pem.as_bytes(), pem.trim().as_bytes(), jwk.as_bytes(), b""] {
        for (alg, digest) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let key = hmac::Key::new(digest, secret);
            let token = sample.signed_by(
                |header| header["alg"] = alg.into(),
                |bytes| hmac::sign(&key, bytes).as_ref().to_vec(),
            );
            refused(&library, alg, &token);
        }
    }
    // 4: a key that the token brings along.
    let public: Value = own.public().to_json().unwrap();
    let typ = sample.header["typ"].as_str().unwrap();
    refused(&library, "own key", &mint(&own, typ, &sample.claims).unwrap());
    let brought = signed(&own, &sample, |header| {
        header["jwk"] = public.clone();
        header["kid"] = public["kid"].clone();
    });
    refused(&library, "jwk in the header", &brought);
    let posing = signed(&own, &sample, |_| ());
    refused(&library, "own key under our kid", &posing);
    // 10: a signature of zeros for an elliptic curve.
    for length in [0, 64, 96, 132] {
        let zeros = sample.signed_by(|header| header["alg"] = "ES256".into(), |_| vec![0; length]);
        refused(&library, "zeros", &zeros);
    }
}

/// Signs a changed header with a key of the attacker's.
fn signed(key: &PrivateKey, sample: &Sample, change: impl Fn(&mut Value)) -> String {
    use ringwall_base::Signer as _;
    sample.signed_by(change, |bytes| key.sign(bytes).unwrap())
}

#[test]
fn a_header_that_points_elsewhere_leads_nowhere() {
    let library = Library::open();
    let sample = Sample::of(&library.house);
    let own = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", trap.local_addr().unwrap());
    // 5: addresses of keys.
    for name in ["jku", "x5u"] {
        refused(&library, name, &signed(&own, &sample, |header| header[name] = url.clone().into()));
    }
    refused(&library, "x5c", &signed(&own, &sample, |header| header["x5c"] = json!(["AAAA"])));
    assert!(trap.accept().is_err(), "somebody came to fetch keys");
    // 6: names of keys.
    let long = "k".repeat(4_000);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "$(touch /tmp/x)",
        "|id",
        "",
        "\0",
        "unknown",
        long.as_str(),
    ] {
        refused(&library, kid, &signed(&own, &sample, |header| header["kid"] = kid.into()));
    }
    for kid in [json!(1), json!(null), json!(["a"]), json!({ "a": 1 })] {
        refused(&library, "kid", &sample.with(|header| header["kid"] = kid.clone()));
    }
    // 7: what has to be understood and is not.
    for (name, value) in
        [("crit", json!(["x"])), ("crit", json!([])), ("b64", json!(false)), ("zip", json!("DEF"))]
    {
        refused(&library, name, &sample.with(|header| header[name] = value.clone()));
    }
    // 8: a name twice.
    let twice = format!("{{\"alg\":\"none\",{}", sample.header.to_string().split_off(1));
    let [_, claims, signature] = parts(&sample.token);
    refused(&library, "alg twice", &format!("{}.{claims}.{signature}", encoded(twice)));
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn a_good_token_of_another_kind_is_no_access_token() {
    let library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    let ada = house.sign_in("ada");
    // 9: what the services get, signed by a key of this house.
    let seen = house.send("GET /lab/echo", &[&ada], "").json();
    let internal = field(&seen, "ringwall-identity").unwrap();
    refused(&library, "the internal token", internal);
    let answer =
        house.send("GET /lab/shelves/ada", &[&format!("Ringwall-Identity: {internal}")], "");
    assert_ne!(answer.status, 200, "{}", answer.raw);
    // The session is no token, and a token is no session.
    refused(&library, "the session", ada.split_once('=').unwrap().1);
    let secret = house.robot("robot");
    let token = house.token("robot", &secret);
    let answer = house.send("GET /books/7", &[&format!("Cookie: __Host-ringwall={token}")], "");
    assert_ne!(answer.status, 200, "{}", answer.raw);
    refused(&library, "the client's secret", &secret);
    refused(&library, "the identity token", &id_token(house, &ada));
    // 16, 17, 20: another house with the same name, and the same issuer up to its port.
    let other = Library::open();
    let foreign = other.house.token("robot", &other.house.robot("robot"));
    assert_eq!(bearer(&other.house, &foreign).status, 200);
    refused(&library, "another house's token", &foreign);
}

/// An identity token, through the authorization code flow (verifier of RFC 7636 appendix B).
fn id_token(house: &House, session: &str) -> String {
    let callback = "https://web.example/callback";
    house.run(&["client", "add", "web", "--public", "--redirect-uri", callback]).good();
    let callback = callback.replace(':', "%3A").replace('/', "%2F");
    let path = format!(
        "GET /oauth/authorize?response_type=code&client_id=web&redirect_uri={callback}&scope=openid\
         &state=s&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
    let answer = house.send(&path, &[session], "");
    let to = answer.field("location").unwrap_or_else(|| panic!("{}", answer.raw));
    let code = to.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let body = format!(
        "grant_type=authorization_code&client_id=web&redirect_uri={callback}&code={code}\
         &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let fields = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = house.send("POST /oauth/token", &fields, &body);
    answer.json()["id_token"].as_str().unwrap_or_else(|| panic!("{}", answer.raw)).to_owned()
}

/// The order of the group of Ed25519, little end first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn another_spelling_of_a_good_token_is_refused() {
    let library = Library::open();
    let sample = Sample::of(&library.house);
    let token = &sample.token;
    let [header, claims, signature] = parts(token);
    // 12: the same signature with the group's order added to its scalar.
    assert_eq!(sample.header["alg"], "EdDSA");
    let mut larger = sample.signature.clone();
    let mut carry = 0_u16;
    for (byte, order) in larger.iter_mut().skip(32).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    refused(&library, "a scalar beyond the order", &sample.signature(&larger));
    let small = [&[1_u8][..], &[0; 63]].concat();
    refused(&library, "a point of small order", &sample.signature(&small));
    // 13: base64.
    let last = signature.chars().last().unwrap();
    // 64 bytes leave four unused bits in the last character: only A, Q, g and w are canonical.
    let next = char::from(u8::try_from(last).unwrap() + 1);
    let (start, _) = token.split_at(token.len() - 1);
    for (name, token) in [
        ("trailing bits", format!("{start}{next}")),
        ("padding", format!("{token}==")),
        ("padding in the middle", format!("{header}=.{claims}.{signature}")),
        ("white space", format!("{header}. {claims}.{signature}")),
        ("a line break's escape", format!("{header}.{claims}.%0A{signature}")),
        ("the other alphabet", format!("{header}.{claims}.{}", STANDARD.encode(&sample.signature))),
        ("one more byte", format!("{token}A")),
        ("one byte less", start.to_owned()),
        // 14: signatures.
        ("no signature", format!("{header}.{claims}.")),
        ("no third part", format!("{header}.{claims}")),
        ("two signatures", format!("{token}.{signature}")),
        ("an encrypted token's form", format!("{header}..{claims}.{signature}.{signature}")),
        ("only dots", "..".to_owned()),
        (
            "JSON serialization",
            json!({ "payload": claims, "protected": header, "signature": signature }).to_string(),
        ),
        ("zero bytes", sample.signature(&[0; 64])),
        ("swapped parts", format!("{claims}.{header}.{signature}")),
        // 19: size and depth.
        ("64 KiB", format!("{header}.{}.{signature}", "A".repeat(65_536))),
        ("depth", format!("{header}.{}.{signature}", encoded("[".repeat(9_000)))),
    ] {
        refused(&library, name, &token);
    }
    // 15, 16: claims cannot be changed at all.
    for (name, value) in
        [("exp", json!(1e300)), ("aud", json!("*")), ("sub", json!("ada")), ("iss", json!(""))]
    {
        let mut claims = sample.claims.clone();
        claims[name] = value;
        refused(&library, name, &format!("{header}.{}.{signature}", encoded(claims.to_string())));
    }
    for scheme in ["bearer", "BEARER"] {
        let answer =
            library.house.send("GET /books", &[&format!("Authorization: {scheme} x.y.z")], "");
        assert_eq!(answer.status, 401, "{scheme} in any case is ours: {}", answer.raw);
    }
}

#[test]
fn a_token_ends_when_its_client_does() {
    let library = Library::open();
    let house = &library.house;
    let token = house.token("robot", &house.robot("robot"));
    for _ in 0..3 {
        assert_eq!(bearer(house, &token).status, 200, "seen before, so it is in the cache");
    }
    house.run(&["client", "remove", "robot"]).good();
    refused(&library, "a removed client's token", &token);
    house.person("ada", "customer");
    let ada = house.sign_in("ada");
    assert_eq!(house.send("GET /books/7", &[&ada], "").status, 200);
    house.run(&["user", "disable", "ada"]).good();
    assert_ne!(house.send("GET /books/7", &[&ada], "").status, 200);
    assert_eq!(house.try_sign_in("ada", crate::house::PASSWORD).status, 401);
}

#[test]
fn the_operator_sees_why_a_token_is_refused() {
    let library = Library::open();
    let sample = Sample::of(&library.house);
    let good = library.house.pipe(&sample.token, &["token", "inspect"]).good();
    assert!(!good.out.contains('×') && good.out.contains('√'), "{}", good.out);
    let bad = sample.with(|header| header["alg"] = "none".into());
    let bad = library.house.pipe(&bad, &["token", "inspect"]);
    assert!(bad.out.contains('×'), "{}", bad.out);
}
