//! T: codes, refresh tokens and the endpoints that take them.

use crate::ground::{CALLBACK, DEVICE, Ground, Tokens, VERIFIER};
use crate::house::PASSWORD;
use crate::request::{MARKER, Request, form};
use crate::signing::fresh;
use crate::suite::{Attack, Want, asks, check, plays, run};

const NO_GRANT: Want = Want::Error(400, "invalid_grant");
const NO_REQUEST: Want = Want::Error(400, "invalid_request");

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "T1",
        "a code twice takes back what it gave",
        "RFC 6749 section 4.1.2, RFC 9700 section 2.1.1",
        replay,
    ),
    asks(
        "T1",
        "a code with another client, address, verifier",
        "RFC 6749 section 4.1.3, RFC 7636 section 4.6",
        strangers,
        NO_GRANT,
    ),
    plays(
        "T1",
        "a code is over after a stranger tried it, or is not: never both",
        "RFC 6749 section 4.1.2",
        tried,
    ),
    asks("T2", "what another store made, as a code", "CVE-2026-4282", forged, NO_GRANT),
    asks(
        "T3",
        "grants that are no more, or never were",
        "CVE-2026-9792, RFC 9700 section 2.4",
        unknown,
        Want::Error(400, "unsupported_grant_type"),
    ),
    asks(
        "T3",
        "grants for which a client is not registered",
        "RFC 6749 section 5.2",
        unregistered,
        Want::Error(400, "unauthorized_client"),
    ),
    asks(
        "T4",
        "JSON, no type, a type with an alphabet, text, parts",
        "RFC 6749 section 3.2, appendix B",
        kinds,
        NO_REQUEST,
    ),
    asks("T4", "another method than POST", "RFC 6749 section 3.2", methods, Want::Status(&[405])),
    asks("T4", "a parameter twice", "RFC 6749 section 3.2", doubled, NO_REQUEST),
    asks("T4", "credentials in the address", "RFC 6749 section 2.3.1", in_address, NO_REQUEST),
    plays(
        "T5",
        "a rotated token within and after its successor's use",
        "RFC 9700 section 4.14.2",
        rotated,
    ),
    asks(
        "T5",
        "another client's, more than was given",
        "RFC 6749 section 6",
        refreshing,
        Want::Status(&[400, 401]),
    ),
    plays("T5", "after sign-out", "GHSA-895x", after_logout),
    plays("T5", "after another password and a reset", "GHSA-64w3", after_reset),
    plays(
        "T5",
        "a scope that was given up does not come back in that token",
        "RFC 6749 section 6",
        narrowed,
    ),
    plays("T6", "tokens of a disabled person", "RFC 9700 section 4.14.2", disabled),
    asks(
        "T7",
        "introspection of another client's token and of none look the same",
        "RFC 7662 section 4",
        introspected,
        Want::Inactive,
    ),
    asks(
        "T7",
        "introspection by nobody",
        "RFC 7662 section 2.1",
        unproven,
        Want::Error(401, "invalid_client"),
    ),
    plays("T8", "revocation of another client's token", "RFC 7009 section 2.1", revoked),
    asks(
        "T9",
        "nothing that was sent is said again",
        "RFC 6749 section 5.2",
        said,
        Want::Status(&[400, 401]),
    ),
];

#[test]
fn nobody_gets_a_token_that_is_not_theirs() {
    run(ROWS, &Ground::open());
}

fn replay(ground: &Ground) {
    let code = ground.code(&[]);
    let tokens = Tokens::of(&ground.send(&Ground::redemption(&code, &[])));
    assert_eq!(ground.opens(&tokens.access), [200, 200]);
    check(&ground.send(&Ground::redemption(&code, &[])), NO_GRANT);
    assert_eq!(ground.opens(&tokens.access), [401, 401]);
    check(&ground.send(&Ground::refreshing(&tokens.refresh, &[])), NO_GRANT);
    check(&ground.send(&Ground::redemption(&code, &[])), NO_GRANT);
}

fn strangers(ground: &Ground) -> Vec<Request> {
    let slash = format!("{CALLBACK}/");
    let query = format!("{CALLBACK}?x=1");
    let upper = CALLBACK.replace("web.example", "WEB.example");
    let lower = VERIFIER.to_lowercase();
    let changes: &[&[(&str, &str)]] = &[
        &[("client_id", "twin")],
        &[("client_id", "native")],
        &[("redirect_uri", "https://web.example/other")],
        &[("redirect_uri", &slash)],
        &[("redirect_uri", &query)],
        &[("redirect_uri", &upper)],
        &[("code_verifier", "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong")],
        &[("code_verifier", &lower)],
        &[("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")],
    ];
    changes.iter().map(|changes| Ground::redemption(&ground.code(&[]), changes)).collect()
}

/// A guess at the verifier may end the code; it must not leave one that works twice.
fn tried(ground: &Ground) {
    let code = ground.code(&[]);
    let wrong = Ground::redemption(
        &code,
        &[("code_verifier", "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong")],
    );
    check(&ground.send(&wrong), NO_GRANT);
    let passed =
        (0..3).filter(|_| ground.send(&Ground::redemption(&code, &[])).status == 200).count();
    assert!(passed <= 1, "{passed}");
}

fn forged(ground: &Ground) -> Vec<Request> {
    let tokens = ground.tokens();
    let (device, user) = ground.device();
    let pushed = Request::form("/oauth/par", &[]).and(&crate::ground::question_form(&[]));
    let pushed = ground.send(&pushed).json()["request_uri"].as_str().unwrap().to_owned();
    let bare = pushed.rsplit(':').next().unwrap().to_owned();
    let page = ground.house().get("/login").body;
    let form = crate::ground::hidden(&page).remove(0).1;
    let session = ground.ada.split_once('=').unwrap().1.to_owned();
    let code = ground.code(&[]);
    let half = code.chars().take(code.len() / 2).collect::<String>();
    let longer = format!("{code}A");
    let all = [
        device,
        user,
        pushed,
        bare,
        form,
        session,
        tokens.refresh,
        tokens.access,
        half,
        longer,
        fresh(),
        String::from("0"),
        "a".repeat(10_000),
    ];
    all.iter().map(|code| Ground::redemption(code, &[])).collect()
}

fn unknown(ground: &Ground) -> Vec<Request> {
    let secret = [("username", "ada"), ("password", PASSWORD)];
    let grants = [
        "password",
        "implicit",
        "Client_Credentials",
        "client_credentials ",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:uma-ticket",
        "urn:openid:params:grant-type:ciba",
        "none",
    ];
    let ask = |grant: &&str| {
        let fields = [&[("grant_type", *grant), ("assertion", "x")][..], &secret].concat();
        Request::token(&fields).basic("robot", &ground.robot).label(*grant)
    };
    grants.iter().map(ask).collect()
}

fn unregistered(ground: &Ground) -> Vec<Request> {
    let of = |id: &str, grant: &str| {
        let fields = [
            ("grant_type", grant),
            ("client_id", id),
            ("device_code", "x"),
            ("refresh_token", "x"),
            ("code", "x"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        Request::token(&fields).label(format!("{grant} of {id}"))
    };
    let robot = |grant: &str| {
        let fields =
            [("grant_type", grant), ("refresh_token", "x"), ("device_code", "x"), ("code", "x")];
        Request::token(&fields).basic("robot", &ground.robot).label(format!("{grant} of robot"))
    };
    vec![
        of("web", DEVICE),
        of("native", "refresh_token"),
        of("native", DEVICE),
        robot("refresh_token"),
        robot(DEVICE),
        Request::form("/oauth/device_authorization", &[("client_id", "web")]),
    ]
}

fn kinds(ground: &Ground) -> Vec<Request> {
    let body = form(&[("grant_type", "client_credentials")]);
    let json = r#"{"grant_type":"client_credentials"}"#;
    let part = "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--b--\r\n";
    let bare = Request::new("POST /oauth/token").content("x", body.clone());
    [
        Request::new("POST /oauth/token").content("application/json", json).label("JSON"),
        Request::new("POST /oauth/token")
            .content("application/x-www-form-urlencoded", json)
            .label("JSON as a form"),
        Request::new("POST /oauth/token").content("text/plain", body.clone()).label("text"),
        Request::new("POST /oauth/token")
            .content("multipart/form-data; boundary=b", part)
            .label("parts"),
        Request::new("POST /oauth/token")
            .content("application/x-www-form-urlencodedx", body.clone())
            .label("a longer type"),
        Request::new("POST /oauth/token").content("", body).label("an empty type"),
        Request::new("POST /oauth/token").label("nothing at all"),
        bare.label("a type that is none"),
    ]
    .into_iter()
    .map(|request| request.basic("robot", &ground.robot))
    .collect()
}

fn methods(ground: &Ground) -> Vec<Request> {
    let query = form(&[("grant_type", "client_credentials")]);
    let ask = |method: &str| {
        Request::new(&format!("{method} /oauth/token?{query}")).basic("robot", &ground.robot)
    };
    ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"].map(ask).into()
}

fn doubled(ground: &Ground) -> Vec<Request> {
    let code = ground.code(&[]);
    let of_web = |more: &str| Ground::redemption(&code, &[]).and(more).label(more.to_owned());
    let robot =
        Request::token(&[("grant_type", "client_credentials")]).basic("robot", &ground.robot);
    vec![
        of_web("&code=x"),
        of_web("&code="),
        of_web("&client_id=web"),
        of_web("&client_id=twin"),
        of_web("&grant_type=authorization_code"),
        of_web("&redirect_uri=x"),
        of_web("&code_verifier=x"),
        of_web("&c%6fde=x"),
        of_web("&x=1&x=1"),
        robot.clone().and("&grant_type=refresh_token").label("grant_type"),
        robot.clone().and("&scope=a&scope=b").label("scope"),
        robot.and("&client_secret=a&client_secret=b").label("client_secret"),
    ]
}

fn in_address(ground: &Ground) -> Vec<Request> {
    let secret = &ground.robot;
    let body = [("grant_type", "client_credentials")];
    vec![
        Request::form(&format!("/oauth/token?client_id=robot&client_secret={secret}"), &body),
        Request::form(
            &format!("/oauth/introspect?client_id=robot&client_secret={secret}"),
            &[("token", "x")],
        ),
        Request::form(
            &format!("/oauth/revoke?client_id=robot&client_secret={secret}"),
            &[("token", "x")],
        ),
    ]
}

fn rotated(ground: &Ground) {
    let first = ground.tokens();
    let second = Tokens::of(&ground.send(&Ground::refreshing(&first.refresh, &[])));
    assert_ne!(first.refresh, second.refresh);
    // An answer got lost: the same question within 30 seconds has the same successor.
    let again = Tokens::of(&ground.send(&Ground::refreshing(&first.refresh, &[])));
    assert_eq!(second.refresh, again.refresh);
    let third = Tokens::of(&ground.send(&Ground::refreshing(&second.refresh, &[])));
    // Its successor has been used, so nobody honest has it any more.
    check(&ground.send(&Ground::refreshing(&first.refresh, &[])), NO_GRANT);
    check(&ground.send(&Ground::refreshing(&third.refresh, &[])), NO_GRANT);
    assert_eq!(ground.opens(&third.access), [401, 401]);
    // Another grant of the same person at the same client goes on.
    let other = ground.tokens();
    check(&ground.send(&Ground::refreshing(&other.refresh, &[])), Want::Passes);
}

fn refreshing(ground: &Ground) -> Vec<Request> {
    let token = || ground.tokens().refresh;
    let confidential =
        Request::token(&[("grant_type", "refresh_token"), ("refresh_token", &token())]);
    let wide = ["openid profile admin", "openid offline_access email", "*", "openid\u{a0}"];
    let mut all = vec![
        Ground::refreshing(&token(), &[("client_id", "twin")]),
        Ground::refreshing(&token(), &[("client_id", "-")]),
        Ground::refreshing(&token(), &[("client_id", "nobody")]),
        Ground::refreshing(&token(), &[("resource", "https://other.example")]),
        confidential.basic("shop", &ground.shop).label("by a client with a secret"),
    ];
    all.extend(wide.map(|scope| Ground::refreshing(&token(), &[("scope", scope)])));
    all
}

/// A person of her own, and the tokens that `web` has for her.
#[track_caller]
fn person(ground: &Ground, name: &str) -> (String, Tokens) {
    ground.house().person(name, "customer");
    let session = ground.house().sign_in(name);
    let answer = ground.send(&Ground::authorize_as(&session, &[]));
    let to = answer.field("location").unwrap();
    let code = crate::request::parameter(&to, "code").unwrap();
    let tokens = Tokens::of(&ground.send(&Ground::redemption(&code, &[])));
    assert_eq!(ground.opens(&tokens.access), [200, 200]);
    (session, tokens)
}

#[track_caller]
fn all_over(ground: &Ground, session: &str, tokens: &Tokens) {
    check(&ground.send(&Ground::refreshing(&tokens.refresh, &[])), NO_GRANT);
    assert_eq!(ground.opens(&tokens.access), [401, 401]);
    let page = ground.send(&Request::new("GET /books/7").field(session));
    assert_ne!(page.status, 200, "{}", page.raw);
    let answer = ground.send(&Ground::authorize_as(session, &[("prompt", "none")]));
    check(&answer, Want::Told("login_required"));
}

fn after_logout(ground: &Ground) {
    let (session, tokens) = person(ground, "bea");
    let page = ground.send(&Request::new("GET /logout").field(&session));
    let done = ground.submit(&session, "/logout", &page, &[]);
    assert!(done.status < 400, "{}", done.raw);
    all_over(ground, &session, &tokens);
}

fn after_reset(ground: &Ground) {
    let (session, tokens) = person(ground, "dan");
    ground.house().pipe("another lantern 9", &["user", "reset", "dan"]).good();
    all_over(ground, &session, &tokens);
    assert_eq!(ground.house().try_sign_in("dan", PASSWORD).status, 401);
}

fn disabled(ground: &Ground) {
    let (session, tokens) = person(ground, "eve");
    let code = ground.send(&Ground::authorize_as(&session, &[])).field("location").unwrap();
    let code = crate::request::parameter(&code, "code").unwrap();
    ground.house().run(&["user", "disable", "eve"]).good();
    all_over(ground, &session, &tokens);
    check(&ground.send(&Ground::redemption(&code, &[])), NO_GRANT);
    ground.house().run(&["user", "enable", "eve"]).good();
    // What had ended does not begin again.
    check(&ground.send(&Ground::refreshing(&tokens.refresh, &[])), NO_GRANT);
    assert_eq!(ground.opens(&tokens.access), [401, 401]);
}

fn narrowed(ground: &Ground) {
    let code = ground.code(&[("scope", "openid profile")]);
    let tokens = Tokens::of(&ground.send(&Ground::redemption(&code, &[])));
    let less = ground.send(&Ground::refreshing(&tokens.refresh, &[("scope", "openid")]));
    check(&less, Want::Passes);
    let scope = crate::signing::claims(&Tokens::of(&less).access)["scope"].clone();
    assert_eq!(scope, "openid");
}

fn introspected(ground: &Ground) -> Vec<Request> {
    let tokens = ground.tokens();
    let program = ground.program();
    let ask = |token: &str, label: &str| {
        Request::form("/oauth/introspect", &[("token", token)])
            .basic("other", &ground.other)
            .label(label)
    };
    vec![
        ask(&program, "another program's"),
        ask(&tokens.access, "a person's at another client"),
        ask(&tokens.refresh, "another client's refresh token"),
        ask(&tokens.id, "an ID token"),
        ask(&ground.other, "its own secret"),
        ask("x", "none"),
        ask("", "nothing").and("x"),
        ask(&fresh(), "a random one"),
    ]
}

fn unproven(ground: &Ground) -> Vec<Request> {
    let token = ground.program();
    let ask = |more: &[(&str, &str)]| {
        Request::form("/oauth/introspect", &[&[("token", token.as_str())][..], more].concat())
    };
    vec![
        ask(&[]),
        ask(&[("client_id", "robot")]),
        ask(&[("client_id", "web")]),
        ask(&[("client_id", "robot"), ("client_secret", "x")]),
        ask(&[]).bearer(&token).label("the token itself"),
    ]
}

fn revoked(ground: &Ground) {
    let (tokens, program) = (ground.tokens(), ground.program());
    for token in [&tokens.access, &tokens.refresh, &tokens.id, &program] {
        let ask = Request::form("/oauth/revoke", &[("token", token)]);
        let answer = ground.send(&ask.clone().basic("other", &ground.other));
        assert!([200, 400].contains(&answer.status), "{}", answer.raw);
        check(&ground.send(&ask), Want::Error(401, "invalid_client"));
        let answer = ground.send(&ask.and("&client_id=twin"));
        assert!([200, 400].contains(&answer.status), "{}", answer.raw);
    }
    assert_eq!(ground.opens(&tokens.access), [200, 200]);
    assert_eq!(ground.opens(&program)[0], 200);
    check(&ground.send(&Ground::refreshing(&tokens.refresh, &[])), Want::Passes);
}

fn said(_: &Ground) -> Vec<Request> {
    let script = format!("<script>{MARKER}</script>");
    let names = [
        "grant_type",
        "client_id",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "resource",
        "client_secret",
        "subject_token",
    ];
    let mut all: Vec<Request> =
        names.iter().map(|name| Request::token(&[(*name, &script)]).label(*name)).collect();
    all.push(Request::token(&[(&script, "x")]).label("a name"));
    all.push(Request::token(&[("grant_type", "x")]).basic(&script, &script).label("Basic"));
    all.push(Ground::redemption("x", &[("client_id", &script)]));
    all.push(Ground::refreshing(&script, &[]));
    all
}
