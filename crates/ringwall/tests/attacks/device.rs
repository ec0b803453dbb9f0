//! V: devices, and the people who are asked to let them in.

use crate::ground::{DEVICE, Ground, Tokens, with_form};
use crate::request::{MARKER, Request};
use crate::suite::{Attack, Want, asks, check, plays, run};
use crate::wire::Answer;

pub(crate) const ROWS: &[Attack] = &[
    plays("V1", "guesses at a user code slow the guesser down", "RFC 8628 section 5.1", guesses),
    plays(
        "V2",
        "another client's code, and one that is used up",
        "RFC 8628 section 3.4",
        strangers,
    ),
    plays("V3", "asking faster than told", "RFC 8628 section 3.5", impatient),
    plays("V4", "an approval that another page sends", "RFC 8628 section 5.4", forged),
    plays("V4", "the page names who asks, and repeats nothing", "RFC 8628 section 5.4", named),
    asks(
        "V4",
        "an approval without a session",
        "RFC 8628 section 3.3",
        anonymous,
        Want::Status(&[303, 400, 401, 403]),
    ),
    plays(
        "V5",
        "a code of one's own between guesses does not make them faster",
        "CVE-2026-16103, CVE-2026-9798",
        between,
    ),
];

#[test]
fn nobody_is_let_in_as_a_device() {
    run(ROWS, &Ground::open());
}

fn page(ground: &Ground, session: &str) -> Answer {
    ground.send(&Request::new("GET /oauth/device").field(session))
}

/// Enters a code as this person; gives the status.
fn enter(ground: &Ground, session: &str, code: &str) -> u16 {
    let page = page(ground, session);
    ground.submit(session, "/oauth/device", &page, &[("user_code", code)]).status
}

fn guesses(ground: &Ground) {
    ground.house().person("gus", "customer");
    let session = ground.house().sign_in("gus");
    let (_, user) = ground.device();
    let statuses: Vec<u16> = (0..12).map(|_| enter(ground, &session, "BCDF-GHJK")).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    // Nobody else waits for it.
    assert_eq!(enter(ground, &ground.ada, &user), 200);
}

fn strangers(ground: &Ground) {
    crate::ground::add(ground.house(), "radio", &["--public", "--grant", "device_code"]);
    let (code, user) = ground.device();
    ground.approve(&user);
    let stolen = [("grant_type", DEVICE), ("client_id", "radio"), ("device_code", &code)];
    check(&ground.send(&Request::token(&stolen)), Want::Error(400, "invalid_grant"));
    check(&ground.send(&Ground::polling(&user)), Want::Error(400, "invalid_grant"));
    let tokens = Tokens::of(&ground.send(&Ground::polling(&code)));
    assert_eq!(ground.opens(&tokens.access)[0], 200);
    check(&ground.send(&Ground::polling(&code)), Want::Error(400, "invalid_grant"));
    // A code that was used up is none any more on the page, too.
    assert_ne!(enter(ground, &ground.ada, &user), 200);
}

fn impatient(ground: &Ground) {
    let (code, user) = ground.device();
    check(&ground.send(&Ground::polling(&code)), Want::Error(400, "authorization_pending"));
    for _ in 0..3 {
        check(&ground.send(&Ground::polling(&code)), Want::Error(400, "slow_down"));
    }
    // Who does not slow down does not get it by asking often, even when it was granted meanwhile.
    ground.approve(&user);
    let answer = ground.send(&Ground::polling(&code));
    assert!(answer.status == 200 || crate::suite::said(&answer) == "slow_down", "{}", answer.raw);
}

fn forged(ground: &Ground) {
    let (code, user) = ground.device();
    let first = page(ground, &ground.ada);
    let asked = ground.submit(&ground.ada, "/oauth/device", &first, &[("user_code", &user)]);
    let cookie = with_form(&ground.ada, &first);
    let fields: Vec<(String, String)> = crate::ground::hidden(&asked.body);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let fields = [&fields[..], &[("decision", "approve")]].concat();
    let without: Vec<_> =
        fields.iter().copied().filter(|(name, _)| *name != "form_token").collect();
    let origin = format!("Origin: {}", ground.issuer());
    let spoilt: Vec<_> = without.iter().copied().chain([("form_token", "x")]).collect();
    for request in [
        Request::form("/oauth/device", &fields).field("Origin: https://evil.example"),
        Request::form("/oauth/device", &fields).field("Origin: null"),
        Request::form("/oauth/device", &without).field(&origin),
        Request::form("/oauth/device", &spoilt).field(&origin),
        Request::form("/oauth/device", &[("user_code", &user), ("decision", "approve")])
            .field(&origin),
        Request::query("/oauth/device", &fields),
        Request::form("/oauth/device", &fields).field("Sec-Fetch-Site: cross-site"),
    ] {
        let answer = ground.send(&request.field(&cookie));
        assert!(crate::suite::unsound(&answer).is_none(), "{}", answer.raw);
        let answer = ground.send(&Ground::polling(&code));
        let said = crate::suite::said(&answer);
        assert!(["authorization_pending", "slow_down"].contains(&said.as_str()), "{}", answer.raw);
    }
}

fn named(ground: &Ground) {
    let (_, user) = ground.device();
    let shown = Request::query("/oauth/device", &[("user_code", &user)]).field(&ground.ada);
    let shown = ground.send(&shown);
    assert_eq!(shown.status, 200, "{}", shown.raw);
    let asked = ground.submit(&ground.ada, "/oauth/device", &shown, &[("user_code", &user)]);
    assert!(asked.body.contains("tv"), "{}", asked.raw);
    for text in [format!("<script>{MARKER}</script>"), format!("\"{MARKER}"), MARKER.repeat(100)] {
        let answer = ground
            .send(&Request::query("/oauth/device", &[("user_code", &text)]).field(&ground.ada));
        let body = &answer.body;
        assert!(!body.contains("<script>") && !body.contains(&format!("\"{MARKER}")), "{body}");
        assert!(answer.status < 500, "{}", answer.raw);
    }
}

fn anonymous(ground: &Ground) -> Vec<Request> {
    let (_, user) = ground.device();
    let origin = format!("Origin: {}", ground.issuer());
    let fields = [("user_code", user.as_str()), ("decision", "approve"), ("form_token", "x")];
    vec![
        Request::form("/oauth/device", &fields).field(&origin),
        Request::form("/oauth/device", &fields).field(&origin).field("Cookie: __Host-ringwall=x"),
    ]
}

fn between(ground: &Ground) {
    ground.house().person("hal", "customer");
    let session = ground.house().sign_in("hal");
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(enter(ground, &session, "BCDF-GHJK"));
        let (_, own) = ground.device();
        statuses.push(enter(ground, &session, &own));
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}
