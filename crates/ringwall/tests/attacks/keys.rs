//! K and Q: keys that change, and floods.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::forgery::{Sample, nobody_takes};
use crate::ground::Ground;
use crate::request::Request;
use crate::signing::{Key, fresh};
use crate::suite::{Attack, Want, check, plays, run};
use crate::wire::talk;

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "K1",
        "the name of a key that is published and does not sign yet",
        "NIST SP 800-57 part 1 section 5.3",
        pending,
    ),
    plays(
        "K3",
        "no good token is refused while keys are rotated",
        "OpenID Connect Core section 10.1.1",
        rotation,
    ),
    plays("Q1", "a flood of unknown names of keys", "RFC 8725 section 3.10, CWE-400", names),
    plays(
        "Q2",
        "a flood of pushed requests and devices of one client",
        "RFC 9126 section 7.1, RFC 8628 section 5.2",
        floods,
    ),
    plays("Q3", "bodies that never end hold nobody else up", "CVE-2007-6750", slow),
    plays(
        "Q4",
        "claims and parameters that are costly to read",
        "CVE-2024-28180, CWE-1333",
        costly,
    ),
    plays(
        "Q5",
        "a flood of assertions does not make room for an old one",
        "RFC 7523 section 3 item 7",
        assertions,
    ),
];

#[test]
fn nobody_wears_it_out() {
    run(ROWS, &Ground::open());
}

fn pending(ground: &Ground) {
    let (sample, own) = (Sample::of(ground), Key::ed());
    let known = |keys: &serde_json::Value| keys["keys"].as_array().unwrap().clone();
    let before = known(&ground.house().get("/oauth/jwks").json());
    ground.house().run(&["key", "rotate"]).good();
    let after = known(&ground.house().get("/oauth/jwks").json());
    let new: Vec<_> = after.iter().filter(|key| !before.contains(key)).collect();
    assert!(!new.is_empty(), "a key is published before it signs");
    for key in after.iter().chain(&before) {
        assert!(key["d"].is_null() && key["k"].is_null(), "{key}");
        nobody_takes(
            ground,
            "its name",
            &sample.by(&own, |header| header["kid"] = key["kid"].clone()),
        );
        nobody_takes(ground, "its name", &sample.with(|header| header["kid"] = key["alg"].clone()));
    }
    let signed = Sample::of(ground).header["kid"].clone();
    assert!(before.iter().any(|key| key["kid"] == signed), "the new key signs at once");
}

fn rotation(ground: &Ground) {
    let tokens = [ground.tokens().access, ground.program()];
    let is_done = AtomicBool::new(false);
    let refused = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut statuses = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                let token = ground.program();
                statuses.extend([&tokens[0], &tokens[1], &token].map(|one| ground.opens(one)[0]));
            }
            statuses.retain(|status| *status != 200);
            statuses
        });
        for _ in 0..3 {
            ground.house().run(&["key", "rotate"]).good();
        }
        is_done.store(true, Ordering::Relaxed);
        load.join().unwrap()
    });
    assert_eq!(refused, Vec::<u16>::new());
}

/// Many requests, a hundred on a connection; how often each status came.
fn flood(ground: &Ground, count: usize, request: impl Fn() -> Request) -> Vec<(u16, usize)> {
    let house = ground.house();
    let config = Arc::new(house.client_config());
    let mut statuses: Vec<u16> = Vec::new();
    for _ in 0..count.div_ceil(100) {
        let most: Vec<u8> = (0..99).flat_map(|_| request().bytes(house, "keep-alive")).collect();
        let bytes = [most, request().bytes(house, "close")].concat();
        let raw = talk(house.connect_with(Arc::clone(&config)), &bytes).raw;
        let lines = raw.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.split(' ').next());
        statuses.extend(lines.filter_map(|status| status.parse::<u16>().ok()));
    }
    assert_eq!(statuses.len(), count.div_ceil(100) * 100, "each one is answered");
    assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
    statuses.sort_unstable();
    statuses.chunk_by(|a, b| a == b).map(|all| (all[0], all.len())).collect()
}

fn names(ground: &Ground) {
    let (sample, own) = (Sample::of(ground), Key::ed());
    let forged = || sample.by(&own, |header| header["kid"] = fresh().into());
    let answers = flood(ground, 500, || Request::new("GET /books").bearer(&forged()));
    assert_eq!(answers, [(401, 500)]);
    assert_eq!(ground.opens(&sample.token)[0], 200);
}

fn floods(ground: &Ground) {
    let push = || Request::form("/oauth/par", &[]).and(&crate::ground::question_form(&[]));
    let answers = flood(ground, 1_200, push);
    assert!(answers.iter().any(|(status, _)| *status == 429), "{answers:?}");
    let made = answers.iter().find(|(status, _)| *status == 201).unwrap().1;
    assert!(made <= 1_000, "{answers:?}");
    // What another client pushes, and what a program asks, is answered all the same.
    let other = Request::form("/oauth/par", &[("client_secret", &ground.shop)]);
    let other = other.and("&").and(&crate::ground::question_form(&[("client_id", "shop")]));
    assert_eq!(ground.send(&other).status, 201);
    let device = || Request::form("/oauth/device_authorization", &[("client_id", "tv")]);
    let answers = flood(ground, 1_200, device);
    assert!(answers.iter().any(|(status, _)| *status == 429), "{answers:?}");
    assert!(!ground.program().is_empty());
}

fn slow(ground: &Ground) {
    let house = ground.house();
    let config = Arc::new(house.client_config());
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 100\r\n\r\ngrant_type=",
        house.authority()
    );
    let open = |_| {
        let mut stream = house.connect_with(Arc::clone(&config));
        stream.write_all(head.as_bytes()).unwrap();
        stream.flush().unwrap();
        stream
    };
    let held: Vec<_> = (0..128).map(open).collect();
    assert_eq!(ground.opens(&ground.program())[0], 200);
    assert_eq!(house.sign_in("ada").split('=').count(), 2);
    drop(held);
}

fn costly(ground: &Ground) {
    let deep = format!("{}1{}", "{\"a\":".repeat(700), "}".repeat(700));
    for (name, value) in [
        ("claims", deep.as_str()),
        ("claims", &"[".repeat(6_000)),
        ("scope", &"a ".repeat(2_000)),
        ("ui_locales", &"de-".repeat(2_000)),
        ("acr_values", &"a ".repeat(2_000)),
        ("login_hint", &"a".repeat(6_000)),
        ("x", &"%".repeat(2_000)),
    ] {
        let answer = ground.send(&ground.authorize(&[(name, value)]));
        assert!([303, 400, 414, 431].contains(&answer.status), "{name}: {}", answer.raw);
    }
    let many: Vec<String> = (0..3_000).map(|at| format!("p{at}=x")).collect();
    let request = Request::form("/oauth/token", &[]).and(&many.join("&"));
    assert!([400, 401, 413].contains(&ground.send(&request).status));
    let wide: Vec<String> = (0..600).map(|at| format!("\"c{at}\":{at}")).collect();
    let claims =
        ground.claimed(&[]).to_string().replacen('{', &format!("{{{},", wide.join(",")), 1);
    let key = &ground.signer;
    let wide =
        crate::signing::compact(&ground.header(&[]).to_string(), &claims, |bytes| key.sign(bytes));
    let answer = ground.send(&Ground::asserting(&wide, &[]));
    assert!([200, 401].contains(&answer.status), "{}", answer.raw);
}

fn assertions(ground: &Ground) {
    let assertion = || ground.signer.token(&ground.header(&[]), &ground.claimed(&[]));
    let first = assertion();
    check(&ground.send(&Ground::asserting(&first, &[])), Want::Passes);
    let answers = flood(ground, 1_500, || Ground::asserting(&assertion(), &[]));
    assert!(answers.iter().all(|(status, _)| [200, 429].contains(status)), "{answers:?}");
    let again = ground.send(&Ground::asserting(&first, &[]));
    assert!([401, 429].contains(&again.status), "{}", again.raw);
    let reused = ground.signer.token(
        &ground.header(&[]),
        &ground.claimed(&[("jti", json!(crate::signing::claims(&first)["jti"]))]),
    );
    let again = ground.send(&Ground::asserting(&reused, &[]));
    assert!([401, 429].contains(&again.status), "{}", again.raw);
}
