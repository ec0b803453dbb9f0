//! X: tokens that are exchanged by who may not, or for more than they are.

use serde_json::json;

use crate::ground::{ACCESS, Ground, Tokens, add};
use crate::request::Request;
use crate::signing::{Key, claims, now};
use crate::suite::{Attack, Want, asks, check, plays, run};

const NO_REQUEST: Want = Want::Error(400, "invalid_request");
const EITHER: Want = Want::Status(&[400]);

pub(crate) const ROWS: &[Attack] = &[
    asks("X1", "no subject, or an empty one", "CVE-2026-9704", empty, NO_REQUEST),
    asks(
        "X2",
        "a foreign issuer, another audience, an ID token, other kinds",
        "RFC 8693 section 2.1",
        foreign,
        EITHER,
    ),
    asks("X3", "an actor without permission", "RFC 8693 section 1.1", actors, EITHER),
    plays("X3", "chains: loops, and more than four", "RFC 8693 section 4.1", chains),
    asks(
        "X4",
        "more than the subject has",
        "RFC 8693 section 2.1, RFC 9700 section 2.3",
        wider,
        EITHER,
    ),
    plays(
        "X4",
        "the control: what comes out is no more and no longer",
        "RFC 8693 section 2.2",
        narrower,
    ),
    plays("X5", "a subject that is over", "RFC 8693 section 2.2.2", over),
];

#[test]
fn nobody_gains_by_an_exchange() {
    run(ROWS, &Ground::open());
}

fn empty(ground: &Ground) -> Vec<Request> {
    let token = ground.tokens().access;
    [
        &[("subject_token", "-")][..],
        &[("subject_token", "")],
        &[("subject_token", "-"), ("subject_token_type", "-")],
        &[("subject_token_type", "-")],
        &[("subject_token_type", "")],
        &[("subject_token", "-"), ("actor_token", &token), ("actor_token_type", ACCESS)],
        // RFC 8693 section 2.1: the type comes with the token, and only with it.
        &[("actor_token_type", ACCESS)],
        &[("actor_token", &token)],
    ]
    .map(|changes| ground.exchange(&token, changes))
    .into()
}

fn foreign(ground: &Ground) -> Vec<Request> {
    let (tokens, own) = (ground.tokens(), Key::ed());
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": own.thumbprint() });
    let forged = |issuer: &str| {
        let mut claims = claims(&tokens.access);
        claims["iss"] = issuer.into();
        claims["exp"] = (now() + 60).into();
        own.token(&header, &claims)
    };
    let kind = |kind: &str| format!("urn:ietf:params:oauth:token-type:{kind}");
    let typed = |token: &str, of: &str| {
        ground.exchange(token, &[("subject_token_type", &kind(of))]).label(of)
    };
    vec![
        ground.exchange(&forged(&ground.issuer()), &[]).label("forged"),
        ground.exchange(&forged("https://other.example"), &[]).label("a foreign issuer"),
        ground.exchange(&tokens.id, &[]).label("an ID token as an access token"),
        typed(&tokens.id, "id_token"),
        typed(&tokens.refresh, "refresh_token"),
        typed(&tokens.access, "refresh_token"),
        typed(&tokens.access, "jwt"),
        typed(&tokens.access, "saml2"),
        ground
            .exchange(&tokens.access, &[("subject_token_type", "access_token")])
            .label("half a type"),
        ground.exchange(&tokens.access, &[("requested_token_type", &kind("refresh_token"))]),
        ground.exchange(&tokens.access, &[("requested_token_type", &kind("id_token"))]),
        ground.exchange(&tokens.access, &[("requested_token_type", "x")]),
        ground.exchange(&tokens.access, &[("audience", "https://other.example")]),
        ground.exchange(&tokens.access, &[("resource", "https://other.example")]),
        ground.exchange(&ground.program(), &[]).label("a program's"),
    ]
}

fn actors(ground: &Ground) -> Vec<Request> {
    let token = ground.tokens().access;
    let plain = |id: &str, secret: &str| {
        let fields = [
            ("grant_type", crate::ground::EXCHANGE),
            ("subject_token", &token),
            ("subject_token_type", ACCESS),
        ];
        Request::token(&fields).basic(id, secret).label(id)
    };
    let actor = ground.program();
    vec![
        plain("robot", &ground.robot),
        plain("other", &ground.other),
        plain("shop", &ground.shop),
        ground
            .exchange(&token, &[("actor_token", &actor), ("actor_token_type", ACCESS)])
            .label("another actor"),
        ground
            .exchange(&token, &[("actor_token", &token), ("actor_token_type", ACCESS)])
            .label("the subject as actor"),
    ]
}

fn chains(ground: &Ground) {
    let mut before = "web".to_owned();
    let mut token = ground.tokens().access;
    let mut last = 0;
    for depth in 1..=6 {
        let id = format!("hop{depth}");
        let may = ["--bearer", "--acts-for", &before, "--acts-for", "web"];
        let secret = add(ground.house(), &id, &may);
        let by = |token: &str| {
            let fields = [
                ("grant_type", crate::ground::EXCHANGE),
                ("subject_token", token),
                ("subject_token_type", ACCESS),
            ];
            ground.send(&Request::token(&fields).basic(&id, &secret))
        };
        let answer = by(&token);
        if answer.status != 200 {
            check(&answer, EITHER);
            break;
        }
        last = depth;
        token = Tokens::of(&answer).access;
        assert_eq!(claims(&token)["act"]["sub"], id.as_str());
        // The same one again would be a loop.
        check(&by(&token), EITHER);
        before = id;
    }
    assert_eq!(last, 4);
}

fn wider(ground: &Ground) -> Vec<Request> {
    let token = ground.tokens().access;
    ["openid profile", "admin", "openid offline_access", "*", "OPENID", "openid\u{a0}admin"]
        .map(|scope| ground.exchange(&token, &[("scope", scope)]))
        .into()
}

fn narrower(ground: &Ground) {
    let token = ground.tokens().access;
    let answer = ground.send(&ground.exchange(&token, &[]));
    check(&answer, Want::Passes);
    assert!(answer.json()["refresh_token"].is_null() && answer.json()["id_token"].is_null());
    let (before, after) = (claims(&token), claims(&Tokens::of(&answer).access));
    for name in ["iss", "sub", "aud", "sid", "acr", "auth_time"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(after["exp"].as_u64() <= before["exp"].as_u64(), "{before} {after}");
    assert_eq!(after["act"]["sub"], "orders");
    assert_ne!(before["jti"], after["jti"]);
}

fn over(ground: &Ground) {
    let tokens = ground.tokens();
    let exchanged = Tokens::of(&ground.send(&ground.exchange(&tokens.access, &[]))).access;
    let revoke = Request::form("/oauth/revoke", &[("client_id", "web"), ("token", &tokens.access)]);
    check(&ground.send(&revoke), Want::Passes);
    check(&ground.send(&ground.exchange(&tokens.access, &[])), EITHER);
    // The session's end takes along what was made of its tokens.
    ground.house().person("fay", "customer");
    let session = ground.house().sign_in("fay");
    let to = ground.send(&Ground::authorize_as(&session, &[])).field("location").unwrap();
    let code = crate::request::parameter(&to, "code").unwrap();
    let token = Tokens::of(&ground.send(&Ground::redemption(&code, &[]))).access;
    let acting = Tokens::of(&ground.send(&ground.exchange(&token, &[]))).access;
    assert_eq!(ground.opens(&acting)[0], 200);
    ground.house().run(&["user", "disable", "fay"]).good();
    assert_eq!(ground.opens(&acting), [401, 401]);
    check(&ground.send(&ground.exchange(&token, &[])), EITHER);
    drop(exchanged);
}
