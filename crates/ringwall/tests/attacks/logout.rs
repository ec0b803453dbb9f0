//! L: the end of sessions, and what is left of them.

use serde_json::json;

use crate::ground::{CALLBACK, Ground, Tokens, add};
use crate::request::{MARKER, Request, escaped, parameter};
use crate::signing::{Key, claims, now};
use crate::suite::{Attack, Want, check, plays, run, unsound};
use crate::wire::Answer;

const AFTER: &str = "https://web.example/bye";

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "L1",
        "addresses for afterwards that are not registered",
        "OpenID Connect RP-Initiated Logout section 3",
        addresses,
    ),
    plays(
        "L2",
        "a hint that is foreign, changed, of another kind, or not there",
        "OpenID Connect RP-Initiated Logout sections 2 and 6",
        hints,
    ),
    plays(
        "L4",
        "tokens of a session that is over",
        "OpenID Connect RP-Initiated Logout section 2",
        live,
    ),
];

#[test]
fn nobody_is_signed_out_or_sent_away_by_others() {
    let ground = Ground::open();
    let wide = [
        "--public",
        "--redirect-uri",
        CALLBACK,
        "--grant",
        "refresh_token",
        "--post-logout",
        AFTER,
    ];
    add(ground.house(), "site", &wide);
    run(ROWS, &ground);
}

/// A new session of somebody, and what `site` has of it.
#[track_caller]
fn begun(ground: &Ground, name: &str) -> (String, Tokens) {
    if ground.house().try_sign_in(name, crate::house::PASSWORD).status != 303 {
        ground.house().person(name, "customer");
    }
    let session = ground.house().sign_in(name);
    let to = ground
        .send(&Ground::authorize_as(&session, &[("client_id", "site")]))
        .field("location")
        .unwrap();
    let code = parameter(&to, "code").unwrap();
    let answer = ground.send(&Ground::redemption(&code, &[("client_id", "site")]));
    (session, Tokens::of(&answer))
}

fn end(ground: &Ground, session: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = ground.send(&Request::query("/oauth/end_session", fields).field(session));
    assert!(unsound(&answer).is_none(), "{:?}: {}", unsound(&answer), answer.raw);
    answer
}

fn is_open(ground: &Ground, session: &str) -> bool {
    ground.send(&Request::new("GET /books/7").field(session)).status == 200
}

fn addresses(ground: &Ground) {
    let (session, tokens) = begun(ground, "bob");
    for address in [
        "https://evil.example",
        "https://web.example/bye/",
        "https://web.example/bye?x",
        "https://web.example/bye#x",
        "https://WEB.example/bye",
        "https://web.example/bye/../evil",
        "https://web.example/..;/bye",
        "https://web.example@evil.example/bye",
        "https://web.example.evil.example/bye",
        "http://web.example/bye",
        "//web.example/bye",
        "/bye",
        "javascript:alert(1)",
        "https://web.example/bye\r\nX: y",
        "https://web.example/bye\0",
        CALLBACK,
        "",
        "*",
        MARKER,
    ] {
        let fields = [("id_token_hint", tokens.id.as_str()), ("post_logout_redirect_uri", address)];
        let answer = end(ground, &session, &fields);
        let to = answer.field("location").unwrap_or_default();
        let is_away = to.contains("//") || to.contains("evil") || to.contains("javascript");
        assert!(!is_away, "{address}: {}", answer.raw);
        if !is_open(ground, &session) {
            return assert!(address.is_empty(), "{address} ended the session: {}", answer.raw);
        }
    }
}

fn hints(ground: &Ground) {
    let (session, tokens) = begun(ground, "bob");
    let (other, foreign) = begun(ground, "cat");
    let own = Key::ec();
    let forged = own.token(
        &json!({ "typ": "JWT", "alg": "ES256", "kid": own.thumbprint() }),
        &json!({ "iss": ground.issuer(), "aud": "site", "sub": claims(&tokens.id)["sub"],
            "sid": claims(&tokens.id)["sid"], "iat": now(), "exp": now() + 60 }),
    );
    let none = tokens.id.rsplit_once('.').unwrap().0.to_owned() + ".";
    let [header, _, signature] = tokens.id.split('.').collect::<Vec<_>>().try_into().unwrap();
    let inside = foreign.id.split('.').nth(1).unwrap();
    let swapped = format!("{header}.{inside}.{signature}");
    let plain = [("post_logout_redirect_uri", AFTER)];
    for (name, hint) in [
        ("forged", forged.as_str()),
        ("without a signature", &none),
        ("with other claims", &swapped),
        ("another session's", &foreign.id),
        ("an access token", &tokens.access),
        ("a refresh token", &tokens.refresh),
        ("words", MARKER),
        ("nothing", ""),
    ] {
        let answer = end(ground, &session, &[&plain[..], &[("id_token_hint", hint)]].concat());
        assert!(is_open(ground, &session), "{name} ended the session: {}", answer.raw);
        assert!(is_open(ground, &other), "{name} ended another's session");
    }
    // Nothing at all, another client's name, and a form from elsewhere.
    for fields in [
        &[][..],
        &plain,
        &[("client_id", "site")],
        &[("client_id", "web"), ("id_token_hint", &tokens.id)],
    ] {
        end(ground, &session, fields);
        assert!(is_open(ground, &session), "{fields:?}");
    }
    let form = Request::form("/oauth/end_session", &plain).field("Origin: https://evil.example");
    let answer = ground.send(&form.field(&session));
    assert!(unsound(&answer).is_none() && is_open(ground, &session), "{}", answer.raw);
    for raw in [
        "x=%ff",
        "x=%00",
        "id_token_hint=a&id_token_hint=b",
        "state=a&state=b",
        &format!("state={}", escaped("a\r\nX: y")),
    ] {
        let answer =
            ground.send(&Request::new(&format!("GET /oauth/end_session?{raw}")).field(&session));
        assert!(unsound(&answer).is_none() && is_open(ground, &session), "{raw}: {}", answer.raw);
    }
    // The control.
    let good = [plain[0], ("id_token_hint", &tokens.id), ("state", "s t")];
    let to = end(ground, &session, &good).field("location");
    assert_eq!(to.as_deref(), Some("https://web.example/bye?state=s%20t"));
    assert!(!is_open(ground, &session) && is_open(ground, &other));
}

fn live(ground: &Ground) {
    let (session, tokens) = begun(ground, "bob");
    let acting =
        Tokens::of(&ground.send(&Ground::refreshing(&tokens.refresh, &[("client_id", "site")])));
    assert_eq!(ground.opens(&acting.access), [200, 200]);
    let to = ground
        .send(&Ground::authorize_as(&session, &[("client_id", "site")]))
        .field("location")
        .unwrap();
    let code = parameter(&to, "code").unwrap();
    end(ground, &session, &[("id_token_hint", &tokens.id)]);
    for token in [&tokens.access, &acting.access] {
        assert_eq!(ground.opens(token), [401, 401]);
    }
    for token in [&tokens.refresh, &acting.refresh] {
        let answer = ground.send(&Ground::refreshing(token, &[("client_id", "site")]));
        check(&answer, Want::Error(400, "invalid_grant"));
    }
    let answer = ground.send(&Ground::redemption(&code, &[("client_id", "site")]));
    check(&answer, Want::Error(400, "invalid_grant"));
}
