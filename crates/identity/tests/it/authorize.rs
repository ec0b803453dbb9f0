//! The authorization endpoint: attacks A1, A2, A3, A5, A9, A12, A13, A15.

use crate::fixture::*;

#[tokio::test]
async fn a_signed_in_person_gets_a_code_with_state_and_issuer() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let reply = f.get(&authorize_path(&[]), &session).await;
    assert_eq!(reply.status(), 303);
    let to = location(&reply);
    assert!(to.starts_with("https://web.example/callback?code="), "{to}");
    assert_eq!(parameter(&to, "state").as_deref(), Some("s-1"));
    assert_eq!(parameter(&to, "iss").as_deref(), Some("https%3A%2F%2Fshop.example"));
}

#[tokio::test]
async fn a_stranger_signs_in_first_and_comes_back() {
    let f = Fixture::new();
    let reply = f.get(&authorize_path(&[]), "").await;
    let to = location(&reply);
    assert!(to.starts_with("/login?return_to=%2Foauth%2Fauthorize%3F"), "{to}");
    let page = f.page(&to, "").await;
    let back = parameter(&to, "return_to").unwrap();
    let form = format!("username=ada&password=correct+horse&return_to={back}");
    let reply = f.submit(&page, "/login", &form).await;
    assert_eq!(location(&reply), authorize_path(&[]));
}

#[tokio::test]
async fn nothing_but_the_registered_address_is_ever_redirected_to() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    for uri in [
        "https://web.example/callback/",
        "https://web.example/callback/..;/evil",
        "https://web.example/callback?x=y",
        "https://web.example/callback#x",
        "https://web.example/Callback",
        "https://WEB.example/callback",
        "https://web.example:443/callback",
        "https://web.example.evil.example/callback",
        "https://evil.example/callback",
        "https://web.example@evil.example/callback",
        "https://a@b@web.example/callback",
        "https://web.example%2ecallback",
        "http://web.example/callback",
        "https://web.example\\callback",
        "https://localhost/callback",
        "https://xn--wb-xla.example/callback",
        "//web.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "web:/callback",
        "*",
        "",
    ] {
        let encoded = encoded(uri);
        let path = authorize_path(&[("redirect_uri", &encoded)]);
        let reply = f.get(&path, &session).await;
        assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()), "{uri}");
        assert!(!text(&reply).contains("evil"), "reflects {uri}");
    }
}

#[tokio::test]
async fn a_native_application_chooses_its_port_and_nothing_else() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    for (uri, status) in [
        ("http://127.0.0.1:51000/done", 303),
        ("http://127.0.0.1/done", 303),
        ("http://127.0.0.1:51000/other", 400),
        ("http://127.0.0.1:0/done", 400),
        ("http://127.0.0.1:99999/done", 400),
        ("http://127.0.0.1:80@evil.example/done", 400),
        ("http://127.0.0.1.evil.example/done", 400),
        ("http://localhost:51000/done", 400),
        ("https://127.0.0.1:51000/done", 400),
    ] {
        let encoded = encoded(uri);
        let path = authorize_path(&[("client_id", "native"), ("redirect_uri", &encoded)]);
        assert_eq!(f.get(&path, &session).await.status(), status, "{uri}");
    }
}

#[tokio::test]
async fn without_a_known_client_nobody_is_redirected() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    for client in ["", "unknown", "robot", "WEB"] {
        let reply = f.get(&authorize_path(&[("client_id", client)]), &session).await;
        assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()), "{client}");
    }
    for query in ["client_id=web&client_id=web", "redirect_uri=https://evil.example", "state=%00"] {
        let path = format!("{}&{query}", authorize_path(&[]));
        let reply = f.get(&path, &session).await;
        assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()), "{query}");
    }
    f.identity.clients().disable("web", true).unwrap();
    assert_eq!(f.get(&authorize_path(&[]), &session).await.status(), 400);
}

#[tokio::test]
async fn what_is_wrong_after_that_is_told_to_the_client() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let long = "x".repeat(513);
    let cases: [(&[(&str, &str)], &str); 17] = [
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code+id_token")], "unsupported_response_type"),
        (&[("response_type", "")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post")], "invalid_request"),
        (&[("request", "e30")], "request_not_supported"),
        (&[("request_uri", "https://evil.example/r")], "request_uri_not_supported"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge", VERIFIER.split_at(42).0)], "invalid_request"),
        (&[("state", &long)], "invalid_request"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("scope", "openid+admin")], "invalid_scope"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("prompt", "surprise")], "invalid_request"),
    ];
    for (changes, error) in cases {
        let reply = f.get(&authorize_path(changes), &session).await;
        let to = location(&reply);
        assert!(to.starts_with(&format!("{CALLBACK}?error={error}&")), "{changes:?}: {to}");
        assert!(to.ends_with("&iss=https%3A%2F%2Fshop.example"), "{to}");
        assert!(!to.contains("evil"), "{to}");
    }
    let reply = f.get(&authorize_path(&[("prompt", "none")]), "").await;
    assert_eq!(parameter(&location(&reply), "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_state_with_line_breaks_stays_one_parameter() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let path = authorize_path(&[("state", "a%0D%0ASet-Cookie:%20x=y%26code=evil")]);
    let reply = f.get(&path, &session).await;
    let state = parameter(&location(&reply), "state").unwrap();
    assert_eq!(state, "a%0D%0ASet-Cookie%3A%20x%3Dy%26code%3Devil");
    assert!(reply.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn an_old_login_is_not_a_fresh_one() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    f.clock.advance(std::time::Duration::from_mins(10));
    for (changes, is_login) in [
        ([("prompt", "login")], true),
        ([("max_age", "60")], true),
        ([("max_age", "3600")], false),
        ([("max_age", "0")], true),
        ([("prompt", "none")], false),
    ] {
        let to = location(&f.get(&authorize_path(&changes), &session).await);
        assert_eq!(to.starts_with("/login?"), is_login, "{changes:?}: {to}");
    }
}

/// A new sign-in is one since the request, however young the one before is; and it is asked for once
/// (OpenID Connect Core section 3.1.2.1).
#[tokio::test]
async fn a_new_login_is_asked_for_once_and_no_page_can_say_that_it_was() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    for changes in [("max_age", "0"), ("prompt", "login")] {
        f.clock.advance(std::time::Duration::from_secs(2));
        let login = location(&f.get(&authorize_path(&[changes]), &session).await);
        assert!(login.starts_with("/login?"), "{changes:?}: {login}");
        let back = decoded(&parameter(&login, "return_to").unwrap());
        let again = location(&f.get(&back, &session).await);
        assert!(again.starts_with("/login?"), "nobody has signed in: {again}");
        f.clock.advance(std::time::Duration::from_secs(100));
        let session = f.sign_in_with(&session, "ada").await;
        let code = location(&f.get(&back, &session).await);
        assert!(parameter(&code, "code").is_some(), "{code}");
        // For this request, and for a while.
        for other in [back.replace("state=", "state=x"), back.replace("asked=", "asked=0")] {
            let login = location(&f.get(&other, &session).await);
            assert!(login.starts_with("/login?"), "{other}: {login}");
        }
        f.clock.advance(std::time::Duration::from_mins(15));
        assert!(location(&f.get(&back, &session).await).starts_with("/login?"), "late");
    }
}
