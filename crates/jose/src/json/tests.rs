use super::*;

#[track_caller]
fn check(text: &str, want: Result<(), JsonError>) {
    assert_eq!(parse(text.as_bytes()).map(|_| ()), want, "{text}");
}

#[test]
fn one_object_with_distinct_keys_is_read() {
    check("{}", Ok(()));
    check(" {\"a\":1,\"b\":{\"a\":[1,-2,0.5,null,true,\"x\"]}} ", Ok(()));
}

#[test]
fn a_repeated_key_is_refused_at_every_level_and_in_every_spelling() {
    check(r#"{"a":1,"a":1}"#, Err(JsonError::DuplicateKey));
    check(r#"{"a":1,"\u0061":2}"#, Err(JsonError::DuplicateKey));
    check(r#"{"x":[{"a":1,"a":1}]}"#, Err(JsonError::DuplicateKey));
}

#[test]
fn eight_levels_are_read_and_nine_are_not() {
    check(&format!("{{\"a\":{}{}}}", "[".repeat(7), "]".repeat(7)), Ok(()));
    check(&format!("{{\"a\":{}{}}}", "[".repeat(8), "]".repeat(8)), Err(JsonError::Depth));
    check(&format!("{{\"a\":{}", "[".repeat(100_000)), Err(JsonError::Depth));
}

#[test]
fn what_is_not_a_json_object_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "\"a\"",
        "1",
        "{",
        "{}x",
        "{}{}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{a:1}",
        "{\"a\":Infinity}",
        "{\"a\":1e400}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":01}",
        "{\"a\":1,}",
        "\u{feff}{}",
        "{\"a\":\"\n\"}",
    ] {
        check(text, Err(JsonError::Syntax));
    }
    assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(JsonError::Syntax));
    assert_eq!(parse(&[0xff, 0xfe, b'{', 0, b'}', 0]), Err(JsonError::Syntax));
}
