//! What the public door says to who has to show something, or something better: RFC 6750, 9728, 9470.

use std::time::Duration;

use ringwall_manifest::{Model, Role};
use serde_json::{Value, json};

use crate::fleet::{Fleet, ISSUER, NOW, ask, body, field, get, grants, model, service, status};
use crate::upstream::Upstream;

const AT: &str = "/.well-known/oauth-protected-resource";

/// `boss` wants two factors; a policy opens `audit` to customers with two.
fn shop(upstream: &Upstream) -> Model {
    let operations = ["me = GET /me", "close = POST /close", "audit = GET /audit", "open = GET /"];
    let mut users = service("users", upstream.address, &operations);
    users.mount = "/users".to_owned();
    users.people.insert("anyone".to_owned(), grants(&["open"]));
    users.people.insert("customer".to_owned(), grants(&["me"]));
    users.people.insert("boss".to_owned(), grants(&["close"]));
    let mut model = model(vec![users]);
    model.roles.insert("boss".to_owned(), Role { mfa: true, ..Role::default() });
    let policy = "permit(principal in Role::\"customer\", action == Action::\"call\", \
        resource == Operation::\"users.audit\") when { principal is User && principal.mfa };";
    model.policies = vec![("mfa.cedar".to_owned(), policy.to_owned())];
    model
}

#[test]
fn the_metadata_names_the_server_that_gives_tokens() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    for (path, resource) in [("", ""), ("/", ""), ("/users", "/users"), ("/users/", "/users")] {
        let answer = get(edge, &format!("{AT}{path}"), &[]);
        assert_eq!(status(&answer), 200, "{path}: {answer}");
        assert_eq!(field(&answer, "content-type"), Some("application/json"));
        let told: Value = serde_json::from_str(body(&answer)).unwrap();
        assert_eq!(told["resource"], format!("{ISSUER}{resource}"), "{path}");
        assert_eq!(told["authorization_servers"], json!([ISSUER]));
        assert_eq!(told["bearer_methods_supported"], json!(["header"]));
    }
    for path in ["/other", "/users/me", "x"] {
        assert_eq!(status(&get(edge, &format!("{AT}{path}"), &[])), 404, "{path}");
    }
    let posted = ask(edge, &format!("POST {AT}"), &[], "x");
    assert_eq!((status(&posted), field(&posted, "allow")), (405, Some("GET, HEAD")));
    assert!(upstream.seen().is_empty());
}

#[test]
fn each_challenge_names_the_metadata_of_its_resource() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let metadata =
        format!("resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource/users\"");
    let dpop = format!("DPoP algs=\"ES256 EdDSA Ed25519\", {metadata}");
    for (fields, code, want) in [
        // RFC 6750 section 3.1: no error for who showed nothing.
        (&[][..], 403, format!("Bearer {metadata}, {dpop}")),
        (
            &["authorization: Bearer x"][..],
            401,
            format!("Bearer error=\"invalid_token\", {metadata}, {dpop}"),
        ),
        (
            &["authorization: DPoP x"][..],
            401,
            format!("DPoP error=\"invalid_token\", algs=\"ES256 EdDSA Ed25519\", {metadata}"),
        ),
    ] {
        let answer = get(edge, "/users/me", fields);
        assert_eq!(status(&answer), code, "{answer}");
        assert_eq!(field(&answer, "www-authenticate"), Some(want.as_str()));
    }
    // Nothing that one could show would change these.
    assert_eq!(field(&get(edge, "/users/none", &[]), "www-authenticate"), None);
    let alice = ["cookie: __Host-ringwall=alice"];
    let denied = ask(edge, "POST /users/close", &[alice[0], &format!("origin: {ISSUER}")], "x");
    assert_eq!((status(&denied), field(&denied, "www-authenticate")), (403, None));
}

/// The status for a token with these claims, and whether more is asked for.
#[track_caller]
fn check(line: &str, claims: &Value, want: (u16, bool)) {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let token = format!("authorization: Bearer {}", fleet.token("at+jwt", claims));
    let content = if line.starts_with("POST") { "x" } else { "" };
    let answer = ask(fleet.edge(), line, &[&token], content);
    let challenge = field(&answer, "www-authenticate").unwrap_or_default();
    let asks = challenge.contains(
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"A second factor is needed\", acr_values=\"aal2\", resource_metadata=",
    );
    assert_eq!((status(&answer), asks), want, "{claims}: {answer}");
}

#[test]
fn a_token_of_one_factor_is_asked_for_two_where_two_would_do() {
    const CLOSE: &str = "POST /users/close";
    let one = json!({"roles": ["customer"], "acr": "aal1", "auth_time": NOW});
    let with = |changes: Value| {
        let mut claims = one.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    check(CLOSE, &with(json!({"roles_aal2": ["boss"]})), (401, true));
    check(CLOSE, &with(json!({"roles": ["boss"], "acr": "aal2"})), (200, false));
    // Whom two factors would not help is not sent to show them.
    check(CLOSE, &one, (403, false));
    check(CLOSE, &with(json!({"roles_aal2": ["support", "none"]})), (403, false));
    // A program has no factors.
    let program = json!({"sub": "web", "roles": ["customer"], "roles_aal2": ["boss"]});
    check(CLOSE, &program, (403, false));
}

#[test]
fn a_policy_sees_two_factors_of_a_token_that_proves_them_lately() {
    const AUDIT: &str = "GET /users/audit";
    let half_a_day = 12 * 3_600;
    for (claims, want) in [
        (json!({"acr": "aal2", "auth_time": NOW}), (200, false)),
        (json!({"acr": "aal2", "auth_time": NOW - half_a_day + 1}), (200, false)),
        (json!({"acr": "aal2", "auth_time": NOW - half_a_day}), (401, true)),
        (json!({"acr": "aal2"}), (401, true)),
        (json!({"acr": "aal1", "auth_time": NOW}), (401, true)),
        (json!({"acr": ["aal2"], "auth_time": NOW}), (401, true)),
        (json!({"auth_time": NOW}), (401, true)),
        (json!({"acr": "aal2", "auth_time": NOW, "sub": "web"}), (403, false)),
        (json!({"acr": "aal1", "auth_time": NOW, "roles": []}), (403, false)),
    ] {
        check(AUDIT, &claims, want);
    }
}

#[test]
fn a_browser_is_sent_to_sign_in_with_two() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let page = ["cookie: __Host-ringwall=alice", "accept: text/html"];
    let answer = get(edge, "/users/audit?a=b", &page);
    assert_eq!(status(&answer), 303, "{answer}");
    let login = "/login?return_to=%2Fusers%2Faudit%3Fa%3Db&acr_values=aal2";
    assert_eq!(field(&answer, "location"), Some(login));
    let script = get(edge, "/users/audit", &page[..1]);
    assert_eq!(status(&script), 401, "a script is told");
    assert!(field(&script, "www-authenticate").unwrap().contains("acr_values=\"aal2\""));
}

/// `me` wants a sign-in of the last quarter of an hour, and so does what is open to anyone.
fn hasty(upstream: &Upstream) -> Model {
    let mut model = shop(upstream);
    let users = model.services.get_mut("users").unwrap();
    for operation in ["me", "open"] {
        users.max_age.insert(operation.to_owned(), Duration::from_mins(15));
    }
    model
}

#[test]
fn who_signed_in_too_long_ago_is_asked_to_do_it_again() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&hasty(&upstream));
    for (line, claims, want) in [
        ("/users/me", json!({"auth_time": NOW}), 200),
        ("/users/me", json!({"auth_time": NOW - 900}), 200),
        ("/users/me", json!({"auth_time": NOW - 901}), 401),
        ("/users/me", json!({"auth_time": 0}), 401),
        // Who does not say when may have signed in at any time.
        ("/users/me", json!({}), 401),
        // A program does not sign in.
        ("/users/me", json!({"sub": "web"}), 200),
        // The line comes first: nobody is asked for what would not help.
        ("/users/close", json!({"auth_time": 0}), 403),
        ("/users/", json!({"auth_time": NOW}), 200),
        ("/users/", json!({"auth_time": NOW - 901}), 401),
    ] {
        let token = format!("authorization: Bearer {}", fleet.token("at+jwt", &claims));
        let (method, content) = if line.ends_with("close") { ("POST", "x") } else { ("GET", "") };
        let answer = ask(fleet.edge(), &format!("{method} {line}"), &[&token], content);
        assert_eq!(status(&answer), want, "{line} {claims}: {answer}");
        let challenge = field(&answer, "www-authenticate").unwrap_or_default();
        let asks = challenge.contains(
            "Bearer error=\"insufficient_user_authentication\", \
             error_description=\"A more recent sign-in is needed\", max_age=\"900\", \
             resource_metadata=",
        );
        assert_eq!(asks, want == 401, "{line} {claims}: {answer}");
    }
    assert_eq!(status(&get(fleet.edge(), "/users/", &[])), 200, "a stranger is not old");
}

#[test]
fn a_browser_that_signed_in_too_long_ago_is_sent_to_do_it_again() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&hasty(&upstream));
    let page = ["cookie: __Host-ringwall=alice", "accept: text/html"];
    let answer = get(fleet.edge(), "/users/me", &page);
    assert_eq!(status(&answer), 303, "{answer}");
    let login = "/login?return_to=%2Fusers%2Fme&max_age=900";
    assert_eq!(field(&answer, "location"), Some(login));
    let script = get(fleet.edge(), "/users/me", &page[..1]);
    assert_eq!(status(&script), 401, "a script is told");
    assert!(field(&script, "www-authenticate").unwrap().contains("max_age=\"900\""));
}

#[test]
fn j21_an_opaque_token_counts_whole_and_until_it_is_revoked() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let signed = fleet.token("at+jwt", &json!({}));
    let opaque = "rwa_abcDEF_000000";
    fleet.revocations.opaque.lock().unwrap().insert(opaque.to_owned(), signed);
    let with = |token: &str| get(edge, "/users/me", &[&format!("authorization: Bearer {token}")]);
    assert_eq!(status(&with(opaque)), 200);
    assert!(upstream.last().values("authorization").is_empty());
    // CVE-2026-27840: a token whose end was cut off was taken for the whole.
    for other in [
        "rwa_abcDEF_00000",
        "rwa_abcDEF_0000000",
        "rwa_abcdef_000000",
        "rwa_abcDEF_000000.",
        "rwa_",
    ] {
        assert_eq!(status(&with(other)), 401, "{other}");
    }
    fleet.revocations.revoke("t-1");
    assert_eq!(status(&with(opaque)), 401, "revoked");
}
