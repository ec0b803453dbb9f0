//! D: tokens and proofs of others' keys.

use serde_json::{Value, json};

use crate::ground::{Ground, Tokens};
use crate::request::Request;
use crate::signing::{Key, compact, fresh, hashed, mac_of, now};
use crate::suite::{Attack, Want, asks, check, plays, run, said};

const BAD_PROOF: Want = Want::Error(400, "invalid_dpop_proof");
const TOKEN: (&str, &str) = ("POST", "/oauth/token");

pub(crate) const ROWS: &[Attack] = &[
    plays("D1", "a bound token without its key", "RFC 9449 section 7.1", as_bearer),
    asks(
        "D2",
        "a proof for another method, address, time, or of a broken form",
        "RFC 9449 section 4.3",
        proofs,
        BAD_PROOF,
    ),
    asks(
        "D2",
        "no nonce, another's, an old one",
        "RFC 9449 section 8",
        nonces,
        Want::Error(400, "use_dpop_nonce"),
    ),
    asks("D2", "no proof, or two", "RFC 9449 section 4.3", counts, BAD_PROOF),
    plays("D2", "a proof twice", "RFC 9449 section 11.1", twice),
    asks(
        "D3",
        "keys that are private, symmetric or none, algorithms that are none",
        "RFC 9449 section 4.3",
        keys,
        BAD_PROOF,
    ),
    plays("D4", "a proof for another token", "RFC 9449 section 4.2", another_token),
    plays("D5", "a code and a pushed request for another key", "RFC 9449 section 10", another_key),
    plays("D6", "a refresh token with another key, or none", "RFC 9449 section 5", refreshed),
    plays(
        "D7",
        "a thumbprint that does not fit, a certificate in a header",
        "RFC 9449 section 6, RFC 8705 section 6.5",
        headers,
    ),
    plays(
        "D8",
        "an exchange that forgets the key",
        "RFC 8693 section 1.1, RFC 9449 section 6",
        exchanged,
    ),
];

#[test]
fn nobody_uses_a_token_without_its_key() {
    run(ROWS, &Ground::open());
}

/// A token request of `bound` with this proof.
fn with(ground: &Ground, proof: &str) -> Request {
    let request = Request::token(&[("grant_type", "client_credentials")]);
    request.basic("bound", &ground.bound).field(format!("DPoP: {proof}"))
}

/// A call with a bound token.
fn call(token: &str, proof: &str) -> Request {
    Request::new("GET /books").field(format!("Authorization: DPoP {token}")).field(proof)
}

fn as_bearer(ground: &Ground) {
    let (key, thief) = (Key::ec(), Key::ec());
    let token = ground.bound_tokens(&key).access;
    let good = || ground.shown(&key, ("GET", "/books"), &token);
    check(&ground.send(&call(&token, &good())), Want::Passes);
    for (name, request) in [
        ("as a bearer", Request::new("GET /books").bearer(&token)),
        ("as a bearer with its proof", Request::new("GET /books").bearer(&token).field(good())),
        (
            "without a proof",
            Request::new("GET /books").field(format!("Authorization: DPoP {token}")),
        ),
        ("by another key", call(&token, &ground.shown(&thief, ("GET", "/books"), &token))),
        ("with two proofs", call(&token, &good()).field(good())),
        ("under both schemes", call(&token, &good()).bearer(&token)),
        ("in the address", Request::new(&format!("GET /books?access_token={token}")).field(good())),
    ] {
        let answer = ground.send(&request);
        // `/books` is open to strangers: without a credential at all it answers.
        let is_stranger = name == "in the address" && answer.status == 200;
        assert!([400, 401].contains(&answer.status) || is_stranger, "{name}: {}", answer.raw);
    }
    let user = |scheme: &str| {
        let request =
            Request::new("GET /oauth/userinfo").field(format!("Authorization: {scheme} {token}"));
        ground.send(&request).status
    };
    assert_eq!([user("Bearer"), user("DPoP")], [401, 401]);
    // An unbound token gains nothing by a proof that it does not need.
    let plain = ground.tokens().access;
    let answer = ground.send(&call(&plain, &ground.shown(&key, ("GET", "/books"), &plain)));
    assert_eq!(answer.status, 401, "{}", answer.raw);
}

fn proofs(ground: &Ground) -> Vec<Request> {
    let (key, nonce) = (Key::ec(), json!(ground.nonce()));
    let url = format!("{}/oauth/token", ground.issuer());
    let made = |changes: &[(&str, Value)]| {
        let changes = [&[("nonce", nonce.clone())][..], changes].concat();
        with(ground, &ground.proof(&key, TOKEN, &changes)).label(format!("{changes:?}"))
    };
    let mut all: Vec<Request> = [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htm", Value::Null),
        ("htm", json!(["POST"])),
        ("htu", Value::Null),
        ("htu", json!("/oauth/token")),
        ("htu", json!("")),
        ("htu", json!(url.replace("https", "http"))),
        ("htu", json!(url.replace("/oauth/token", "/OAuth/Token"))),
        ("htu", json!(format!("{url}/"))),
        ("htu", json!(url.replace("/oauth/token", "/oauth/par"))),
        ("htu", json!(url.replace("harbour.localhost", "other.example"))),
        ("htu", json!(url.replace("harbour.localhost", "x@harbour.localhost"))),
        ("htu", json!([url])),
        ("iat", json!(now() - 3_600)),
        ("iat", json!(now() + 3_600)),
        ("iat", json!(now().to_string())),
        ("iat", json!(-1)),
        ("iat", json!(1e300)),
        ("iat", Value::Null),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!(1)),
        ("jti", json!("j".repeat(3_000))),
    ]
    .map(|change| made(&[change]))
    .into();
    let good = || ground.proof(&key, TOKEN, &[("nonce", nonce.clone())]);
    let [header, claims, signature]: [String; 3] =
        good().split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    all.extend([
        with(ground, "").label("empty"),
        with(ground, "x.y.z").label("words"),
        with(ground, &format!("{}==", good())).label("padding"),
        with(ground, &format!("{header}.{claims}.")).label("no signature"),
        with(ground, &format!("{header}.{claims}.{signature}.{signature}")).label("two signatures"),
        with(ground, &format!("{}, {}", good(), good())).label("a list"),
        with(ground, &ground.tokens().id).label("an ID token"),
    ]);
    all
}

fn nonces(ground: &Ground) -> Vec<Request> {
    let key = Key::ec();
    let other = crate::library::Library::open();
    let asked = Request::token(&[("grant_type", "client_credentials")]);
    let secret = crate::ground::add(&other.house, "bound", &["--dpop"]);
    let proof = key.token(
        &json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public() }),
        &json!({ "htm": "POST", "htu": format!("{}/oauth/token", other.house.origin()), "iat": now(), "jti": fresh() }),
    );
    let answer = asked.basic("bound", &secret).field(format!("DPoP: {proof}")).to(&other.house);
    let foreign = answer.field("dpop-nonce").unwrap_or_else(|| panic!("{}", answer.raw));
    let with_nonce = |nonce: Value| {
        let label = nonce.to_string();
        with(ground, &ground.proof(&key, TOKEN, &[("nonce", nonce)])).label(label)
    };
    [Value::Null, json!("x"), json!(foreign), json!(fresh())].map(with_nonce).into()
}

fn counts(ground: &Ground) -> Vec<Request> {
    let key = Key::ec();
    let bare =
        Request::token(&[("grant_type", "client_credentials")]).basic("bound", &ground.bound);
    let nonce = json!(ground.nonce());
    let proof = || format!("DPoP: {}", ground.proof(&key, TOKEN, &[("nonce", nonce.clone())]));
    let twice = bare.clone().field(proof()).field(proof());
    let same = proof();
    vec![
        bare.clone().label("none"),
        twice.label("two"),
        bare.field(same.clone()).field(same).label("one twice"),
    ]
}

fn twice(ground: &Ground) {
    let key = Key::ec();
    let proof = ground.proof(&key, TOKEN, &[("nonce", json!(ground.nonce()))]);
    check(&ground.send(&with(ground, &proof)), Want::Passes);
    check(&ground.send(&with(ground, &proof)), BAD_PROOF);
    // The same words, signed again, are the same proof.
    let (jti, nonce) = (json!("same"), json!(ground.nonce()));
    let again = || ground.proof(&key, TOKEN, &[("nonce", nonce.clone()), ("jti", jti.clone())]);
    check(&ground.send(&with(ground, &again())), Want::Passes);
    check(&ground.send(&with(ground, &again())), BAD_PROOF);
    // At the gateway.
    let token = ground.bound_tokens(&key).access;
    let proof = ground.shown(&key, ("GET", "/books"), &token);
    check(&ground.send(&call(&token, &proof)), Want::Passes);
    assert_eq!(ground.send(&call(&token, &proof)).status, 401);
    let proof = ground.shown(&key, ("GET", "/oauth/userinfo"), &token);
    let user = Request::new("GET /oauth/userinfo")
        .field(format!("Authorization: DPoP {token}"))
        .field(&proof);
    check(&ground.send(&user), Want::Passes);
    assert_eq!(ground.send(&user).status, 401);
}

fn keys(ground: &Ground) -> Vec<Request> {
    let (key, rsa, nonce) = (Key::ec(), Key::rsa(), ground.nonce());
    let claims = || {
        json!({ "htm": "POST", "htu": format!("{}/oauth/token", ground.issuer()), "iat": now(),
            "jti": fresh(), "nonce": nonce })
        .to_string()
    };
    let made = |header: Value, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let label = header.to_string().chars().take(80).collect::<String>();
        with(ground, &compact(&header.to_string(), &claims(), sign)).label(label)
    };
    let plain = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public() });
    let header = |name: &str, value: Value| {
        let mut header = plain.clone();
        header[name] = value;
        header
    };
    let mut private = key.public();
    private["d"] = crate::signing::encoded([1; 32]).into();
    let mut off = key.public();
    off["y"] = off["x"].clone();
    let secret = json!({ "kty": "oct", "k": crate::signing::encoded([7; 32]) });
    let symmetric = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": secret });
    let good = |bytes: &[u8]| key.sign(bytes);
    vec![
        made(header("jwk", private), &good),
        made(header("jwk", off), &good),
        made(header("jwk", Key::ec().public()), &good),
        made(header("jwk", Key::ed().public()), &good),
        made(header("jwk", json!({})), &good),
        made(header("jwk", json!("x")), &good),
        made(header("jwk", json!([key.public()])), &good),
        made(json!({ "typ": "dpop+jwt", "alg": "ES256" }), &good),
        made(
            json!({ "typ": "dpop+jwt", "alg": "ES256", "kid": ground.signer.thumbprint() }),
            &good,
        ),
        made(symmetric, &|bytes| mac_of(&[7; 32], bytes)),
        made(header("alg", json!("none")), &|_| Vec::new()),
        made(header("alg", json!("none")), &good),
        made(header("alg", json!("HS256")), &|bytes| {
            mac_of(key.public().to_string().as_bytes(), bytes)
        }),
        made(header("alg", json!("ES384")), &good),
        made(json!({ "typ": "dpop+jwt", "alg": "RS256", "jwk": rsa.public() }), &|bytes| {
            rsa.sign_as_rs256(bytes)
        }),
        made(header("typ", json!("JWT")), &good),
        made(header("typ", json!("at+jwt")), &good),
        made(json!({ "alg": "ES256", "jwk": key.public() }), &good),
        made(header("crit", json!(["x"])), &good),
        made(header("zip", json!("DEF")), &good),
        made(plain.clone(), &|_| vec![0; 64]),
        made(plain.clone(), &|_| Vec::new()),
    ]
}

fn another_token(ground: &Ground) {
    let key = Key::ec();
    let (one, two) = (ground.bound_tokens(&key).access, ground.bound_tokens(&key).access);
    let line = ("GET", "/books");
    for proof in [
        ground.shown(&key, line, &two),
        format!("DPoP: {}", ground.proof(&key, line, &[])),
        format!("DPoP: {}", ground.proof(&key, line, &[("ath", json!(""))])),
        format!("DPoP: {}", ground.proof(&key, line, &[("ath", json!([hashed(&one)]))])),
        ground.shown(&key, ("POST", "/books"), &one),
        ground.shown(&key, ("GET", "/books/7"), &one),
        ground.shown(&key, ("GET", "/oauth/userinfo"), &one),
    ] {
        assert_eq!(ground.send(&call(&one, &proof)).status, 401, "{proof}");
    }
}

fn another_key(ground: &Ground) {
    let (key, thief) = (Key::ec(), Key::ec());
    let code = || ground.code(&[("dpop_jkt", &key.thumbprint())]);
    for field in [None, Some(ground.proven(&thief))] {
        let request = Ground::redemption(&code(), &[]);
        let request = field.into_iter().fold(request, Request::field);
        let answer = ground.send(&request);
        assert_eq!(answer.status, 400, "{}", answer.raw);
        let known = ["invalid_grant", "invalid_dpop_proof"];
        assert!(known.contains(&said(&answer).as_str()), "{}", answer.raw);
    }
    check(&ground.send(&Ground::redemption(&code(), &[]).field(ground.proven(&key))), Want::Passes);
    // A pushed request whose proof is by another key than the one that it names.
    let jkt = key.thumbprint();
    let form = crate::ground::question_form(&[("dpop_jkt", &jkt)]);
    let nonce = json!(ground.nonce());
    let proof = |key: &Key| {
        format!("DPoP: {}", ground.proof(key, ("POST", "/oauth/par"), &[("nonce", nonce.clone())]))
    };
    let push =
        |key: &Key| ground.send(&Request::form("/oauth/par", &[]).and(&form).field(proof(key)));
    let answer = push(&thief);
    assert_eq!(answer.status, 400, "{}", answer.raw);
    assert_eq!(push(&key).status, 201);
    // Without `dpop_jkt`, the key of the proof that came with it binds the code.
    let form = crate::ground::question_form(&[]);
    let pushed = ground.send(&Request::form("/oauth/par", &[]).and(&form).field(proof(&key)));
    let uri = pushed.json()["request_uri"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", pushed.raw))
        .to_owned();
    let ask = Request::query("/oauth/authorize", &[("client_id", "web"), ("request_uri", &uri)]);
    let to = ground.send(&ask.field(&ground.ada)).field("location").unwrap();
    let code = crate::request::parameter(&to, "code").unwrap();
    let answer = ground.send(&Ground::redemption(&code, &[]).field(ground.proven(&thief)));
    assert_eq!(answer.status, 400, "{}", answer.raw);
}

fn refreshed(ground: &Ground) {
    let (key, thief) = (Key::ec(), Key::ec());
    let token = ground.bound_tokens(&key).refresh;
    for field in [None, Some(ground.proven(&thief))] {
        let request = field.into_iter().fold(Ground::refreshing(&token, &[]), Request::field);
        let answer = ground.send(&request);
        let known = ["invalid_grant", "invalid_dpop_proof"];
        assert!(answer.status == 400 && known.contains(&said(&answer).as_str()), "{}", answer.raw);
    }
    let answer = ground.send(&Ground::refreshing(&token, &[]).field(ground.proven(&key)));
    check(&answer, Want::Passes);
    let next = Tokens::of(&answer).access;
    assert_eq!(crate::signing::claims(&next)["cnf"]["jkt"], key.thumbprint().as_str());
    let answer = ground.send(&Request::new("GET /books").bearer(&next));
    assert_eq!(answer.status, 401, "{}", answer.raw);
}

fn headers(ground: &Ground) {
    let key = Key::ec();
    let token = ground.bound_tokens(&key).access;
    let line = ground.house().read(".ringwall/ca.pem").replace('\n', "");
    for name in ["X-Client-Cert", "X-Forwarded-Client-Cert", "Client-Cert", "X-SSL-Client-Cert"] {
        let request = Request::new("GET /books").bearer(&token).field(format!("{name}: {line}"));
        assert_eq!(ground.send(&request).status, 401, "{name}");
    }
    // An Ed25519 proof with the thumbprint of another key among its claims.
    let other = Key::ed();
    let proof = ground.proof(
        &other,
        ("GET", "/books"),
        &[
            ("ath", json!(hashed(&token))),
            ("jkt", json!(key.thumbprint())),
            ("cnf", json!({ "jkt": key.thumbprint() })),
        ],
    );
    assert_eq!(ground.send(&call(&token, &format!("DPoP: {proof}"))).status, 401);
}

fn exchanged(ground: &Ground) {
    let (key, thief) = (Key::ec(), Key::ec());
    let token = ground.bound_tokens(&key).access;
    for field in [None, Some(ground.proven(&thief))] {
        let request = field.into_iter().fold(ground.exchange(&token, &[]), Request::field);
        let answer = ground.send(&request);
        assert_eq!(answer.status, 400, "{}", answer.raw);
    }
    let answer = ground.send(&ground.exchange(&token, &[]).field(ground.proven(&key)));
    check(&answer, Want::Passes);
    let bound = Tokens::of(&answer).access;
    assert_eq!(crate::signing::claims(&bound)["cnf"]["jkt"], key.thumbprint().as_str());
    assert_eq!(ground.send(&Request::new("GET /books").bearer(&bound)).status, 401);
}
