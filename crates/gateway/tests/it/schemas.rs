//! Requests and answers are held to the OpenAPI file.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwall_manifest::Leak;
use ringwall_openapi::Document;

use crate::fleet::{ByAddress, Fleet, ask, body, code, get, grants, model, service, status};
use crate::upstream::{Upstream, json};

const OPENAPI: &str = r"
openapi: 3.0.3
info: { title: orders, version: '1' }
paths:
  /orders/{id}:
    get:
      operationId: order
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
        - { name: full, in: query, schema: { type: boolean } }
      responses:
        '200':
          description: one
          content:
            application/json:
              schema:
                type: object
                properties: { id: { type: integer }, total: { type: integer } }
  /orders:
    post:
      operationId: make
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [item]
              additionalProperties: false
              properties: { item: { type: string, maxLength: 5 } }
      responses: { '200': { description: made } }
";

fn shop(upstream: &Upstream, responses: Leak) -> Fleet {
    let operations = ["order = GET /orders/{id}", "make = POST /orders"];
    let mut orders = service("orders", upstream.address, &operations);
    orders.people.insert("anyone".to_owned(), grants(&["order", "make"]));
    let mut model = model(vec![orders]);
    model.gateway.responses = responses;
    let document = Document::parse(OPENAPI.as_bytes(), "openapi.yaml").unwrap();
    let schemas = Arc::new(document.compile().unwrap());
    let schemas = BTreeMap::from([("orders".to_owned(), schemas)]);
    Fleet::with(&model, &schemas, Arc::new(ByAddress))
}

#[test]
fn what_does_not_fit_never_reaches_the_service() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream, Leak::Cut);
    let edge = fleet.edge();
    for path in ["/orders/x", "/orders/1?full=maybe", "/orders/1?unknown=1"] {
        let answer = get(edge, path, &[]);
        assert_eq!((status(&answer), code(&answer).as_str()), (400, "RW3008"), "{path}");
    }
    let media = "content-type: application/json";
    for (fields, text, want) in [
        (vec![media], r#"{"item":"123456"}"#, "RW3008"),
        (vec![media], r#"{"item":"1","more":1}"#, "RW3008"),
        (vec![media], r#"{"item":"1","item":"2"}"#, "RW3008"),
        (vec![media], "{", "RW3008"),
        (vec!["content-type: text/plain"], "x", "RW3014"),
        (vec![media, "content-encoding: br"], "x", "RW3014"),
        (vec![media, "content-encoding: gzip"], "x", "RW3000"),
    ] {
        let answer = ask(edge, "POST /orders", &fields, text);
        assert_eq!(code(&answer), want, "{fields:?} {text}: {answer}");
    }
    let undeclared = ask(edge, "GET /orders/1", &[media], r#"{"id":2}"#);
    assert_eq!((status(&undeclared), code(&undeclared).as_str()), (400, "RW3008"));
    assert!(upstream.seen().is_empty());
    assert_eq!(status(&get(edge, "/orders/1?full=true", &[])), 200);
    assert_eq!(status(&ask(edge, "POST /orders", &[media], r#"{"item":"12345"}"#)), 200);
    assert_eq!(upstream.last().body, r#"{"item":"12345"}"#);
}

#[test]
fn an_answer_loses_what_its_schema_does_not_declare() {
    let upstream = Upstream::scripted(|_| json(r#"{"id":1,"password":"x"}"#));
    let cut = shop(&upstream, Leak::Cut);
    assert_eq!(body(&get(cut.edge(), "/orders/1", &[])), r#"{"id":1}"#);
    let refuse = shop(&upstream, Leak::Refuse);
    assert_eq!(code(&get(refuse.edge(), "/orders/1", &[])), "RW3011");
    let pass = shop(&upstream, Leak::Pass);
    assert!(body(&get(pass.edge(), "/orders/1", &[])).contains("password"));
}
