//! M2, M4 and C11 where clients register themselves (RFC 7591, RFC 7592).

use serde_json::{Value, json};

use crate::ground::{CALLBACK, Ground};
use crate::library::Library;
use crate::request::Request;
use crate::suite::{Attack, plays, run};
use crate::wire::Answer;

const REGISTER: &str = "/oauth/register";

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "C11",
        "addresses of keys, logos and logouts that lead into the network of the server",
        "OWASP SSRF, RFC 7591 section 5",
        addresses,
    ),
    plays(
        "M2",
        "roles, an owner, another id, scopes of administrators in what a client says of itself",
        "CWE-915, RFC 7591 section 5",
        powers,
    ),
    plays(
        "M4",
        "a public client that becomes one with a secret, and the other way round",
        "CVE-2026-15572, RFC 7592 section 2.2",
        swaps,
    ),
];

#[test]
fn clients_that_register_themselves_get_nothing_but_that() {
    let open = |text: String| text.replace("[roles]", "registration = true\n\n[roles]");
    run(ROWS, &Ground::on(Library::open_with(open)));
}

/// A token for some of them.
fn initial(ground: &Ground) -> String {
    let made = ground.house().run(&["client", "initial-token", "make", "--uses", "50"]);
    made.good().out.trim().to_owned()
}

fn said(change: &Value) -> Value {
    let mut body = json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn ask(ground: &Ground, line: &str, token: &str, body: &Value) -> Answer {
    let request = Request::new(line).bearer(token).label(format!("{line} {body}"));
    ground.send(&request.content("application/json", body.to_string()))
}

fn register(ground: &Ground, token: &str, change: &Value) -> Answer {
    ask(ground, &format!("POST {REGISTER}"), token, &said(change))
}

#[track_caller]
fn registered(ground: &Ground, token: &str, change: &Value) -> Value {
    let answer = register(ground, token, change);
    assert_eq!(answer.status, 201, "{}", answer.raw);
    answer.json()
}

fn addresses(ground: &Ground) {
    let token = initial(ground);
    for name in ["jwks_uri", "backchannel_logout_uri", "frontchannel_logout_uri"] {
        for uri in ["http://169.254.169.254/", "https://127.0.0.1:1/", "file:///etc/passwd"] {
            let answer = register(ground, &token, &json!({name: uri}));
            assert_eq!(answer.status, 400, "{name} {uri}: {}", answer.raw);
        }
    }
    for uri in ["http://169.254.169.254/", "gopher://127.0.0.1/", "javascript:alert(1)"] {
        let answer = register(ground, &token, &json!({"redirect_uris": [uri]}));
        assert_eq!(answer.json()["error"], "invalid_redirect_uri", "{uri}: {}", answer.raw);
    }
    // Nobody looks at a picture: it is not even kept.
    let told = registered(ground, &token, &json!({"logo_uri": "http://169.254.169.254/"}));
    assert!(!told.to_string().contains("169.254"), "{told}");
}

fn powers(ground: &Ground) {
    let token = initial(ground);
    let wish = json!({"roles": ["customer", "clerk"], "owner": "command", "client_id": "robot",
        "party": "first", "acts_for": ["web"], "tenant_id": "x", "verified": true});
    let told = registered(ground, &token, &wish);
    let id = told["client_id"].as_str().unwrap();
    assert_ne!(id, "robot");
    let shown = ground.house().run(&["client", "show", id, "--format", "json"]).good().out;
    for word in ["customer", "clerk", "\"web\"", "command"] {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
    for change in [
        json!({"scope": "openid users.write"}),
        json!({"scope": "ringwall:revocations"}),
        json!({"grant_types": ["client_credentials"]}),
    ] {
        let answer = register(ground, &token, &change);
        assert_eq!(answer.json()["error"], "invalid_client_metadata", "{}", answer.raw);
    }
    // People are asked, whatever it says of itself.
    let answer = ground.send(&ground.authorize(&[("client_id", id)]));
    assert_eq!(answer.status, 200, "{}", answer.raw);
    assert_eq!(
        ground.send(&ground.authorize(&[("client_id", id), ("prompt", "none")])).status,
        303
    );
}

fn swaps(ground: &Ground) {
    let token = initial(ground);
    let public = registered(ground, &token, &json!({}));
    let secret = json!({"token_endpoint_auth_method": "client_secret_basic"});
    let secret = registered(ground, &token, &secret);
    let word = |told: &Value, name: &str| told[name].as_str().unwrap().to_owned();
    let put = |at: &Value, by: &Value, method: Option<&str>| {
        let id = word(at, "client_id");
        let mut body = said(&json!({"client_id": id}));
        match method {
            Some(method) => body["token_endpoint_auth_method"] = method.into(),
            None => drop(body.as_object_mut().unwrap().remove("token_endpoint_auth_method")),
        }
        let line = format!("PUT {REGISTER}/{id}");
        ask(ground, &line, &word(by, "registration_access_token"), &body)
    };
    for (told, method) in [
        (&public, Some("client_secret_basic")),
        (&public, Some("client_secret_post")),
        (&public, None),
        (&secret, Some("none")),
    ] {
        let answer = put(told, told, method);
        assert_eq!(answer.status, 400, "{method:?}: {}", answer.raw);
    }
    for (at, by) in [(&public, &secret), (&secret, &public)] {
        let answer = put(at, by, Some("none"));
        assert_eq!(answer.status, 401, "{}", answer.raw);
    }
    assert_eq!(put(&public, &public, Some("none")).status, 200, "the control");
}
