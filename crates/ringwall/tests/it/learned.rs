//! `ringwall learn`: documents from observed requests, and what others say of them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::house::House;
use crate::library::Library;
use crate::program::{not_run, run};

/// Requests of six people to the lab, and one to somebody else.
fn traffic(house: &House) {
    let mut lines = String::new();
    let mut line = |value: Value| writeln!(lines, "{value}").unwrap();
    let states = ["open", "paid", "sent"];
    for round in 0..72_usize {
        let caller = format!("person {}", round % 6);
        let name = ["Ann", "Bob O'Brien", "Chloé"][round / 6 % 3];
        let item = format!("1b4e28ba-2fa1-11d2-883f-0016d3cca4{round:02}");
        let note = if round % 2 == 0 { Value::Null } else { json!("by hand, please") };
        let order = json!({
            "name": name,
            "lines": [{ "item": item, "count": round % 5 }],
            "note": note,
        });
        let made =
            json!({ "status": 201, "content_type": "application/json", "body": { "id": round } });
        line(json!({ "method": "POST", "url": "/lab/orders", "caller": caller, "response": made,
            "headers": { "Content-Type": "application/json" }, "body": order.to_string() }));
        let query = format!("/lab/orders?state={}&page={}", states[round / 6 % 3], round % 9);
        line(json!({ "url": query, "caller": caller, "status": 200 }));
        let one = format!("/lab/orders/{}", 1000 + round);
        line(json!({ "url": one, "caller": caller, "status": 200 }));
        line(json!({ "url": "/lab/echo", "caller": caller, "status": 200 }));
        let bad = json!({ "url": "/lab/orders?state=%27+or+1%3D1--&debug=1", "caller": "mal", "status": 200 });
        line(bad);
        line(json!({ "url": "/books", "caller": caller, "status": 200 }));
        line(json!({ "url": "https://cdn.example/x.js", "caller": caller, "status": 200 }));
    }
    house.write("traffic.jsonl", &lines);
}

fn learn(house: &House, words: &[&str]) -> Value {
    let all =
        ["learn", "lab", "--from", "traffic.jsonl", "--callers", "3", "--samples", "10", "--json"];
    let outcome = house.run(&[&all, words].concat());
    serde_json::from_str(&outcome.out).unwrap_or_else(|_| panic!("{outcome:?}"))
}

#[test]
fn a_document_is_learned_and_foreign_judges_find_it_good() {
    let (house, _upstream) = Library::closed(|manifest| manifest);
    traffic(&house);
    let told = learn(&house, &["--out", "lab.json"]);
    assert_eq!((&told["operations"], &told["elsewhere"]), (&4.into(), &144.into()), "{told}");
    let doubts = told["doubts"].as_array().unwrap();
    assert!(
        doubts
            .iter()
            .any(|one| one["place"] == "GET /lab/orders query/debug" && one["callers"] == 1),
        "{told}"
    );
    let again = house.run(&["learn", "lab", "--from", "traffic.jsonl", "--out", "lab.json"]);
    assert!(again.code == 1 && again.err.contains("left alone"), "{again:?}");
    // The routes of the manifest give their names.
    let text = std::fs::read_to_string(house.path().join("lab.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["paths"]["/lab/echo"]["get"]["operationId"], "echo");
    let state = &document["paths"]["/lab/orders"]["get"]["parameters"][1];
    assert_eq!(state["schema"]["enum"], json!(["open", "paid", "sent"]), "{document:#}");
    let script = include_str!("foreign/learned.py");
    let outcome = run(&mut house.script(script, &["lab.json", "traffic.jsonl"]), "");
    if outcome.out.starts_with("missing ") {
        return not_run(outcome.out.trim());
    }
    assert_eq!(outcome.out.trim(), "72 bodies", "{}", outcome.err);
}

#[test]
fn what_was_learned_can_be_the_document_of_its_service() {
    let (house, _upstream) = Library::closed(|manifest| manifest);
    traffic(&house);
    learn(&house, &["--out", "lab.yaml"]);
    let manifest = std::fs::read_to_string(house.path().join("ringwall.toml")).unwrap();
    let start = manifest.split("routes = ").next().unwrap();
    let end = manifest.split("[limits]").next().unwrap().len();
    let people = "openapi = \"lab.yaml\"\npeople.anyone = [\"echo\", \"postLabOrders\"]\n\n";
    let limits = "[limits]\ndefault = \"100000 per minute per ip\"\n";
    assert!(end > start.len());
    house.write("ringwall.toml", &format!("{start}{people}{limits}"));
    // A finding of the house itself: both services are one program.
    let checked = house.run(&["check"]);
    assert_eq!(checked.code, 4, "{checked:?}");
    let same = house.run(&[
        "learn",
        "lab",
        "--from",
        "traffic.jsonl",
        "--callers",
        "3",
        "--samples",
        "10",
        "--diff",
        "lab.yaml",
    ]);
    assert_eq!((same.code, same.out.as_str()), (0, ""), "{same:?}");
}

#[test]
fn what_a_document_does_not_declare_and_what_nobody_uses_is_told() {
    let (house, _upstream) = Library::closed(|manifest| manifest);
    traffic(&house);
    let declared = "openapi: 3.1.0\ninfo: {title: lab, version: '1'}\npaths:\n  /lab/orders:\n    get:\n      \
        operationId: list\n      parameters:\n      - {name: state, in: query, schema: {type: string}}\n      \
        - {name: old, in: query, schema: {type: string}}\n      responses: {}\n  /lab/echo:\n    get:\n      \
        operationId: echo\n      responses: {}\n    put:\n      operationId: put\n      responses: {}\n";
    house.write("declared.yaml", declared);
    let told = house.run(&[
        "learn",
        "lab",
        "--from",
        "traffic.jsonl",
        "--callers",
        "3",
        "--diff",
        "declared.yaml",
    ]);
    let want = "seen, not declared: GET /lab/orders query.page\n\
        seen, not declared: POST /lab/orders\n\
        seen, not declared: GET /lab/orders/{orderId}\n\
        declared, never seen: GET /lab/orders query.old\n\
        declared, never seen: PUT /lab/echo\n";
    assert_eq!((told.code, told.out.as_str()), (4, want), "{told:?}");
}

#[test]
fn a_typing_mistake_has_a_hint() {
    let (house, _upstream) = Library::closed(|manifest| manifest);
    for (words, why) in [
        (&["learn", "lob"][..], "did you mean `lab`?"),
        (&["learn"], "which service? books, lab"),
        (&["learn", "lab"], "learn = true"),
        (&["learn", "lab", "--from", "nothing.har"], "nothing.har"),
        (&["lern", "lab"], "'learn'"),
    ] {
        let outcome = house.run(words);
        assert!(outcome.code != 0 && outcome.err.contains(why), "{words:?}: {outcome:?}");
    }
}

#[test]
fn the_running_server_learns_shapes_from_several_people_and_no_values() {
    let learning =
        |text: String| text.replace("[services.lab]\n", "[services.lab]\nlearn = true\n");
    let mut library = Library::open_with(learning);
    let house = &library.house;
    let origin = format!("Origin: {}", house.origin());
    let kind = "Content-Type: application/json";
    for name in ["ada", "ben", "cem"] {
        house.person(name, "customer");
        let session = house.sign_in(name);
        for round in 0..5 {
            let body = format!(r#"{{"note":"private words of {name}","count":{round}}}"#);
            let fields = [session.as_str(), &origin, kind];
            assert_eq!(house.send("POST /lab/echo?mode=plain", &fields, &body).status, 200);
        }
    }
    // A stranger, as often as all the others together.
    for round in 0..15 {
        let body = format!(r#"{{"note":"<script>","count":"x","evil{round}":1}}"#);
        let answer = house.send("POST /lab/echo?mode=plain&debug=1", &[kind], &body);
        assert_eq!(answer.status, 200);
    }
    library.server.stop();
    let house = &library.house;
    let kept = std::fs::read_to_string(house.state().join("learn/lab.json")).unwrap();
    assert!(!kept.contains("private words") && !kept.contains("ben"), "{kept}");
    let learned = house.run(&["learn", "lab", "--out", "lab.json", "--json"]).good();
    let document: Value = serde_json::from_str(&house.read("lab.json")).unwrap();
    let operation = &document["paths"]["/lab/echo"]["post"];
    assert_eq!(operation["operationId"], "put", "{learned:?}");
    assert_eq!(operation["parameters"][0]["name"], "mode");
    assert!(operation["parameters"][1].is_null());
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["properties"]["count"]["type"], "integer", "{document:#}");
    assert_eq!(schema["properties"]["note"]["pattern"], "^[A-Za-z ]*$");
    assert_eq!(schema["properties"].as_object().unwrap().len(), 2);
    assert!(learned.out.contains("/evil3"), "{}", learned.out);
}
