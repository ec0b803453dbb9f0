//! Each keyword on both sides of its edge, through a whole document.

use crate::{Document, ViolationKind};

#[track_caller]
fn check(version: &str, schema: &str, good: &[&str], bad: &[&str]) {
    let document = format!(
        "{{\"openapi\":\"{version}\",\"paths\":{{\"/\":{{\"post\":{{\"operationId\":\"op\",\"requestBody\":\
         {{\"content\":{{\"application/json\":{{\"schema\":{schema}}}}}}}}}}}}},\"components\":{{\"schemas\":{{\
         \"Tree\":{{\"type\":\"object\",\"properties\":{{\"left\":{{\"$ref\":\"#/components/schemas/Tree\"}}}},\
         \"additionalProperties\":false}},\"Cat\":{{\"required\":[\"meow\"]}},\"Dog\":{{\"required\":[\"bark\"]}}}}}}}}"
    );
    let schemas = Document::parse(document.as_bytes(), "t.json").unwrap().compile().unwrap();
    let operation = schemas.operation("op").unwrap();
    for text in good {
        let result = operation.check_body(Some("application/json"), text.as_bytes());
        assert!(result.is_ok(), "{schema} refused {text}: {result:?}");
    }
    for text in bad {
        let found = operation.check_body(Some("application/json"), text.as_bytes()).unwrap_err();
        assert!(found.iter().all(|one| one.kind == ViolationKind::Body), "{found:?}");
    }
}

fn both(schema: &str, good: &[&str], bad: &[&str]) {
    check("3.0.3", schema, good, bad);
    check("3.1.0", schema, good, bad);
}

#[test]
fn numbers() {
    both(r#"{"minimum":1,"maximum":3}"#, &["1", "3", "\"x\""], &["0.99", "3.01"]);
    both(r#"{"multipleOf":0.1}"#, &["0.3", "1"], &["0.35"]);
    both(r#"{"type":"integer"}"#, &["1", "1.0", "-0"], &["1.5", "\"1\"", "null", "true"]);
    both(r#"{"type":"integer","format":"int32"}"#, &["2147483647"], &["2147483648"]);
    both(
        r#"{"type":"integer","format":"int64"}"#,
        &["-9223372036854775808"],
        &["9223372036854775808"],
    );
    let old = r#"{"minimum":1,"exclusiveMinimum":true,"maximum":3,"exclusiveMaximum":true}"#;
    check("3.0.3", old, &["1.1", "2.9"], &["1", "3"]);
    check("3.1.0", r#"{"exclusiveMinimum":1,"exclusiveMaximum":3}"#, &["1.1", "2.9"], &["1", "3"]);
}

#[test]
fn texts() {
    both(r#"{"minLength":2,"maxLength":3}"#, &["\"éé\"", "\"abc\"", "1"], &["\"é\"", "\"abcd\""]);
    both(r#"{"pattern":"^\\d[\\w-]$"}"#, &["\"1-\""], &["\"٣-\"", "\"1é\""]);
    both(r#"{"pattern":"b"}"#, &["\"abc\""], &["\"ac\""]);
    both(r#"{"format":"byte"}"#, &["\"QQ==\""], &["\"QQ=\"", "\"Q*==\""]);
}

#[test]
fn choices_and_types() {
    both(r#"{"enum":["a",1]}"#, &["\"a\"", "1.0"], &["\"b\"", "null"]);
    check("3.1.0", r#"{"const":{"a":[1]}}"#, &["{\"a\":[1.0]}"], &["{\"a\":[2]}"]);
    check("3.1.0", r#"{"type":["string","null"]}"#, &["\"a\"", "null"], &["1"]);
    check("3.0.3", r#"{"type":"string","nullable":true,"enum":["a"]}"#, &["\"a\"", "null"], &["1"]);
}

#[test]
fn arrays() {
    both(
        r#"{"items":{"type":"integer"},"minItems":1,"maxItems":2}"#,
        &["[1]", "[1,2]"],
        &["[]", "[1,2,3]", "[\"a\"]"],
    );
    both(
        r#"{"uniqueItems":true}"#,
        &["[1,\"1\",[1],true]"],
        &["[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "[\"a\",\"a\"]"],
    );
    check(
        "3.1.0",
        r#"{"prefixItems":[{"type":"string"}],"items":false}"#,
        &["[\"a\"]", "[]"],
        &["[1]", "[\"a\",1]"],
    );
}

#[test]
fn objects() {
    both(r#"{"required":["a"]}"#, &["{\"a\":null}", "[]"], &["{}"]);
    both(r#"{"properties":{"a":{"type":"string"}}}"#, &["{\"b\":1}"], &["{\"a\":1}"]);
    both(r#"{"properties":{"a":{}},"additionalProperties":false}"#, &["{\"a\":1}"], &["{\"b\":1}"]);
    both(r#"{"additionalProperties":{"type":"integer"}}"#, &["{\"b\":1}"], &["{\"b\":\"x\"}"]);
    both(
        r#"{"minProperties":1,"maxProperties":2}"#,
        &["{\"a\":1}", "{\"a\":1,\"b\":1}"],
        &["{}", "{\"a\":1,\"b\":1,\"c\":1}"],
    );
}

#[test]
fn read_only_fields_are_not_sent_and_not_required_in_requests() {
    let schema = r#"{"required":["id"],"properties":{"id":{"type":"integer","readOnly":true}}}"#;
    both(schema, &["{}"], &["{\"id\":1}"]);
}

#[test]
fn combinations() {
    both(r#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, &["1", "2"], &["0", "3"]);
    both(r#"{"anyOf":[{"type":"string"},{"minimum":2}]}"#, &["\"a\"", "2"], &["1"]);
    both(r#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, &["2", "3"], &["1", "6"]);
    both(r#"{"not":{"type":"string"}}"#, &["1"], &["\"a\""]);
}

#[test]
fn the_discriminator_chooses_the_branch() {
    let schema = r##"{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],
        "discriminator":{"propertyName":"kind","mapping":{"hound":"#/components/schemas/Dog"}}}"##;
    let good = ["{\"kind\":\"Cat\",\"meow\":1}", "{\"kind\":\"hound\",\"bark\":1,\"meow\":1}"];
    both(
        schema,
        &good,
        &["{\"kind\":\"Cat\",\"bark\":1}", "{\"kind\":\"x\"}", "{\"meow\":1}", "1"],
    );
}

#[test]
fn recursive_schemas_end() {
    both(
        r##"{"$ref":"#/components/schemas/Tree"}"##,
        &["{\"left\":{\"left\":{}}}"],
        &["{\"left\":{\"right\":{}}}"],
    );
    // A schema that is only itself consumes nothing: the bound refuses it.
    check(
        "3.1.0",
        r##"{"allOf":[{"$ref":"#/paths/~1/post/requestBody/content/application~1json/schema"}]}"##,
        &[],
        &["1"],
    );
}

#[test]
fn pointers_lead_to_the_value_and_values_are_not_echoed() {
    let document = r#"{"openapi":"3.1.0","paths":{"/":{"post":{"operationId":"op","requestBody":{"content":{"application/json":
        {"schema":{"additionalProperties":{"items":{"type":"integer"}}}}}}}}}}"#;
    let schemas = Document::parse(document.as_bytes(), "t.json").unwrap().compile().unwrap();
    let body = format!("{{\"a/b~\":[1,\"secret\"{}]}}", ",\"secret\"".repeat(50));
    let found =
        schemas.operation("op").unwrap().check_body(Some("application/json"), body.as_bytes());
    let found = found.unwrap_err();
    assert_eq!(found.len(), 20);
    assert_eq!(found[0].pointer, "/a~1b~0/1");
    assert!(found.iter().all(|one| !one.message.contains("secret")));
}
