mod doubtful;

use std::collections::BTreeSet;

use super::*;
use crate::{Document, RequestParts, Unknown};

/// A request of a test: method, path, query, media type, body.
type Row<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, &'a str);

const JSON: Option<&str> = Some("application/json");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

fn learn(lessons: &mut Lessons, needed: Needed, caller: u64, row: Row<'_>, answer: Option<&str>) {
    let hidden = BTreeSet::from(["iban".to_owned()]);
    let lens = Lens { needed, hidden: &hidden, salt: 7 };
    let (method, path, query, content_type, body) = row;
    let answer = answer.map(|body| Answered {
        status: 200,
        content_type: JSON,
        body: Some(body.as_bytes()),
    });
    let body = Some(body.as_bytes());
    let exchange =
        Exchange { caller, method, path, query, content_type, body, answer, ..Exchange::default() };
    lessons.observe(&exchange, &lens);
}

/// What a document says of a request: the first violation, or nothing.
fn judge(document: &Document, row: Row<'_>) -> Option<String> {
    let (method, path, query, content_type, body) = row;
    let contract = document.contract();
    let own = Template::known(path);
    let fitting = |one: &&ringwall_base::Operation| {
        one.method == method && own.fits(&Template::known(&one.path))
    };
    let all = contract.operations.iter().filter(fitting);
    let Some(one) = all.min_by_key(|one| Template::known(&one.path).parameters()) else {
        return Some("no operation".to_owned());
    };
    let template = Template::known(&one.path);
    let names = template.segments.iter().filter_map(|segment| match segment {
        path::Segment::Parameter(name) => Some(name.clone()),
        path::Segment::Literal(_) | path::Segment::Mixed(_) => None,
    });
    let path_params: Vec<(String, String)> = names.zip(template.values(path)).collect();
    let schemas = document.compile().unwrap();
    let schema = schemas.operation(&one.name).unwrap();
    let parts = RequestParts {
        path_params: &path_params,
        query: Some(query),
        headers: &http::HeaderMap::new(),
        unknown: Unknown::Refuse,
    };
    let found = schema.check_request(&parts);
    let found = found.and_then(|_| schema.check_body(content_type, body.as_bytes()));
    found.err().map(|all| all.first().unwrap().to_string())
}

fn parse(draft: &Draft) -> Document {
    let document = Document::parse(draft.yaml().as_bytes(), "learned.yaml");
    let document = document.unwrap_or_else(|errors| panic!("{errors:?}\n{}", draft.yaml()));
    document.compile().unwrap_or_else(|errors| panic!("{errors:?}\n{}", draft.yaml()));
    assert!(Document::parse(draft.json().as_bytes(), "learned.json").is_ok());
    document
}

/// A caller and what it sends.
type Sent = (u64, String, String, String, Option<&'static str>, String);

/// A shop as its clients use it.
fn traffic() -> Vec<Sent> {
    let mut all = Vec::new();
    let names = ["Ann", "Bob O'Brien", "Chloé", "Dirk-Jan", "Eve", "Zoë Ångström"];
    let states = ["open", "paid", "sent"];
    for round in 0_u64..60 {
        let caller = round % 6;
        let at = usize::try_from(round).unwrap();
        let row = |method: &str, path: String, query: String, kind, body: String| {
            (caller, method.to_owned(), path, query, kind, body)
        };
        let state = states[at / 6 % 3];
        all.push(row(
            "GET",
            "/orders".into(),
            format!("state={state}&page={}", at % 9),
            None,
            String::new(),
        ));
        all.push(row(
            "GET",
            "/orders".into(),
            "tag=a&tag=b-c&page=1&since=2026-01-02".into(),
            None,
            String::new(),
        ));
        all.push(row("GET", format!("/orders/{}", 1000 + at), String::new(), None, String::new()));
        let uuid = format!("1b4e28ba-2fa1-11d2-883f-0016d3cca4{at:02}");
        all.push(row("GET", format!("/items/{uuid}/image"), "w=1.5".into(), None, String::new()));
        let note = if round % 2 == 0 { r#","note":null"# } else { r#","note":"by hand, please""# };
        let note = if round % 5 == 0 { "" } else { note };
        let body = format!(
            r#"{{"name":"{}","lines":[{{"item":"{uuid}","count":{}}}],"gift":{}{note}}}"#,
            names[at / 6 % 6],
            at % 5 + 1,
            round % 2 == 0
        );
        all.push(row("POST", "/orders".into(), String::new(), JSON, body));
        let form = format!("email=p{at}%40example.org&age={}&news=true", 18 + at);
        all.push(row("POST", "/people".into(), String::new(), FORM, form));
    }
    all
}

fn teach(lessons: &mut Lessons, needed: Needed) {
    for (caller, method, path, query, kind, body) in &traffic() {
        let answer = r#"{"id":7,"owner":{"name":"Ann"}}"#;
        learn(lessons, needed, *caller, (method, path, query, *kind, body), Some(answer));
    }
}

#[test]
fn what_was_learned_fits_what_it_was_learned_from() {
    for needed in [Needed::default(), Needed { callers: 1, samples: 1 }] {
        let mut lessons = Lessons::default();
        teach(&mut lessons, needed);
        let draft = lessons.draft("shop", needed);
        let document = parse(&draft);
        for (_, method, path, query, kind, body) in &traffic() {
            let found = judge(&document, (method, path, query, *kind, body));
            assert_eq!(found, None, "{method} {path}?{query} {body}\n{}", draft.yaml());
        }
        assert_eq!(draft.operations, 5, "{}", draft.yaml());
        assert_eq!(lessons.passed_over().len(), 0);
    }
}

#[test]
fn what_was_learned_is_narrow() {
    let mut lessons = Lessons::default();
    teach(&mut lessons, Needed::default());
    let document = parse(&lessons.draft("shop", Needed::default()));
    let long = format!("/orders/{}", "9".repeat(12));
    let refused: [(Row<'_>, &str); 14] = [
        (
            ("GET", "/orders", "state=lost&page=1", None, ""),
            "query.state: not one of the allowed values",
        ),
        (
            ("GET", "/orders", "page=0&state=open'--", None, ""),
            "query.state: not one of the allowed values",
        ),
        (("GET", "/orders", "page=x&state=open", None, ""), "query.page: not of type integer"),
        (
            ("GET", "/orders", "page=999999999&state=open", None, ""),
            "query.page: larger than the maximum",
        ),
        (("GET", "/orders", "state=open", None, ""), "query.page: is missing"),
        (
            ("GET", "/orders", "page=1&debug=1", None, ""),
            "query.debug: is not a declared parameter",
        ),
        (
            ("GET", "/orders", "page=1&since=2026-02-30", None, ""),
            "query.since: not in the format `date`",
        ),
        (("GET", "/orders/x", "", None, ""), "path.orderId: not of type integer"),
        (("GET", &long, "", None, ""), "path.orderId: larger than the maximum"),
        (
            ("POST", "/orders", "", JSON, r#"{"name":"<b>","lines":[],"gift":true}"#),
            "/name: does not match the pattern",
        ),
        (
            ("POST", "/orders", "", JSON, r#"{"name":"A","lines":[],"gift":1}"#),
            "/gift: not of type boolean",
        ),
        (
            ("POST", "/orders", "", JSON, r#"{"name":"A","lines":[],"gift":true,"is_admin":true}"#),
            "/is_admin: is not a declared field",
        ),
        (("POST", "/orders", "", JSON, r#"{"name":"A","gift":true}"#), "`lines` is missing"),
        (
            ("POST", "/people", "", FORM, "email=x&age=18&news=true"),
            "/email: not in the format `email`",
        ),
    ];
    for (row, want) in refused {
        let found = judge(&document, row).unwrap_or_else(|| panic!("{row:?} passes"));
        assert!(found.starts_with(want.split(':').next().unwrap()), "{row:?}: {found}");
        assert!(found == want || want.contains("larger"), "{row:?}: {found}");
    }
}

#[test]
fn one_hostile_caller_widens_nothing() {
    let needed = Needed::default();
    let mut lessons = Lessons::default();
    teach(&mut lessons, needed);
    let before = lessons.draft("shop", needed);
    let kinds = [
        "page=1'+or+'1'%3D'1",
        "page=-7",
        "page=1&debug=1",
        "state=drop",
        "page=99999999999999",
        "",
    ];
    for round in 0..200 {
        let query = kinds[round % kinds.len()];
        learn(&mut lessons, needed, 666, ("GET", "/orders", query, None, ""), Some("{}"));
        let flood = format!("page=1&x{round}=1&state=s{round}");
        learn(&mut lessons, needed, 666, ("GET", "/orders", &flood, None, ""), Some("{}"));
        let path = format!("/backup{}.php", "x".repeat(round % 40));
        learn(&mut lessons, needed, 666, ("GET", &path, "", None, ""), Some("{}"));
        learn(&mut lessons, needed, 666, ("GET", "/orders/..%2fetc", "", None, ""), Some("{}"));
        let long = "A".repeat(5000);
        let body = format!(r#"{{"name":"<script>{long}","gift":"no","m{round}":1,"lines":{{}}}}"#);
        learn(&mut lessons, needed, 666, ("POST", "/orders", "", JSON, &body), Some("{}"));
        learn(&mut lessons, needed, 666, ("POST", "/orders", "", None, ""), Some("{}"));
        learn(
            &mut lessons,
            needed,
            666,
            ("POST", "/people", "", FORM, "email=%3Cb%3E&age=NaN"),
            Some("{}"),
        );
    }
    let after = lessons.draft("shop", needed);
    assert_eq!(bare(&before.yaml()), bare(&after.yaml()));
    assert!(
        after.doubts.iter().any(|doubt| {
            doubt.place == "POST /orders body application/json/name"
                && doubt.what == "a text with `<`"
        }),
        "{:#?}",
        after.doubts
    );
    // Two more callers who do the same are enough: then it is what people do.
    for caller in [667, 668] {
        for _ in 0..10 {
            learn(
                &mut lessons,
                needed,
                caller,
                ("GET", "/orders", "page=1&debug=1", None, ""),
                None,
            );
        }
    }
    for _ in 0..10 {
        learn(&mut lessons, needed, 666, ("GET", "/orders", "page=1&debug=1", None, ""), None);
    }
    let document = parse(&lessons.draft("shop", needed));
    assert_eq!(judge(&document, ("GET", "/orders", "page=1&debug=1", None, "")), None);
}

/// Without the evidence, which grows.
fn bare(yaml: &str) -> String {
    let kept = |line: &&str| !line.contains("x-ringwall-seen");
    yaml.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_flood_of_one_caller_leaves_room_for_others() {
    let needed = Needed::default();
    let mut lessons = Lessons::default();
    for round in 0..5_000 {
        let path = format!("/page{}", "x".repeat(round % 50));
        let query = format!("n{round}=v{round}");
        learn(&mut lessons, needed, 666, ("GET", &path, &query, None, ""), Some("{}"));
    }
    teach(&mut lessons, needed);
    assert_eq!(lessons.draft("shop", needed).operations, 5);
    let size = serde_json::to_string(&lessons).unwrap().len();
    assert!(size < 200_000, "{size}");
}

#[test]
fn values_are_not_kept_and_words_only_when_several_sent_them() {
    let needed = Needed::default();
    let mut lessons = Lessons::default();
    for caller in 0..9 {
        let body = format!(
            r#"{{"plan":"gold","city":"town{caller}","iban":"DE0{caller}","password":"hunter2"}}"#
        );
        for _ in 0..9 {
            let path = "/accounts";
            learn(&mut lessons, needed, caller, ("POST", path, "", JSON, &body), Some("{}"));
        }
    }
    let kept = serde_json::to_string(&lessons).unwrap();
    assert!(kept.contains("gold"));
    for secret in ["town3", "DE03", "hunter2"] {
        assert!(!kept.contains(secret), "{secret}");
    }
}

#[test]
fn what_the_service_refused_teaches_nothing_but_the_answer() {
    let needed = Needed { callers: 1, samples: 1 };
    let hidden = BTreeSet::new();
    let lens = Lens { needed, hidden: &hidden, salt: 0 };
    let mut lessons = Lessons::default();
    let exchange = |query, status| Exchange {
        caller: 1,
        method: "GET",
        path: "/orders",
        query,
        body: Some(b""),
        answer: Some(Answered { status, content_type: JSON, body: Some(br#"{"error":"x"}"#) }),
        ..Exchange::default()
    };
    lessons.observe(&exchange("a=1", 404), &lens);
    assert_eq!(lessons.draft("shop", needed).operations, 0);
    lessons.observe(&exchange("a=1", 200), &lens);
    lessons.observe(&exchange("a=1&b=2", 400), &lens);
    let yaml = lessons.draft("shop", needed).yaml();
    assert!(yaml.contains("\"400\":") && !yaml.contains("\"b\""), "{yaml}");
}

#[test]
fn templates_are_found_where_segments_are_values() {
    let needed = Needed { callers: 1, samples: 1 };
    let mut lessons = Lessons::default();
    let learn = |lessons: &mut Lessons, path: &str| {
        learn(lessons, needed, 1, ("GET", path, "", None, ""), Some("{}"));
    };
    for path in
        ["/v1/orders/7", "/v1/orders/8/lines/2", "/v1/categories/1a2b3c4d5e6f", "/v1/health"]
    {
        learn(&mut lessons, path);
    }
    for word in "ann bob cay dan eve fay gil hal ivy jan kim lee mia".split(' ') {
        learn(&mut lessons, &format!("/people/{word}/cart"));
    }
    let document = parse(&lessons.draft("shop", needed));
    let contract = document.contract();
    let mut paths: Vec<&str> = contract.operations.iter().map(|one| one.path.as_str()).collect();
    paths.sort_unstable();
    let want = [
        "/people/{peopleId}/cart",
        "/v1/categories/{categoryId}",
        "/v1/health",
        "/v1/orders/{orderId}",
        "/v1/orders/{orderId}/lines/{lineId}",
    ];
    assert_eq!(paths, want);
    assert_eq!(judge(&document, ("GET", "/people/new/cart", "", None, "")), None);
    assert!(judge(&document, ("GET", "/people/n'w/cart", "", None, "")).is_some());
}

#[test]
fn drift_tells_what_is_seen_and_not_declared_and_the_other_way_round() {
    let needed = Needed::default();
    let mut lessons = Lessons::default();
    teach(&mut lessons, needed);
    let declared = r#"{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
        "/orders":{"get":{"operationId":"list","parameters":[
            {"name":"state","in":"query","schema":{}},{"name":"page","in":"query","schema":{}},
            {"name":"tag","in":"query","schema":{}},{"name":"old","in":"query","schema":{}}],
          "responses":{}},
          "post":{"operationId":"add","requestBody":{"content":{"application/json":{"schema":
            {"properties":{"name":{},"lines":{"items":{"properties":{"item":{},"count":{}}}},"gift":{},
             "coupon":{}}}}}},"responses":{}}},
        "/orders/{id}":{"get":{"operationId":"get","responses":{}},
          "delete":{"operationId":"drop","responses":{}}},
        "/people":{"post":{"operationId":"join","requestBody":{"content":{
          "application/x-www-form-urlencoded":{"schema":
            {"properties":{"email":{},"age":{},"news":{}}}}}},"responses":{}}}}}"#;
    let contract = Document::parse(declared.as_bytes(), "openapi.json").unwrap().contract();
    let drift = lessons.drift(&contract, needed);
    assert_eq!(
        drift.shadow,
        ["GET /items/{itemId}/image", "GET /orders query.since", "POST /orders body.note"]
    );
    assert_eq!(
        drift.zombie,
        ["GET /orders query.old", "POST /orders body.coupon", "DELETE /orders/{id}"]
    );
}
