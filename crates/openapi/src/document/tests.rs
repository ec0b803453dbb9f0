use std::fmt::Write as _;

use ringwall_base::ParameterPlace;

use super::*;

const YAML: &str = "\
openapi: 3.0.3
info: {title: shop, version: '1'}
servers: [{url: 'http://localhost:5000/api'}]
paths:
  /orders/{order_id}:
    parameters:
      - {name: order_id, in: path, required: true, schema: {type: integer}}
    get:
      operationId: getOrder
      x-ringwall-own: path.order_id
      parameters:
        - $ref: '#/components/parameters/Page'
      responses:
        200:
          description: ok
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Order'}
    delete:
      responses: {'204': {description: gone}}
components:
  parameters:
    Page: {name: page, in: query, schema: {type: integer, minimum: 1}}
  schemas:
    Order:
      type: object
      properties:
        id: {type: integer}
        email: {type: string, x-ringwall-data: pii}
        parent: {$ref: '#/components/schemas/Order'}
        answer: {type: string, enum: [no, yes]}
";

#[test]
fn operations_are_read_with_their_places() {
    let document = Document::parse(YAML.as_bytes(), "orders.yaml").unwrap();
    let contract = document.contract();
    let [get, delete] = contract.operations.as_slice() else { panic!("{contract:?}") };
    assert_eq!((get.name.as_str(), get.method.as_str()), ("getOrder", "GET"));
    assert_eq!(get.path, "/api/orders/{order_id}");
    assert_eq!(get.place.to_string(), "orders.yaml:8");
    assert_eq!(get.own.as_deref(), Some("path.order_id"));
    assert_eq!(get.response_fields, ["answer", "email", "id", "parent"]);
    let places: Vec<_> = get.parameters.iter().map(|one| (one.place, one.required)).collect();
    assert_eq!(places, [(ParameterPlace::Query, false), (ParameterPlace::Path, true)]);
    assert_eq!(delete.name, "delete_api_orders_order_id");
    assert_eq!(document.notes().len(), 1);
    assert_eq!(document.data_fields()["pii"], BTreeSet::from(["email".to_owned()]));
    assert!(document.compile().is_ok());
}

#[test]
fn json_has_lines_too() {
    let json =
        "{\n\"openapi\": \"3.1.0\",\n\"paths\": {\n\"/a\": {\n\"get\": {\"operationId\": \"a\"}}}}";
    let document = Document::parse(json.as_bytes(), "a.json").unwrap();
    assert_eq!(document.contract().operations[0].place.line, 5);
}

#[track_caller]
fn check_refused(text: &str, want: &str) {
    let errors = Document::parse(text.as_bytes(), "f").and_then(|document| document.compile());
    let errors = errors.unwrap_err();
    assert!(errors.iter().any(|error| error.to_string().contains(want)), "{errors:?}");
}

#[test]
fn what_is_no_document_is_refused() {
    check_refused("", "`openapi` must be");
    check_refused("swagger: '2.0'", "Swagger 2.0");
    check_refused("openapi: 3.2.0\npaths: {}", "must be 3.0 or 3.1");
    check_refused("openapi: [", "not YAML");
    check_refused("{\"openapi\":", "f:1: not JSON");
    check_refused("{\"openapi\": \"3.0.0\", \"openapi\": \"3.1.0\"}", "doubled name");
    check_refused("openapi: 3.0.0\nopenapi: 3.0.0", "not YAML");
    check_refused(&"x".repeat(4 * 1024 * 1024 + 1), "larger than 4 MiB");
}

#[test]
fn an_alias_bomb_ends_as_an_error() {
    let mut text = "openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        let alias = alias.trim_end_matches(", ");
        writeln!(text, "a{level}: &a{level} [{alias}]").unwrap();
    }
    check_refused(&text, "not YAML");
}

#[track_caller]
fn check_schema(schema: &str, want: &str) {
    check_refused(
        &format!(
            "openapi: 3.1.0\npaths:\n  /a:\n    post:\n      operationId: a\n      requestBody:\n        \
             content:\n          application/json:\n            schema: {schema}\n"
        ),
        want,
    );
}

#[test]
fn what_cannot_be_enforced_is_a_finding() {
    check_schema("{type: string, pattern: '(?=x)y'}", "f:9: pattern `(?=x)y` is not supported");
    check_schema("{type: strin}", "unknown type `strin`");
    check_schema("{$ref: '#/nope'}", "reference `#/nope` leads nowhere");
    check_schema("{$ref: 'other.yaml#/a'}", "leads nowhere");
    check_schema("{$id: x}", "`$id` is not supported");
    let circle = "openapi: 3.1.0\npaths: {/a: {get: {parameters: [{$ref: '#/c/a'}]}}}\nc: {a: {$ref: '#/c/b'}, b: {$ref: '#/c/a'}}";
    check_refused(circle, "goes in a circle");
}

#[test]
fn names_are_unique() {
    let twice = "openapi: 3.1.0\npaths: {/a: {get: {operationId: x}, post: {operationId: x}}}";
    check_refused(twice, "operationId `x` is used twice");
    let derived = "openapi: 3.1.0\npaths: {/a-b: {get: {}}, /a_b: {get: {}}, /c: {get: {operationId: get_a_b}}}";
    let document = Document::parse(derived.as_bytes(), "f").unwrap();
    let names: Vec<_> = document.contract().operations.into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["get_a_b_2", "get_a_b_3", "get_a_b"]);
}
