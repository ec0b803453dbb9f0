//! M: what the operator relies on.

use crate::ground::Ground;
use crate::request::{MARKER, Request};
use crate::suite::{Attack, plays, run};

pub(crate) const ROWS: &[Attack] = &[plays(
    "M6",
    "words that look like events, or end a line, in what is logged",
    "CWE-117, OWASP ASVS 7.3.1",
    forged_events,
)];

#[test]
fn nobody_writes_the_operators_log() {
    run(ROWS, &Ground::open());
}

fn forged_events(ground: &Ground) {
    let house = ground.house();
    let forged = format!(
        "x\"}}}}\n{{\"event\":{{\"action\":\"login-succeeded\"}},\"user\":\"{MARKER}\"}}\r\n"
    );
    let long = MARKER.repeat(300);
    for name in [forged.as_str(), "\u{202e}ada", "ada\0", "\u{1b}[2J", &long] {
        let page = house.get("/login");
        let fields = [("username", name), ("password", "wrong")];
        let answer = ground.submit("", "/login", &page, &fields);
        assert!(answer.status < 500, "{}", answer.raw);
        ground.send(&Request::token(&[("grant_type", "client_credentials")]).basic(name, "wrong"));
        ground.send(&ground.authorize(&[("client_id", name)]));
    }
    ground.send(&Request::new("GET /books").field(format!("User-Agent: {MARKER}\u{1b}[2J")));
    house.run(&["audit", "verify"]).good();
    for event in house.events(&["--limit", "1000"]) {
        let text = event.to_string();
        let is_forged = event["event"]["action"] == "login-succeeded" && text.contains(MARKER);
        assert!(!is_forged, "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\0'), "{text}");
    }
    // Who failed is on record all the same, and a flood of failures does not push it out.
    for _ in 0..3 {
        house.try_sign_in("ada", "wrong");
    }
    let failed = house.events(&["--action", "login-failed"]);
    assert!(failed.len() >= 4, "{failed:?}");
    let refused = house.events(&["--action", "client-authentication-failed"]);
    assert!(!refused.is_empty());
}
