//! Parameters in every style, through a whole document.

use crate::{Document, RequestParts, Unknown};

/// What of a path parameter with a style and schema is accepted and refused.
#[track_caller]
fn check_path(rule: &str, good: &[&str], bad: &[&str]) {
    let document = format!(
        "{{\"openapi\":\"3.1.0\",\"paths\":{{\"/a/{{p}}\":{{\"get\":{{\"operationId\":\"op\",\"parameters\":\
         [{{\"name\":\"p\",\"in\":\"path\",\"required\":true,{rule}}}]}}}}}}}}"
    );
    let schemas = Document::parse(document.as_bytes(), "t.json").unwrap().compile().unwrap();
    let operation = schemas.operation("op").unwrap();
    let is_accepted = |text: &str| {
        let params = [("p".to_owned(), text.to_owned())];
        let headers = http::HeaderMap::new();
        let unknown = Unknown::Refuse;
        let parts = RequestParts { path_params: &params, query: None, headers: &headers, unknown };
        operation.check_request(&parts).is_ok()
    };
    for text in good {
        assert!(is_accepted(text), "{rule} refused {text}");
    }
    for text in bad {
        assert!(!is_accepted(text), "{rule} accepted {text}");
    }
}

#[track_caller]
fn check_query(parameters: &str, good: &[&str], bad: &[&str]) {
    let document = format!(
        "{{\"openapi\":\"3.1.0\",\"paths\":{{\"/a\":{{\"get\":{{\"operationId\":\"op\",\"parameters\":\
         [{parameters}]}}}}}}}}"
    );
    let schemas = Document::parse(document.as_bytes(), "t.json").unwrap().compile().unwrap();
    let operation = schemas.operation("op").unwrap();
    let headers = http::HeaderMap::new();
    let unknown = Unknown::Refuse;
    let is_accepted = |query| {
        let parts =
            RequestParts { path_params: &[], query: Some(query), headers: &headers, unknown };
        operation.check_request(&parts).is_ok()
    };
    for query in good {
        assert!(is_accepted(query), "{parameters} refused {query}");
    }
    for query in bad {
        assert!(!is_accepted(query), "{parameters} accepted {query}");
    }
}

const INTEGERS: &str = r#""schema":{"type":"array","maxItems":3,"items":{"type":"integer"}}"#;
const COLOUR: &str = r#""schema":{"type":"object","additionalProperties":false,"required":["R"],"properties":{"R":{"type":"integer"},"G":{"type":"integer"}}}"#;

#[test]
fn paths_have_three_styles() {
    let integer = r#""schema":{"type":"integer"}"#;
    check_path(integer, &["1"], &[".1", ";p=1", "1,2"]);
    check_path(&format!("\"style\":\"label\",{integer}"), &[".1"], &["1", "..1", ".1.2", ""]);
    check_path(
        &format!("\"style\":\"matrix\",{integer}"),
        &[";p=1"],
        &["1", ";q=1", "p=1", ";p=1;p=2"],
    );
    check_path(INTEGERS, &["1", "1,2,3"], &["1,x", "1,2,3,4", "1.2"]);
    let with = |style: &str, explode: bool, schema: &str| {
        format!("\"style\":\"{style}\",\"explode\":{explode},{schema}")
    };
    check_path(&with("label", false, INTEGERS), &[".1,2"], &["1,2", ".1,x", ".1.2"]);
    check_path(&with("label", true, INTEGERS), &[".1.2"], &[".1,2", ".1.x"]);
    check_path(&with("matrix", false, INTEGERS), &[";p=1,2"], &[";p=1;p=2", ";q=1"]);
    check_path(&with("matrix", true, INTEGERS), &[";p=1;p=2"], &[";p=1,2", ";p=1;q=2"]);
    check_path(&with("simple", false, COLOUR), &["R,1,G,2"], &["R=1,G=2", "G,2", "R,x", "R,1,X,2"]);
    check_path(&with("simple", true, COLOUR), &["R=1,G=2"], &["R,1,G,2", "G=2"]);
    check_path(&with("label", false, COLOUR), &[".R,1,G,2"], &[".R=1.G=2", "R,1"]);
    check_path(&with("label", true, COLOUR), &[".R=1.G=2"], &[".R,1,G,2"]);
    check_path(&with("matrix", false, COLOUR), &[";p=R,1,G,2"], &[";R=1;G=2"]);
    check_path(&with("matrix", true, COLOUR), &[";R=1;G=2"], &[";p=R,1,G,2", ";G=1"]);
}

#[test]
fn objects_with_names_of_their_own_take_what_nobody_else_does() {
    let two = r#"{"name":"free","in":"query","schema":{"type":"object","additionalProperties":{"type":"integer"}}},
        {"name":"q","in":"query","schema":{"type":"string"}}"#;
    check_query(two, &["a=1&b=2&q=x", "q=x"], &["a=x", "q=x&q=y"]);
    let closed = r#"{"name":"o","in":"query","schema":{"type":"object","properties":{"a":{"type":"integer"}}}}"#;
    check_query(closed, &["a=1"], &["b=1", "o=1", "a=1&a=2"]);
}

#[test]
fn deep_objects_have_one_pair_of_brackets() {
    let deep = r#"{"name":"d","in":"query","style":"deepObject","schema":{"type":"object"}}"#;
    check_query(
        deep,
        &["d[a]=1&d[b]=2"],
        &["d[a][b]=1", "d[[a]]=1", "d=1", "d[a=1", "d[a]=1&d[a]=2&x=1"],
    );
}

#[test]
fn a_text_is_read_as_what_the_schema_accepts() {
    let either = r#"{"name":"v","in":"query","schema":{"anyOf":[{"type":"integer","maximum":9},{"type":"string","minLength":3}]}}"#;
    check_query(either, &["v=9", "v=100", "v=abc"], &["v=10", "v=ab"]);
    let listed = r#"{"name":"v","in":"query","schema":{"enum":[1,true,"x"]}}"#;
    check_query(listed, &["v=1", "v=true", "v=x"], &["v=2", "v=false", "v=y"]);
    let empty = r#"{"name":"v","in":"query","allowEmptyValue":true,"schema":{"type":"integer"}}"#;
    check_query(empty, &["v=", "v", "v=1"], &["v=x", "v=&v="]);
    check_query(&empty.replace("true", "false"), &["v=1"], &["v="]);
    let text = r#"{"name":"v","in":"query","content":{"text/plain":{"schema":{"type":"string","maxLength":3}}}}"#;
    check_query(text, &["v=a,b"], &["v=abcd"]);
}

/// Ways to write a number that some readers take and others do not.
#[test]
fn numbers_have_one_spelling() {
    let number = r#"{"name":"v","in":"query","schema":{"type":"number"}}"#;
    let bad =
        ["v=NaN", "v=Infinity", "v=-Infinity", "v=1e400", "v=0x1", "v=01", "v=%2B1", "v=1_000"];
    check_query(number, &["v=1", "v=-0", "v=1.5", "v=1e2"], &bad);
    check_query(
        number,
        &[],
        &["v=+1", "v=1%20", "v=%EF%BC%91", "v=1%00", "v=1;v=2", "v=.5", "v=5."],
    );
}
