use proptest::prelude::*;

use super::*;
use crate::injection::sqli::lex::Lexer;
use crate::injection::vectors::check;

fn shape(value: &str) -> Option<String> {
    detect(value.as_bytes()).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
}

#[test]
fn injections_have_a_shape() {
    for (value, want) in [
        ("1' OR '1'='1", "s&sos"),
        ("1 UNION SELECT 1,2", "1UE1"),
        ("' or 1=1 --", "s&1c"),
        ("1; DROP TABLE users", "1;Tnn"),
        ("1/*!00000union*/", "X"),
        ("-1' and 1=1 union/* foo */select load_file('/etc/passwd')--", "s&1UE"),
    ] {
        assert_eq!(shape(value).as_deref(), Some(want), "{value}");
    }
}

#[test]
fn prose_and_names_have_none() {
    for value in [
        "",
        "O'Brien",
        "hello world",
        "rock and roll",
        "1234",
        "a-b--c",
        "select your union rep",
        "'",
    ] {
        assert_eq!(shape(value), None, "{value}");
    }
}

#[test]
fn the_public_tests_of_injections_agree() {
    check("test-sqli-", |input, want| {
        let found =
            detect(input).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
        (found.unwrap_or_default(), want.to_owned())
    });
}

const STANDARD: Reading = Reading { quote: None, is_mysql: false };

/// As the C library prints them, but for the signs before a variable, which are not kept.
fn printed(tokens: &[Token]) -> String {
    let line = |token: &Token| {
        // Quotes are printed for strings and variables only.
        let quote = |quote: u8| {
            if quote != 0 && matches!(token.kind, b's' | b'v') {
                char::from(quote).to_string()
            } else {
                String::new()
            }
        };
        let text = String::from_utf8_lossy(token.text());
        let (open, close) = (quote(token.open), quote(token.close));
        format!("{} {open}{text}{close}", char::from(token.kind)).trim_end().to_owned()
    };
    tokens.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn without_signs(want: &str) -> String {
    let line = |line: &str| match line.strip_prefix("v @") {
        Some(rest) => format!("v {}", rest.trim_start_matches('@')).trim_end().to_owned(),
        None => line.trim_end().to_owned(),
    };
    want.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_public_tests_of_tokens_agree() {
    check("test-tokens-", |input, want| {
        let mut lexer = Lexer::new(input, STANDARD);
        let tokens: Vec<Token> = std::iter::from_fn(|| lexer.next()).collect();
        (printed(&tokens), without_signs(want))
    });
}

#[test]
fn the_public_tests_of_folding_agree() {
    check("test-folding-", |input, want| {
        let folded = fold(input, STANDARD);
        (printed(folded.tokens.get(..folded.length).unwrap()), without_signs(want))
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// What is passed over as prose is no injection when it is read in full.
    #[test]
    fn prose_is_no_injection(
        words in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(words::all()),
                "[a-zA-Z_]{1,9}",
                "[0-9]{1,4}",
                Just(String::new()),
            ],
            0..9,
        ),
    ) {
        let value = words.join(" ");
        let is_missed =
            is_prose(value.as_bytes()) && detect_in_full(value.as_bytes()).is_some();
        prop_assert!(!is_missed, "{value}");
    }
}

#[test]
fn no_shape_is_of_names_and_numbers_alone() {
    assert!(!words::shapes().any(|shape| shape.iter().all(|kind| b"1N".contains(kind))));
    assert!(is_prose(b"Large red chair no 3") && !is_prose(b"group x by") && !is_prose(b"1 or 1"));
}
