//! What a schema proves harmless, and rules that pass over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwall_base::Judged;
use ringwall_manifest::{Model, Waf};
use ringwall_openapi::Document;
use ringwall_waf::{NoLibrary, Ruleset, Source};

use crate::fleet::{Fleet, ask, code, get, grants, model, service, status};
use crate::upstream::Upstream;

/// Everything with a seven is an attack.
const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" \
    "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS|REQUEST_COOKIES|REQUEST_HEADERS|!REQUEST_HEADERS:/^(?:host|cookie|content-length|content-type|user-agent)$/ "@rx 7" "id:7,phase:2,deny,log,msg:'seven'"
"#;

const DOCUMENT: &str = r"
openapi: 3.1.0
info: { title: shop, version: '1' }
paths:
  /find:
    get:
      operationId: find
      parameters:
        - { name: n, in: query, schema: { type: integer } }
        - { name: q, in: query, schema: { type: string } }
        - { name: pick, in: query, schema: { enum: [a7, b7] } }
        - { name: sid, in: cookie, schema: { type: string, pattern: '^[a-z0-9]{1,20}$' } }
        - { name: x-id, in: header, schema: { type: string, format: uuid } }
  /put:
    post:
      operationId: put
      requestBody:
        content:
          application/json: { schema: &any { type: object, properties: { n: { type: integer }, a: { type: string }, list: { type: array, items: { type: object, properties: { when: { type: string, format: date } } } } } } }
          application/x-www-form-urlencoded: { schema: *any }
          multipart/form-data: { schema: *any }
";

fn shop(upstream: &Upstream) -> Model {
    let mut shop = service("shop", upstream.address, &["find = GET /find", "put = POST /put"]);
    shop.people.insert("anyone".to_owned(), grants(&["find", "put"]));
    let mut model = model(vec![shop]);
    model.gateway.waf = Waf::Block;
    model
}

fn fleet(model: &Model) -> Fleet {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "openapi.yaml").unwrap().compile().unwrap();
    let schemas = BTreeMap::from([("shop".to_owned(), Arc::new(schemas))]);
    let source = Source { name: "test.conf".to_owned(), text: RULES.as_bytes().to_vec() };
    let rules = Arc::new(Ruleset::load(&[source], &NoLibrary).unwrap());
    Fleet::judged(model, &schemas, &rules)
}

const JSON: &[&str] = &["content-type: application/json"];
const FORM: &[&str] = &["content-type: application/x-www-form-urlencoded"];
const MULTIPART: &[&str] = &["content-type: multipart/form-data; boundary=x"];

/// A multipart body with one field.
fn part(name: &str, value: &str) -> String {
    format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--x--\r\n")
}

#[test]
fn rules_pass_over_what_the_schema_proves_and_over_nothing_else() {
    let upstream = Upstream::plain();
    let fleet = fleet(&shop(&upstream));
    let edge = fleet.edge();
    let uuid = "x-id: 0f8fad5b-d9cb-469f-a165-70867728950e";
    for answer in [
        get(edge, "/find?n=7", &[]),
        get(edge, "/find?pick=a7", &[]),
        get(edge, "/find", &["cookie: sid=a7"]),
        get(edge, "/find", &[uuid]),
        ask(edge, "POST /put", JSON, r#"{"n": 7, "list": [{"when": "2026-11-07"}]}"#),
        ask(edge, "POST /put", FORM, "n=7&a=b"),
        ask(edge, "POST /put", MULTIPART, &part("n", "7")),
    ] {
        assert_eq!(status(&answer), 200, "{answer}");
    }
    for answer in [
        get(edge, "/find?q=7", &[]),
        get(edge, "/find?q=7&n=7", &[]),
        get(edge, "/find", &["cookie: other=7"]),
        get(edge, "/find", &["x-other: 7"]),
        ask(edge, "POST /put", JSON, r#"{"n": 7, "a": "7"}"#),
        ask(
            edge,
            "POST /put",
            JSON,
            r#"{"list": [{"when": "2026-11-07", "other": "2026-11-07"}]}"#,
        ),
        ask(edge, "POST /put", FORM, "n=7&a=7"),
        ask(edge, "POST /put", MULTIPART, &part("a", "7")),
    ] {
        assert_eq!(code(&answer), "RW3019", "{answer}");
    }
    // What does not fit proves nothing, and is refused before.
    assert_eq!(code(&get(edge, "/find?n=7&n=x7", &[])), "RW3008");
}

#[test]
fn what_was_proved_is_recorded_without_the_value() {
    let upstream = Upstream::plain();
    let fleet = fleet(&shop(&upstream));
    assert_eq!(code(&get(fleet.edge(), "/find?q=7&n=17&pick=b7", &[])), "RW3019");
    let judged: Vec<Judged> =
        fleet.sink.take().into_iter().filter_map(|event| event.judged).collect();
    let [judged] = judged.as_slice() else { panic!("{judged:#?}") };
    assert_eq!(judged.matches.len(), 1);
    assert_eq!(judged.matches[0].variable, "ARGS:q");
    assert_eq!(judged.proven, 2);
    assert_eq!(judged.proven_places, ["ARGS:n integer", "ARGS:pick one of a list"]);
}

#[test]
fn where_rules_look_at_everything_nothing_is_passed_over() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream);
    model.waf.skips_proven = false;
    let fleet = fleet(&model);
    let edge = fleet.edge();
    assert_eq!(code(&get(edge, "/find?n=7", &[])), "RW3019");
    assert_eq!(code(&ask(edge, "POST /put", JSON, r#"{"n": 7}"#)), "RW3019");
    assert_eq!(status(&get(edge, "/find?n=8", &[])), 200);
}

#[test]
fn two_content_types_are_refused() {
    let upstream = Upstream::plain();
    let fleet = fleet(&shop(&upstream));
    let two = [JSON, FORM].concat();
    let answer = ask(fleet.edge(), "POST /put", &two, r#"{"n": 8}"#);
    assert_eq!(status(&answer), 400, "{answer}");
    assert!(upstream.seen().is_empty());
}

/// A field of a form that the schema does not list is refused as a parameter is.
#[test]
fn fields_that_are_not_declared_are_refused_unless_the_manifest_lets_them_pass() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream);
    let strict = fleet(&model);
    assert_eq!(code(&ask(strict.edge(), "POST /put", FORM, "n=8&more=1")), "RW3008");
    model.gateway.refuses_unknown_parameters = false;
    let open = fleet(&model);
    assert_eq!(status(&ask(open.edge(), "POST /put", FORM, "n=8&more=1")), 200);
}
