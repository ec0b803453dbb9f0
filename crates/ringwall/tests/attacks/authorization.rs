//! A: the authorization endpoint and the pages before it.

use crate::ground::{CALLBACK, Ground, Tokens, VERIFIER, question_form};
use crate::request::{MARKER, Request, parameter};
use crate::suite::{Attack, Want, asks, check, plays, run, unsound};
use crate::wait::until;

const SHOWN: Want = Want::Status(&[400]);

pub(crate) const ROWS: &[Attack] = &[
    asks(
        "A1",
        "the control: the registered address",
        "RFC 6749 section 3.1.2",
        |ground| vec![ground.authorize(&[])],
        Want::Passes,
    ),
    asks(
        "A1",
        "addresses that are nearly the registered one",
        "RFC 9700 section 2.1, CVE-2026-3872, CVE-2026-7504",
        addresses,
        SHOWN,
    ),
    asks(
        "A1",
        "addresses of a native application",
        "RFC 8252 section 7.3, CVE-2024-8883",
        loopback,
        SHOWN,
    ),
    asks("A1", "an address twice, a client twice", "RFC 6749 section 3.1", doubled_address, SHOWN),
    asks(
        "A2",
        "no redirect before the client is known",
        "RFC 6749 section 4.1.2.1",
        unknown_clients,
        SHOWN,
    ),
    asks(
        "A3",
        "implicit, hybrid, none",
        "CVE-2026-7571, RFC 9700 section 2.1.2",
        response_types,
        Want::Told("unsupported_response_type"),
    ),
    plays("A4", "form_post and the jwt modes show and send nothing", "GHSA-9vm7-v8wj-3fqw", modes),
    asks(
        "A5",
        "no challenge, plain, too short, too long",
        "RFC 7636 section 4.4.1, RFC 9700 section 2.1.1",
        challenges,
        Want::Told("invalid_request"),
    ),
    asks(
        "A5",
        "a verifier that is short, long, of other letters, or gone",
        "RFC 7636 section 4.1",
        verifiers,
        Want::Status(&[400]),
    ),
    plays("A6", "every answer says who answers", "RFC 9207 section 2", mix_up),
    plays(
        "A7",
        "the pages cannot be framed, nor their forms sent by others",
        "RFC 9700 section 4.16",
        pages,
    ),
    plays(
        "A7",
        "answers that another site's page may not read",
        "Fetch standard, CWE-942",
        cross_origin,
    ),
    plays(
        "A7",
        "a question by form goes on as a link, and answers nothing by itself",
        "OpenID Connect Core section 3.1.2.1",
        by_form,
    ),
    plays(
        "A8",
        "pushed requests: twice, another client's, changed on the way",
        "RFC 9126 sections 2.1, 4 and 7",
        pushed,
    ),
    asks(
        "A8",
        "a request by reference or by value",
        "RFC 9101 section 5.2, RFC 9126 section 2.1",
        by_reference,
        Want::Status(&[303, 400]),
    ),
    plays(
        "A9",
        "prompt=none says no more than it has to",
        "OpenID Connect Core section 3.1.2.6",
        prompt_none,
    ),
    plays(
        "A9",
        "an old sign-in is not a fresh one",
        "OpenID Connect Core section 3.1.2.1",
        max_age,
    ),
    plays(
        "A10",
        "a session that was planted, and a form of another session",
        "CVE-2025-12390",
        planted,
    ),
    plays("A11", "no answer makes a browser send its form on", "RFC 9700 section 4.12", forwarding),
    asks("A12", "a parameter twice", "RFC 6749 section 3.1", polluted, Want::Status(&[303, 400])),
    plays("A12", "a parameter twice gives no code", "RFC 6749 section 3.1", no_code_for_doubles),
    asks(
        "A13",
        "state and nonce that are too large",
        "RFC 6749 section 10.14",
        huge,
        Want::Told("invalid_request"),
    ),
    plays(
        "A13",
        "CRLF and other letters in state come back as they were, and split nothing",
        "RFC 6749 section 4.1.2, CWE-113",
        splitting,
    ),
    plays(
        "A14",
        "another application at the same server",
        "RFC 9700 section 4.4.2",
        another_client,
    ),
    asks(
        "A15",
        "scopes and resources that are not the client's",
        "RFC 6749 section 3.3, RFC 8707 section 2",
        resources,
        Want::Told("invalid_target"),
    ),
    plays("A15", "an unknown scope is not granted", "RFC 6749 section 3.3", scopes),
];

#[test]
fn nobody_gets_a_code_that_is_not_theirs() {
    run(ROWS, &Ground::open());
}

fn addresses(ground: &Ground) -> Vec<Request> {
    let host = "https://web.example";
    [
        "https://web.example",
        "https://web.example/",
        "https://web.example/callback/",
        "https://web.example/callback2",
        "https://web.example/callback?x=1",
        "https://web.example/callback?",
        "https://web.example/callback#x",
        "https://web.example/callback#",
        "https://web.example/callback/../evil",
        "https://web.example/..;/callback",
        "https://web.example/callback/..;/evil",
        "https://web.example/%63allback",
        "https://web.example/callback%00",
        "https://web.example/callback\0",
        "https://web.example/callback ",
        " https://web.example/callback",
        "https://web.example\\callback",
        "https:\\\\web.example\\callback",
        "https://web.example//callback",
        "https://web.example./callback",
        "https://web.example:443/callback",
        "https://web.example:8443/callback",
        "https://WEB.example/callback",
        "HTTPS://web.example/callback",
        "http://web.example/callback",
        "//web.example/callback",
        "/callback",
        "callback",
        "https://web.example.evil.example/callback",
        "https://evilweb.example/callback",
        "https://sub.web.example/callback",
        "https://*.example/callback",
        "https://evil.example/callback",
        "https://evil.example/?https://web.example/callback",
        "https://evil.example#https://web.example/callback",
        "https://web.example@evil.example/callback",
        "https://web.example:x@evil.example/callback",
        "https://a@b@web.example/callback",
        "https://evil.example\\@web.example/callback",
        "https://web\u{ff0e}example/callback",
        "https://w\u{435}b.example/callback",
        "https://xn--wb-jlc.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "web.example:/callback",
        "*",
        "",
        "-",
        "https://web.example/callback,https://evil.example",
        "https://web.example/callback https://evil.example",
        "https://web.example/callback\r\nLocation: https://evil.example",
    ]
    .map(|address| ground.authorize(&[("redirect_uri", address)]))
    .into_iter()
    .chain([ground.authorize(&[("redirect_uri", &format!("{host}/{MARKER}"))])])
    .collect()
}

fn loopback(ground: &Ground) -> Vec<Request> {
    [
        "http://localhost/done",
        "http://localhost:8080/done",
        "http://[::1]/done",
        "http://127.0.0.2/done",
        "http://127.1/done",
        "http://0x7f000001/done",
        "http://127.0.0.1.evil.example/done",
        "http://127.0.0.1@evil.example/done",
        "http://x@127.0.0.1/done",
        "http://127.0.0.1:80@evil.example/done",
        "http://127.0.0.1:/done",
        "http://127.0.0.1:0/done",
        "http://127.0.0.1:99999/done",
        "http://127.0.0.1:8080/other",
        "http://127.0.0.1:8080/done/",
        "http://127.0.0.1:8080/done?x",
        "http://127.0.0.1:+80/done",
        "http://127.0.0.1:080x/done",
        "https://127.0.0.1:8080/done",
        "http:/127.0.0.1/done",
    ]
    .map(|address| ground.authorize(&[("client_id", "native"), ("redirect_uri", address)]))
    .into()
}

/// The question with something behind it.
fn and(ground: &Ground, more: &str) -> Request {
    let line = format!("GET /oauth/authorize?{}{more}", question_form(&[]));
    Request::new(&line).field(&ground.ada).label(more)
}

fn doubled_address(ground: &Ground) -> Vec<Request> {
    [
        "&redirect_uri=https%3A%2F%2Fevil.example",
        "&redirect_uri=https%3A%2F%2Fweb.example%2Fcallback",
        "&redirect%5Furi=https%3A%2F%2Fevil.example",
        "&client_id=twin",
        "&client_id=web",
    ]
    .map(|more| and(ground, more))
    .into()
}

fn unknown_clients(ground: &Ground) -> Vec<Request> {
    ["nobody", "", "-", "WEB", "web ", "web\0", "we%62", "' OR 1=1--", "robot", "tv", MARKER]
        .map(|id| ground.authorize(&[("client_id", id)]))
        .into()
}

fn response_types(ground: &Ground) -> Vec<Request> {
    [
        "token",
        "id_token",
        "id_token token",
        "code token",
        "code id_token",
        "none",
        "CODE",
        "code code",
        "password",
    ]
    .map(|kind| ground.authorize(&[("response_type", kind)]))
    .into()
}

fn modes(ground: &Ground) {
    for mode in
        ["form_post", "fragment", "jwt", "query.jwt", "form_post.jwt", "web_message", MARKER]
    {
        for address in [CALLBACK, "https://evil.example"] {
            let answer = ground
                .send(&ground.authorize(&[("response_mode", mode), ("redirect_uri", address)]));
            assert!(unsound(&answer).is_none(), "{}", answer.raw);
            let to = answer.field("location").unwrap_or_default();
            assert!(to.is_empty() || to.starts_with(&format!("{CALLBACK}?")), "{}", answer.raw);
            assert!(parameter(&to, "code").is_none(), "{mode}: {}", answer.raw);
            assert!(!answer.body.contains("<form") && !to.contains('#'), "{}", answer.raw);
        }
    }
}

fn challenges(ground: &Ground) -> Vec<Request> {
    let (short, long) = ("c".repeat(42), "c".repeat(129));
    [
        &[("code_challenge", "-"), ("code_challenge_method", "-")][..],
        &[("code_challenge", "-")],
        &[("code_challenge_method", "-")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge_method", "S512")],
        &[("code_challenge_method", "")],
        &[("code_challenge", "")],
        &[("code_challenge", &short)],
        &[("code_challenge", &long)],
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")],
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=")],
        &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
    ]
    .map(|changes| ground.authorize(changes))
    .into()
}

fn verifiers(ground: &Ground) -> Vec<Request> {
    let (short, long) = ("v".repeat(42), "v".repeat(129));
    ["-", "", &short, &long, "dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk", "*"]
        .map(|verifier| Ground::redemption(&ground.code(&[]), &[("code_verifier", verifier)]))
        .into()
}

fn mix_up(ground: &Ground) {
    for changes in [
        &[][..],
        &[("response_type", "x")],
        &[("prompt", "none"), ("max_age", "0")],
        &[("code_challenge", "-")],
    ] {
        let answer = ground.send(&ground.authorize(changes));
        let to = answer.field("location").unwrap_or_else(|| panic!("{}", answer.raw));
        assert_eq!(parameter(&to, "iss").as_deref(), Some(ground.issuer().as_str()), "{to}");
        assert_eq!(parameter(&to, "state").as_deref(), Some("s"), "{to}");
        assert_eq!(answer.status, 303, "{}", answer.raw);
        assert_eq!(answer.field("cache-control").as_deref(), Some("no-store"), "{}", answer.raw);
        let referrer = answer.field("referrer-policy").unwrap_or_default();
        assert!(["no-referrer", "same-origin"].contains(&referrer.as_str()), "{}", answer.raw);
    }
}

fn pages(ground: &Ground) {
    for path in ["/login", "/logout", "/account", "/oauth/device", "/oauth/authorize?client_id=web"]
    {
        let page = ground.send(&Request::new(&format!("GET {path}")).field(&ground.ada));
        assert!(unsound(&page).is_none(), "{path}: {}", page.raw);
        let policy = page.field("content-security-policy").unwrap_or_default();
        let is_page = page.field("content-type").unwrap_or_default().starts_with("text/html");
        assert!(!is_page || policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.field("x-frame-options").as_deref(), Some("DENY"), "{path}");
    }
    // Sign-in from another site, without the form's cookie, with another's form.
    let page = ground.house().get("/login");
    let fields = crate::ground::hidden(&page.body);
    let mut fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend([("username", "ada"), ("password", crate::house::PASSWORD)]);
    let cookie = crate::ground::with_form("", &page);
    let origin = format!("Origin: {}", ground.issuer());
    let other = crate::ground::with_form("", &ground.house().get("/login"));
    for (name, request) in [
        (
            "another origin",
            Request::form("/login", &fields).field(&cookie).field("Origin: https://evil.example"),
        ),
        ("a null origin", Request::form("/login", &fields).field(&cookie).field("Origin: null")),
        (
            "a longer origin",
            Request::form("/login", &fields).field(&cookie).field(format!("{origin}.evil.example")),
        ),
        (
            "another site",
            Request::form("/login", &fields).field(&cookie).field("Sec-Fetch-Site: cross-site"),
        ),
        ("no cookie", Request::form("/login", &fields).field(&origin)),
        ("another form's cookie", Request::form("/login", &fields).field(&other).field(&origin)),
        ("no token", Request::form("/login", &fields[1..]).field(&cookie).field(&origin)),
    ] {
        let answer = ground.send(&request);
        assert!((400..500).contains(&answer.status), "{name}: {}", answer.raw);
        assert!(!answer.raw.contains("__Host-ringwall="), "{name}: {}", answer.raw);
    }
    let good = Request::form("/login", &fields).field(&cookie).field(&origin);
    assert_eq!(ground.send(&good).status, 303, "the control");
}

fn cross_origin(ground: &Ground) {
    let paths = [
        "/login",
        "/account",
        "/logout",
        "/oauth/authorize",
        "/oauth/device",
        "/oauth/token",
        "/oauth/userinfo",
        "/oauth/introspect",
        "/oauth/par",
        "/oauth/revoke",
    ];
    for origin in [
        "https://evil.example",
        "null",
        "https://web.example.evil.example",
        "http://web.example",
        "https://sub.web.example",
    ] {
        for path in paths {
            for method in ["OPTIONS", "GET", "POST"] {
                let request =
                    Request::new(&format!("{method} {path}")).field(format!("Origin: {origin}"));
                let request =
                    request.field("Access-Control-Request-Method: POST").field(&ground.ada);
                let answer =
                    ground.send(&request.field("Access-Control-Request-Headers: authorization"));
                assert!(unsound(&answer).is_none(), "{}", answer.raw);
                let opened = answer.field("access-control-allow-origin");
                assert!(opened.is_none(), "{method} {path} from {origin}: {}", answer.raw);
            }
        }
    }
    // The application's own page reads what its tokens are, and never with a cookie.
    for path in paths {
        let request = Request::new(&format!("POST {path}"))
            .field("Origin: https://web.example")
            .field(&ground.ada);
        let answer = ground.send(&request);
        assert!(
            answer.field("access-control-allow-credentials").is_none(),
            "{path}: {}",
            answer.raw
        );
        assert_ne!(
            answer.field("access-control-allow-origin").as_deref(),
            Some("*"),
            "{path}: {}",
            answer.raw
        );
    }
}

fn by_form(ground: &Ground) {
    let request = Request::form("/oauth/authorize", &[]).and(&question_form(&[]));
    let answer =
        ground.send(&request.clone().field(&ground.ada).field("Origin: https://web.example"));
    let to = answer.field("location").unwrap_or_default();
    assert_eq!(answer.status, 303, "{}", answer.raw);
    assert!(to.starts_with("/oauth/authorize?") && parameter(&to, "code").is_none(), "{to}");
    let done = ground.send(&Request::new(&format!("GET {to}")).field(&ground.ada));
    let to = done.field("location").unwrap_or_default();
    assert!(to.starts_with(&format!("{CALLBACK}?code=")), "{}", done.raw);
    for more in ["&state=t", "&x=%ff"] {
        let answer = ground.send(&request.clone().and(more).field(&ground.ada));
        check(&answer, SHOWN);
    }
}

#[track_caller]
fn push(ground: &Ground, changes: &[(&str, &str)]) -> String {
    let answer = ground.send(&Request::form("/oauth/par", &[]).and(&question_form(changes)));
    assert_eq!(answer.status, 201, "{}", answer.raw);
    answer.json()["request_uri"].as_str().unwrap().to_owned()
}

fn pushed(ground: &Ground) {
    let ask = |uri: &str, id: &str, more: &[(&str, &str)]| {
        let fields = [&[("client_id", id), ("request_uri", uri)][..], more].concat();
        ground.send(&Request::query("/oauth/authorize", &fields).field(&ground.ada))
    };
    let code = |answer: &crate::wire::Answer| {
        answer.field("location").and_then(|to| parameter(&to, "code"))
    };
    let uri = push(ground, &[]);
    // Another client's, and none: they say nothing, and do not use it up for its own.
    for id in ["twin", "nobody", ""] {
        let answer = ask(&uri, id, &[]);
        assert!(code(&answer).is_none(), "{id}: {}", answer.raw);
    }
    // What is beside it counts for nothing, or is refused.
    let answer = ask(
        &uri,
        "web",
        &[("redirect_uri", "https://evil.example"), ("scope", "admin"), ("state", MARKER)],
    );
    assert!(!answer.raw.contains("evil.example") && !answer.raw.contains(MARKER), "{}", answer.raw);
    let uri = push(ground, &[]);
    assert!(code(&ask(&uri, "web", &[])).is_some());
    assert!(code(&ask(&uri, "web", &[])).is_none(), "twice");
    for uri in ["urn:ietf:params:oauth:request_uri:x", "x", "", "https://evil.example/request.jwt"]
    {
        assert!(code(&ask(uri, "web", &[])).is_none(), "{uri}");
    }
    // Whoever has to push does not get around it.
    let answer = ground.send(&ground.authorize(&[("client_id", "pushed")]));
    assert!(code(&answer).is_none(), "{}", answer.raw);
    // A pushed request is judged like any other, before it is kept.
    for changes in [
        &[("redirect_uri", "https://evil.example")][..],
        &[("response_type", "token")],
        &[("code_challenge", "-")],
        &[("request_uri", "urn:ietf:params:oauth:request_uri:x")],
        &[("client_id", "nobody")],
        &[("client_id", "robot")],
    ] {
        let answer = ground.send(&Request::form("/oauth/par", &[]).and(&question_form(changes)));
        assert!([400, 401].contains(&answer.status), "{changes:?}: {}", answer.raw);
    }
}

fn by_reference(ground: &Ground) -> Vec<Request> {
    let good = ground.rival.token(&serde_json::json!({ "alg": "none" }), &serde_json::json!({}));
    [
        ("request_uri", "http://127.0.0.1:1/x"),
        ("request_uri", "file:///etc/passwd"),
        ("request", &good),
        ("request", "x"),
    ]
    .map(|change| ground.authorize(&[change]))
    .into()
}

fn prompt_none(ground: &Ground) {
    let stranger = |changes: &[(&str, &str)]| {
        let changes = [&[("prompt", "none")][..], changes].concat();
        ground.send(&Ground::authorize_as("X-Nothing: x", &changes))
    };
    check(&stranger(&[]), Want::Told("login_required"));
    // A hint of somebody who is not here, a foreign one, a broken one.
    let foreign = crate::signing::Key::ec();
    let forged = foreign.token(
        &serde_json::json!({ "typ": "JWT", "alg": "ES256", "kid": foreign.thumbprint() }),
        &serde_json::json!({ "iss": ground.issuer(), "sub": "x", "aud": "web" }),
    );
    let id = ground.tokens().id;
    for hint in [forged.as_str(), id.as_str(), "x", MARKER] {
        let answer = stranger(&[("id_token_hint", hint)]);
        let to = answer.field("location").unwrap_or_else(|| panic!("{}", answer.raw));
        assert!(parameter(&to, "code").is_none() && parameter(&to, "error").is_some(), "{to}");
        assert!(!answer.raw.contains(MARKER));
    }
    // Hinted at another person than the one who is signed in: never a code for the wrong one.
    ground.house().person("ivy", "customer");
    let ivy = ground.house().sign_in("ivy");
    for prompt in ["none", "-"] {
        let hinted = [("prompt", prompt), ("id_token_hint", id.as_str())];
        let other = ground.send(&Ground::authorize_as(&ivy, &hinted));
        if prompt == "none" {
            check(&other, Want::Told("login_required"));
        } else {
            let to = other.field("location").unwrap_or_default();
            assert!(to.starts_with("/login?"), "the hinted one may sign in: {}", other.raw);
        }
        let own = ground.send(&Ground::authorize_as(&ground.ada, &hinted));
        let to = own.field("location").unwrap_or_default();
        assert!(parameter(&to, "code").is_some(), "the control: {}", own.raw);
        let broken = [("prompt", prompt), ("id_token_hint", "x.y.z")];
        check(&ground.send(&ground.authorize(&broken)), Want::Told("invalid_request"));
    }
    for prompt in ["none login", "login none", "none consent"] {
        check(
            &ground.send(&ground.authorize(&[("prompt", prompt)])),
            Want::Told("invalid_request"),
        );
    }
}

fn max_age(ground: &Ground) {
    let ask = |age: &str| ground.send(&ground.authorize(&[("max_age", age), ("prompt", "none")]));
    until("the session is older", || {
        let to = ask("1").field("location").unwrap_or_default();
        (parameter(&to, "error").as_deref() == Some("login_required")).then_some(())
    });
    for age in ["-1", "1.5", "x", "1e9", "99999999999999999999", ""] {
        let answer = ask(age);
        assert!(unsound(&answer).is_none(), "{}", answer.raw);
        // Nothing, read as "no limit", is what some send.
        let to = answer.field("location").unwrap_or_default();
        let got = parameter(&to, "code").is_some();
        assert!(!got || age.is_empty() || age.starts_with("999"), "{age}: {to}");
    }
}

fn planted(ground: &Ground) {
    let house = ground.house();
    // A session of the attacker's choice does not become that of who signs in.
    let page = house.get("/login");
    let chosen = "Cookie: __Host-ringwall=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let done = ground.submit(
        chosen,
        "/login",
        &page,
        &[("username", "ada"), ("password", crate::house::PASSWORD)],
    );
    let mut lines =
        done.raw.lines().filter(|line| line.starts_with("set-cookie: __Host-ringwall="));
    if let Some(set) = lines.next() {
        assert!(!set.contains("AAAAAAAAAAAAAAAAAAAA"), "{set}");
        assert!(
            ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"].iter().all(|word| set.contains(word)),
            "{set}"
        );
        assert!(!set.contains("Domain"), "{set}");
    }
    let answer = ground.send(&Request::new("GET /books/7").field(chosen));
    assert_ne!(answer.status, 200, "{}", answer.raw);
    // A new sign-in is a new session, and the page of one session cannot be sent in another.
    let again = house.sign_in("ada");
    assert_ne!(again, ground.ada);
    house.person("jan", "customer");
    let jan = house.sign_in("jan");
    let page = ground.send(&Request::new("GET /logout").field(&ground.ada));
    let fields = crate::ground::hidden(&page.body);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let origin = format!("Origin: {}", ground.issuer());
    ground.send(&Request::form("/logout", &fields).field(&jan).field(&origin));
    let still = ground.send(&Request::new("GET /books/7").field(&jan));
    assert_eq!(still.status, 200, "another's page ended the session: {}", still.raw);
}

fn forwarding(ground: &Ground) {
    let page = ground.house().get("/login?return_to=https%3A%2F%2Fevil.example");
    assert!(!page.body.contains("evil.example"), "{}", page.raw);
    for back in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\tx",
        "javascript:alert(1)",
        "/%0d%0aX: y",
        "\\\\evil.example",
        "/..//evil.example",
    ] {
        let page =
            ground.house().get(&format!("/login?return_to={}", crate::request::escaped(back)));
        let fields = [("username", "ada"), ("password", crate::house::PASSWORD)];
        let sent = ground.submit("", "/login", &page, &fields);
        let forced =
            ground.submit("", "/login", &page, &[&fields[..], &[("return_to", back)]].concat());
        for answer in [sent, forced] {
            let to = answer.field("location").unwrap_or_default();
            assert!([303, 400].contains(&answer.status), "{back}: {}", answer.raw);
            let is_ours = to.is_empty()
                || (to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\"));
            assert!(is_ours && !to.contains(['\t', '\\']), "{back}: {to}");
        }
    }
}

fn polluted(ground: &Ground) -> Vec<Request> {
    [
        "&state=t",
        "&scope=openid",
        "&nonce=x",
        "&code_challenge=x",
        "&code_challenge_method=plain",
        "&response_type=token",
        "&prompt=none&prompt=login",
        "&x=1&x=2",
        "&state[]=t",
    ]
    .map(|more| and(ground, more))
    .into()
}

fn no_code_for_doubles(ground: &Ground) {
    for request in polluted(ground) {
        let to = ground.send(&request).field("location").unwrap_or_default();
        let is_unknown = request.label == "&state[]=t";
        assert!(is_unknown || parameter(&to, "code").is_none(), "{}: {to}", request.label);
    }
}

fn huge(ground: &Ground) -> Vec<Request> {
    let large = "s".repeat(3_000);
    ["state", "nonce"].map(|name| ground.authorize(&[(name, &large)]).label(name)).into()
}

fn splitting(ground: &Ground) {
    for state in
        ["a\r\nSet-Cookie: x=y", "a b+c&d=e#f", "\u{e4}\u{1f600}", "\"><script>", "a%0d%0ab"]
    {
        let answer = ground.send(&ground.authorize(&[("state", state)]));
        assert!(unsound(&answer).is_none(), "{}", answer.raw);
        assert!(answer.field("set-cookie").is_none(), "{}", answer.raw);
        let to = answer.field("location").unwrap_or_default();
        let said = parameter(&to, "state");
        assert!(said.is_none() || said.as_deref() == Some(state), "{state}: {to}");
        assert!(to.is_ascii() && !to.contains(['"', '<', ' ']), "{to}");
    }
    for raw in ["&x=%ff", "&x=%", "&x=%zz", "&x=%00", "&%ff=x", "&x=%c0%ae"] {
        let answer = ground.send(&and(ground, raw));
        assert!(unsound(&answer).is_none(), "{raw}: {}", answer.raw);
        assert!([303, 400].contains(&answer.status), "{raw}: {}", answer.raw);
    }
}

fn another_client(ground: &Ground) {
    // The code of one application in the hands of another one, which has its own verifier.
    let code = ground.code(&[("client_id", "twin")]);
    check(&ground.send(&Ground::redemption(&code, &[])), Want::Error(400, "invalid_grant"));
    let tokens = Tokens::of(&ground.send(&Ground::redemption(&ground.code(&[]), &[])));
    assert_eq!(crate::signing::claims(&tokens.id)["aud"], "web");
    assert_eq!(crate::signing::claims(&tokens.access)["client_id"], "web");
}

fn resources(ground: &Ground) -> Vec<Request> {
    ["https://other.example", "x", "https://other.example#x", "*"]
        .map(|resource| ground.authorize(&[("resource", resource)]))
        .into()
}

fn scopes(ground: &Ground) {
    for scope in ["openid admin", "openid urn:admin", "openid *", "openid OPENID"] {
        let answer = ground.send(&ground.authorize(&[("scope", scope)]));
        let to = answer.field("location").unwrap_or_else(|| panic!("{}", answer.raw));
        if let Some(code) = parameter(&to, "code") {
            let tokens = Tokens::of(&ground.send(&Ground::redemption(&code, &[])));
            assert_eq!(crate::signing::claims(&tokens.access)["scope"], "openid", "{scope}");
        }
    }
}
