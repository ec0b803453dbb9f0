//! What the prefilter says of both detectors: without certain bytes there is nothing to find.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// Whether a gate is wrong about a value.
fn is_missed(value: &[u8]) -> bool {
    let is_one_word = value.iter().all(|byte| sqli::is_of_one_word(*byte));
    let has_needed = value.iter().any(|byte| xss::NEEDED.contains(byte));
    is_one_word && sqli::detect(value).is_some() || !has_needed && xss::detect(value)
}

#[test]
fn no_known_injection_is_kept_from_the_detectors() {
    let text = ringwall_testkit::vectors("waf/injection-inputs.json");
    let values: Vec<String> = serde_json::from_slice(&text).unwrap();
    let values: Vec<Vec<u8>> = values.iter().map(|it| STANDARD.decode(it).unwrap()).collect();
    assert!(values.len() > 10_000, "{}", values.len());
    let missed: Vec<_> = values.iter().filter(|value| is_missed(value)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn words_and_numbers_alone_are_no_sql(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "0x", "0b", "1e", "1", "0", "9", "e", "b", "x", "n", "q", "u", "N", "UNION",
                "select", "ALL", "or", "AND", "_", "sleep", "if", "in", "NOT", "null", "a",
                "sp_password", "into", "outfile", "USER", "table", "CASE", "d", "f",
            ]),
            0..7,
        ),
        word in "[A-Za-z0-9_]{0,6}",
    ) {
        let value = pieces.concat() + &word;
        prop_assert!(!is_missed(value.as_bytes()), "{value}");
    }

    #[test]
    fn without_tags_and_values_no_script_runs(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "onclick", "style", "script", ">", "/", "\"", "'", "`", " ", "\t", "\0", "!",
                "--", "javascript:", "href", "doctype", "?", "%", "svg", "onerror", "xmlns", "&",
            ]),
            0..9,
        ),
    ) {
        let value = pieces.concat();
        prop_assert!(!is_missed(value.as_bytes()), "{value}");
    }
}
