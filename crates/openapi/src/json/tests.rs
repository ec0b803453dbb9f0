use super::*;

fn limits() -> Limits {
    Limits { depth_max: 3, members_max: 3, items_max: 3, string_bytes_max: 5, bytes_max: 200 }
}

#[track_caller]
fn check(text: &[u8], want: Result<(), &str>) {
    assert_eq!(parse(text, &limits()).map(drop).map_err(|error| error.message), want);
}

#[test]
fn json_is_read() {
    for text in [
        &b" {\"a\" : [1, -0.5e+3, true, false] , \"b\":null}\n"[..],
        b"\"\\u00e9\\n\"",
        b"\"\\ud83d\\ude00\"",
        b"0",
        b"\"\"",
        b"[]",
        b"{}",
    ] {
        let limits = Limits { items_max: 4, ..limits() };
        assert!(parse(text, &limits).is_ok(), "{text:?}");
    }
}

#[test]
fn what_has_two_readings_is_refused() {
    check(b"{\"a\":1,\"a\":2}", Err("doubled name"));
    check(b"{\"a\":1,\"\\u0061\":2}", Err("doubled name"));
    check(b"\"\\ud800\"", Err("lone surrogate"));
    check(b"\"\\udc00\"", Err("lone surrogate"));
    check(b"\"\\ud800\\u0041\"", Err("lone surrogate"));
    check(b"\"\\u+041\"", Err("malformed escape"));
    check(b"\xef\xbb\xbf1", Err("not a JSON value"));
    check(b"\"\xff\"", Err("not UTF-8"));
    check(b"1e999", Err("number out of range"));
    check(b"NaN", Err("not a JSON value"));
    check(b"-Infinity", Err("malformed number"));
}

#[test]
fn malformed_text_is_refused() {
    check(b"", Err("unexpected end"));
    check(b"[1,]", Err("not a JSON value"));
    check(b"{\"a\":1,}", Err("expected a name"));
    check(b"{\"a\" 1}", Err("expected `:`"));
    check(b"{\"a\":1 \"b\"", Err("expected `,` or `}`"));
    check(b"[1 2]", Err("expected `,` or `]`"));
    check(b"01", Err("text after the value"));
    check(b"1.", Err("malformed number"));
    check(b".1", Err("not a JSON value"));
    check(b"tru", Err("not a JSON value"));
    check(b"\"\n\"", Err("control character in a string"));
    check(b"\"\\x\"", Err("unknown escape"));
    check(b"\"", Err("unexpected end"));
    check(b"1 1", Err("text after the value"));
}

#[test]
fn limits_hold_on_both_sides() {
    check(b"[[[]]]", Ok(()));
    check(b"[[[[]]]]", Err("nested too deep"));
    check(b"{\"a\":1,\"b\":{\"c\":1}}", Ok(()));
    check(b"{\"a\":1,\"b\":{\"c\":1,\"d\":1}}", Err("too many members"));
    check(b"[1,[2]]", Ok(()));
    check(b"[1,[2,3]]", Err("too many elements"));
    check(b"\"12345\"", Ok(()));
    check(b"\"123456\"", Err("string too long"));
    check(&[b' '; 201], Err("too large"));
}

#[test]
fn numbers_compare_exactly() {
    let number = |text| Number::parse(text).unwrap();
    assert!(number("1.0").is_integer() && number("1e3").is_integer());
    assert!(!number("1.5").is_integer() && !number("1e-3").is_integer());
    assert!(number("0.3").is_multiple(number("0.1")));
    assert!(!number("0.35").is_multiple(number("0.1")));
    assert!(number("9007199254740993") > number("9007199254740992"));
    assert_eq!(number("1.0"), number("1"));
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.order(*other))
    }
}

#[test]
fn zero_with_any_exponent_is_read_at_once() {
    // Two thousand million steps of cutting trailing zeros, if they are cut one by one.
    for text in ["0e-2000000000", "-0.0E-2000000000", "0e2000000000"] {
        let many = format!("[{}{text}]", format!("{text},").repeat(1_000));
        let node = parse(many.as_bytes(), &Limits::default()).unwrap();
        assert!(node.items().iter().all(|item| item.number().unwrap().is_integer()), "{text}");
    }
}

/// Python refuses to read an integer of 4,300 digits, with an error that few apps expect.
#[test]
fn numbers_have_a_length() {
    let limits = Limits::default();
    let number = |digits: usize| format!("0.{}", "1".repeat(digits - 2));
    assert!(parse(number(400).as_bytes(), &limits).is_ok());
    assert_eq!(parse(number(401).as_bytes(), &limits).unwrap_err().message, "number too long");
}
