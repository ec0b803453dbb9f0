//! J: tokens that nobody issued, at every place that takes one.

use std::net::TcpListener;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::forgery::{Sample, nobody_takes};
use crate::ground::{Ground, add};
use crate::request::Request;
use crate::signing::{Key, decoded, encoded, fresh, now};
use crate::suite::{Attack, Want, asks, check, plays, run};

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "J1",
        "an algorithm that is none, misspelt, empty, a number or missing",
        "RFC 8725 section 2.1",
        no_algorithm,
    ),
    plays(
        "J2",
        "the public key as the secret of an HMAC: raw, DER, PEM, JWK",
        "CVE-2015-9235, CVE-2026-11800",
        key_as_secret,
    ),
    plays("J3", "HS* under the name of a published key", "RFC 8725 section 2.1", symmetric),
    plays("J4", "a key that the token brings along", "CVE-2018-0114", embedded_key),
    plays("J5", "addresses of keys, at which somebody listens", "RFC 8725 section 3.10", addresses),
    plays(
        "J6",
        "names of keys that are paths, queries, commands, long or unknown",
        "ory/hydra#2535",
        key_names,
    ),
    plays(
        "J7",
        "what has to be understood and is not",
        "RFC 7515 section 4.1.11, RFC 7797",
        critical,
    ),
    plays("J8", "a name twice, also inside", "RFC 8725 section 2.6, RFC 7515 section 4", doubled),
    plays("J9", "each kind of token in the place of each other", "RFC 8725 section 3.11", kinds),
    plays("J10", "ECDSA signatures of zeros, of the order, in DER", "CVE-2022-21449", curve),
    plays(
        "J11",
        "weak RSA keys that a client registers",
        "RFC 7518 section 3.3, RFC 8725 section 3.2",
        weak_keys,
    ),
    plays(
        "J12",
        "Ed25519: a scalar beyond the order, points of small order",
        "RFC 8032 section 5.1.7",
        edwards,
    ),
    plays(
        "J13",
        "base64 with padding, white space, other letters, loose bits",
        "RFC 7515 section 2, RFC 4648 section 3.5",
        spelling,
    ),
    plays(
        "J14",
        "no signature, two of them, JSON, a JWE",
        "CVE-2020-28042, RFC 7515 section 7.2",
        forms,
    ),
    plays(
        "J17",
        "the issuer with a slash, and another house's key in our name",
        "RFC 9068 section 4",
        issuers,
    ),
    plays(
        "J18",
        "a client that registers a key under the name of ours",
        "RFC 7517 section 4.5",
        same_name,
    ),
    plays("J19", "depth, size and compression", "RFC 8725 section 2.4, CVE-2024-28180", bombs),
    plays(
        "J20",
        "a token of another house with the same name",
        "RFC 9068 section 4",
        another_house,
    ),
    asks(
        "J21",
        "an opaque token cut short or drawn out",
        "CVE-2026-27840",
        cut,
        Want::Error(400, "invalid_grant"),
    ),
    plays("J22", "a token that was seen before it was revoked", "lua-resty-openidc 1.9.0", cached),
];

#[test]
fn nobody_forges_a_token() {
    run(ROWS, &Ground::open());
}

fn no_algorithm(ground: &Ground) {
    let sample = Sample::of(ground);
    check(&ground.send(&Request::new("GET /books").bearer(&sample.token)), Want::Passes);
    let names =
        ["none", "None", "nOnE", "NONE", "", "none ", "EdDSA ", "eddsa", "RS256"].map(Value::from);
    for alg in names.into_iter().chain([json!(0), json!(null), json!(["EdDSA"]), json!(true)]) {
        let header = |header: &mut Value| header["alg"] = alg.clone();
        nobody_takes(ground, &format!("{alg}, signed"), &sample.with(header));
        nobody_takes(
            ground,
            &format!("{alg}, unsigned"),
            &sample.signed_by(header, |_| Vec::new()),
        );
    }
    let without = |header: &mut Value| drop(header.as_object_mut().unwrap().remove("alg"));
    nobody_takes(ground, "no alg", &sample.with(without));
}

fn key_as_secret(ground: &Ground) {
    let sample = Sample::of(ground);
    let raw = decoded(sample.key["x"].as_str().unwrap());
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &raw].concat();
    let body = STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    let jwk = sample.key.to_string();
    for secret in [&raw[..], &der, pem.as_bytes(), pem.trim().as_bytes(), jwk.as_bytes(), b""] {
        nobody_takes(ground, "HS256", &mac(&sample, "HS256", hmac::HMAC_SHA256, secret));
    }
}

fn mac(sample: &Sample, alg: &str, algorithm: hmac::Algorithm, secret: &[u8]) -> String {
    let sign = |bytes: &[u8]| crate::signing::mac(algorithm, secret, bytes);
    sample.signed_by(|header| header["alg"] = alg.into(), sign)
}

fn symmetric(ground: &Ground) {
    let sample = Sample::of(ground);
    let raw = decoded(sample.key["x"].as_str().unwrap());
    for (alg, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        nobody_takes(ground, alg, &mac(&sample, alg, algorithm, &raw));
        nobody_takes(ground, alg, &mac(&sample, alg, algorithm, ground.robot.as_bytes()));
    }
}

fn embedded_key(ground: &Ground) {
    let (sample, own) = (Sample::of(ground), Key::ed());
    nobody_takes(ground, "our name", &sample.by(&own, |_| ()));
    for named in [own.thumbprint(), sample.header["kid"].as_str().unwrap().to_owned()] {
        let brought = sample.by(&own, |header| {
            header["jwk"] = own.public();
            header["kid"] = named.as_str().into();
        });
        nobody_takes(ground, "jwk", &brought);
    }
}

fn addresses(ground: &Ground) {
    let (sample, own) = (Sample::of(ground), Key::ed());
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", trap.local_addr().unwrap());
    for name in ["jku", "x5u"] {
        for url in [url.clone(), format!("{}/oauth/jwks", ground.issuer())] {
            nobody_takes(
                ground,
                name,
                &sample.by(&own, |header| header[name] = url.clone().into()),
            );
        }
    }
    for name in ["x5c", "x5t", "x5t#S256"] {
        nobody_takes(ground, name, &sample.by(&own, |header| header[name] = json!(["AAAA"])));
    }
    assert!(trap.accept().is_err(), "somebody came to fetch keys");
}

fn key_names(ground: &Ground) {
    let (sample, own) = (Sample::of(ground), Key::ed());
    let long = "k".repeat(4_000);
    let names = [
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 'AAAA'--",
        "$(touch /tmp/x)",
        "|id",
        "",
        "\0",
        "\u{202e}",
        "unknown",
        &long,
    ];
    let others = [json!(1), json!(null), json!(["a"]), json!({ "a": 1 })];
    for kid in names.map(Value::from).into_iter().chain(others) {
        let label = kid.to_string().chars().take(30).collect::<String>();
        nobody_takes(ground, &label, &sample.by(&own, |header| header["kid"] = kid.clone()));
        nobody_takes(ground, &label, &sample.with(|header| header["kid"] = kid.clone()));
    }
}

fn critical(ground: &Ground) {
    let sample = Sample::of(ground);
    for (name, value) in [
        ("crit", json!(["x"])),
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
    ] {
        nobody_takes(ground, name, &sample.with(|header| header[name] = value.clone()));
    }
}

fn doubled(ground: &Ground) {
    let sample = Sample::of(ground);
    let [header, claims, signature] = sample.parts();
    let (plain, inside) = (sample.header.to_string(), sample.claims.to_string());
    let first = |name: &str, value: &str, text: &str| {
        text.replacen('{', &format!("{{\"{name}\":{value},"), 1)
    };
    for (name, value) in
        [("alg", "\"none\""), ("alg", "\"EdDSA\""), ("kid", "\"x\""), ("typ", "\"JWT\"")]
    {
        let twice = encoded(first(name, value, &plain));
        nobody_takes(ground, name, &format!("{twice}.{claims}.{signature}"));
    }
    for (name, value) in [("sub", "\"ada\""), ("exp", "9999999999"), ("x", "{\"a\":1,\"a\":2}")] {
        let twice = encoded(first(name, value, &inside));
        nobody_takes(ground, name, &format!("{header}.{twice}.{signature}"));
    }
    // Signed by who may, so that nothing but the doubled name is wrong.
    let key = &ground.signer;
    let claims = ground.claimed(&[]).to_string();
    let control =
        crate::signing::compact(&ground.header(&[]).to_string(), &claims, |bytes| key.sign(bytes));
    check(&ground.send(&Ground::asserting(&control, &[])), Want::Passes);
    for (name, value) in [
        ("sub", "\"robot\""),
        ("aud", "\"x\""),
        ("x", "{\"a\":1,\"a\":2}"),
        ("\\u0073ub", "\"signer\""),
    ] {
        let claims = first(name, value, &ground.claimed(&[]).to_string());
        let twice = crate::signing::compact(&ground.header(&[]).to_string(), &claims, |bytes| {
            key.sign(bytes)
        });
        let answer = ground.send(&Ground::asserting(&twice, &[]).label(name));
        check(&answer, Want::Error(401, "invalid_client"));
    }
}

/// Rows: what somebody can get hold of. Columns: all places that take a token of one kind.
fn kinds(ground: &Ground) {
    let tokens = ground.tokens();
    let seen = ground.send(&Request::new("GET /lab/echo").field(&ground.ada)).json();
    let internal = crate::library::field(&seen, "ringwall-identity").unwrap().to_owned();
    let assertion = ground.signer.token(&ground.header(&[]), &ground.claimed(&[]));
    let proof = ground.proof(&ground.signer, ("GET", "/oauth/userinfo"), &[]);
    let code = ground.code(&[]);
    let session = ground.ada.split_once('=').unwrap().1.to_owned();
    let kinds = [
        ("an ID token", tokens.id.clone()),
        ("an internal token", internal),
        ("an assertion", assertion),
        ("a proof", proof),
        ("a refresh token", tokens.refresh.clone()),
        ("a code", code),
        ("a session", session),
        ("a client's secret", ground.robot.clone()),
    ];
    for (name, token) in &kinds {
        nobody_takes(ground, name, token);
    }
    let mut all = kinds.to_vec();
    all.push(("an access token", tokens.access));
    for (name, token) in &all {
        if *name != "an assertion" {
            let answer = ground.send(&Ground::asserting(token, &[]).label(*name));
            check(&answer, Want::Error(401, "invalid_client"));
        }
        let proof =
            Request::token(&[("grant_type", "client_credentials")]).basic("bound", &ground.bound);
        let answer = ground.send(&proof.field(format!("DPoP: {token}")));
        // A proof for another place is one of the cases.
        check(&answer, Want::Error(400, "invalid_dpop_proof"));
        if *name != "a code" {
            check(&ground.send(&Ground::redemption(token, &[])), Want::Error(400, "invalid_grant"));
        }
        if *name != "a refresh token" {
            check(&ground.send(&Ground::refreshing(token, &[])), Want::Error(400, "invalid_grant"));
        }
        check(&ground.send(&Ground::polling(token)), Want::Error(400, "invalid_grant"));
        if *name != "a session" {
            let answer = ground.send(
                &Request::new("GET /books/7").field(format!("Cookie: __Host-ringwall={token}")),
            );
            assert_ne!(answer.status, 200, "{name}: {}", answer.raw);
        }
        let answer = ground
            .send(&Request::new("GET /lab/mine").field(format!("Ringwall-Identity: {token}")));
        assert_ne!(answer.status, 200, "{name}: {}", answer.raw);
    }
}

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn curve(ground: &Ground) {
    let sample = Sample::of(ground);
    let keys = ground.house().get("/oauth/jwks").json();
    let keys = keys["keys"].as_array().unwrap().clone();
    let ours = keys.iter().find(|key| key["crv"] == "P-256").unwrap();
    let zeros: [Vec<u8>; 5] =
        [vec![0; 64], vec![], vec![0; 96], vec![0; 132], [ORDER, ORDER].concat()];
    for (at, signature) in zeros.iter().enumerate() {
        let forged = sample.signed_by(
            |header| {
                header["alg"] = "ES256".into();
                header["kid"] = ours["kid"].clone();
            },
            |_| signature.clone(),
        );
        nobody_takes(ground, &format!("{at}"), &forged);
    }
    // An assertion, of which only the signature is wrong.
    let key = &ground.signer;
    let one = [&[0_u8; 31][..], &[1]].concat();
    let wrong = |sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let claims = ground.claimed(&[]).to_string();
        let forged = crate::signing::compact(&ground.header(&[]).to_string(), &claims, sign);
        check(&ground.send(&Ground::asserting(&forged, &[])), Want::Error(401, "invalid_client"));
    };
    for signature in zeros {
        wrong(&|_| signature.clone());
    }
    wrong(&|_| [&one[..], &[0; 32]].concat());
    wrong(&|_| [&[0; 32], &one[..]].concat());
    wrong(&|bytes| [&key.sign(bytes)[..32], &ORDER[..]].concat());
    wrong(&|bytes| [&ORDER[..], &key.sign(bytes)[32..]].concat());
    wrong(&|bytes| der(&key.sign(bytes)));
    wrong(&|bytes| [&key.sign(bytes)[..], &[0]].concat());
    wrong(&|bytes| key.sign(bytes)[..63].to_vec());
    // (r, n - s) verifies too: it must not make a second assertion out of the first one.
    let once = key.token(&ground.header(&[]), &ground.claimed(&[]));
    check(&ground.send(&Ground::asserting(&once, &[])), Want::Passes);
    let (start, signature) = once.rsplit_once('.').unwrap();
    let signature = decoded(signature);
    let twin = [&signature[..32], &less(&ORDER, &signature[32..])].concat();
    let twin = format!("{start}.{}", encoded(twin));
    check(&ground.send(&Ground::asserting(&twin, &[])), Want::Error(401, "invalid_client"));
}

fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, 33, 0][..], bytes].concat();
    let inside = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(inside.len()).unwrap()][..], &inside].concat()
}

/// One number of 256 bits less another.
fn less(from: &[u8], what: &[u8]) -> Vec<u8> {
    let mut result = vec![0; 32];
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let rest = i16::from(from[at]) - i16::from(what[at]) - borrow;
        borrow = i16::from(rest < 0);
        result[at] = u8::try_from(rest.rem_euclid(256)).unwrap();
    }
    result
}

fn weak_keys(ground: &Ground) {
    let house = ground.house();
    let strong = Key::rsa().public();
    let exponent = |e: &str| json!({ "kty": "RSA", "n": strong["n"], "e": e });
    let short = json!({ "kty": "RSA", "n": encoded([0xff; 128]), "e": "AQAB" });
    let zero = [&[0][..], &decoded(strong["n"].as_str().unwrap())].concat();
    let leading = json!({ "kty": "RSA", "n": encoded(zero), "e": "AQAB" });
    let even = json!({ "kty": "RSA", "n": encoded([0xfe; 256]), "e": "AQAB" });
    let point =
        json!({ "kty": "EC", "crv": "P-256", "x": encoded([1; 32]), "y": encoded([1; 32]) });
    let identity =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded([&[1][..], &[0; 31]].concat()) });
    let shared = json!({ "kty": "oct", "k": encoded([7; 32]) });
    let keys = [short, exponent("AQ"), exponent("Ag"), leading, even, point, identity, shared];
    for (at, mut key) in keys.into_iter().enumerate() {
        key["kid"] = fresh().into();
        house.write("weak.json", &json!({ "keys": [key] }).to_string());
        let outcome = house.run(&["client", "add", &format!("weak{at}"), "--jwks", "weak.json"]);
        assert_ne!(outcome.code, 0, "a client has this key: {key}");
    }
}

/// The order of the group of Ed25519, little end first.
const EDWARDS: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn edwards(ground: &Ground) {
    let sample = Sample::of(ground);
    assert_eq!(sample.header["alg"], "EdDSA");
    let mut larger = sample.signature.clone();
    let mut carry = 0_u16;
    for (byte, order) in larger.iter_mut().skip(32).zip(EDWARDS) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    nobody_takes(ground, "a scalar beyond the order", &sample.signature(&larger));
    let zero = [0_u8; 32];
    let one = [&[1][..], &[0; 31]].concat();
    let minus = [&[0xec][..], &[0xff; 30], &[0x7f]].concat();
    let beyond = [&[0xee][..], &[0xff; 30], &[0x7f]].concat();
    for point in [&zero[..], &one, &minus, &beyond] {
        nobody_takes(ground, "a point of small order", &sample.signature(&[point, &zero].concat()));
    }
}

fn spelling(ground: &Ground) {
    let sample = Sample::of(ground);
    let token = &sample.token;
    let [header, claims, signature] = sample.parts();
    let mut letters = token.chars();
    let last = letters.next_back().unwrap();
    let start = letters.as_str();
    // 64 bytes leave four unused bits in the last character: only A, Q, g and w are canonical.
    let next = char::from(u8::try_from(last).unwrap() + 1);
    for (name, token) in [
        ("loose bits", format!("{start}{next}")),
        ("padding", format!("{token}==")),
        ("padding inside", format!("{header}=.{claims}.{signature}")),
        ("white space", format!("{header}. {claims}.{signature}")),
        ("an escape", format!("{header}.{claims}.%0A{signature}")),
        ("other letters", format!("{header}.{claims}.{}", STANDARD.encode(&sample.signature))),
        ("foreign letters", format!("{header}.{claims}.!{signature}")),
        ("one more", format!("{token}A")),
        ("one less", start.to_owned()),
        ("twice", format!("{token}{token}")),
        ("a tab", format!("{header}.{claims}.\t{signature}")),
    ] {
        nobody_takes(ground, name, &token);
    }
}

fn forms(ground: &Ground) {
    let sample = Sample::of(ground);
    let [header, claims, signature] = sample.parts();
    let flat = json!({ "payload": claims, "protected": header, "signature": signature });
    let full = json!({ "payload": claims, "signatures": [{ "protected": header, "signature": signature }] });
    for (name, token) in [
        ("no signature", format!("{header}.{claims}.")),
        ("no third part", format!("{header}.{claims}")),
        ("two signatures", format!("{header}.{claims}.{signature}.{signature}")),
        ("the form of a JWE", format!("{header}..{claims}.{signature}.{signature}")),
        ("only dots", "..".to_owned()),
        ("flattened JSON", flat.to_string()),
        ("general JSON", full.to_string()),
        ("null", "null".to_owned()),
        ("zero bytes", sample.signature(&[0; 64])),
        ("parts in another order", format!("{claims}.{header}.{signature}")),
        ("a token in a token", format!("{header}.{}.{signature}", encoded(&sample.token))),
    ] {
        nobody_takes(ground, name, &token);
    }
    for (name, value) in [
        ("exp", json!(1e300)),
        ("exp", json!("9999999999")),
        ("aud", json!("*")),
        ("sub", json!("ada")),
        ("iss", json!("")),
        ("scope", json!("admin")),
        ("roles", json!(["clerk"])),
    ] {
        let mut changed = sample.claims.clone();
        changed[name] = value;
        nobody_takes(
            ground,
            name,
            &format!("{header}.{}.{signature}", encoded(changed.to_string())),
        );
    }
}

fn issuers(ground: &Ground) {
    let (sample, own) = (Sample::of(ground), Key::ed());
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": own.thumbprint() });
    for issuer in [format!("{}/", ground.issuer()), ground.issuer().to_uppercase(), ground.issuer()]
    {
        let mut claims = sample.claims.clone();
        claims["iss"] = issuer.as_str().into();
        claims["exp"] = (now() + 300).into();
        nobody_takes(ground, &issuer, &own.token(&header, &claims));
        let ours = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": sample.header["kid"] });
        nobody_takes(ground, &issuer, &own.token(&ours, &claims));
    }
}

fn same_name(ground: &Ground) {
    let (sample, house) = (Sample::of(ground), ground.house());
    for own in [Key::ed(), Key::ec()] {
        let mut key = own.public();
        key["kid"] = sample.header["kid"].clone();
        house.write("same.json", &json!({ "keys": [key] }).to_string());
        let id = format!("same-{}", own.alg().to_lowercase());
        add(house, &id, &["--bearer", "--jwks", "same.json"]);
        let alg = own.alg();
        nobody_takes(ground, alg, &sample.by(&own, |header| header["alg"] = alg.into()));
        // It is a key for what its own client signs all the same, and for nobody else's.
        let as_client = |id: &str| {
            let named = [("iss", json!(id)), ("sub", json!(id))];
            let header = json!({ "typ": "JWT", "alg": alg, "kid": sample.header["kid"] });
            ground.send(&Ground::asserting(&own.token(&header, &ground.claimed(&named)), &[]))
        };
        check(&as_client(&id), Want::Passes);
        check(&as_client("signer"), Want::Error(401, "invalid_client"));
    }
}

fn bombs(ground: &Ground) {
    let sample = Sample::of(ground);
    let [header, claims, signature] = sample.parts();
    let deep = |depth: usize| encoded("[".repeat(depth) + &"]".repeat(depth));
    for (name, token) in [
        ("64 KiB", format!("{header}.{}.{signature}", "A".repeat(65_536))),
        ("1 MB", format!("{header}.{claims}.{}", "A".repeat(1_000_000))),
        ("depth of claims", format!("{header}.{}.{signature}", deep(2_500))),
        ("depth of the header", format!("{}.{claims}.{signature}", deep(2_500))),
        ("dots", ".".repeat(8_000)),
    ] {
        nobody_takes(ground, name, &token);
    }
    let deep = ground.claimed(&[]).to_string().replacen(
        '{',
        &format!("{{\"x\":{}1{},", "[".repeat(500), "]".repeat(500)),
        1,
    );
    let key = &ground.signer;
    let assertion =
        crate::signing::compact(&ground.header(&[]).to_string(), &deep, |bytes| key.sign(bytes));
    check(&ground.send(&Ground::asserting(&assertion, &[])), Want::Error(401, "invalid_client"));
}

fn another_house(ground: &Ground) {
    let other = crate::library::Library::open();
    let foreign = other.house.token("robot", &other.house.robot("robot"));
    assert_eq!(Request::new("GET /books").bearer(&foreign).to(&other.house).status, 200);
    nobody_takes(ground, "another house's", &foreign);
}

fn cut(ground: &Ground) -> Vec<Request> {
    let token = ground.tokens().refresh;
    let mut letters = token.chars();
    letters.next_back();
    let short = letters.as_str().to_owned();
    let upper = token.to_uppercase();
    let spellings = [short, format!("{token}A"), format!("{token} "), format!(" {token}"), upper];
    spellings.iter().map(|token| Ground::refreshing(token, &[])).collect()
}

fn cached(ground: &Ground) {
    let tokens = ground.tokens();
    for _ in 0..3 {
        assert_eq!(ground.opens(&tokens.access), [200, 200], "seen before, so it is in the cache");
    }
    let request =
        Request::form("/oauth/revoke", &[("client_id", "web"), ("token", &tokens.access)]);
    check(&ground.send(&request), Want::Passes);
    nobody_takes(ground, "a revoked one", &tokens.access);
}
