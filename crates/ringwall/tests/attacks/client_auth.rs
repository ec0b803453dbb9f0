//! C: clients that are not who they say, and J15 and J16, which need a key that signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::ground::{ASSERTION, CALLBACK, DEVICE, EXCHANGE, Ground};
use crate::request::{MARKER, Request};
use crate::signing::{Key, compact, fresh, now};
use crate::suite::{Attack, Want, asks, check, plays, run};

const REFUSED: Want = Want::Error(401, "invalid_client");

pub(crate) const ROWS: &[Attack] = &[
    asks(
        "C1",
        "the control: an assertion for the issuer",
        "RFC 7523bis section 3",
        |ground| asserted(ground, &[&[]]),
        Want::Passes,
    ),
    asks(
        "C1",
        "an assertion for an endpoint, for several, for another server",
        "RFC 7523bis section 3, CVE-2025-27370",
        audiences,
        REFUSED,
    ),
    asks(
        "J16",
        "an audience that is missing, a part, another case, with a slash",
        "CVE-2026-55669, RFC 8725 section 3.9",
        near_audiences,
        REFUSED,
    ),
    plays("C2", "an assertion twice", "RFC 7523 section 3 item 7", twice),
    asks(
        "C3",
        "no end, an end in a year, made tomorrow, over",
        "RFC 7523 section 3 item 4, FAPI 2.0",
        times,
        REFUSED,
    ),
    asks(
        "J15",
        "times as strings, fractions, negative, beyond all numbers",
        "CVE-2026-25537, RFC 7519 section 2",
        numbers,
        REFUSED,
    ),
    asks(
        "C4",
        "issuer, subject and client that are not one",
        "RFC 7523 section 3 items 1 and 2",
        names,
        REFUSED,
    ),
    asks("C5", "another client's key", "RFC 7523 section 3 item 9", foreign_keys, REFUSED),
    asks(
        "C5",
        "an assertion that is none, or signed by what is no key of it",
        "RFC 8725 section 3.1",
        forged,
        REFUSED,
    ),
    asks(
        "C6",
        "a client with a key that comes with a secret or nothing",
        "RFC 7591 section 2, OpenID Connect Core section 9",
        downgrades,
        REFUSED,
    ),
    asks(
        "C6",
        "a client with a secret that comes with less",
        "RFC 6749 section 3.2.1",
        secretless,
        REFUSED,
    ),
    asks(
        "C7",
        "two proofs at once",
        "RFC 6749 section 2.3",
        two_methods,
        Want::Error(400, "invalid_request"),
    ),
    asks("C8", "Basic that does not decode", "RFC 6749 section 2.3.1", percent, REFUSED),
    plays(
        "C9",
        "a client that is unknown looks like one whose secret is wrong. Ids of clients are no secret, and a \
         secret costs one HMAC: the answers are compared, and no clock is asked",
        "RFC 6749 section 5.2",
        unknown,
    ),
    asks(
        "C10",
        "a certificate in a header",
        "RFC 8705 section 6.5, CVE-2023-2422",
        headers,
        REFUSED,
    ),
    plays(
        "C12",
        "a client that was removed, with live tokens",
        "RFC 7009, RFC 7592 section 2.3",
        removed,
    ),
    asks(
        "C13",
        "a public client with client credentials",
        "RFC 6749 section 4.4",
        public,
        Want::Status(&[400, 401]),
    ),
];

#[test]
fn nobody_is_another_client() {
    run(ROWS, &Ground::open());
}

/// Assertions of `signer` with these claims changed.
fn asserted(ground: &Ground, all: &[&[(&str, Value)]]) -> Vec<Request> {
    let token = |changes: &&[(&str, Value)]| {
        let assertion = ground.signer.token(&ground.header(&[]), &ground.claimed(changes));
        Ground::asserting(&assertion, &[]).label(format!("{changes:?}"))
    };
    all.iter().map(token).collect()
}

/// One claim with each of these values.
fn each(ground: &Ground, name: &str, values: Vec<Value>) -> Vec<Request> {
    values.into_iter().flat_map(|value| asserted(ground, &[&[(name, value)]])).collect()
}

fn audiences(ground: &Ground) -> Vec<Request> {
    let issuer = ground.issuer();
    let endpoint = |path: &str| json!(format!("{issuer}{path}"));
    each(
        ground,
        "aud",
        vec![
            endpoint("/oauth/token"),
            endpoint("/oauth/par"),
            endpoint("/.well-known/openid-configuration"),
            json!([issuer]),
            json!([issuer, "https://other.example"]),
            json!("https://other.example"),
            json!(["https://other.example"]),
        ],
    )
}

fn near_audiences(ground: &Ground) -> Vec<Request> {
    let issuer = ground.issuer();
    let mut shorter = issuer.clone();
    shorter.pop();
    each(
        ground,
        "aud",
        vec![
            Value::Null,
            json!(""),
            json!("*"),
            json!([]),
            json!({}),
            json!(1),
            json!(true),
            json!([[issuer]]),
            json!(format!("{issuer}/")),
            json!(format!("{issuer}0")),
            json!(shorter),
            json!(issuer.to_uppercase()),
            json!(format!(" {issuer}")),
            json!(format!("{issuer}\0")),
            json!(issuer.replace("https", "http")),
        ],
    )
}

fn twice(ground: &Ground) {
    let once = ground.signer.token(&ground.header(&[]), &ground.claimed(&[("jti", json!("once"))]));
    check(&ground.send(&Ground::asserting(&once, &[])), Want::Passes);
    check(&ground.send(&Ground::asserting(&once, &[])), REFUSED);
    let again =
        ground.signer.token(&ground.header(&[]), &ground.claimed(&[("jti", json!("once"))]));
    check(&ground.send(&Ground::asserting(&again, &[])), REFUSED);
    // At every other place that takes one, too.
    for path in ["/oauth/introspect", "/oauth/revoke", "/oauth/par"] {
        let fields =
            [("client_assertion_type", ASSERTION), ("client_assertion", &once), ("token", "x")];
        check(&ground.send(&Request::form(path, &fields)), REFUSED);
    }
}

fn times(ground: &Ground) -> Vec<Request> {
    let now = now();
    asserted(
        ground,
        &[
            &[("exp", Value::Null)],
            &[("jti", Value::Null)],
            &[("exp", json!(now + 365 * 86_400))],
            &[("exp", json!(now + 3_600))],
            &[("exp", json!(now - 120))],
            &[("exp", json!(0))],
            &[("iat", json!(now + 3_600)), ("exp", json!(now + 3_660))],
            &[("iat", json!(now + 120)), ("exp", json!(now + 180))],
            &[("nbf", json!(now + 120))],
            &[("iat", json!(now - 86_400)), ("exp", json!(now + 60))],
            &[("jti", json!("j".repeat(4_000)))],
            &[("jti", json!(1))],
            &[("jti", json!(""))],
        ],
    )
}

fn numbers(ground: &Ground) -> Vec<Request> {
    let now = now();
    let values = |good: u64| {
        vec![
            json!(good.to_string()),
            json!(format!("{good}x")),
            json!(-i64::try_from(good).unwrap()),
            json!(1e300),
            json!(-1),
            json!(u64::MAX),
            json!(i64::MAX),
            json!([good]),
            json!({ "seconds": good }),
            json!(true),
            json!("never"),
        ]
    };
    let mut all = each(ground, "exp", values(now + 60));
    all.extend(each(ground, "nbf", values(now + 7_200)));
    let raw = |from: &str, to: &str| {
        let claims = ground.claimed(&[]).to_string().replace(from, to);
        let key = &ground.signer;
        let token = compact(&ground.header(&[]).to_string(), &claims, |bytes| key.sign(bytes));
        Ground::asserting(&token, &[]).label(to.to_owned())
    };
    let exp = "\"exp\":1";
    all.extend([
        raw(exp, "\"exp\":1e400,\"x\":1"),
        raw(exp, "\"exp\":NaN,\"x\":1"),
        raw(exp, "\"exp\":Infinity,\"x\":1"),
        raw(exp, "\"exp\":0x7fffffff,\"x\":1"),
        raw(exp, "\"exp\":+1"),
        raw(exp, "\"exp\":\u{661}1"),
        raw(exp, &format!("\"exp\":{}1", "9".repeat(5_000))),
    ]);
    all
}

fn names(ground: &Ground) -> Vec<Request> {
    let mut all = asserted(
        ground,
        &[
            &[("iss", json!("rival"))],
            &[("sub", json!("rival"))],
            &[("iss", json!("rival")), ("sub", json!("rival"))],
            &[("iss", Value::Null)],
            &[("sub", Value::Null)],
            &[("sub", json!(["signer"]))],
            &[("sub", json!("signer\0"))],
            &[("iss", json!("Signer")), ("sub", json!("Signer"))],
        ],
    );
    let good = || ground.signer.token(&ground.header(&[]), &ground.claimed(&[]));
    all.push(Ground::asserting(&good(), &[("client_id", "rival")]).label("another client_id"));
    all.push(
        Ground::asserting(&good(), &[("client_id", "robot")]).label("a client_id with a secret"),
    );
    all
}

fn foreign_keys(ground: &Ground) -> Vec<Request> {
    let named = |kid: String| json!({ "typ": "JWT", "alg": "EdDSA", "kid": kid });
    let rival = |kid: String| ground.rival.token(&named(kid), &ground.claimed(&[]));
    let session = ground.house().get("/oauth/jwks").json();
    let ours = session["keys"][0]["kid"].as_str().unwrap().to_owned();
    [rival(ground.rival.thumbprint()), rival(ground.signer.thumbprint()), rival(ours)]
        .map(|assertion| Ground::asserting(&assertion, &[]))
        .into()
}

fn forged(ground: &Ground) -> Vec<Request> {
    let (key, own, rsa) = (&ground.signer, Key::ec(), Key::rsa());
    let claims = || ground.claimed(&[]);
    let with = |changes: &[(&str, Value)]| key.token(&ground.header(changes), &claims());
    let by = |header: Value, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        compact(&header.to_string(), &claims().to_string(), sign)
    };
    let secret = key.public().to_string();
    let mac =
        |bytes: &[u8]| crate::signing::mac(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes(), bytes);
    let mut all = vec![
        ("none", by(ground.header(&[("alg", json!("none"))]), &|_| Vec::new())),
        ("HS256 with the public key", by(ground.header(&[("alg", json!("HS256"))]), &mac)),
        ("another key under the name", own.token(&ground.header(&[]), &claims())),
        ("a key brought along", own.token(&ground.header(&[("jwk", own.public())]), &claims())),
        (
            "a key brought along, unnamed",
            own.token(&ground.header(&[("jwk", own.public()), ("kid", Value::Null)]), &claims()),
        ),
        ("the right key, brought along", with(&[("jwk", key.public())])),
        ("RS256", by(ground.header(&[("alg", json!("RS256"))]), &|bytes| rsa.sign_as_rs256(bytes))),
        ("another algorithm", with(&[("alg", json!("EdDSA"))])),
        ("an unknown kid", with(&[("kid", json!("x"))])),
        ("a kid that is a path", with(&[("kid", json!("../../../dev/null"))])),
        ("an access token's type", with(&[("typ", json!("at+jwt"))])),
        ("a proof's type", with(&[("typ", json!("dpop+jwt"))])),
        ("an internal token's type", with(&[("typ", json!("rw-int+jwt"))])),
    ];
    for (name, value) in [
        ("crit", json!(["x"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("jku", json!("https://other.example/keys")),
        ("x5c", json!(["AAAA"])),
    ] {
        all.push((name, with(&[(name, value)])));
    }
    let good = with(&[]);
    let (start, _) = good.rsplit_once('.').unwrap();
    all.push(("no signature", format!("{start}.")));
    all.push(("padding", format!("{good}==")));
    all.push(("white space", format!("{good}\n")));
    all.push(("nothing", String::new()));
    all.push(("words", format!("{MARKER} {MARKER}")));
    all.into_iter().map(|(name, token)| Ground::asserting(&token, &[]).label(name)).collect()
}

fn downgrades(ground: &Ground) -> Vec<Request> {
    let grant = [("grant_type", "client_credentials"), ("client_id", "signer")];
    let bare = Request::token(&grant);
    let with = |secret: &str| Request::token(&[&grant[..], &[("client_secret", secret)]].concat());
    let basic = Request::token(&grant[..1]);
    let kid = ground.signer.thumbprint();
    let assertion = ground.signer.token(&ground.header(&[]), &ground.claimed(&[]));
    vec![
        bare.label("nothing"),
        with("").label("an empty secret"),
        with(&kid).label("its key's name"),
        with(&ground.signer.public().to_string()).label("its key"),
        with(&ground.robot).label("another client's secret"),
        basic.clone().basic("signer", ""),
        basic.clone().basic("signer", &ground.robot),
        basic.basic("signer", &assertion),
        Ground::redemption(&ground.code(&[("client_id", "signer")]), &[("client_id", "signer")]),
    ]
}

fn secretless(ground: &Ground) -> Vec<Request> {
    let grant = [("grant_type", "client_credentials")];
    let named = |secret: Option<&str>| {
        let secret = secret.map(|secret| ("client_secret", secret));
        let fields: Vec<_> =
            grant.into_iter().chain([("client_id", "robot")]).chain(secret).collect();
        Request::token(&fields)
    };
    let own = Key::ec();
    let claims = ground.claimed(&[("iss", json!("robot")), ("sub", json!("robot"))]);
    let assertion =
        own.token(&json!({ "typ": "JWT", "alg": "ES256", "kid": own.thumbprint() }), &claims);
    let secret = &ground.robot;
    vec![
        named(None).label("no secret"),
        named(Some("")).label("an empty one"),
        named(Some(&ground.other)).label("another client's"),
        named(Some(&secret.to_uppercase())).label("in capitals"),
        named(Some(&format!("{secret} "))).label("with a space"),
        named(Some(&"s".repeat(10_000))).label("a long one"),
        Ground::asserting(&assertion, &[]).label("an assertion by nobody's key"),
        Ground::redemption(&ground.code(&[("client_id", "shop")]), &[("client_id", "shop")])
            .label("its code"),
    ]
}

fn two_methods(ground: &Ground) -> Vec<Request> {
    let grant = ("grant_type", "client_credentials");
    let post = [grant, ("client_id", "robot"), ("client_secret", &ground.robot)];
    let assertion = || ground.signer.token(&ground.header(&[]), &ground.claimed(&[]));
    vec![
        Request::token(&post).basic("robot", &ground.robot).label("Basic and post"),
        Request::token(&post[..]).basic("robot", "wrong").label("Basic that is wrong, and post"),
        Ground::asserting(&assertion(), &[]).basic("signer", "x").label("Basic and an assertion"),
        Ground::asserting(&assertion(), &[("client_secret", "x")]).label("post and an assertion"),
    ]
}

fn percent(ground: &Ground) -> Vec<Request> {
    let pair = |pair: &[u8]| {
        let request = Request::token(&[("grant_type", "client_credentials")]);
        request.field(format!("Authorization: Basic {}", STANDARD.encode(pair)))
    };
    let raw = |text: &str| {
        let request = Request::token(&[("grant_type", "client_credentials")]);
        request.field(format!("Authorization: Basic {text}"))
    };
    let secret = &ground.robot;
    vec![
        pair(format!("robot%:{secret}").as_bytes()).label("% alone"),
        pair(format!("robot:%2{secret}").as_bytes()).label("half an escape"),
        pair(format!("robot:%zz{secret}").as_bytes()).label("no digits"),
        pair(format!("robot%00:{secret}").as_bytes()).label("a NUL"),
        pair(format!("robot:{secret}%00").as_bytes()).label("a NUL behind"),
        pair(format!("robot:{secret}%ff").as_bytes()).label("no UTF-8"),
        pair(&[b"robot:", secret.as_bytes(), &[0xff]].concat()).label("no UTF-8, as bytes"),
        pair(b"robot").label("no colon"),
        pair(b":").label("nothing but a colon"),
        pair(format!("robot:x:{secret}").as_bytes()).label("two colons"),
        pair(format!("{MARKER}:{MARKER}").as_bytes()).label("a stranger"),
        raw("").label("nothing"),
        raw("!!!").label("no base64"),
        raw(&STANDARD.encode(format!("robot:{secret}")).replacen('b', " b", 1))
            .label("a space inside"),
        raw(&"A".repeat(9_000)).label("a long one"),
    ]
}

fn unknown(ground: &Ground) {
    let grant = [("grant_type", "client_credentials")];
    let told = |id: &str, secret: &str| {
        let answer = ground.send(&Request::token(&grant).basic(id, secret));
        check(&answer, REFUSED);
        let own = |line: &&str| !line.starts_with("ringwall-request") && !line.starts_with("date");
        answer.raw.lines().filter(own).collect::<Vec<_>>().join("\n")
    };
    let known = told("robot", "wrong");
    for (id, secret) in
        [("nobody", "wrong"), ("", "wrong"), ("signer", "wrong"), ("web", "wrong"), ("robot", "")]
    {
        assert_eq!(told(id, secret), known, "{id}");
    }
}

fn headers(ground: &Ground) -> Vec<Request> {
    let issued = ground.house().read(".ringwall/ca.pem");
    let line = issued.lines().filter(|line| !line.starts_with("---")).collect::<String>();
    let names = [
        "X-Client-Cert",
        "X-SSL-Client-Cert",
        "SSL-Client-Cert",
        "X-Forwarded-Client-Cert",
        "Client-Cert",
        "X-SSL-Client-S-DN",
        "X-SSL-Client-Verify",
        "Ssl-Client-Verify",
    ];
    let grants = ["signer", "robot", "web"];
    let of = |name: &str| {
        grants.map(|id| {
            let fields = [("grant_type", "client_credentials"), ("client_id", id)];
            Request::token(&fields)
                .field(format!("{name}: {line}"))
                .label(format!("{name} of {id}"))
        })
    };
    // `web` is public: it has no credential to prove, and no such grant either.
    names
        .iter()
        .flat_map(|name| of(name))
        .filter(|request| !request.label.ends_with("web"))
        .collect()
}

fn removed(ground: &Ground) {
    let house = ground.house();
    let secret = house.robot("doomed");
    let token = house.token("doomed", &secret);
    for _ in 0..2 {
        assert_eq!(ground.opens(&token)[0], 200);
    }
    house.run(&["client", "remove", "doomed"]).good();
    crate::forgery::nobody_takes(ground, "a removed client's", &token);
    let request = Request::token(&[("grant_type", "client_credentials")]);
    check(&ground.send(&request.basic("doomed", &secret)), REFUSED);
    // Nobody gets the name again: what was issued under it stays that one's.
    assert_ne!(house.run(&["client", "add", "doomed"]).code, 0);
}

fn public(ground: &Ground) -> Vec<Request> {
    let with = |grant: &str| {
        ["web", "native", "tv"].map(|id| {
            Request::token(&[
                ("grant_type", grant),
                ("client_id", id),
                ("subject_token", "x"),
                ("code", "x"),
                ("redirect_uri", CALLBACK),
                ("device_code", "x"),
            ])
            .label(format!("{grant} of {id}"))
        })
    };
    let mut all: Vec<Request> = with("client_credentials").into();
    all.extend(with(EXCHANGE));
    all.extend(with(DEVICE));
    let basic = Request::token(&[("grant_type", "client_credentials")]);
    all.push(basic.clone().basic("web", "").label("an empty secret"));
    all.push(basic.basic("web", &ground.robot).label("somebody's secret"));
    all.push(Request::form("/oauth/introspect", &[("client_id", "web"), ("token", &fresh())]));
    all
}
