use super::*;

fn text(test: StringTest, value: &str, parameter: &str) -> bool {
    test.holds(value.as_bytes(), parameter.as_bytes())
}

#[test]
fn texts_are_compared() {
    assert!(
        text(StringTest::BeginsWith, "abc", "ab") && !text(StringTest::BeginsWith, "ab", "abc")
    );
    assert!(text(StringTest::EndsWith, "abc", "bc") && !text(StringTest::EndsWith, "abc", "b"));
    assert!(text(StringTest::Contains, "abc", "b") && !text(StringTest::Contains, "abc", "B"));
    assert!(text(StringTest::Within, "b", "abc") && !text(StringTest::Within, "abc", "b"));
    assert!(text(StringTest::Equals, "a", "a") && !text(StringTest::Equals, "a", "A"));
    assert!(text(StringTest::ContainsWord, "x abc1", "abc"));
    assert!(!text(StringTest::ContainsWord, "xabc abcd", "abc"));
    for test in [StringTest::BeginsWith, StringTest::Contains, StringTest::ContainsWord] {
        assert!(text(test, "abc", ""));
    }
}

#[test]
fn numbers_are_compared() {
    let cases =
        [(Comparison::Eq, [0, 1, 0]), (Comparison::Ge, [0, 1, 1]), (Comparison::Gt, [0, 0, 1])];
    let more = [(Comparison::Le, [1, 1, 0]), (Comparison::Lt, [1, 0, 0])];
    for (comparison, want) in cases.into_iter().chain(more) {
        let got = [1, 2, 3].map(|value| u8::from(comparison.holds(value, 2)));
        assert_eq!(got, want, "{comparison:?}");
    }
}

#[test]
fn phrases_are_found_in_any_case_and_as_bytes() {
    let set = PhraseSet::parse(b"foo |0d 0a|bar a|b").unwrap();
    assert_eq!(set.find(b"xFOO"), Some(&b"FOO"[..]));
    assert_eq!(set.find(b"\r\nBar"), Some(&b"\r\nBar"[..]));
    assert_eq!(set.find(b"a|b"), Some(&b"a|b"[..]));
    assert_eq!(set.find(b"bar"), None);
    assert!(PhraseSet::parse(b" ").is_err());
}

#[test]
fn byte_ranges_name_what_is_allowed() {
    let set = byte_range(b"9,10, 32-126").unwrap();
    assert!(set.holds_all(b"a\tb\n~"));
    assert!(!set.holds_all(b"\x7f") && !set.holds_all(b"\0") && !set.holds_all(b"\xff"));
    for wrong in ["", "a", "1-", "256", "1-300", "1;2"] {
        assert!(byte_range(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
